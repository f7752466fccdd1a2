// SPDX-License-Identifier: Apache-2.0
/* Thin wrappers that turn errno into a sentence with the path in it. */
#include "cache/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct error *err, const char *path)
{
    return error_set(err, errno, "%s: %s", path, strerror(errno));
}

static int read_into(int fd, const char *path, size_t max_bytes, struct buf *buf, struct error *err)
{
    size_t start = buf->len;
    for (;;) {
        uint8_t *to = buf_room(buf, 65536);
        ssize_t got = read(fd, to, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(err, path);
        if (!got)
            return 0;
        buf->len += (size_t)got;
        buf->data[buf->len] = 0;
        if (buf->len - start > max_bytes)
            return error_set(err, EFBIG, "%s: larger than %zu bytes", path, max_bytes);
    }
}

int file_read(const char *path, size_t max_bytes, struct buf *buf, struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(err, path);
    return read_into(fd, path, max_bytes, buf, err);
}

int file_write_all(int fd, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len) {
        ssize_t put = write(fd, from, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        from += put;
        len -= (size_t)put;
    }
    return 0;
}

static int write_temp(int fd, const void *bytes, size_t len, mode_t mode)
{
    int rc = file_write_all(fd, bytes, len);
    if (!rc && (fchmod(fd, mode) || fsync(fd)))
        rc = -errno;
    return rc;
}

int file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct error *err)
{
    CLEANUP_FREE char *temp = mem_printf("%s.XXXXXX", path);
    CLEANUP_CLOSE int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return fail(err, path);
    int rc = write_temp(fd, bytes, len, mode);
    if (!rc && rename(temp, path))
        rc = -errno;
    if (rc) {
        unlink(temp);
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    }
    return 0;
}

int file_make_folders(const char *path, mode_t mode, struct error *err)
{
    CLEANUP_FREE char *copy = mem_text(path);
    for (char *p = copy + (*copy == '/');; p++) {
        if (*p && *p != '/')
            continue;
        char saved = *p;
        *p = 0;
        if (*copy && mkdir(copy, mode) && errno != EEXIST)
            return fail(err, copy);
        *p = saved;
        if (!*p)
            break;
    }
    struct stat st;
    if (stat(path, &st))
        return fail(err, path);
    return S_ISDIR(st.st_mode) ? 0 : error_set(err, ENOTDIR, "%s: not a folder", path);
}

int file_make_temp_folder(const char *parent, const char *name, char **ret_path, struct error *err)
{
    const char *tmp = parent ? parent : getenv("TMPDIR");
    CLEANUP_FREE char *path = mem_printf("%s/%s.XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
    if (!mkdtemp(path))
        return fail(err, path);
    *ret_path = STEAL(path);
    return 0;
}

/* Where large files may lie that are wanted for a while: /tmp is memory on some machines. */
static const char *temp_folder(void)
{
    const char *chosen = getenv("TMPDIR");
    if (chosen && *chosen)
        return chosen;
    return access("/var/tmp", W_OK | X_OK) ? "/tmp" : "/var/tmp";
}

int file_make_temp(int *ret_fd, struct error *err)
{
    const char *folder = temp_folder();
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) { /* its file system cannot do that, perhaps */
        CLEANUP_FREE char *path = mem_printf("%s/elidefs.XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
            return file_temp_failed(-errno, err);
        unlink(path);
    }
    *ret_fd = fd;
    return 0;
}

int file_temp_failed(int rc, struct error *err)
{
    return error_set(err, -rc, "%s, where temporary files are made: %s (set TMPDIR to use another folder)",
                     temp_folder(), strerror(-rc));
}

static int remove_at(int folder, const char *name);

static int remove_entries(int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            rc = remove_at(dirfd(dir), entry->d_name);
    closedir(dir);
    return rc;
}

static int remove_at(int folder, const char *name)
{
    if (!unlinkat(folder, name, 0) || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = remove_entries(fd);
    if (!rc && unlinkat(folder, name, AT_REMOVEDIR))
        rc = -errno;
    return rc;
}

int file_remove_tree(const char *path, struct error *err)
{
    int rc = remove_at(AT_FDCWD, path);
    return rc ? error_set(err, -rc, "%s: cannot remove: %s", path, strerror(-rc)) : 0;
}
