// SPDX-License-Identifier: Apache-2.0
/* A record is appended by one write(2), so that records of several threads stand behind each other, and what
 * a killed process leaves is damaged at its end only. */
#include "tools/import/scan_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/base/strmap.h"

enum {
    MAGIC_BYTES = 16,
    HEADER_BYTES = 48,
    BODY_MAX = SCAN_BYTES_MAX + (2 << 20), /* pieces, and where they lie */
    KEPT_DAYS = 30,
};
static const char magic[MAGIC_BYTES + 1] = "ELIDEFS-SCANS 1\n";
static const int64_t file_bytes_max = INT64_C(16) << 30;

struct record {
    int64_t body; /* offset in the file */
    uint32_t len, crc;
};

struct scan_cache {
    char *path;
    int fd;                /* -1: none */
    struct strmap *by_key; /* immutable once open -> index into records */
    struct record *records;
    size_t count, cap;
    bool write;
    atomic_bool writable; /* until something goes wrong */
    atomic_uint_least64_t found;
    atomic_int_least64_t end;
};

/* ---- reading what is there ---- */

static bool read_at(int fd, int64_t offset, void *to, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, (char *)to + done, len - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The record at `at`, if its header is sound; *ret_end: where it ends. */
static bool read_record(struct scan_cache *cache, int64_t at, int64_t size, int64_t *ret_end)
{
    uint8_t header[HEADER_BYTES];
    if (size - at < HEADER_BYTES || !read_at(cache->fd, at, header, sizeof header))
        return false;
    struct cursor c = cursor_of(header, sizeof header);
    uint32_t check = cursor_le32(&c), len = cursor_le32(&c), crc = cursor_le32(&c), zero = cursor_le32(&c);
    if (check != crc32c(0, header + 4, HEADER_BYTES - 4) || zero || len > BODY_MAX ||
        len > size - at - HEADER_BYTES)
        return false;
    mem_grow(&cache->records, &cache->cap, cache->count + 1, sizeof *cache->records);
    cache->records[cache->count] = (struct record){.body = at + HEADER_BYTES, .len = len, .crc = crc};
    strmap_put(cache->by_key, (const char *)header + 16, SHA256_BYTES, NULL)->value = cache->count++;
    *ret_end = at + HEADER_BYTES + len;
    return true;
}

/* Reads up to the first damage; *ret_end: where it is. */
static void read_records(struct scan_cache *cache, int64_t size, int64_t *ret_end)
{
    char head[MAGIC_BYTES];
    *ret_end = 0;
    if (size < MAGIC_BYTES || !read_at(cache->fd, 0, head, sizeof head) || memcmp(head, magic, sizeof head))
        return;
    *ret_end = MAGIC_BYTES;
    while (read_record(cache, *ret_end, size, ret_end))
        ;
}

/* ---- opening ---- */

/* Only what this user alone can have written is looked into. */
static bool is_ours(int fd, struct stat *ret)
{
    return !fstat(fd, ret) && S_ISREG(ret->st_mode) && ret->st_uid == geteuid() && !(ret->st_mode & 022);
}

static void begin_writing(struct scan_cache *cache, int64_t end)
{
    if (ftruncate(cache->fd, end))
        return;
    if (!end && file_write_all(cache->fd, magic, MAGIC_BYTES))
        return;
    atomic_store(&cache->end, end ? end : MAGIC_BYTES);
    atomic_store(&cache->writable, true);
}

static bool open_file(struct scan_cache *cache, bool write)
{
    struct stat st;
    int64_t end;
    int mode = write ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY;
    cache->fd = open(cache->path, mode | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (cache->fd < 0 || !is_ours(cache->fd, &st) || flock(cache->fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB))
        return false;
    read_records(cache, st.st_size, &end);
    if (write)
        begin_writing(cache, end);
    return true;
}

/* Sources that are never imported to the end leave their files behind. */
static void remove_old(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    int64_t oldest = (int64_t)time(NULL) - KEPT_DAYS * INT64_C(86400);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
            S_ISREG(st.st_mode) && st.st_mtime < oldest)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
}

struct scan_cache *scan_cache_open(const char *folder, const char *source, bool write)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    CLEANUP_FREE char *scans = mem_printf("%s/scans", folder);
    if (write && file_make_folders(scans, 0700, NULL))
        return NULL;
    if (write)
        remove_old(scans);
    sha256_of(source, strlen(source), digest);
    hex_print(digest, SHA256_BYTES, hex);
    struct scan_cache *cache = MEM_NEW(struct scan_cache);
    cache->path = mem_printf("%s/%s", scans, hex);
    cache->write = write;
    cache->by_key = strmap_new();
    if (open_file(cache, write))
        return cache;
    scan_cache_free(cache);
    return NULL;
}

void scan_cache_free(struct scan_cache *cache)
{
    if (cache->fd >= 0)
        close(cache->fd);
    strmap_free(cache->by_key);
    free(cache->records);
    free(cache->path);
    free(cache);
}

void scan_cache_forget(struct scan_cache *cache)
{
    if (!cache || !cache->write)
        return;
    atomic_store(&cache->writable, false);
    unlink(cache->path);
}

/* ---- records ---- */

static void key_of(const struct scan_of *object, uint8_t ret[SHA256_BYTES])
{
    char size[24];
    snprintf(size, sizeof size, "%llu", (unsigned long long)object->pinned->size);
    struct sha256 *sha = sha256_new();
    sha256_add_text(sha, object->root);
    sha256_add_text(sha, object->path);
    sha256_add_text(sha, size);
    sha256_add_text(sha, object->pinned->pin);
    sha256_finish(sha, ret);
}

bool scan_cache_find(struct scan_cache *cache, const struct scan_of *object, struct scan *ret)
{
    uint8_t key[SHA256_BYTES];
    if (!cache)
        return false;
    key_of(object, key);
    const struct strmap_entry *entry = strmap_find(cache->by_key, (const char *)key, sizeof key);
    if (!entry)
        return false;
    const struct record *record = &cache->records[entry->value];
    CLEANUP_FREE uint8_t *body = mem_alloc(record->len);
    bool sound = read_at(cache->fd, record->body, body, record->len) &&
                 crc32c(0, body, record->len) == record->crc &&
                 scan_decode(body, record->len, object->pinned->size, ret);
    if (sound)
        atomic_fetch_add(&cache->found, 1);
    return sound;
}

void scan_cache_put(struct scan_cache *cache, const struct scan_of *object, const struct scan *scan)
{
    CLEANUP_BUF struct buf body = BUF_INIT, record = BUF_INIT;
    uint8_t key[SHA256_BYTES];
    if (!cache || !atomic_load(&cache->writable) || scan->too_large)
        return;
    scan_encode(scan, &body);
    key_of(object, key);
    buf_le32(&record, (uint32_t)body.len);
    buf_le32(&record, crc32c(0, body.data, body.len));
    buf_le32(&record, 0);
    buf_append(&record, key, sizeof key);
    uint32_t check = crc32c(0, record.data, record.len);
    CLEANUP_BUF struct buf whole = BUF_INIT;
    buf_le32(&whole, check);
    buf_append(&whole, record.data, record.len);
    buf_append(&whole, body.data, body.len);
    int64_t len = (int64_t)whole.len;
    if (atomic_fetch_add(&cache->end, len) + len > file_bytes_max ||
        write(cache->fd, whole.data, whole.len) != (ssize_t)len)
        atomic_store(&cache->writable, false); /* what stands behind a torn record is never read */
}

uint64_t scan_cache_found(const struct scan_cache *cache)
{
    return cache ? atomic_load(&cache->found) : 0;
}
