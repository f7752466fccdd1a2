// SPDX-License-Identifier: Apache-2.0
/*
 * The two local files of one cached file: data and side file, and the lock that says who may write them.
 *
 * Rules between processes (and between two caches in one): who holds flock(LOCK_EX) on the side file writes,
 * replaces and removes; it takes the lock when it opens the files and keeps it until it closes them.
 * Everybody else reads: a block is used if its record is valid *and* its bytes have that CRC32C, so a reader
 * needs no lock. Only the holder's records lead to reads, and they are written after the data.
 *
 * Thread rule: one thread at a time per call that changes it (open, lock, close); reads and writes of
 * different bytes from any thread. Private to cache/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/block.h"
#include "cache/folder.h"

struct disk {
    int data_fd, side_fd; /* -1: none */
    bool writable;        /* we hold the lock */
};

#define DISK_NONE ((struct disk){.data_fd = -1, .side_fd = -1})

struct disk_loaded {
    uint64_t bad;      /* records that cannot be right */
    uint64_t bytes;    /* on disk */
    bool other_writer; /* another process holds the lock */
};

/* Opens both files, makes them if missing, tries the lock, loads the valid blocks into `blocks` (all ABSENT
 * before). Files that are not those of this key and size are replaced by the holder of the lock; the others
 * get -EAGAIN. Otherwise -errno if this machine's disk fails. */
int disk_open(const struct folder *folder, const uint8_t key[SHA256_BYTES], struct blocks *blocks,
              struct disk *ret, struct disk_loaded *ret_loaded);
void disk_close(struct disk *disk);
/* Tries to become the writer of files that another held when they were opened: 0, or -EAGAIN. */
int disk_lock(const struct folder *folder, const uint8_t key[SHA256_BYTES], const struct disk *disk);
/* Loads all records of open files. */
int disk_load(const struct disk *disk, struct blocks *blocks, uint64_t *ret_bad);
/* Loads records [first, end) once more: what another process may have written since. `buffer` has
 * (end - first) * SIDE_RECORD_BYTES bytes; returns the bytes read or -errno. */
int64_t disk_read_records(int side_fd, uint64_t first, uint64_t end, uint8_t *buffer);
/* Exactly `len` bytes; -EIO if the file is shorter. */
int disk_read(int data_fd, uint64_t offset, size_t len, void *to);
/* Removes both files unless another process has them open for writing (-EBUSY). */
int disk_remove(const struct folder *folder, const uint8_t key[SHA256_BYTES]);
/* Marks the files as used now, for eviction after a restart. */
void disk_touch(const struct disk *disk);
