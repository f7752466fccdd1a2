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

enum {
    MAGIC_BYTES = 16,
    HEADER_BYTES = 48,
    BODY_MAX = SCAN_BYTES_MAX + (2 << 20), /* pieces, and where they lie */
    KEPT_DAYS = 30,
};
static const char magic[MAGIC_BYTES + 1] = "ELIDEFS-SCANS 1\n";
static const int64_t own_bytes_max = INT64_C(16) << 30;

struct record {
    uint64_t start; /* of its key. One that begins alike would be lost, and its recording read again */
    int64_t at;     /* offset in the file */
};

struct scan_cache {
    char *path;
    int fd; /* -1: none */
    struct record *records;
    size_t count, cap;
    uint32_t *slots;   /* a hash table of indices into records, plus 1, by `start`; */
    size_t slot_count; /* a power of two, over twice as many as records */
    uint64_t odd;      /* random: no record knows its slot */
    bool write, all;
    atomic_bool writable; /* until something goes wrong */
    atomic_uint_least64_t found, read;
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

struct header {
    uint32_t len, crc; /* of the body */
    uint8_t key[SHA256_BYTES];
};

static bool header_decode(const uint8_t bytes[HEADER_BYTES], struct header *ret)
{
    struct cursor c = cursor_of(bytes, HEADER_BYTES);
    uint32_t check = cursor_le32(&c), len = cursor_le32(&c), crc = cursor_le32(&c), zero = cursor_le32(&c);
    *ret = (struct header){.len = len, .crc = crc};
    memcpy(ret->key, bytes + c.at, sizeof ret->key);
    return check == crc32c(0, bytes + 4, HEADER_BYTES - 4) && !zero && len <= BODY_MAX;
}

/* The slot of a key that begins so, or the empty one where it belongs. */
static uint32_t *slot_of(const struct scan_cache *cache, uint64_t start)
{
    size_t at = (size_t)(start * cache->odd >> 32) & (cache->slot_count - 1);
    while (cache->slots[at] && cache->records[cache->slots[at] - 1].start != start)
        at = (at + 1) & (cache->slot_count - 1);
    return &cache->slots[at];
}

static void grow_slots(struct scan_cache *cache)
{
    enum { LEAST = 64 };
    cache->slot_count = cache->slot_count ? 2 * cache->slot_count : LEAST;
    free(cache->slots);
    cache->slots = mem_zero(cache->slot_count * sizeof *cache->slots);
    for (size_t i = 0; i < cache->count; i++)
        *slot_of(cache, cache->records[i].start) = (uint32_t)i + 1;
}

static uint64_t start_of(const uint8_t key[SHA256_BYTES])
{
    struct cursor c = cursor_of(key, SHA256_BYTES);
    return cursor_le64(&c);
}

/* The last one of a key counts. */
static void keep_record(struct scan_cache *cache, const struct header *header, int64_t at)
{
    uint64_t start = start_of(header->key);
    if (cache->count == UINT32_MAX - 1)
        return;
    if (2 * (cache->count + 1) > cache->slot_count)
        grow_slots(cache);
    mem_grow(&cache->records, &cache->cap, cache->count + 1, sizeof *cache->records);
    cache->records[cache->count++] = (struct record){.start = start, .at = at};
    *slot_of(cache, start) = (uint32_t)cache->count;
}

/* The record at `at`, if its header is sound; *ret_end: where it ends. */
static bool read_record(struct scan_cache *cache, int64_t at, int64_t size, int64_t *ret_end)
{
    uint8_t bytes[HEADER_BYTES];
    struct header header;
    if (size - at < HEADER_BYTES || !read_at(cache->fd, at, bytes, sizeof bytes) ||
        !header_decode(bytes, &header) || header.len > size - at - HEADER_BYTES)
        return false;
    keep_record(cache, &header, at);
    *ret_end = at + HEADER_BYTES + header.len;
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
    random_bytes(&cache->odd, sizeof cache->odd);
    cache->odd |= 1;
    if (open_file(cache, write))
        return cache;
    scan_cache_free(cache);
    return NULL;
}

void scan_cache_keep_all(struct scan_cache *cache)
{
    cache->all = true;
}

void scan_cache_free(struct scan_cache *cache)
{
    if (cache->fd >= 0)
        close(cache->fd);
    free(cache->slots);
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

static void key_of(enum scan_note note, const struct scan_of *object, uint8_t ret[SHA256_BYTES])
{
    static const char *const names[] = {
        [SCAN_EVIDENCE] = "evidence", [SCAN_PIN] = "pin", [SCAN_COPY] = "copy"};
    char size[24];
    snprintf(size, sizeof size, "%llu", (unsigned long long)object->pinned->size);
    struct sha256 *sha = sha256_new();
    if (note)
        sha256_add_text(sha, names[note]);
    sha256_add_text(sha, object->root);
    sha256_add_text(sha, object->path);
    sha256_add_text(sha, size);
    sha256_add_text(sha, object->pinned->pin);
    sha256_finish(sha, ret);
}

static bool find(struct scan_cache *cache, const uint8_t key[SHA256_BYTES], struct buf *ret)
{
    uint8_t bytes[HEADER_BYTES];
    struct header header;
    uint32_t slot = cache->count ? *slot_of(cache, start_of(key)) : 0;
    if (!slot)
        return false;
    int64_t at = cache->records[slot - 1].at;
    if (!read_at(cache->fd, at, bytes, sizeof bytes) || !header_decode(bytes, &header) ||
        memcmp(header.key, key, sizeof header.key) != 0)
        return false;
    uint8_t *to = buf_room(ret, header.len);
    if (!read_at(cache->fd, at + HEADER_BYTES, to, header.len) || crc32c(0, to, header.len) != header.crc)
        return false;
    ret->len += header.len;
    return true;
}

bool scan_cache_find(struct scan_cache *cache, const struct scan_of *object, struct scan *ret)
{
    uint8_t key[SHA256_BYTES];
    CLEANUP_BUF struct buf body = BUF_INIT;
    if (!cache)
        return false;
    key_of(0, object, key);
    bool sound = find(cache, key, &body) && scan_decode(body.data, body.len, object->pinned->size, ret);
    if (sound)
        atomic_fetch_add(&cache->found, 1);
    return sound;
}

bool scan_cache_noted(struct scan_cache *cache, enum scan_note note, const struct scan_of *object,
                      struct buf *ret)
{
    uint8_t key[SHA256_BYTES];
    if (!cache || !cache->count)
        return false;
    key_of(note, object, key);
    return find(cache, key, ret);
}

/* The offset it has in the file, or -1. */
static int64_t append(struct scan_cache *cache, const void *record, size_t size)
{
    int64_t len = (int64_t)size, at = atomic_fetch_add(&cache->end, len);
    if ((cache->all || at + len <= own_bytes_max) && write(cache->fd, record, size) == (ssize_t)len)
        return at;
    atomic_store(&cache->writable, false); /* what stands behind a torn record is never read */
    return -1;
}

static void put(struct scan_cache *cache, const uint8_t key[SHA256_BYTES], const struct buf *body)
{
    CLEANUP_BUF struct buf rest = BUF_INIT, whole = BUF_INIT;
    buf_le32(&rest, (uint32_t)body->len);
    buf_le32(&rest, crc32c(0, body->data, body->len));
    buf_le32(&rest, 0);
    buf_append(&rest, key, SHA256_BYTES);
    buf_le32(&whole, crc32c(0, rest.data, rest.len));
    buf_append(&whole, rest.data, rest.len);
    buf_append(&whole, body->data, body->len);
    append(cache, whole.data, whole.len);
}

void scan_cache_put(struct scan_cache *cache, const struct scan_of *object, const struct scan *scan)
{
    CLEANUP_BUF struct buf body = BUF_INIT;
    uint8_t key[SHA256_BYTES];
    if (!cache || !atomic_load(&cache->writable) || scan->too_large)
        return;
    scan_encode(scan, &body);
    key_of(0, object, key);
    put(cache, key, &body);
    atomic_fetch_add(&cache->read, 1);
}

void scan_cache_note(struct scan_cache *cache, enum scan_note note, const struct scan_of *object,
                     const struct buf *bytes)
{
    uint8_t key[SHA256_BYTES];
    if (!cache || !atomic_load(&cache->writable))
        return;
    key_of(note, object, key);
    put(cache, key, bytes);
}

/* ---- from one to another ---- */

static int not_whole(const struct scan_cache *cache, struct error *err)
{
    return error_set(err, ENOSPC, "%s: what was read of recordings cannot all be kept here", cache->path);
}

int scan_cache_export(struct scan_cache *cache, int64_t *at, size_t max, struct buf *ret, struct error *err)
{
    int64_t end = atomic_load(&cache->end);
    size_t before = ret->len;
    *at = *at ? *at : MAGIC_BYTES;
    if (!atomic_load(&cache->writable))
        return not_whole(cache, err);
    while (*at < end) {
        uint8_t bytes[HEADER_BYTES];
        struct header header = {0};
        if (!read_at(cache->fd, *at, bytes, sizeof bytes) || !header_decode(bytes, &header))
            return error_set(err, EUCLEAN, "%s: is damaged at offset %lld", cache->path, (long long)*at);
        size_t len = HEADER_BYTES + header.len;
        if (ret->len > before && ret->len - before + len > max)
            break;
        if (!read_at(cache->fd, *at, buf_room(ret, len), len))
            return error_set(err, EIO, "%s: cannot be read at offset %lld", cache->path, (long long)*at);
        ret->len += len;
        *at += (int64_t)len;
    }
    return ret->len > before;
}

int scan_cache_import(struct scan_cache *cache, const struct buf *records, struct error *err)
{
    for (size_t at = 0; at < records->len;) {
        const uint8_t *bytes = records->data + at;
        size_t left = records->len - at;
        struct header header = {0};
        if (left < HEADER_BYTES || !header_decode(bytes, &header) || header.len > left - HEADER_BYTES ||
            crc32c(0, bytes + HEADER_BYTES, header.len) != header.crc)
            return error_set(err, EINVAL, "there is no sound record at offset %zu", at);
        size_t len = HEADER_BYTES + header.len;
        int64_t to = atomic_load(&cache->writable) ? append(cache, bytes, len) : -1;
        if (to < 0)
            return not_whole(cache, err);
        keep_record(cache, &header, to);
        at += len;
    }
    return 0;
}

uint64_t scan_cache_found(const struct scan_cache *cache)
{
    return cache ? atomic_load(&cache->found) : 0;
}

uint64_t scan_cache_read(const struct scan_cache *cache)
{
    return cache ? atomic_load(&cache->read) : 0;
}
