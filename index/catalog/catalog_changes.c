// SPDX-License-Identifier: Apache-2.0
/* What changed since a version is told by the clips themselves: each file keeps the version that last changed
 * its bytes. So the older catalog need not be read. */
#include <errno.h>

#include "index/catalog/files.h"
#include "index/catalog/reader.h"
#include "index/changeset.h"

struct change_scan {
    struct catalog_reader *reader;
    sqlite3_stmt *stmt;
    uint32_t since;
    bool labels_only;
};
enum { ROW, KEY, JSON_CHANGED, FILES };

static int any_changed(const struct change_scan *scan, struct error *err)
{
    struct catalog_reader *reader = scan->reader;
    int64_t json_changed;
    const char *key;
    const uint8_t *bytes;
    size_t len;
    uint32_t count;
    int rc = db_column_number(reader->db, scan->stmt, JSON_CHANGED, 0, &json_changed, err);
    if (rc || json_changed > scan->since || scan->labels_only)
        return rc ? rc : json_changed > scan->since;
    rc = db_column_text(reader->db, scan->stmt, KEY, &key, err);
    if (!rc)
        rc = db_column_bytes(reader->db, scan->stmt, FILES, &bytes, &len, err);
    if (rc)
        return rc;
    if (files_decode(key, bytes, len, reader->files, &count))
        return db_damaged(reader->db, err, "the files of the clip '%s' are not in order", key);
    for (uint32_t i = 0; i < count; i++)
        if (reader->files[i].changed > scan->since)
            return 1;
    return 0;
}

static int add_changed(const struct change_scan *scan, struct rowset *rows, struct error *err)
{
    int64_t row;
    int rc;
    while ((rc = db_step(scan->reader->db, scan->stmt, err)) == 1) {
        rc = db_column_number(scan->reader->db, scan->stmt, ROW, 0, &row, err);
        if (!rc && row > UINT32_MAX)
            rc = db_damaged(scan->reader->db, err, "a clip's row is out of range");
        if (!rc && !rowset_contains(scan->reader->live, (uint32_t)row))
            continue;
        if (!rc)
            rc = any_changed(scan, err);
        if (rc < 0)
            return rc;
        if (rc)
            rowset_add(rows, (uint32_t)row);
    }
    return rc;
}

int catalog_changed_since(struct catalog_reader *reader, uint32_t since, bool labels_only,
                          struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    sqlite3_stmt *stmt;
    int rc = reader_live(reader, err);
    if (!rc)
        rc = db_query(reader->db, QUERY_CLIPS_CHANGED, &stmt, err);
    if (rc)
        return rc;
    if (!reader->files)
        reader->files = mem_zero(CHANGESET_STREAMS_MAX * sizeof *reader->files);
    rc = add_changed(&(struct change_scan){reader, stmt, since, labels_only}, rows, err);
    sqlite3_reset(stmt);
    if (!rc)
        *ret = STEAL(rows);
    return rc;
}
