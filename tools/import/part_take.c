// SPDX-License-Identifier: Apache-2.0
/* All that lies in a store is hostile: a record must be what its name says, an object what its record says,
 * and what is in it is checked by whoever decodes it. */
#include "tools/import/part_take.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "tools/import/part_missing.h"

void part_taken_done(struct part_taken *taken)
{
    for (uint32_t i = 0; taken->records && i < taken->count; i++)
        part_record_done(&taken->records[i]);
    free(taken->records);
}

/* ---- records ---- */

static bool same_options(const struct part_line *a, const struct part_line *b)
{
    bool same = a->count == b->count && !strcmp(a->source, b->source);
    for (size_t i = 0; same && i < a->count; i++)
        same = !strcmp(a->options[i], b->options[i]);
    return same;
}

static int read_record(const struct part_taking *taking, const struct import_part *part, struct sha256 *sha,
                       struct part_record *ret, struct error *err)
{
    CLEANUP_FREE char *path = part_path(taking->line, taking->listing, part);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(taking->store), path);
    int rc = store_read_all(taking->store, path, PART_RECORD_BYTES_MAX, &bytes, NULL, err);
    if (!rc)
        rc = part_record_parse(name, &bytes, ret, err);
    if (rc)
        return rc;
    sha256_add(sha, bytes.data, bytes.len);
    bool ours = !strcmp(ret->format, PART_FORMAT) && same_options(&ret->line, taking->line) &&
                ret->part.number == part->number && ret->part.count == part->count &&
                !memcmp(ret->listing.digest, taking->listing->digest, SHA256_BYTES);
    return ours ? 0 : error_set(err, EUCLEAN, "%s: is not the record that its name says it is", name);
}

int part_find(const struct part_taking *taking, struct part_taken *ret, struct error *err)
{
    struct part_taken taken = {.base = UINT32_MAX};
    uint8_t digest[SHA256_BYTES];
    int rc = part_missing_check(taking, &taken.count, err);
    if (rc)
        return rc;
    struct sha256 *sha = sha256_new();
    sha256_add_text(sha, taking->line->id);
    taken.records = mem_zero(taken.count * sizeof *taken.records);
    for (uint32_t i = 0; !rc && i < taken.count; i++) {
        struct part_record *record = &taken.records[i];
        rc = read_record(taking, &(struct import_part){i + 1, taken.count}, sha, record, err);
        taken.base = !rc && record->base < taken.base ? record->base : taken.base;
        taken.files += record->files;
        taken.bad += record->bad;
    }
    sha256_finish(sha, digest);
    hex_print(digest, (sizeof taken.commit - 1) / 2, taken.commit);
    if (rc)
        part_taken_done(&taken);
    else
        *ret = taken;
    return rc;
}

int part_is_there(const struct part_taking *taking, const struct import_part *part, struct error *err)
{
    CLEANUP_FREE char *path = part_path(taking->line, taking->listing, part);
    struct store_object there;
    int rc = store_head(taking->store, path, &there, err);
    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* ---- what they have read ---- */

static int take_object(const struct part_taking *taking, const struct part_scans *object,
                       struct scan_cache *scans, struct error *err)
{
    CLEANUP_FREE char *path = part_scans_path(taking->line, object->id);
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(taking->store), path);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    int rc = store_read_all(taking->store, path, SCAN_RECORDS_MAX, &bytes, NULL, err);
    if (rc)
        return rc;
    sha256_of(bytes.data, bytes.len, digest);
    if (bytes.len != object->size || memcmp(digest, object->sha256, sizeof digest) != 0)
        return error_set(err, EUCLEAN, "%s: is not what the part has put there", name);
    rc = scan_cache_import(scans, &bytes, err);
    return rc == -EINVAL ? error_within(err, error_recode(err, EUCLEAN), "%s", name) : rc;
}

int part_take(const struct part_taking *taking, const struct part_taken *taken, struct scan_cache *scans,
              struct error *err)
{
    for (uint32_t i = 0; i < taken->count; i++)
        for (size_t k = 0; k < taken->records[i].scan_count; k++) {
            int rc = take_object(taking, &taken->records[i].scans[k], scans, err);
            if (rc)
                return error_within(err, rc,
                                    "what part %u/%u has read (if it is lost, remove %s%s/ and run all parts "
                                    "again)",
                                    i + 1, taken->count, PARTS_FOLDER, taking->line->id);
        }
    return 0;
}
