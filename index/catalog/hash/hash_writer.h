// SPDX-License-Identifier: Apache-2.0
/* Writes the blocks of one run, of entries in order: each as full as may be, all entries of one hash in one
 * block, and together they leave no hash out. One thread at a time. */
#pragma once

#include "index/catalog/hash/hash_runs.h"

struct hash_writer {
    struct db *db;
    const struct hash_run *run; /* borrowed */
    uint32_t from;              /* of the next block: what is below is written */
    struct hash_entry *list;    /* of the next block */
    size_t count, cap, group;   /* group: index of the first with the last one's hash */
    uint32_t least, most;       /* of their numbers */
    uint64_t entries, bytes;    /* written */
};
void hash_writer_done(struct hash_writer *writer);
/* The next entry, not less than the one before; the same again is left out. */
int hash_writer_add(struct hash_writer *writer, struct hash_entry entry, struct error *err);
int hash_writer_finish(struct hash_writer *writer, struct error *err);
