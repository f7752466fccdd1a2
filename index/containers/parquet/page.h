// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of one column chunk, unpacked one at a time. Source of the format: apache/parquet-format,
 * parquet.thrift (PageHeader), README.md (Data Pages). One thread at a time.
 */
#pragma once

#include "index/containers/parquet/footer.h"
#include "index/containers/parquet/levels.h"

struct parquet_page {
    bool dictionary;  /* else a data page, v1 or v2 */
    uint64_t values;  /* entries; of a dictionary: its values */
    int64_t encoding; /* of the values */
    struct parquet_levels rep, def;
    struct cursor data;
};

struct parquet_pages {
    const struct parquet_layout *layout;
    int codec;
    uint64_t bytes_max; /* of an unpacked page */
    struct cursor chunk;
    struct thrift header;
    uint64_t entries;    /* that the data page at hand claims, also where it failed; UINT64_MAX: not known */
    struct buf unpacked; /* what the current page's cursors point into, unless it was never packed */
};

#define CLEANUP_PARQUET_PAGES CLEANUP(parquet_pages_done)

/* Borrows `chunk` and `layout`. */
void parquet_pages_init(struct parquet_pages *pages, const struct parquet_layout *layout, int codec,
                        struct cursor chunk, uint64_t bytes_max);
void parquet_pages_done(struct parquet_pages *pages);

/* 1 and the next page, valid until the next call; 0 behind the last. Index pages are passed over. -EINVAL,
 * -EFBIG, -ENOTSUP. */
int parquet_pages_next(struct parquet_pages *pages, struct parquet_page *ret, struct error *err);
