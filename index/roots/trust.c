// SPDX-License-Identifier: Apache-2.0
/* The files are read anew at each question: they are small, asked once for each root, and may have been
 * edited. */
#include "index/roots/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "cache/base/file.h"
#include "cache/base/home.h"
#include "cache/base/memory.h"

static const char machine_folder[] = "/etc/elidefs/trust.d";
enum { TRUST_BYTES_MAX = 16 << 20 };

/* NULL if nobody can tell. */
static char *user_folder(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    if (config && *config == '/')
        return mem_printf("%s/elidefs", config);
    CLEANUP_FREE char *home = home_folder();
    return home ? mem_printf("%s/.config/elidefs", home) : NULL;
}

static char *user_path(void)
{
    CLEANUP_FREE char *folder = user_folder();
    return folder ? mem_printf("%s/trust", folder) : NULL;
}

/* The URL that a line trusts for the data set, and its length; NULL: none. */
static const char *line_url(const char *line, size_t len, const char *uuid, size_t *ret_len)
{
    size_t at = strlen(uuid);
    if (len <= at || strncmp(line, uuid, at) || (line[at] != ' ' && line[at] != '\t'))
        return NULL;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    *ret_len = len - at;
    return line + at;
}

static bool line_is(const char *line, size_t len, const char *uuid, const char *url)
{
    size_t url_len;
    const char *trusted = line_url(line, len, uuid, &url_len);
    return trusted && url_len == strlen(url) && !memcmp(trusted, url, url_len);
}

static bool text_trusts(const struct buf *text, const char *uuid, const char *url)
{
    for (const char *line = buf_text(text); *line;) {
        size_t len = strcspn(line, "\n");
        if (line_is(line, len, uuid, url))
            return true;
        line += len + (line[len] == '\n');
    }
    return false;
}

/* Appends the file; one that is not there is empty. */
static int read_file(const char *path, struct buf *buf, struct error *err)
{
    struct error read_err = {0};
    int rc = file_read(path, TRUST_BYTES_MAX, buf, &read_err);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    return rc < 0 ? error_copy(err, &read_err) : 0;
}

/* ---- asking ---- */

struct asking {
    const char *uuid;
    trust_fn *each;
    void *ctx;
};

static int ask_file(const struct asking *asking, const char *file, bool own, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = read_file(file, &text, err);
    for (const char *line = buf_text(&text); !rc && *line;) {
        size_t len = strcspn(line, "\n"), url_len;
        const char *trusted = line_url(line, len, asking->uuid, &url_len);
        CLEANUP_FREE char *url = trusted ? mem_copy(trusted, url_len) : NULL;
        if (url)
            rc = asking->each(asking->ctx, url, file, own, err);
        line += len + (line[len] == '\n');
    }
    return rc;
}

static int ask_machine(const struct asking *asking, struct error *err)
{
    DIR *dir = opendir(machine_folder);
    if (!dir)
        return 0;
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir));) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", machine_folder, entry->d_name);
        if (entry->d_name[0] != '.')
            rc = ask_file(asking, path, false, err);
    }
    closedir(dir);
    return rc;
}

int trust_each(const char *uuid, trust_fn *each, void *ctx, struct error *err)
{
    struct asking asking = {uuid, each, ctx};
    CLEANUP_FREE char *path = user_path();
    int rc = path ? ask_file(&asking, path, true, err) : 0;
    return rc ? rc : ask_machine(&asking, err);
}

static int is_same(void *ctx, const char *url, const char *file, bool own, struct error *err)
{
    return !strcmp(ctx, url);
}

int trust_check(const char *uuid, const char *url, struct error *err)
{
    return trust_each(uuid, is_same, (void *)(uintptr_t)url, err);
}

/* ---- recording ---- */

static int check_urls(const char *const *urls, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        for (const char *p = urls[i]; *p; p++)
            if ((unsigned char)*p < 0x20)
                return error_set(err, EINVAL, "%s: a name with control bytes cannot be trusted", urls[i]);
    return 0;
}

/* A lock on the folder, since the file itself is replaced; released by closing. */
static int lock_folder(const char *folder, struct error *err)
{
    int rc = file_make_folders(folder, 0700, err);
    if (rc < 0)
        return rc;
    CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", folder, strerror(errno));
    while (flock(fd, LOCK_EX))
        if (errno != EINTR)
            return error_set(err, errno, "%s: cannot be locked: %s", folder, strerror(errno));
    return steal_fd(&fd);
}

int trust_record(const char *uuid, const char *const *urls, size_t count, struct error *err)
{
    CLEANUP_FREE char *folder = user_folder();
    if (!folder)
        return error_set(
            err, ENOENT,
            "this user has no home folder, and XDG_CONFIG_HOME is not set: nowhere to record trust");
    int rc = check_urls(urls, count, err);
    if (rc < 0)
        return rc;
    CLEANUP_CLOSE int lock = lock_folder(folder, err);
    if (lock < 0)
        return lock;
    CLEANUP_FREE char *path = mem_printf("%s/trust", folder);
    CLEANUP_BUF struct buf text = BUF_INIT;
    rc = read_file(path, &text, err);
    if (rc < 0)
        return rc;
    size_t before = text.len;
    if (text.len && text.data[text.len - 1] != '\n')
        buf_u8(&text, '\n');
    for (size_t i = 0; i < count; i++)
        if (!text_trusts(&text, uuid, urls[i]))
            buf_printf(&text, "%s %s\n", uuid, urls[i]);
    return text.len == before ? 0 : file_replace(path, text.data, text.len, 0600, err);
}

int trust_forget(const char *uuid, const char *url, struct error *err)
{
    CLEANUP_FREE char *folder = user_folder(), *path = user_path();
    CLEANUP_BUF struct buf text = BUF_INIT, kept = BUF_INIT;
    CLEANUP_CLOSE int lock = folder ? lock_folder(folder, err) : -1;
    if (lock < 0)
        return folder ? lock : 0;
    int rc = read_file(path, &text, err);
    if (rc < 0)
        return rc;
    for (const char *line = buf_text(&text); *line;) {
        size_t len = strcspn(line, "\n"), all = len + (line[len] == '\n');
        if (!line_is(line, len, uuid, url))
            buf_append(&kept, line, all);
        line += all;
    }
    if (kept.len == text.len)
        return 0;
    rc = file_replace(path, kept.data, kept.len, 0600, err);
    return rc < 0 ? rc : 1;
}
