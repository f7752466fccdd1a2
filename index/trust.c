// SPDX-License-Identifier: Apache-2.0
/* The files are read anew at each question: they are small, asked once for each root, and may have been
 * edited. */
#include "index/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"

static const char machine_folder[] = "/etc/elidefs/trust.d";
enum { TRUST_BYTES_MAX = 16 << 20 };

/* NULL if neither variable is set. */
static char *user_folder(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config == '/')
        return mem_printf("%s/elidefs", config);
    return home && *home ? mem_printf("%s/.config/elidefs", home) : NULL;
}

static bool line_is(const char *line, size_t len, const char *uuid, const char *url)
{
    size_t uuid_len = strlen(uuid);
    if (len <= uuid_len || strncmp(line, uuid, uuid_len))
        return false;
    size_t blank = 0;
    while (uuid_len + blank < len && (line[uuid_len + blank] == ' ' || line[uuid_len + blank] == '\t'))
        blank++;
    const char *rest = line + uuid_len + blank;
    size_t rest_len = len - uuid_len - blank;
    return blank && rest_len == strlen(url) && !memcmp(rest, url, rest_len);
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

static int file_trusts(const char *path, const char *uuid, const char *url, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = read_file(path, &text, err);
    return rc ? rc : text_trusts(&text, uuid, url);
}

static int user_trusts(const char *uuid, const char *url, struct error *err)
{
    CLEANUP_FREE char *folder = user_folder();
    CLEANUP_FREE char *path = folder ? mem_printf("%s/trust", folder) : NULL;
    return path ? file_trusts(path, uuid, url, err) : 0;
}

static int machine_trusts(const char *uuid, const char *url, struct error *err)
{
    DIR *dir = opendir(machine_folder);
    if (!dir)
        return 0;
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir));) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", machine_folder, entry->d_name);
        if (entry->d_name[0] != '.')
            rc = file_trusts(path, uuid, url, err);
    }
    closedir(dir);
    return rc;
}

int trust_check(const char *uuid, const char *url, struct error *err)
{
    int rc = user_trusts(uuid, url, err);
    return rc ? rc : machine_trusts(uuid, url, err);
}

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
        return error_set(err, ENOENT, "neither HOME nor XDG_CONFIG_HOME is set: nowhere to record trust");
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
