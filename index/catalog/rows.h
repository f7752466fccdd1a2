// SPDX-License-Identifier: Apache-2.0
/* Streams, objects and extras by number, checked. Each returns 1 (found), 0 (no such row) or -errno. Thread
 * rule: that of the connection. */
#pragma once

#include "index/catalog/db.h"

/* `size`: as the clip's files say. */
int rows_stream(struct db *db, uint32_t row, uint32_t number, uint64_t size, struct catalog_stream *ret,
                struct error *err);
int rows_object(struct db *db, uint32_t id, struct catalog_object *ret, struct error *err);
uint32_t rows_object_hash(uint32_t root, const char *path); /* what finds it: 32 bits of SipHash-2-4 */
int rows_extra(struct db *db, uint32_t row, struct buf *buf, struct error *err); /* appends */
