// SPDX-License-Identifier: Apache-2.0
/*
 * Writing what was fetched to local disk: a few I/O threads, each with an io_uring of its own that no other
 * thread touches; plain pwrite(2) where the kernel refuses io_uring. A job is two writes in order: the data,
 * then the records that make it valid. Nothing is synced: a lost record costs a fetch, a record without its
 * data fails its checksum.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"

struct write_part {
    int fd;
    const uint8_t *bytes;
    size_t len;
    uint64_t offset;
};

struct write_job {
    /* On an I/O thread, first: fills in `part`; 0, or -errno, which ends the job. */
    int (*prepare)(struct write_job *job);
    /* On an I/O thread, exactly once, the last call. */
    void (*done)(struct write_job *job, int rc);
    struct write_part part[2];
    /* The writer's own. */
    struct write_job *next;
    unsigned at; /* index of the part being written; its bytes, len and offset move on as they are written */
};

struct writer;

/* `use_ring` false: pwrite(2) only. */
int writer_new(unsigned threads, bool use_ring, struct writer **ret, struct error *err);
void writer_submit(struct writer *writer, struct write_job *job);
void writer_free(struct writer *writer);     /* finishes what was submitted first; NULL is fine */
bool writer_has_ring(struct writer *writer); /* some thread writes through io_uring */
