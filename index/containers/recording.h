// SPDX-License-Identifier: Apache-2.0
/*
 * A recording as a container parser sees it: named bytes of known size, read by range.
 * Importers implement it over a store (with a small read-ahead), tests over memory. Bytes are hostile.
 * Thread rule: one thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"

struct recording {
    const char *name; /* for errors: what a person calls the object */
    uint64_t size;    /* bytes */
    /* Reads exactly `len` bytes at `offset` into `to`. Never called past `size`. 0 or -errno. */
    int (*read)(void *ctx, uint64_t offset, size_t len, void *to, struct error *err);
    void *ctx;
    size_t
        at_hand; /* bytes at its end that need not be fetched: who looks there need not read more; 0: any */
};

/* The only caller of .read: a range that leaves the recording is -EINVAL "name: truncated: ...". */
int recording_read(const struct recording *recording, uint64_t offset, size_t len, void *to,
                   struct error *err);

/* A recording over `len` borrowed bytes. `ret` borrows `bytes` and `name`. */
struct memory_recording {
    struct recording recording;
    const uint8_t *bytes;
};
void recording_of_memory(struct memory_recording *ret, const char *name, const void *bytes, size_t len);
