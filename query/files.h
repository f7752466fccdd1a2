// SPDX-License-Identifier: Apache-2.0
/*
 * The files of a query directory: names to (row, stream) and back. Any thread (through its own reader).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

enum { FILES_STREAM_MAX = 1000, FILES_STREAM_JSON = 1023 }; /* stream numbers; 10 bits in a node number */

struct files_place {
    uint32_t row, stream;
};
/* The file called `name`, of any clip of the version. -ENOENT. */
int files_find(struct catalog_reader *reader, const char *name, size_t len, uint32_t *ret_row,
               uint32_t *ret_stream, struct error *err);
/* Is its clip in the set, which is of the row's window? 0, or -ENOENT as files_find() says it. */
int files_check(const struct set *set, uint32_t row, const char *name, size_t len, struct error *err);
/* Does the query list this file of its clips? The same. */
int files_check_shown(const struct query *query, struct catalog_reader *reader,
                      const struct files_place *place, const char *name, size_t len, struct error *err);

struct files_entry {
    const char *name; /* borrowed for the call */
    uint32_t row, stream;
    uint64_t size;    /* bytes */
    uint32_t changed; /* the version that last changed its bytes */
};
/* Each file of one clip that the query lists (NULL: all), streams in order, the json last. Non-zero from
 * `each` ends it with that. */
typedef int files_fn(void *ctx, const struct files_entry *entry, struct error *err);
int files_of_clip(struct catalog_reader *reader, const struct query *query, uint32_t row, files_fn *each,
                  void *ctx, struct error *err);
/* One file's entry; *ret_name gets the name if not NULL. */
int files_entry(struct catalog_reader *reader, uint32_t row, uint32_t stream, struct buf *ret_name,
                struct files_entry *ret, struct error *err);
