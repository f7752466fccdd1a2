// SPDX-License-Identifier: Apache-2.0
/*
 * Values of attributes without a column are gathered by value; numbers as a list of (row, number), since most
 * of them are different and only their columns are wanted. Such an attribute also has a dictionary while it
 * has few values: once it has more than SCHEMA_LISTED_MAX it loses it for good.
 */
#include "index/apply_delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/column.h"
#include "index/catalog/posting.h"

/* ---- gathering ---- */

static void rows_add(struct apply_rows *rows, uint32_t row)
{
    if (rows->count < APPLY_FEW) {
        rows->few[rows->count++] = row;
        return;
    }
    if (!rows->many) {
        rows->many = rowset_new();
        rowset_add_many(rows->many, rows->few, APPLY_FEW);
    }
    rowset_add(rows->many, row);
    rows->count++;
}

static struct rowset *rows_set(const struct apply_rows *rows)
{
    if (rows->many)
        return rowset_ref(rows->many);
    struct rowset *set = rowset_new();
    rowset_add_many(set, rows->few, rows->count);
    return set;
}

void apply_delta_done(struct apply_delta *delta)
{
    rowset_unref(delta->gained);
    rowset_unref(delta->lost);
    strmap_free(delta->map);
    for (size_t i = 0; i < delta->value_count; i++) {
        rowset_unref(delta->values[i].gained.many);
        rowset_unref(delta->values[i].lost.many);
    }
    free(delta->values);
    free(delta->numbers);
    *delta = (struct apply_delta){0};
}

void apply_delta_row(struct apply_delta *delta, uint32_t row, bool gained)
{
    struct rowset **rows = gained ? &delta->gained : &delta->lost;
    if (!*rows)
        *rows = rowset_new();
    rowset_add(*rows, row);
}

static struct apply_value *value_of(struct apply_delta *delta, const struct value *value)
{
    bool is_new;
    const void *bytes = value->type == VALUE_TEXT ? (const void *)value->text : &value->integer;
    size_t len = value->type == VALUE_TEXT   ? value->len
                 : value->type == VALUE_BOOL ? 1
                                             : sizeof value->integer;
    if (!delta->map)
        delta->map = strmap_new();
    struct strmap_entry *entry = strmap_put(delta->map, bytes, len, &is_new);
    if (is_new) {
        entry->value = delta->value_count;
        mem_grow(&delta->values, &delta->value_cap, delta->value_count + 1, sizeof *delta->values);
        struct apply_value *made = &delta->values[delta->value_count++];
        *made = (struct apply_value){.value = *value};
        if (value->type == VALUE_TEXT)
            made->value.text = entry->key;
    }
    return &delta->values[entry->value];
}

void apply_delta_value(struct apply_delta *delta, bool column, const struct value *value, uint32_t row,
                       bool gained)
{
    if (!column) {
        struct apply_value *known = value_of(delta, value);
        rows_add(gained ? &known->gained : &known->lost, row);
        return;
    }
    mem_grow(&delta->numbers, &delta->number_cap, delta->number_count + 1, sizeof *delta->numbers);
    delta->numbers[delta->number_count++] = (struct apply_number){column_number(value), row, gained};
}

/* ---- the dictionary ---- */

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

struct dictionary { /* to write to */
    struct db *db;
    struct attribute *attribute;
    int64_t *next_posting;
};

static int change_value(const struct dictionary *to, const struct value *value, const struct rowset *gained,
                        const struct rowset *lost, struct error *err)
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

static int compare_values(const void *a, const void *b)
{
    return value_compare(&((const struct apply_value *)a)->value, &((const struct apply_value *)b)->value);
}

/* In value order: new values fill pages one behind the other, and their postings' numbers depend on nothing
 * else. */
static int write_values(const struct dictionary *to, struct apply_delta *delta, struct error *err)
{
    int rc = 0;
    if (delta->value_count)
        qsort(delta->values, delta->value_count, sizeof *delta->values, compare_values);
    for (size_t i = 0; !rc && i < delta->value_count; i++) {
        const struct apply_value *value = &delta->values[i];
        CLEANUP_ROWSET struct rowset *gained = rows_set(&value->gained), *lost = rows_set(&value->lost);
        rc = change_value(to, &value->value, gained, lost, err);
    }
    return rc;
}

/* ---- columns ---- */

static int read_part(struct db *db, int64_t id, struct column_values *values, uint32_t *ret_different,
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

static int put_part(struct db *db, int64_t id, const struct column_values *values, uint32_t *ret_different,
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

/* Changes came in row order. */
static int write_column(const struct dictionary *to, const struct apply_delta *delta, struct error *err)
{
    CLEANUP_FREE struct column_values *values = mem_alloc(sizeof *values);
    int rc = 0;
    for (size_t i = 0, end; !rc && i < delta->number_count; i = end) {
        uint32_t number = delta->numbers[i].row >> SCHEMA_PART_BITS, before, after;
        int64_t id = (int64_t)to->attribute->info.id << SCHEMA_PART_BITS | number;
        rc = read_part(to->db, id, values, &before, err);
        for (end = i; end < delta->number_count && delta->numbers[end].row >> SCHEMA_PART_BITS == number;
             end++)
            change_row(values, &delta->numbers[end]);
        if (!rc)
            rc = put_part(to->db, id, values, &after, err);
        if (!rc && !to->attribute->listed)
            to->attribute->info.distinct += (uint64_t)after - before;
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
static int write_numbers(const struct dictionary *to, struct apply_delta *delta, struct error *err)
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

static int drop_postings(const struct dictionary *to, struct error *err)
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

/* Sum over the parts: a value in two parts counts twice. */
static int count_different(const struct dictionary *to, struct error *err)
{
    sqlite3_stmt *stmt;
    uint64_t sum = 0;
    int rc = db_query(to->db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, (int64_t)to->attribute->info.id << SCHEMA_PART_BITS);
    db_bind_number(stmt, 2, (int64_t)to->attribute->info.id << SCHEMA_PART_BITS | (SCHEMA_PARTS - 1));
    while ((rc = db_step(to->db, stmt, err)) == 1) {
        struct column_part part;
        rc = column_part_read(to->db, stmt, &part, err);
        if (rc)
            break;
        sum += part.different;
    }
    sqlite3_reset(stmt);
    to->attribute->info.distinct = sum;
    return rc;
}

static int drop_dictionary(const struct dictionary *to, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = drop_postings(to, err);
    if (!rc)
        rc = db_query(to->db, QUERY_VALUES_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, to->attribute->info.id);
    rc = db_run(to->db, stmt, err);
    to->attribute->listed = false;
    return rc ? rc : count_different(to, err);
}

static int write_listed(const struct dictionary *to, struct apply_delta *delta, struct error *err)
{
    if (delta->number_count)
        qsort(delta->numbers, delta->number_count, sizeof *delta->numbers, compare_numbers);
    int rc = different_numbers(delta) <= SCHEMA_LISTED_MAX ? write_numbers(to, delta, err) : 0;
    if (rc)
        return rc;
    bool many =
        different_numbers(delta) > SCHEMA_LISTED_MAX || to->attribute->info.distinct > SCHEMA_LISTED_MAX;
    return many ? drop_dictionary(to, err) : 0;
}

/* ---- an attribute ---- */

static int write_presence(const struct dictionary *to, const struct apply_delta *delta, struct error *err)
{
    if (!delta->gained && !delta->lost)
        return 0;
    CLEANUP_ROWSET struct rowset *rows = NULL, *touched = rowset_new();
    int rc = posting_read(to->db, to->attribute->posting, &rows, err);
    if (rc)
        return rc;
    if (delta->lost)
        rowset_andnot(rows, delta->lost), rowset_or(touched, delta->lost);
    if (delta->gained)
        rowset_or(rows, delta->gained), rowset_or(touched, delta->gained);
    to->attribute->info.clips = rowset_count(rows);
    return posting_write(to->db, to->attribute->posting, rows, touched, err);
}

int apply_delta_write(struct db *db, struct attribute *attribute, struct apply_delta *delta,
                      int64_t *next_posting, struct error *err)
{
    struct dictionary to = {db, attribute, next_posting};
    int rc = write_presence(&to, delta, err);
    if (!rc && !attribute_has_column(attribute))
        return write_values(&to, delta, err);
    if (!rc)
        rc = write_column(&to, delta, err);
    if (!rc && attribute->listed)
        rc = write_listed(&to, delta, err);
    return rc;
}

/* ---- attributes that get wider ---- */

struct part_walk {
    struct db *db;
    struct attribute *attribute;
    struct apply_delta *delta; /* unfolding: values gained */
    struct column_values *values;
};

/* Each part's values in turn. `each` may write the part anew. */
static int each_part(struct part_walk *walk,
                     int (*each)(struct part_walk *walk, uint32_t number, struct error *err),
                     struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    uint32_t row, different;
    walk->values = mem_alloc(sizeof *walk->values);
    int rc = posting_read(walk->db, walk->attribute->posting, &rows, err);
    for (uint64_t from = 0; !rc && rowset_rows(rows, from, &row, 1);) {
        uint32_t number = row >> SCHEMA_PART_BITS;
        int64_t id = (int64_t)walk->attribute->info.id << SCHEMA_PART_BITS | number;
        rc = read_part(walk->db, id, walk->values, &different, err);
        if (!rc)
            rc = each(walk, number, err);
        from = ((uint64_t)number + 1) << SCHEMA_PART_BITS;
    }
    free(walk->values);
    return rc;
}

static int unfold_part(struct part_walk *walk, uint32_t number, struct error *err)
{
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++)
        if (walk->values->present[row / 64] >> row % 64 & 1) {
            struct value value = column_value(walk->attribute->info.type, walk->values->values[row]);
            if (value_check(&value, NULL))
                return db_damaged(walk->db, err, "a column holds what is no value");
            apply_delta_value(walk->delta, false, &value, number << SCHEMA_PART_BITS | row, true);
        }
    return 0;
}

static int drop_column(struct db *db, const struct attribute *attribute, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_PART_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, (int64_t)attribute->info.id << SCHEMA_PART_BITS);
    db_bind_number(stmt, 2, (int64_t)attribute->info.id << SCHEMA_PART_BITS | (SCHEMA_PARTS - 1));
    return db_run(db, stmt, err);
}

int apply_delta_unfold(struct db *db, struct attribute *attribute, struct apply_delta *delta,
                       struct error *err)
{
    int rc = 0;
    if (attribute_has_column(attribute)) {
        struct part_walk walk = {.db = db, .attribute = attribute, .delta = delta};
        if (!attribute->listed) {
            attribute->info.distinct = 0; /* counted again as values are listed */
            rc = each_part(&walk, unfold_part, err);
        }
        if (!rc)
            rc = drop_column(db, attribute, err);
    }
    attribute->listed = true;
    attribute->info.multi = true;
    return rc;
}

static int not_exact(const struct attribute *attribute, int64_t number, struct error *err)
{
    return error_set(
        err, EINVAL,
        "the attribute '%s' is integer in the data set and float in the import, and %lld is not exact as "
        "a float",
        attribute->info.name, (long long)number);
}

static bool is_exact(int64_t number)
{
    enum { EXACT_BITS = 53 };
    return number >= -(1ll << EXACT_BITS) && number <= 1ll << EXACT_BITS;
}

static int widen_part(struct part_walk *walk, uint32_t number, struct error *err)
{
    uint32_t different;
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++) {
        int64_t *at = &walk->values->values[row];
        if (!(walk->values->present[row / 64] >> row % 64 & 1))
            continue;
        if (!is_exact(*at))
            return not_exact(walk->attribute, *at, err);
        struct value value = {.type = VALUE_FLOAT, .real = (double)*at};
        *at = column_number(&value);
    }
    int64_t id = (int64_t)walk->attribute->info.id << SCHEMA_PART_BITS | number;
    return put_part(walk->db, id, walk->values, &different, err);
}

/* The dictionary of an attribute without a column needs no change: SQLite orders integers and floats as one.
 */
static int check_listed(struct db *db, const struct attribute *attribute, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_VALUES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    while ((rc = db_step(db, stmt, err)) == 1) {
        struct posting_value value;
        rc = posting_value_read(db, stmt, VALUE_INT, &value, err);
        if (!rc && !is_exact(value.value.integer))
            rc = not_exact(attribute, value.value.integer, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

int apply_delta_widen(struct db *db, struct attribute *attribute, struct error *err)
{
    struct part_walk walk = {.db = db, .attribute = attribute};
    int rc = attribute_has_column(attribute) ? each_part(&walk, widen_part, err)
                                             : check_listed(db, attribute, err);
    if (!rc)
        attribute->info.type = VALUE_FLOAT;
    return rc;
}
