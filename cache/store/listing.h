// SPDX-License-Identifier: Apache-2.0
/* One page of S3's ListObjectsV2 or ListObjectVersions, as XML. Source: Amazon S3 API Reference, under these
 * names. Any thread. */
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
    bool archived;       /* by its class, whether it has been restored or not */
    char etag[PIN_ETAG_BYTES];
    char version[PIN_VERSION_BYTES]; /* of a page of versions, below; else "" */
};

struct listing {
    struct listing_entry *entries;
    size_t count, cap;
    char *next;         /* continuation token, or the key marker, decoded; NULL on the last page */
    char *next_version; /* version id marker; NULL: none */
};

/* -EINVAL, with name, line and reason, unless it is a whole ListBucketResult in which each object has a key,
 * a size and an ETag. `*ret` is empty on failure. */
int listing_parse(const char *name, const void *xml, size_t len, struct listing *ret, struct error *err);
/* A page of versions: the newest one of each key alone, unless it is a marker that says "deleted". */
int listing_parse_versions(const char *name, const void *xml, size_t len, struct listing *ret,
                           struct error *err);
/* Is it a storage class whose objects cannot be read before they are restored? */
bool listing_class_is_archive(const char *name);
void listing_done(struct listing *listing);
#define CLEANUP_LISTING CLEANUP(listing_done)
