// SPDX-License-Identifier: Apache-2.0
/* Single rows of the tables of clips, streams, objects and extras, checked. Each returns 1 (found), 0 (no
 * such row) or -errno. Thread rule: that of the connection. */
#pragma once

#include "index/catalog/db.h"

struct rows_clip { /* texts and bytes are valid until the next rows_clip() */
    const char *key;
    const uint8_t *fingerprint; /* SHA256_BYTES */
    struct catalog_file *files; /* given by the caller, CLIP_STREAMS_MAX of them */
    uint32_t file_count;
    uint64_t h64, json_size;
    uint32_t json_changed;
    int64_t t0_ns, t1_ns;
};
int rows_clip(struct db *db, uint32_t row, struct catalog_file *files, struct rows_clip *ret,
              struct error *err);
/* `size`: as the clip's files say. */
int rows_stream(struct db *db, int64_t id, uint64_t size, struct catalog_stream *ret, struct error *err);
int rows_object(struct db *db, uint32_t id, struct catalog_object *ret, struct error *err);
/* What kind 2 of the table of hashes holds. */
uint64_t rows_object_hash(uint32_t root, const char *path);
int rows_extra(struct db *db, uint32_t row, struct buf *buf, struct error *err); /* appends */
