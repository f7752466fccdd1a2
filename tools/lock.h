// SPDX-License-Identifier: Apache-2.0
/*
 * A lock: which data a path meant when it was written down, to be kept beside code.
 *
 *     {"elidefs_lock":1,"dataset":URL,"uuid":...,"path":"latest/arm=left","canonical":"v12/arm=left",
 *      "manifest":SHA-256 of the version's manifest,"digest":see
 * query/report/digest.h,"clips":..,"files":..,"bytes":..}
 *
 * on one line; a file may hold several. Bytes are hostile. One thread at a time.
 */
#pragma once

#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "query/report/digest.h"

struct lock {
    char *dataset, *uuid, *path, *canonical; /* owned: lock_done() */
    uint8_t manifest[SHA256_BYTES];
    struct digest digest;
};
void lock_done(struct lock *lock);
#define CLEANUP_LOCK CLEANUP(lock_done)

void lock_print(const struct lock *lock, struct buf *buf);
/* `name` stands in errors. -EINVAL with what is wrong. */
int lock_parse(const char *name, const char *line, size_t len, struct lock *ret, struct error *err);
