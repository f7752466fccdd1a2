// SPDX-License-Identifier: Apache-2.0
#include "index/commit/apply/apply_growth.h"

static void clear(struct apply_growth *growth, int64_t group)
{
    growth->group = group;
    growth->count = 0;
    for (size_t i = 0; i < SCHEMA_GROUP_ROWS; i++)
        growth->bytes[i] = DB_NOT_GROWN;
}

void apply_growth_init(struct apply_growth *growth, struct apply *apply)
{
    growth->apply = apply;
    clear(growth, 0);
}

int apply_growth_flush(struct apply_growth *growth, struct error *err)
{
    struct db *db = growth->apply->db;
    int64_t first = growth->group * SCHEMA_GROUP_ROWS, low = 0, high = SCHEMA_GROUP_ROWS - 1;
    sqlite3_stmt *stmt;
    if (!growth->count)
        return 0;
    int rc = db_query(db, QUERY_CLIPS_JSON_GROW, &stmt, err);
    if (rc)
        return rc;
    while (growth->bytes[low] == DB_NOT_GROWN)
        low++;
    while (growth->bytes[high] == DB_NOT_GROWN)
        high--;
    db_set_grown(db, first, growth->bytes, SCHEMA_GROUP_ROWS);
    db_bind_number(stmt, 1, first + low);
    db_bind_number(stmt, 2, first + high);
    db_bind_number(stmt, 3, growth->apply->source.options->version);
    rc = db_run(db, stmt, err);
    db_set_grown(db, 0, NULL, 0);
    growth->count = 0;
    return rc;
}

int apply_growth_add(struct apply_growth *growth, uint32_t row, int64_t bytes, struct error *err)
{
    int64_t group = row / SCHEMA_GROUP_ROWS;
    if (growth->count && group != growth->group) {
        int rc = apply_growth_flush(growth, err);
        if (rc)
            return rc;
    }
    if (!growth->count)
        clear(growth, group);
    growth->bytes[row % SCHEMA_GROUP_ROWS] = bytes;
    growth->count++;
    return 0;
}
