// SPDX-License-Identifier: Apache-2.0
/* A page of an object store's listing, of objects and of versions: hostile XML. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strlen(listing->entries[i].key) > 1024 || *listing->entries[i].etag != '"')
            abort();
    listing_done(listing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct listing listing;
    struct error err;
    if (!listing_parse("fuzz", data, len, &listing, &err))
        check(&listing);
    if (!listing_parse_versions("fuzz", data, len, &listing, &err))
        check(&listing);
    return 0;
}
