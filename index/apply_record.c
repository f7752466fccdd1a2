// SPDX-License-Identifier: Apache-2.0
/* A group is read once, changed clip by clip and written when the next one is entered. */
#include "index/apply_record.h"

#include <string.h>

void apply_record_done(struct apply_record *record)
{
    record_group_done(&record->group);
    record_values_done(&record->was);
    record_values_done(&record->now);
    record_values_done(&record->by_name);
    buf_done(&record->json);
    buf_done(&record->bytes);
}

/* ---- groups ---- */

int apply_record_flush(struct apply_record *record, struct error *err)
{
    if (!record->dirty)
        return 0;
    sqlite3_stmt *stmt;
    struct db *db = record->apply->db;
    CLEANUP_BUF struct buf packed = BUF_INIT;
    int rc = record_group_encode(db_packer(db), &record->group, &packed, err);
    if (!rc)
        rc = db_query(db, QUERY_GROUP_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, record->group.number);
    db_bind_bytes(stmt, 2, packed.data, packed.len);
    record->dirty = false;
    return db_run(db, stmt, err);
}

static int enter_group(struct apply_record *record, struct error *err)
{
    if (record->group.number == record->row / SCHEMA_GROUP_ROWS)
        return 0;
    int rc = apply_record_flush(record, err);
    return rc ? rc : record_group_read(record->apply->db, record->row, &record->group, err);
}

int apply_record_enter(struct apply_record *record, uint32_t row, bool known, struct error *err)
{
    record->row = row;
    record->was.count = record->now.count = 0;
    int rc = enter_group(record, err);
    if (rc || !known)
        return rc;
    return record_decode(record->apply->db, &record->apply->attributes, record_of(&record->group, row),
                         &record->was, err);
}

/* ---- what changed ---- */

bool apply_record_same(const struct apply_record *record)
{
    const struct record_values *a = &record->now, *b = &record->was;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].attribute != b->list[i].attribute ||
            value_compare(&a->list[i].value, &b->list[i].value) != 0)
            return false;
    return true;
}

static struct apply_delta *delta_of(struct apply *apply, const struct attribute *attribute)
{
    return &apply->deltas[attribute - apply->attributes.list];
}

static void change_value(struct apply_record *record, const struct record_value *value, bool gained)
{
    apply_delta_value(delta_of(record->apply, value->attribute), attribute_has_column(value->attribute),
                      &value->value, record->row, gained);
}

static int compare_places(const struct record_value *a, const struct record_value *b)
{
    uint32_t id = a->attribute->info.id, other = b->attribute->info.id;
    return id != other ? (id > other) - (id < other) : value_compare(&a->value, &b->value);
}

static bool has_attribute(const struct record_values *values, size_t near, const struct attribute *attribute)
{
    return (near < values->count && values->list[near].attribute == attribute) ||
           (near && values->list[near - 1].attribute == attribute);
}

/* Both lists are by attribute id and value: one walk finds what only one of them has. */
static void note_changes(struct apply_record *record)
{
    const struct record_values *old = &record->was, *new = &record->now;
    for (size_t i = 0, k = 0; i < old->count || k < new->count;) {
        int order = i == old->count ? 1 : k == new->count ? -1 : compare_places(&old->list[i], &new->list[k]);
        if (!order) {
            i++, k++;
            continue;
        }
        bool gained = order > 0;
        const struct record_values *here = gained ? new : old, *there = gained ? old : new;
        size_t at = gained ? k++ : i++, near = gained ? i : k;
        const struct record_value *value = &here->list[at];
        change_value(record, value, gained);
        bool first = !at || here->list[at - 1].attribute != value->attribute;
        if (first && !has_attribute(there, near, value->attribute))
            apply_delta_row(delta_of(record->apply, value->attribute), record->row, gained);
    }
}

/* ---- writing ---- */

void apply_record_print(struct apply_record *record, const char *key)
{
    struct record_values *by_name = &record->by_name;
    mem_grow(&by_name->list, &by_name->cap, record->now.count, sizeof *by_name->list);
    if (record->now.count)
        memcpy(by_name->list, record->now.list, record->now.count * sizeof *by_name->list);
    by_name->count = record->now.count;
    record_values_sort_by_name(by_name, &record->apply->attributes);
    buf_clear(&record->json);
    record_json(key, by_name, &record->json);
}

void apply_record_put(struct apply_record *record)
{
    note_changes(record); /* while the old values still stand in the group */
    buf_clear(&record->bytes);
    record_encode(&record->now, &record->bytes);
    record_group_replace(&record->group, record->row, record->bytes.data, record->bytes.len);
    record->was.count = 0;
    record->dirty = true;
    record->apply->counts.values += record->now.count;
}
