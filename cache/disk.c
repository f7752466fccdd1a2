// SPDX-License-Identifier: Apache-2.0
/* Opening trusts nothing it finds: a wrong header empties the files, records only tell where a check is worth
 * the try. The order is always side file first: it carries the lock, and an evictor that holds it removes
 * both. */
#include "cache/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/side.h"

enum { LOAD_RECORDS = 8192, OPEN_TRIES = 8 };

static bool is_removed(int fd)
{
    struct stat st;
    return fstat(fd, &st) || st.st_nlink == 0;
}

static uint64_t bytes_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

static int read_at(int fd, void *to, size_t len, uint64_t offset, size_t *ret_got)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, (char *)to + got, len - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            break;
        got += (size_t)n;
    }
    *ret_got = got;
    return 0;
}

int disk_read(int data_fd, uint64_t offset, size_t len, void *to)
{
    size_t got = 0;
    int rc = read_at(data_fd, to, len, offset, &got);
    return rc ? rc : got < len ? -EIO : 0;
}

int64_t disk_read_records(int side_fd, uint64_t first, uint64_t end, uint8_t *buffer)
{
    size_t got = 0;
    int rc = read_at(side_fd, buffer, (end - first) * SIDE_RECORD_BYTES, side_record_offset(first), &got);
    return rc ? rc : (int64_t)got;
}

/* The side file is as sparse as the data: holes are skipped, so opening costs what is there. */
int disk_load(const struct disk *disk, struct blocks *blocks, uint64_t *ret_bad)
{
    int side_fd = disk->side_fd;
    CLEANUP_FREE uint8_t *buffer = mem_alloc((size_t)LOAD_RECORDS * SIDE_RECORD_BYTES);
    for (uint64_t first = 0; first < blocks->count;) {
        off_t data = lseek(side_fd, (off_t)side_record_offset(first), SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return 0;
        if (data > (off_t)side_record_offset(first))
            first = ((uint64_t)data - SIDE_HEADER_BYTES) / SIDE_RECORD_BYTES;
        if (first >= blocks->count)
            return 0;
        uint64_t left = blocks->count - first, end = first + (left < LOAD_RECORDS ? left : LOAD_RECORDS);
        int64_t got = disk_read_records(side_fd, first, end, buffer);
        if (got < SIDE_RECORD_BYTES)
            return got < 0 ? (int)got : 0;
        *ret_bad += side_records_load(buffer, (size_t)got, first, blocks);
        first = end;
    }
    return 0;
}

/* Records of a side file whose header is wrong: they say how much is lost, nothing else. */
static uint64_t count_lost(const struct disk *disk, const struct blocks *blocks)
{
    struct blocks lost;
    if (blocks_init(&lost, blocks->size, blocks->block_bytes, NULL))
        return 0;
    uint64_t bad = 0;
    disk_load(disk, &lost, &bad);
    bad += lost.in_state[BLOCK_DISK];
    blocks_done(&lost);
    return bad;
}

/* Sizes first, header last: without a header nothing counts. */
static int make_new(const struct disk *disk, const uint8_t key[SHA256_BYTES], const struct blocks *blocks)
{
    uint8_t header[SIDE_HEADER_BYTES];
    side_header(header, key, blocks);
    if (ftruncate(disk->data_fd, (off_t)blocks->size) ||
        ftruncate(disk->side_fd, (off_t)side_record_offset(blocks->count)))
        return -errno;
    ssize_t put = pwrite(disk->side_fd, header, sizeof header, 0);
    return put == (ssize_t)sizeof header ? 0 : put < 0 ? -errno : -ENOSPC;
}

/* Removes the names, so that who has the files open keeps what it checked. The data file first: a new one is
 * made by the holder of a new side file's lock only, so whoever finds its side file still there has the data
 * file that belongs to it. */
static int remove_both(const struct folder *folder, const uint8_t key[SHA256_BYTES])
{
    char data[FOLDER_NAME_BYTES], side[FOLDER_NAME_BYTES];
    folder_name(key, FOLDER_DATA, data);
    folder_name(key, FOLDER_SIDE, side);
    if (unlinkat(folder_fd(folder), data, 0) && errno != ENOENT)
        return -errno;
    return unlinkat(folder_fd(folder), side, 0) && errno != ENOENT ? -errno : 0;
}

static int load(const struct folder *folder, struct disk *disk, const uint8_t key[SHA256_BYTES],
                struct blocks *blocks, struct disk_loaded *loaded)
{
    uint8_t header[SIDE_HEADER_BYTES];
    size_t got = 0;
    int rc = read_at(disk->side_fd, header, sizeof header, 0, &got);
    if (rc)
        return rc;
    if (!got && disk->writable)
        return make_new(disk, key, blocks);
    if (!side_header_check(header, got, key, blocks, NULL)) {
        if (disk->writable && ftruncate(disk->data_fd, (off_t)blocks->size))
            return -errno;
        return disk_load(disk, blocks, &loaded->bad);
    }
    if (!disk->writable)
        return -EAGAIN; /* its writer is about to finish or to replace it */
    loaded->bad += count_lost(disk, blocks);
    rc = remove_both(folder, key);
    return rc ? rc : -ESTALE;
}

static int open_both(const struct folder *folder, const uint8_t key[SHA256_BYTES], struct disk *disk)
{
    disk->side_fd = folder_open_file(folder, key, FOLDER_SIDE, 1);
    if (disk->side_fd < 0)
        return disk->side_fd;
    disk->writable = !flock(disk->side_fd, LOCK_EX | LOCK_NB);
    if (is_removed(disk->side_fd))
        return -ESTALE; /* an evictor was faster: the next try makes new files */
    disk->data_fd = folder_open_file(folder, key, FOLDER_DATA, disk->writable);
    if (!disk->writable && (disk->data_fd == -ENOENT || is_removed(disk->side_fd)))
        return -ESTALE; /* or this data file may belong to a newer side file */
    return disk->data_fd < 0 ? disk->data_fd : 0;
}

int disk_open(const struct folder *folder, const uint8_t key[SHA256_BYTES], struct blocks *blocks,
              struct disk *ret, struct disk_loaded *ret_loaded)
{
    int rc = -ESTALE;
    struct disk disk = DISK_NONE;
    struct disk_loaded loaded = {0};
    for (int i = 0; i < OPEN_TRIES && rc == -ESTALE; i++) {
        disk_close(&disk);
        rc = open_both(folder, key, &disk);
        if (!rc)
            rc = load(folder, &disk, key, blocks, &loaded);
    }
    if (rc) {
        disk_close(&disk);
        return rc == -ESTALE ? -EAGAIN : rc;
    }
    loaded.bytes = bytes_of(disk.data_fd) + bytes_of(disk.side_fd);
    loaded.other_writer = !disk.writable;
    *ret = disk;
    *ret_loaded = loaded;
    return 0;
}

void disk_close(struct disk *disk)
{
    if (disk->data_fd >= 0)
        close(disk->data_fd);
    if (disk->side_fd >= 0)
        close(disk->side_fd); /* gives the lock back */
    *disk = DISK_NONE;
}

int disk_lock(const struct folder *folder, const uint8_t key[SHA256_BYTES], const struct disk *disk)
{
    if (flock(disk->side_fd, LOCK_EX | LOCK_NB))
        return -EAGAIN;
    if (!is_removed(disk->side_fd) && !is_removed(disk->data_fd))
        return 0;
    flock(disk->side_fd, LOCK_UN);
    return -EAGAIN;
}

void disk_touch(const struct disk *disk)
{
    if (disk->writable)
        futimens(disk->side_fd, NULL);
}

int disk_remove(const struct folder *folder, const uint8_t key[SHA256_BYTES])
{
    struct disk disk = {.data_fd = -1, .side_fd = folder_open_file(folder, key, FOLDER_SIDE, 1)};
    if (disk.side_fd < 0)
        return disk.side_fd;
    int rc = flock(disk.side_fd, LOCK_EX | LOCK_NB) ? -EBUSY : remove_both(folder, key);
    disk_close(&disk);
    return rc;
}
