// SPDX-License-Identifier: Apache-2.0
/* What changed since a version is told by the clips themselves: each file keeps the version that last changed
 * its bytes. So the older catalog need not be read. All clips are looked at, but a row that did not change
 * never leaves SQLite: a function looks at it where it lies. */
#include <errno.h>

#include "index/catalog/files.h"
#include "index/catalog/reader.h"

/* newest(json_changed, files): the version that last changed anything of a clip. */
static void give_newest(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    uint32_t newest = 0;
    sqlite3_int64 json_changed = sqlite3_value_int64(arguments[0]);
    const void *files = sqlite3_value_blob(arguments[1]);
    size_t len = (size_t)sqlite3_value_bytes(arguments[1]);
    (void)count;
    if (sqlite3_value_type(arguments[0]) != SQLITE_INTEGER || json_changed < 0 || json_changed > UINT32_MAX)
        sqlite3_result_error(context, "a clip's version is out of range", -1);
    else if (sqlite3_value_type(arguments[1]) != SQLITE_BLOB || files_newest(files, len, &newest))
        sqlite3_result_error(context, "the files of a clip are not in order", -1);
    else
        sqlite3_result_int64(context, json_changed > newest ? json_changed : newest);
}

static int add_changed(struct db *db, sqlite3_stmt *stmt, struct rowset *rows, struct error *err)
{
    enum { MANY = 1024 };
    uint32_t list[MANY];
    size_t count = 0;
    int64_t row;
    int rc;
    while ((rc = db_step(db, stmt, err)) == 1) {
        rc = db_column_number(db, stmt, 0, 0, &row, err);
        if (!rc && row > UINT32_MAX)
            rc = db_damaged(db, err, "a clip's row is out of range");
        if (rc)
            return rc;
        list[count++] = (uint32_t)row;
        if (count == MANY) {
            rowset_add_many(rows, list, count);
            count = 0;
        }
    }
    rowset_add_many(rows, list, count);
    return rc;
}

static int add_function(struct catalog_reader *reader, struct error *err)
{
    int rc = reader->has_newest ? 0 : db_add_function(reader->db, "newest", 2, give_newest, err);
    reader->has_newest |= !rc;
    return rc;
}

int catalog_changed_since(struct catalog_reader *reader, uint32_t since, bool labels_only,
                          struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    sqlite3_stmt *stmt;
    int rc = reader_live(reader, err);
    if (!rc)
        rc = add_function(reader, err);
    if (!rc)
        rc = db_query(reader->db, labels_only ? QUERY_CLIPS_LABELLED : QUERY_CLIPS_CHANGED, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, since);
    rc = add_changed(reader->db, stmt, rows, err);
    sqlite3_reset(stmt);
    if (rc)
        return rc;
    rowset_and(rows, reader->live);
    *ret = STEAL(rows);
    return 0;
}
