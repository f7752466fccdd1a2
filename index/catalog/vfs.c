// SPDX-License-Identifier: Apache-2.0
/* A connection finds its file by a pointer in the URI: the name SQLite is asked to open. Nobody but db.c
 * makes such names. Locks, writes and journals do not exist: the file never changes. */
#include "index/catalog/vfs.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"

static const char name[] = "elidefs";
static const char parameter[] = "file";

struct open_file {
    sqlite3_file base; /* first: SQLite sees only this */
    struct vfs_file *file;
};

static struct vfs_file *file_of(sqlite3_file *base)
{
    return ((struct open_file *)base)->file;
}

int vfs_impatient(const struct catalog_patience *patience, struct error *err)
{
    if (patience->cancelled && atomic_load(patience->cancelled))
        return error_set(err, ECANCELED, "cancelled");
    if (patience->deadline_ns && clock_now_ns() >= patience->deadline_ns)
        return error_set(err, ETIMEDOUT, "the catalog did not arrive in time");
    return 0;
}

/* ---- a read that waits ---- */

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* guarded by lock: done, rc, err, and the end of `read` */
    bool done;
    int rc;
    struct error err;
    void *to;
    size_t len;
};

static void read_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct wait *wait = read->ctx;
    pthread_mutex_lock(&wait->lock);
    if (rc >= 0)
        memcpy(wait->to, bytes, wait->len);
    else
        error_copy(&wait->err, err);
    wait->rc = rc;
    wait->done = true;
    pthread_cond_signal(&wait->ended);
    pthread_mutex_unlock(&wait->lock);
}

static struct timespec soon(void)
{
    enum { LOOK_EVERY_NS = 20000000 }; /* how late a cancelled flag may be seen */
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += LOOK_EVERY_NS;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* The cache's own waiting read knows a deadline but no cancel flag; and a read that is given up and asked
 * again and again would never end on a slow line. */
static int read_waiting(struct vfs_file *file, struct cache_read *read, struct wait *wait)
{
    cache_read(file->file, read);
    int impatient = 0;
    pthread_mutex_lock(&wait->lock);
    while (!wait->done) {
        struct timespec until = soon();
        pthread_cond_timedwait(&wait->ended, &wait->lock, &until);
        if (!wait->done && !impatient && (impatient = vfs_impatient(&file->patience, &file->failed)))
            cache_read_cancel(file->file, read);
    }
    pthread_mutex_unlock(&wait->lock);
    if (impatient && wait->rc < 0)
        return impatient;
    return wait->rc < 0 ? error_copy(&file->failed, &wait->err) : 0;
}

static int read_patiently(struct vfs_file *file, uint64_t offset, size_t len, void *to)
{
    pthread_condattr_t monotonic;
    struct wait wait = {.to = to, .len = len};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wait.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct cache_read read = {.offset = offset, .len = len, .done = read_done, .ctx = &wait};
    int rc = read_waiting(file, &read, &wait);
    pthread_cond_destroy(&wait.ended);
    pthread_mutex_destroy(&wait.lock);
    return rc;
}

/* ---- what SQLite calls ---- */

static int vfs_read(sqlite3_file *base, void *to, int len, sqlite3_int64 offset)
{
    struct vfs_file *file = file_of(base);
    uint64_t size = cache_size(file->file), at = (uint64_t)offset;
    size_t here = at >= size ? 0 : size - at < (uint64_t)len ? (size_t)(size - at) : (size_t)len;
    if (here) {
        int rc = vfs_impatient(&file->patience, &file->failed);
        if (!rc)
            rc = cache_read_now(file->file, at, here, to, &file->failed);
        if (rc == -EAGAIN && !file->patience.nowait)
            rc = read_patiently(file, at, here, to);
        if (rc < 0) {
            file->failed.code = -rc;
            return SQLITE_IOERR_READ;
        }
        file->failed.code = 0;
    }
    if (here == (size_t)len)
        return SQLITE_OK;
    memset((char *)to + here, 0, (size_t)len - here);
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_close(sqlite3_file *base)
{
    return SQLITE_OK;
}

static int vfs_write(sqlite3_file *base, const void *from, int len, sqlite3_int64 offset)
{
    return SQLITE_READONLY;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    return SQLITE_READONLY;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    return SQLITE_OK;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)cache_size(file_of(base)->file);
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *base, int level)
{
    return SQLITE_OK;
}

static int vfs_reserved(sqlite3_file *base, int *ret)
{
    *ret = 0;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *base, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *base)
{
    return 4096;
}

static int vfs_device(sqlite3_file *base)
{
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_device,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct open_file *open = (struct open_file *)base;
    open->base.pMethods = NULL;
    const char *pointer =
        path && (flags & SQLITE_OPEN_MAIN_DB) ? sqlite3_uri_parameter(path, parameter) : NULL;
    if (!pointer)
        return SQLITE_CANTOPEN; /* journals and temporary files: nothing here needs one */
    open->file = (struct vfs_file *)(uintptr_t)strtoull(pointer, NULL, 16);
    open->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
    *ret = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret)
{
    sqlite3_snprintf(size, ret, "%s", path);
    return SQLITE_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* SQLite links the VFS into its own list, so it cannot be const; nothing changes it after this. */
static void register_once(void)
{
    static sqlite3_vfs vfs;
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (!system)
        return;
    vfs = *system; /* clock, sleep and randomness are the system's */
    vfs.szOsFile = sizeof(struct open_file);
    vfs.pNext = NULL;
    vfs.zName = name;
    vfs.xOpen = vfs_open;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
    sqlite3_vfs_register(&vfs, 0);
}

int vfs_register(struct error *err)
{
    pthread_once(&once, register_once);
    return sqlite3_vfs_find(name) ? 0 : error_set(err, EIO, "SQLite did not start");
}

const char *vfs_name(void)
{
    return name;
}

void vfs_uri(struct vfs_file *file, struct buf *uri)
{
    buf_printf(uri, "file:catalog?immutable=1&%s=%" PRIxPTR, parameter, (uintptr_t)file);
}
