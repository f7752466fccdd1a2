// SPDX-License-Identifier: Apache-2.0
/* What a source lists, as a digest that is the same on all machines that see it. */
#pragma once

#include <stdint.h>

#include "cache/base/hash.h"
#include "tools/import/source.h"

struct import_listing {
    uint8_t digest[SHA256_BYTES]; /* of names, sizes and pins; of a manifest of its bytes */
    uint64_t objects, bytes;
};
void import_listing_of(const struct source *source, struct import_listing *ret);
/* Of a manifest, which is the list. Waits. */
int import_listing_of_file(struct stores *stores, const char *file, struct import_listing *ret,
                           struct error *err);
