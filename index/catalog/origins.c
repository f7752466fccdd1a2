// SPDX-License-Identifier: Apache-2.0
/*
 * An array by number, filled as numbers are asked for: a catalog has few setters, and clips name them again
 * and again.
 */
#include "index/catalog/origins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void origins_done(struct origins *origins)
{
    for (size_t i = 0; i < origins->count; i++)
        free((char *)(uintptr_t)origins->list[i].setter);
    free(origins->list);
    *origins = (struct origins){0};
}

static int read_origin(struct db *db, uint32_t number, struct catalog_origin *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    const char *setter = NULL;
    int64_t version = 0;
    int rc = db_query(db, QUERY_ORIGIN, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, number);
    rc = db_step(db, stmt, err);
    if (!rc)
        return db_damaged(db, err, "the origin number %u is missing", number);
    rc = rc < 0 ? rc : db_column_text(db, stmt, 0, &setter, err);
    if (!rc)
        rc = db_column_number(db, stmt, 1, 0, &version, err);
    if (!rc && version >= SCHEMA_VERSIONS_MAX)
        rc = db_damaged_row(db, stmt, err, "the version is out of range");
    if (!rc)
        *ret = (struct catalog_origin){mem_text(setter), (uint32_t)version};
    sqlite3_reset(stmt);
    return rc;
}

/* Room for one more, filled with "not read yet". */
static void make_room(struct origins *origins, uint32_t number)
{
    if (number < origins->count)
        return;
    size_t count = ((size_t)number + 1) * 3 / 2;
    origins->list = mem_resize(origins->list, count * sizeof *origins->list);
    memset(origins->list + origins->count, 0, (count - origins->count) * sizeof *origins->list);
    origins->count = count;
}

int origins_get(struct db *db, struct origins *origins, uint32_t number, struct catalog_origin *ret,
                struct error *err)
{
    *ret = (struct catalog_origin){ORIGIN_IMPORT, 0};
    if (!number)
        return 0;
    if (number >= SCHEMA_ORIGINS_MAX)
        return db_damaged(db, err, "the origin number %u is out of range", number);
    if (number >= origins->count || !origins->list[number].setter) {
        struct catalog_origin origin;
        int rc = read_origin(db, number, &origin, err);
        if (rc)
            return rc;
        make_room(origins, number);
        origins->list[number] = origin;
    }
    *ret = origins->list[number];
    return 0;
}
