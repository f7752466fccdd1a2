// SPDX-License-Identifier: Apache-2.0
/* The record comes last and is created once: a part that crashed is not there, and of two that ran at once
 * the first one stands. */
#include "tools/import/part_put.h"

#include <errno.h>
#include <string.h>

enum { OBJECT_BYTES = 32 << 20 };
_Static_assert(2 * OBJECT_BYTES <= SCAN_RECORDS_MAX, "what scan_cache_export() appends");

static int put_object(struct store *store, struct part_record *record, const struct buf *bytes,
                      struct error *err)
{
    struct part_scans scans = {.size = bytes->len};
    layout_random_id(scans.id);
    sha256_of(bytes->data, bytes->len, scans.sha256);
    CLEANUP_FREE char *path = part_scans_path(&record->line, scans.id);
    mem_grow(&record->scans, &record->scan_cap, record->scan_count + 1, sizeof *record->scans);
    record->scans[record->scan_count++] = scans;
    return store_put(store, path, bytes->data, bytes->len, STORE_PUT_REPLACE, NULL, err);
}

static int put_objects(struct store *store, struct part_record *record, struct scan_cache *scans,
                       struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int64_t at = 0;
    int rc;
    while ((rc = scan_cache_export(scans, &at, OBJECT_BYTES, &bytes, err)) == 1) {
        rc = put_object(store, record, &bytes, err);
        if (rc < 0)
            return rc;
        buf_clear(&bytes);
    }
    return rc;
}

static void take_back(struct store *store, const struct part_record *record)
{
    for (size_t i = 0; i < record->scan_count; i++) {
        CLEANUP_FREE char *path = part_scans_path(&record->line, record->scans[i].id);
        store_remove(store, path, NULL);
    }
}

/* The put failed, or a record is there: ours, if only the reply was lost. 1, 0 or -errno; *ret_known: it will
 * not arrive any more. */
static int settle(struct store *store, const char *path, const struct buf *ours, int put_rc, bool *ret_known)
{
    CLEANUP_BUF struct buf there = BUF_INIT;
    int rc = store_read_all(store, path, PART_RECORD_BYTES_MAX, &there, NULL, NULL);
    *ret_known = !rc || (rc == -ENOENT && store_is_local(store));
    if (rc)
        return put_rc;
    return there.len == ours->len && !memcmp(there.data, ours->data, ours->len);
}

int part_put(struct store *store, struct part_record *record, struct scan_cache *scans, struct error *err)
{
    CLEANUP_FREE char *path = part_path(&record->line, &record->listing, &record->part);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    bool known = true;
    int rc = put_objects(store, record, scans, err);
    if (!rc) {
        part_record_print(record, &bytes);
        rc = store_put(store, path, bytes.data, bytes.len, STORE_PUT_IF_ABSENT, NULL, err);
        rc = rc < 0 ? settle(store, path, &bytes, rc, &known) : 1;
    }
    if (rc < 1 && known)
        take_back(store, record);
    return rc;
}
