// SPDX-License-Identifier: Apache-2.0
/* The root is opened for each call, so a folder that is moved away or mounted over is noticed. */
#include "cache/store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/base/escape.h"
#include "cache/store/pin.h"
#include "cache/store/stores.h"

int local_fail(const struct store *store, const char *path, int code, struct error *err)
{
    switch (code) {
    case ELOOP:
        return error_set(err, EACCES, "%s/%s: a symbolic link, which a store does not follow", store->url,
                         path);
    case EXDEV:
        return error_set(err, EACCES, "%s/%s: leaves the folder", store->url, path);
    case ENOENT:
    case ENOTDIR:
        return error_set(err, ENOENT, "%s/%s: no such object", store->url, path);
    case EPERM:
        code = EACCES;
    }
    return error_set(err, code, "%s/%s: %s", store->url, path, strerror(code));
}

/* O_PATH. -ENOENT, naming it. */
static int open_root(const struct store *store, struct error *err)
{
    int fd = open(store->url, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", store->url,
                         errno == ENOENT ? "no such folder" : strerror(errno));
    return fd;
}

int local_open(const struct store *store, const char *path, int flags, struct error *err)
{
    CLEANUP_CLOSE int root = open_root(store, err);
    if (root < 0)
        return root;
    if (!(flags & O_PATH))
        flags |= O_NOCTTY | O_NONBLOCK; /* a pipe must not block us */
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd, tries = 0;
    do /* EAGAIN: a folder on the way was being renamed */
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 100)));
    if (fd < 0)
        return local_fail(store, path, errno, err);
    return fd;
}

int local_check_regular(const struct store *store, const char *path, const struct stat *st, struct error *err)
{
    if (S_ISREG(st->st_mode))
        return 0;
    if (S_ISDIR(st->st_mode))
        return error_set(err, ENOENT, "%s/%s: a folder, not an object", store->url, path);
    return error_set(err, EACCES, "%s/%s: not a regular file", store->url, path);
}

static int64_t time_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

void local_object(const struct stat *st, struct store_object *ret)
{
    struct pin_local pin = {
        .mtime_ns = time_ns(&st->st_mtim), .ctime_ns = time_ns(&st->st_ctim), .inode = st->st_ino};
    *ret = (struct store_object){.size = (uint64_t)st->st_size, .modified_ns = pin.mtime_ns};
    pin_local_print(&pin, ret->pin);
}

static int local_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    stores_count(store->stores, STORE_REQUESTS, 1);
    CLEANUP_CLOSE int fd = local_open(store, path, O_PATH, err);
    if (fd < 0)
        return fd;
    struct stat st;
    if (fstat(fd, &st))
        return local_fail(store, path, errno, err);
    int rc = local_check_regular(store, path, &st, err);
    if (!rc)
        local_object(&st, ret);
    return rc;
}

static int remove_in(const struct store *store, int folder, const char *path, const char *name,
                     struct error *err)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : local_fail(store, path, errno, err);
    int rc = local_check_regular(store, path, &st, err);
    if (rc < 0)
        return rc;
    if (unlinkat(folder, name, 0) && errno != ENOENT)
        return local_fail(store, path, errno, err);
    return fsync(folder) ? local_fail(store, path, errno, err) : 0;
}

static int local_remove(struct store *store, const char *path, struct error *err)
{
    stores_count(store->stores, STORE_REQUESTS, 1);
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *parent = slash ? mem_copy(path, (size_t)(slash - path)) : mem_text(".");
    struct error open_err = {0};
    CLEANUP_CLOSE int folder = local_open(store, parent, O_RDONLY | O_DIRECTORY, &open_err);
    if (folder == -ENOENT)
        return 0;
    if (folder < 0)
        return error_copy(err, &open_err);
    return remove_in(store, folder, path, slash ? slash + 1 : path, err);
}

static void local_identity(const struct store *store, const char *path, struct buf *buf)
{
    buf_text_append(buf, "local ");
    escape_append(buf, store->url, strlen(store->url), "/", 0);
    buf_text_append(buf, "/");
    escape_append(buf, path, strlen(path), "/", 0);
}

static void local_free(struct store *store)
{
    free(store);
}

static const struct store_ops local_ops = {
    .name = "local",
    .free = local_free,
    .get_start = local_get_start,
    .get_cancel = local_get_cancel,
    .read_ranges = local_read_ranges,
    .head = local_head,
    .put = local_put,
    .upload_begin = local_upload_begin,
    .upload_part = local_upload_part,
    .upload_finish = local_upload_finish,
    .upload_free = local_upload_free,
    .may_copy = local_may_copy,
    .copy = local_copy,
    .remove = local_remove,
    .list = local_list,
    .identity = local_identity,
};

int local_new(struct stores *stores, const char *folder, struct store **ret, struct error *err)
{
    struct store *store = MEM_NEW(struct store);
    store_init(store, &local_ops, stores, mem_text(folder));
    store->local = true;
    *ret = store;
    return 0;
}
