// SPDX-License-Identifier: Apache-2.0
/* A part is read, changed and written whole: it is small, and packed. */
#include "index/commit/apply/apply_column.h"

#include <string.h>

int apply_column_read(struct db *db, int64_t id, struct column_values *values, uint32_t *ret_different,
                      struct error *err)
{
    sqlite3_stmt *stmt;
    struct column_part part;
    CLEANUP_BUF struct buf expanded = BUF_INIT;
    memset(values, 0, sizeof *values);
    *ret_different = 0;
    int rc = db_query(db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    db_bind_number(stmt, 2, id);
    rc = db_step(db, stmt, err);
    if (rc == 1 && !(rc = column_part_read(db, stmt, &part, err)) &&
        !(rc = column_part_expand(db, &part, &expanded, err))) {
        column_part_values(&part, &expanded, values);
        *ret_different = part.different;
    }
    sqlite3_reset(stmt);
    return rc;
}

static int drop_part(struct db *db, int64_t id, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_PART_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    db_bind_number(stmt, 2, id);
    return db_run(db, stmt, err);
}

int apply_column_put(struct db *db, int64_t id, const struct column_values *values, uint32_t *ret_different,
                     struct error *err)
{
    struct column_part part;
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf codes = BUF_INIT;
    column_part_make(db_packer(db), values, &part, &codes);
    *ret_different = part.different;
    if (!part.clips)
        return drop_part(db, id, err);
    int rc = db_query(db, QUERY_PART_PUT, &stmt, err);
    if (rc)
        return rc;
    const int64_t numbers[] = {id,        part.low, part.high, part.clips, part.different, (int64_t)part.step,
                               part.width};
    for (int i = 0; i < 7; i++)
        db_bind_number(stmt, i + 1, numbers[i]);
    db_bind_bytes(stmt, 8, codes.data, codes.len);
    return db_run(db, stmt, err);
}

/* A number may be lost after another one was gained in its place. */
static void change_row(struct column_values *values, const struct apply_number *change)
{
    uint32_t row = change->row & (ROWSET_PART_ROWS - 1);
    if (!change->gained && values->values[row] != change->number)
        return;
    values->values[row] = change->gained ? change->number : 0;
    values->present[row / 64] &= ~(1ull << row % 64);
    values->present[row / 64] |= (uint64_t)change->gained << row % 64;
}

int apply_column_write(struct db *db, struct attribute *attribute, const struct apply_delta *delta,
                       uint32_t *ret_most, struct error *err)
{
    uint32_t most = 0;
    CLEANUP_FREE struct column_values *values = mem_alloc(sizeof *values);
    int rc = 0;
    for (size_t i = 0, end; !rc && i < delta->number_count; i = end) {
        uint32_t number = delta->numbers[i].row >> SCHEMA_PART_BITS, before, after;
        int64_t id = (int64_t)attribute->info.id << SCHEMA_PART_BITS | number;
        rc = apply_column_read(db, id, values, &before, err);
        for (end = i; end < delta->number_count && delta->numbers[end].row >> SCHEMA_PART_BITS == number;
             end++)
            change_row(values, &delta->numbers[end]);
        if (!rc)
            rc = apply_column_put(db, id, values, &after, err);
        if (!rc && !attribute->listed)
            attribute->info.distinct += (uint64_t)after - before;
        if (!rc && after > most)
            most = after;
    }
    *ret_most = most;
    return rc;
}

int apply_column_count(struct db *db, struct attribute *attribute, struct error *err)
{
    sqlite3_stmt *stmt;
    uint64_t sum = 0;
    int rc = db_query(db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, (int64_t)attribute->info.id << SCHEMA_PART_BITS);
    db_bind_number(stmt, 2, (int64_t)attribute->info.id << SCHEMA_PART_BITS | (SCHEMA_PARTS - 1));
    while ((rc = db_step(db, stmt, err)) == 1) {
        struct column_part part;
        rc = column_part_read(db, stmt, &part, err);
        if (rc)
            break;
        sum += part.different;
    }
    sqlite3_reset(stmt);
    attribute->info.distinct = sum;
    return rc;
}

int apply_column_drop(struct db *db, const struct attribute *attribute, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_PART_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, (int64_t)attribute->info.id << SCHEMA_PART_BITS);
    db_bind_number(stmt, 2, (int64_t)attribute->info.id << SCHEMA_PART_BITS | (SCHEMA_PARTS - 1));
    return db_run(db, stmt, err);
}
