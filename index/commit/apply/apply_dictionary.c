// SPDX-License-Identifier: Apache-2.0
/* A value's rows are read, changed and written: a few in its own row, many in a posting. */
#include "index/commit/apply/apply_dictionary.h"

#include <errno.h>
#include <stdlib.h>

#include "index/catalog/posting.h"
#include "index/commit/apply/apply_column.h"

/* ---- one value ---- */

/* One value under way. */
struct entry {
    struct db *db;
    struct attribute *attribute;
    const struct value *value;
    int64_t *next_posting;
    struct rowset *rows;    /* that have it */
    struct rowset *touched; /* gain or lose it */
    uint32_t posting;       /* 0: it has none */
    bool is_new;
};

static int read_entry(struct entry *entry, struct error *err)
{
    sqlite3_stmt *stmt;
    struct posting_value found;
    int rc = db_query(entry->db, QUERY_VALUE, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, entry->attribute->info.id);
    db_bind_value(stmt, 2, entry->value);
    rc = db_step(entry->db, stmt, err);
    entry->is_new = !rc;
    if (rc == 1 && !(rc = posting_value_read(entry->db, stmt, entry->attribute->info.type, &found, err))) {
        entry->posting = found.few ? 0 : found.posting;
        rc = posting_value_rows(entry->db, &found, entry->rows, err);
    }
    sqlite3_reset(stmt);
    return rc;
}

static int drop_entry(struct entry *entry, struct error *err)
{
    if (entry->is_new)
        return 0;
    sqlite3_stmt *stmt;
    int rc = db_query(entry->db, QUERY_VALUE_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, entry->attribute->info.id);
    db_bind_value(stmt, 2, entry->value);
    entry->attribute->info.distinct--;
    return db_run(entry->db, stmt, err);
}

/* The shards that change; all of them for what had no posting before. */
static int put_posting(struct entry *entry, struct error *err)
{
    if (entry->posting)
        return posting_write(entry->db, entry->posting, entry->rows, entry->touched, err);
    if (*entry->next_posting > UINT32_MAX)
        return error_set(err, EFBIG, "the catalog has too many postings");
    entry->posting = (uint32_t)(*entry->next_posting)++;
    return posting_write(entry->db, entry->posting, entry->rows, entry->rows, err);
}

static int put_entry(struct entry *entry, uint64_t clips, struct error *err)
{
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf few = BUF_INIT;
    bool is_few = clips <= SCHEMA_FEW_ROWS;
    int rc = 0;
    if (!is_few)
        rc = put_posting(entry, err);
    else if (entry->posting)
        rc = posting_drop(entry->db, entry->posting, err);
    if (!rc)
        rc = db_query(entry->db, QUERY_VALUE_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, entry->attribute->info.id);
    db_bind_value(stmt, 2, entry->value);
    db_bind_number(stmt, 3, (int64_t)clips);
    if (is_few) {
        posting_few(entry->rows, &few);
        db_bind_bytes(stmt, 4, few.data, few.len);
        db_bind_null(stmt, 5);
    } else {
        db_bind_null(stmt, 4);
        db_bind_number(stmt, 5, entry->posting);
    }
    entry->attribute->info.distinct += entry->is_new;
    return db_run(entry->db, stmt, err);
}

static int change_entry(struct entry *entry, const struct rowset *gained, const struct rowset *lost,
                        struct error *err)
{
    int rc = read_entry(entry, err);
    if (rc)
        return rc;
    rowset_andnot(entry->rows, lost);
    rowset_or(entry->rows, gained);
    rowset_or(entry->touched, lost);
    rowset_or(entry->touched, gained);
    uint64_t clips = rowset_count(entry->rows);
    if (clips)
        return put_entry(entry, clips, err);
    rc = entry->posting ? posting_drop(entry->db, entry->posting, err) : 0;
    return rc ? rc : drop_entry(entry, err);
}

static int change_value(const struct apply_dictionary *to, const struct value *value,
                        const struct rowset *gained, const struct rowset *lost, struct error *err)
{
    struct entry entry = {.db = to->db,
                          .attribute = to->attribute,
                          .value = value,
                          .next_posting = to->next_posting,
                          .rows = rowset_new(),
                          .touched = rowset_new()};
    int rc = change_entry(&entry, gained, lost, err);
    rowset_unref(entry.rows);
    rowset_unref(entry.touched);
    return rc;
}

/* ---- values ---- */

static int compare_values(const void *a, const void *b)
{
    return value_compare(&((const struct apply_value *)a)->value, &((const struct apply_value *)b)->value);
}

/* In value order: new values fill pages one behind the other, and their postings' numbers depend on nothing
 * else. */
int apply_dictionary_write(const struct apply_dictionary *to, struct apply_delta *delta, struct error *err)
{
    int rc = 0;
    if (delta->value_count)
        qsort(delta->values, delta->value_count, sizeof *delta->values, compare_values);
    for (size_t i = 0; !rc && i < delta->value_count; i++) {
        struct apply_value *value = &delta->values[i];
        rc = change_value(to, &value->value, apply_rows_set(&value->gained), apply_rows_set(&value->lost),
                          err);
        apply_rows_done(&value->gained);
        apply_rows_done(&value->lost);
    }
    return rc;
}

/* ---- the dictionary of a column ---- */

static int compare_numbers(const void *a, const void *b)
{
    const struct apply_number *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static size_t different_numbers(const struct apply_delta *delta)
{
    size_t count = 0;
    for (size_t i = 0; i < delta->number_count; i++)
        count += !i || delta->numbers[i].number != delta->numbers[i - 1].number;
    return count;
}

/* Sorts the numbers by value: the column must have been written. */
static int write_numbers(const struct apply_dictionary *to, struct apply_delta *delta, struct error *err)
{
    int rc = 0;
    for (size_t i = 0, end; !rc && i < delta->number_count; i = end) {
        CLEANUP_ROWSET struct rowset *gained = rowset_new(), *lost = rowset_new();
        for (end = i; end < delta->number_count && delta->numbers[end].number == delta->numbers[i].number;
             end++)
            rowset_add(delta->numbers[end].gained ? gained : lost, delta->numbers[end].row);
        struct value value = column_value(to->attribute->info.type, delta->numbers[i].number);
        rc = change_value(to, &value, gained, lost, err);
    }
    return rc;
}

static int drop_postings(const struct apply_dictionary *to, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(to->db, QUERY_VALUES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, to->attribute->info.id);
    while ((rc = db_step(to->db, stmt, err)) == 1) {
        struct posting_value value;
        rc = posting_value_read(to->db, stmt, to->attribute->info.type, &value, err);
        if (!rc && !value.few)
            rc = posting_drop(to->db, value.posting, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

int apply_dictionary_drop(const struct apply_dictionary *to, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = drop_postings(to, err);
    if (!rc)
        rc = db_query(to->db, QUERY_VALUES_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, to->attribute->info.id);
    return db_run(to->db, stmt, err);
}

int apply_dictionary_unlist(const struct apply_dictionary *to, struct error *err)
{
    int rc = apply_dictionary_drop(to, err);
    to->attribute->listed = false;
    return rc ? rc : apply_column_count(to->db, to->attribute, err);
}

int apply_dictionary_write_numbers(const struct apply_dictionary *to, struct apply_delta *delta,
                                   struct error *err)
{
    if (delta->number_count)
        qsort(delta->numbers, delta->number_count, sizeof *delta->numbers, compare_numbers);
    int rc = different_numbers(delta) <= SCHEMA_LISTED_MAX ? write_numbers(to, delta, err) : 0;
    if (rc)
        return rc;
    bool many =
        different_numbers(delta) > SCHEMA_LISTED_MAX || to->attribute->info.distinct > SCHEMA_LISTED_MAX;
    return many ? apply_dictionary_unlist(to, err) : 0;
}
