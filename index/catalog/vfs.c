// SPDX-License-Identifier: Apache-2.0
/* A connection finds its file by a pointer in the URI: the name SQLite is asked to open. Nobody but db.c
 * makes such names. There are no locks and no journals: what is read never changes, what is written is
 * private. */
#include "index/catalog/vfs.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "index/pages/page_memo.h"

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

/* ---- what SQLite calls ---- */

static uint32_t page_bytes(const struct vfs_file *file)
{
    return file->overlay ? overlay_page_bytes(file->overlay) : pages_top(file->pages)->page_bytes;
}

static uint64_t file_size(const struct vfs_file *file)
{
    uint64_t pages = file->overlay ? overlay_pages(file->overlay) : pages_top(file->pages)->pages;
    return pages * page_bytes(file);
}

static int failed(struct vfs_file *file, int rc, int code)
{
    file->failed.code = -rc;
    return code;
}

static int read_page(struct vfs_file *file, const struct page_range *range, void *to)
{
    int rc = patience_check(&file->patience, &file->failed);
    if (!rc)
        rc = file->overlay ? overlay_read(file->overlay, range, to, &file->patience, &file->failed)
                           : pages_read(file->pages, range, to, &file->patience, &file->failed);
    return rc;
}

/* The pages of a large value are a chain, each naming the next in its first four bytes (SQLite file format,
 * section 1.6), and SQLite asks for one after the other. They tend to lie side by side: the further a chain
 * has been followed, the more of what lies behind it is asked for at once. */
static void follow_chain(struct vfs_file *file, uint32_t page)
{
    enum { WINDOW_MAX = 64 };
    const struct catalog_patience nowait = {.nowait = true};
    uint32_t list[WINDOW_MAX], count = 4;
    bool linked = page + 1 == file->chain_next;
    file->chain = linked ? file->chain + 1 : 0;
    if (!linked)
        file->chain_end = 0;
    if (!linked || page < file->chain_end)
        return;
    while (count < WINDOW_MAX && count < 2 * file->chain)
        count *= 2;
    for (uint32_t i = 0; i < count; i++)
        list[i] = page + i;
    pages_want(file->pages ? file->pages : overlay_parent(file->overlay), list, count, &nowait, NULL);
    file->chain_end = page + count;
}

static void note_next(struct vfs_file *file, const uint8_t *page)
{
    file->chain_next = (uint32_t)page[0] << 24 | (uint32_t)page[1] << 16 | (uint32_t)page[2] << 8 | page[3];
}

/* SQLite reads whole pages, and parts of the first. */
static int vfs_read(sqlite3_file *base, void *to, int len, sqlite3_int64 offset)
{
    struct vfs_file *file = file_of(base);
    uint64_t size = file_size(file), end = (uint64_t)offset + (uint64_t)len, here = end < size ? end : size;
    uint32_t bytes = page_bytes(file);
    for (uint64_t at = (uint64_t)offset, next; at < here; at = next) {
        uint32_t into = (uint32_t)(at % bytes);
        next = at - into + bytes < here ? at - into + bytes : here;
        struct page_range range = {(uint32_t)(at / bytes), into, (uint32_t)(next - at)};
        if (file->pages || overlay_parent(file->overlay))
            follow_chain(file, range.page);
        int rc = read_page(file, &range, (char *)to + (at - (uint64_t)offset));
        if (rc < 0)
            return failed(file, rc, SQLITE_IOERR_READ);
        if (range.len == bytes)
            note_next(file, (const uint8_t *)to + (at - (uint64_t)offset));
    }
    file->failed.code = 0;
    if (here == end)
        return SQLITE_OK;
    size_t had = here > (uint64_t)offset ? (size_t)(here - (uint64_t)offset) : 0;
    memset((char *)to + had, 0, (size_t)len - had);
    return SQLITE_IOERR_SHORT_READ;
}

static struct page_memo *memo_of(struct vfs_file *file)
{
    if (!file->memo)
        file->memo = page_memo_new(file->pages);
    return file->memo;
}

struct page_bytes *vfs_page(struct vfs_file *file, uint32_t page)
{
    return page_memo_find(memo_of(file), page);
}

/* Pages are read where they lie in memory, each held by a reference until SQLite gives it back. It asks in
 * this way for whole pages of a file that nobody writes, but for the first, and reads those that it does not
 * get. */
static int vfs_fetch(sqlite3_file *base, sqlite3_int64 offset, int len, void **ret)
{
    struct vfs_file *file = file_of(base);
    uint32_t bytes = page_bytes(file);
    *ret = NULL;
    if (file->overlay || (uint32_t)len != bytes || offset % bytes || (uint64_t)offset >= file_size(file))
        return SQLITE_OK;
    struct page_bytes *page = NULL;
    uint32_t number = (uint32_t)(offset / bytes);
    follow_chain(file, number);
    int rc = patience_check(&file->patience, &file->failed);
    if (!rc)
        rc = page_memo_get(memo_of(file), number, &file->patience, &page, &file->failed);
    if (rc < 0)
        return failed(file, rc, SQLITE_IOERR_READ);
    if (page) {
        note_next(file, page->bytes);
        *ret = page->bytes;
    }
    file->failed.code = 0;
    return SQLITE_OK;
}

static int vfs_unfetch(sqlite3_file *base, sqlite3_int64 offset, void *bytes)
{
    if (bytes) /* NULL: what is not in use may go; none of it is kept here */
        page_bytes_unref(page_bytes_of(bytes));
    return SQLITE_OK;
}

static int vfs_close(sqlite3_file *base)
{
    page_memo_free(STEAL(file_of(base)->memo));
    return SQLITE_OK;
}

static int vfs_write(sqlite3_file *base, const void *from, int len, sqlite3_int64 offset)
{
    struct vfs_file *file = file_of(base);
    uint32_t bytes = page_bytes(file);
    if (!file->overlay || (uint32_t)len != bytes || offset % bytes || offset / bytes >= UINT32_MAX)
        return SQLITE_READONLY;
    int rc = overlay_write(file->overlay, (uint32_t)(offset / bytes), from, &file->failed);
    return rc < 0 ? failed(file, rc, rc == -ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *file = file_of(base);
    uint32_t bytes = page_bytes(file);
    if (!file->overlay || size / bytes >= UINT32_MAX)
        return SQLITE_READONLY;
    int rc = overlay_truncate(file->overlay, (uint32_t)(size / bytes), &file->failed);
    return rc < 0 ? failed(file, rc, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    return SQLITE_OK;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)file_size(file_of(base));
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
    return file_of(base)->overlay ? 0 : SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 3, /* shared memory, of version 2, is asked for in WAL mode only */
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
    .xFetch = vfs_fetch,
    .xUnfetch = vfs_unfetch,
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
        *ret_flags =
            (open->file->overlay ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_MAIN_DB;
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
    buf_printf(uri, "file:catalog?%s%s=%" PRIxPTR, file->overlay ? "" : "immutable=1&", parameter,
               (uintptr_t)file);
}
