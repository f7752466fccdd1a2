// SPDX-License-Identifier: Apache-2.0
/* Is a version's catalog still in the store? A cached one opens without asking; elsewhere it would not. */
#include <errno.h>
#include <string.h>

#include "index/dataset/dataset_state.h"

enum { PIECE_BYTES = 1 << 20 };

static int compare_hash(const struct layout *layout, const struct manifest_catalog *catalog,
                        const struct store_object *object, struct error *err)
{
    CLEANUP_FREE uint8_t *piece = mem_alloc(PIECE_BYTES);
    uint8_t digest[SHA256_BYTES];
    struct sha256 *sha = sha256_new();
    int rc = 0;
    for (uint64_t at = 0; !rc && at < object->size; at += PIECE_BYTES) {
        size_t len = object->size - at < PIECE_BYTES ? (size_t)(object->size - at) : PIECE_BYTES;
        rc = store_read(layout->store, catalog->pack, object, at, len, piece, err);
        if (!rc)
            sha256_add(sha, piece, len);
    }
    sha256_finish(sha, digest);
    if (!rc && memcmp(digest, catalog->pack_sha256, SHA256_BYTES))
        rc = error_set(err, EUCLEAN, "%s/%s: is damaged: it has another SHA-256 than the manifest says",
                       store_url(layout->store), catalog->pack);
    return rc;
}

int dataset_check_stored(struct dataset *dataset, uint32_t version, bool whole, struct error *err)
{
    const struct layout *layout = &dataset->layout;
    const struct manifest *manifest;
    struct store_object object;
    int rc = dataset_manifest(dataset, version, &manifest, err);
    if (rc || !manifest->catalog.size)
        return rc;
    const struct manifest_catalog *catalog = &manifest->catalog;
    rc = store_head(layout->store, catalog->pack, &object, err);
    if (!rc && object.size != catalog->pack_size)
        rc = error_set(err, EUCLEAN, "%s/%s: is damaged: it has %llu bytes, the manifest says %llu",
                       store_url(layout->store), catalog->pack, (unsigned long long)object.size,
                       (unsigned long long)catalog->pack_size);
    return rc || !whole ? rc : compare_hash(layout, catalog, &object, err);
}
