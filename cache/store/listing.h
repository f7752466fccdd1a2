// SPDX-License-Identifier: Apache-2.0
/* One page of S3's ListObjectsV2, as XML. Source: Amazon S3 API Reference, ListObjectsV2. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/store/pin.h"

struct listing_entry {
    char *key; /* decoded */
    uint64_t size;
    int64_t modified_ns; /* 0: not told */
    char etag[PIN_ETAG_BYTES];
};

struct listing {
    struct listing_entry *entries;
    size_t count, cap;
    char *next; /* continuation token; NULL on the last page */
};

/* -EINVAL, with name, line and reason, unless it is a whole ListBucketResult in which each object has a key,
 * a size and an ETag. `*ret` is empty on failure. */
int listing_parse(const char *name, const void *xml, size_t len, struct listing *ret, struct error *err);
void listing_done(struct listing *listing);
#define CLEANUP_LISTING CLEANUP(listing_done)
