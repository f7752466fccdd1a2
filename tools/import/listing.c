// SPDX-License-Identifier: Apache-2.0
/* Of a local file's pin only its time counts: its inode's number belongs to one machine, and its ctime
 * changes with a link. */
#include "tools/import/listing.h"

#include <stdio.h>

#include "tools/import/table_input.h"

void import_listing_of(const struct source *source, struct import_listing *ret)
{
    struct sha256 *sha = sha256_new();
    *ret = (struct import_listing){.objects = source->count};
    for (size_t i = 0; i < source->count; i++) {
        const struct source_object *object = &source->objects[i];
        char pin[STORE_PIN_BYTES], size[24];
        store_pin_portable(object->pinned.pin, pin);
        snprintf(size, sizeof size, "%llu", (unsigned long long)object->pinned.size);
        sha256_add_text(sha, object->path);
        sha256_add_text(sha, size);
        sha256_add_text(sha, pin);
        ret->bytes += object->pinned.size;
    }
    sha256_finish(sha, ret->digest);
}

int import_listing_of_file(struct stores *stores, const char *file, struct import_listing *ret,
                           struct error *err)
{
    enum { STEP_BYTES = 1 << 20 };
    CLEANUP_TABLE_INPUT struct table_input *input = NULL;
    const struct recording *bytes = NULL;
    CLEANUP_FREE uint8_t *step = mem_alloc(STEP_BYTES);
    int rc = table_input_open(stores, file, &input, err);
    if (!rc)
        rc = table_input_recording(input, &bytes, err);
    if (rc)
        return rc;
    struct sha256 *sha = sha256_new();
    struct import_listing listing = {.objects = 1, .bytes = bytes->size};
    for (uint64_t at = 0; !rc && at < bytes->size; at += STEP_BYTES) {
        size_t len = bytes->size - at < STEP_BYTES ? (size_t)(bytes->size - at) : STEP_BYTES;
        rc = recording_read(bytes, at, len, step, err);
        if (!rc)
            sha256_add(sha, step, len);
    }
    sha256_finish(sha, listing.digest);
    if (!rc)
        *ret = listing;
    return rc < 0 ? rc : 0;
}
