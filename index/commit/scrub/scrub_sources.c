// SPDX-License-Identifier: Apache-2.0
/* What a source said of itself goes with the last of its clips: while there is another, it is said of that.
 * One whose clips are another's by now has none; the next import from it says all of it anew. */
#include "index/catalog/groups/clips.h"
#include "index/catalog/source_files.h"
#include "index/commit/scrub/scrub_state.h"

/* Which sources the rows of a group are of. */
static int note_group(struct rowset *of, sqlite3_stmt *stmt, struct db *db, struct error *err)
{
    enum { ID, BYTES };
    const uint8_t *bytes;
    size_t len;
    struct numbers numbers;
    int rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (!rc && sourced_decode(bytes, len, &numbers))
        rc = db_damaged_row(db, stmt, err, "the sources of rows are not in order");
    for (uint32_t i = 0; !rc && i < numbers.count; i++)
        if (numbers_at(&numbers, i))
            rowset_add(of, (uint32_t)numbers_at(&numbers, i));
    return rc;
}

static int note_all(struct scrub *scrub, struct rowset *of, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(scrub->db, QUERY_SOURCED_ALL, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(scrub->db, stmt, err)) == 1 && !(rc = note_group(of, stmt, scrub->db, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}

static int note_sources(struct scrub *scrub, struct rowset *all, struct error *err)
{
    sqlite3_stmt *stmt;
    struct source_row row;
    int rc = db_query(scrub->db, QUERY_SOURCES, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(scrub->db, stmt, err)) == 1 && !(rc = source_row_take(scrub->db, stmt, &row, err)))
        rowset_add(all, row.id);
    sqlite3_reset(stmt);
    return rc;
}

/* The scrubbed rows of a group are of none from here on. */
static int scrub_group(struct scrub *scrub, uint32_t group, struct error *err)
{
    uint32_t sources[SOURCED_ROWS], first = group << SCHEMA_SOURCED_BITS, row;
    struct sourced was CLEANUP(sourced_done) = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    bool some = false;
    int rc = 0;
    for (uint32_t i = 0; !rc && i < SOURCED_ROWS; i++)
        rc = sourced_get(scrub->db, &was, first + i, &sources[i], err);
    for (uint64_t from = first; !rc && scrub_next(scrub, from, &row) && row - first < SOURCED_ROWS;
         from = row + UINT64_C(1)) {
        some |= sources[row - first] != 0;
        sources[row - first] = 0;
    }
    if (rc || !some)
        return rc;
    sourced_encode(sources, &bytes);
    return bytes.len ? db_put_bytes(scrub->db, QUERY_SOURCED_PUT, group, &bytes, err)
                     : db_drop_rows(scrub->db, QUERY_SOURCED_DROP, group, group, err);
}

static int scrub_groups(struct scrub *scrub, struct error *err)
{
    uint32_t row;
    int rc = 0;
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);) {
        uint32_t group = row >> SCHEMA_SOURCED_BITS;
        rc = scrub_group(scrub, group, err);
        from = (group + UINT64_C(1)) << SCHEMA_SOURCED_BITS;
    }
    return rc;
}

int scrub_sources(struct scrub *scrub, struct error *err)
{
    CLEANUP_ROWSET struct rowset *gone = rowset_new(), *left = rowset_new();
    uint32_t id;
    int rc = scrub_groups(scrub, err);
    if (!rc)
        rc = note_sources(scrub, gone, err);
    if (!rc && !rowset_empty(gone))
        rc = note_all(scrub, left, err);
    rowset_andnot(gone, left);
    for (uint64_t from = 0; !rc && rowset_rows(gone, from, &id, 1); from = id + UINT64_C(1)) {
        rc = db_drop_rows(scrub->db, QUERY_SOURCE_DROP, id, id, err);
        if (!rc)
            rc = source_files_drop(scrub->db, id, err);
    }
    return rc;
}
