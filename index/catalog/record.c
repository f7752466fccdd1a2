// SPDX-License-Identifier: Apache-2.0
/* Values stand in the record itself, not as numbers of a dictionary: neighbours share their words in one zstd
 * frame, and a clip's attributes cost one read. */
#include "index/catalog/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/catalog/direct.h"

enum { GROUP_BYTES_MAX = 256 << 20, TYPE_BITS = 3, COUNT_MAX = 1 << 20 };

/* ---- groups ---- */

void record_group_done(struct record_group *group)
{
    buf_done(&group->bytes);
    buf_done(&group->next);
    *group = (struct record_group){
        .get = group->get, .put = group->put, .first = group->first, .rows = group->rows, .number = -1};
}

static int split(struct db *db, sqlite3_stmt *stmt, const struct buf *raw, struct record_group *group,
                 struct error *err)
{
    struct cursor c = cursor_of(raw->data, raw->len);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < group->rows; i++) {
        uint64_t len = cursor_varint(&c);
        group->at[i] = (uint32_t)sum;
        if (c.failed || len > raw->len)
            return db_damaged_row(db, stmt, err, "the lengths of the records are out of range");
        sum += len;
    }
    group->at[group->rows] = (uint32_t)sum;
    if (sum != cursor_left(&c))
        return db_damaged_row(db, stmt, err, "the records have other lengths");
    buf_append(&group->bytes, cursor_bytes(&c, sum), sum);
    return 0;
}

int record_dictionary(struct db *db, struct packer *packer, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    int rc = db_query(db, QUERY_DICTIONARY, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, 0);
    rc = db_step(db, stmt, err);
    int found = rc;
    if (rc == 1)
        rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (!rc && found && (len > PACKER_DICTIONARY_BYTES || packer_take_dictionary(packer, bytes, len)))
        rc = db_damaged_row(db, stmt, err, "the dictionary is none");
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

/* `stmt` is the one that gives the row. */
static int take_group(struct db *db, sqlite3_stmt *stmt, const uint8_t *bytes, size_t len,
                      struct record_group *group, struct error *err)
{
    CLEANUP_BUF struct buf raw = BUF_INIT;
    int rc = 0;
    if (packer_lacks_dictionary(db_packer(db), bytes, len))
        rc = record_dictionary(db, db_packer(db), err);
    if (rc < 0)
        return rc;
    if (packer_unpack(db_packer(db), bytes, len, GROUP_BYTES_MAX, &raw))
        return db_damaged_row(db, stmt, err, "the records cannot be expanded");
    return split(db, stmt, &raw, group, err);
}

static int read_group(struct db *db, sqlite3_stmt *stmt, struct record_group *group, struct error *err)
{
    const uint8_t *bytes;
    size_t len;
    int rc = db_step(db, stmt, err);
    if (rc < 1)
        return rc; /* none: all are empty */
    rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    return rc ? rc : take_group(db, stmt, bytes, len, group, err);
}

/* The same, where it can be had faster. */
static int read_direct(struct db *db, sqlite3_stmt *stmt, int64_t number, struct record_group *group,
                       struct error *err)
{
    CLEANUP_DIRECT_ROW struct direct_row row = {0};
    int rc = group->get == QUERY_GROUP ? direct_row(db, DIRECT_FORWARD, number, &row) : -EAGAIN;
    if (rc == 1)
        rc = take_group(db, stmt, row.bytes, row.len, group, err);
    return rc;
}

int64_t record_group_number(const struct record_group *group, uint32_t row)
{
    return group->first + row / group->rows;
}

int record_group_read(struct db *db, uint32_t row, struct record_group *group, struct error *err)
{
    int64_t number = record_group_number(group, row);
    if (group->number == number)
        return 0;
    sqlite3_stmt *stmt;
    int rc = db_query(db, group->get, &stmt, err);
    if (rc)
        return rc;
    group->number = -1;
    memset(group->at, 0, sizeof group->at);
    buf_clear(&group->bytes);
    buf_clear(&group->next);
    group->next_rows = 0;
    db_bind_number(stmt, 1, number);
    rc = read_direct(db, stmt, number, group, err);
    if (rc == -EAGAIN)
        rc = read_group(db, stmt, group, err);
    sqlite3_reset(stmt);
    if (!rc)
        group->number = number;
    return rc;
}

/* The records before record `end` go on as they are. */
static void keep_until(struct record_group *group, uint32_t end)
{
    uint32_t from = group->next_rows;
    if (from >= end)
        return;
    uint32_t moved = (uint32_t)group->next.len - group->at[from];
    buf_append(&group->next, buf_text(&group->bytes) + group->at[from], group->at[end] - group->at[from]);
    for (uint32_t i = from; i < end; i++)
        group->next_at[i + 1] = group->at[i + 1] + moved;
    group->next_rows = end;
}

void record_group_replace(struct record_group *group, uint32_t row, const void *bytes, size_t len)
{
    uint32_t i = row % group->rows;
    assert(i >= group->next_rows);
    keep_until(group, i);
    buf_append(&group->next, bytes, len);
    group->next_at[i + 1] = (uint32_t)group->next.len;
    group->next_rows = i + 1;
}

static void take_next(struct record_group *group)
{
    keep_until(group, group->rows);
    struct buf old = group->bytes;
    group->bytes = group->next;
    memcpy(group->at, group->next_at, sizeof group->at);
    group->next = old;
    buf_clear(&group->next);
    group->next_rows = 0;
}

int record_group_encode(struct record_group *group, struct buf *buf, struct error *err)
{
    size_t start = buf->len;
    take_next(group);
    for (uint32_t i = 0; i < group->rows; i++)
        buf_varint(buf, group->at[i + 1] - group->at[i]);
    buf_append(buf, group->bytes.data, group->bytes.len);
    return buf->len - start > GROUP_BYTES_MAX
               ? error_set(err, EFBIG, "the attributes of %u neighbouring clips have %zu bytes", group->rows,
                           buf->len - start)
               : 0;
}

struct cursor record_of(const struct record_group *group, uint32_t row)
{
    uint32_t i = row % group->rows;
    return cursor_of(buf_text(&group->bytes) + group->at[i], group->at[i + 1] - group->at[i]);
}

/* ---- records ---- */

void record_values_done(struct record_values *values)
{
    free(values->list);
    *values = (struct record_values){0};
}

void record_values_add(struct record_values *values, const struct attribute *attribute,
                       const struct value *value, uint32_t origin)
{
    mem_grow(&values->list, &values->cap, values->count + 1, sizeof *values->list);
    values->list[values->count++] = (struct record_value){attribute, *value, origin};
}

/* A head without a type says who set what follows. */
static bool decode_origin(uint64_t head, uint32_t *origin)
{
    uint64_t number = head >> (TYPE_BITS + 1);
    if (head & 1 || number >= SCHEMA_ORIGINS_MAX || number == *origin)
        return false;
    *origin = (uint32_t)number;
    return true;
}

struct decoding {
    const struct attributes *attributes;
    struct record_over over; /* those of ids that are still to come */
    struct record_values *values;
    uint64_t next_id; /* no entry is of one below */
    uint32_t origin;
};

/* Does the record's value of this attribute stand? Entries come by id. */
static bool is_over(struct decoding *d, uint64_t id)
{
    while (d->over.count && *d->over.ids < id)
        d->over.ids++, d->over.count--;
    return d->over.count && *d->over.ids == id;
}

static bool decode_values(struct decoding *d, struct cursor *c, enum value_type type, uint64_t count,
                          const struct attribute *attribute)
{
    struct value before = {0};
    for (uint64_t i = 0; i < count; i++) {
        struct value value = {.type = type};
        if (type != VALUE_LIST)
            value_decode(c, type, &value);
        if (attribute && type != attribute->info.type)
            value = (struct value){.type = VALUE_FLOAT, .real = (double)value.integer};
        if (c->failed || (i && value_compare(&before, &value) >= 0))
            return false;
        if (attribute)
            record_values_add(d->values, attribute, &value, d->origin);
        before = value;
    }
    return true;
}

static bool decode_entry(struct decoding *d, struct cursor *c)
{
    uint64_t head = cursor_varint(c), id = head >> (TYPE_BITS + 1);
    enum value_type type = (enum value_type)(head >> 1 & ((1 << TYPE_BITS) - 1));
    if (!type)
        return !c->failed && decode_origin(head, &d->origin);
    uint64_t count = head & 1 ? cursor_varint(c) : 1;
    if (c->failed || id >= SCHEMA_ATTRIBUTES_MAX || id < d->next_id || !count || count > COUNT_MAX ||
        (count > 1 && type == VALUE_LIST))
        return false;
    d->next_id = id + 1;
    const struct attribute *attribute = is_over(d, id) ? NULL : attributes_by_id(d->attributes, (uint32_t)id);
    if (attribute &&
        ((count > 1 && !attribute->info.multi) ||
         (type != attribute->info.type && !(type == VALUE_INT && attribute->info.type == VALUE_FLOAT))))
        return false;
    return decode_values(d, c, type, count, attribute);
}

int record_decode(struct db *db, const struct attributes *attributes, const struct record_over *over,
                  uint32_t row, struct cursor record, struct record_values *values, struct error *err)
{
    struct decoding d = {
        .attributes = attributes, .over = over ? *over : (struct record_over){0}, .values = values};
    values->count = 0;
    while (cursor_left(&record))
        if (!decode_entry(&d, &record))
            return db_damaged(db, err, "the record of row %u is not in order", row);
    return 0;
}

int record_check(const struct record_values *values, struct error *err)
{
    for (size_t i = 0, end; i < values->count; i = end) {
        const struct attribute *attribute = values->list[i].attribute;
        for (end = i + 1; end < values->count && values->list[end].attribute == attribute; end++)
            ;
        if (end - i > (attribute->info.multi ? (size_t)COUNT_MAX : 1))
            return error_set(err, E2BIG, "a clip would have %zu values of '%s', more than it can", end - i,
                             attribute->info.name);
    }
    return 0;
}

void record_encode(const struct record_values *values, struct buf *buf)
{
    uint32_t origin = 0;
    for (size_t i = 0, end; i < values->count; i = end) {
        const struct attribute *attribute = values->list[i].attribute;
        if (values->list[i].origin != origin) {
            origin = values->list[i].origin;
            buf_varint(buf, (uint64_t)origin << (TYPE_BITS + 1));
        }
        for (end = i + 1; end < values->count && values->list[end].attribute == attribute; end++)
            ;
        uint64_t head = (uint64_t)attribute->info.id << TYPE_BITS | (unsigned)attribute->info.type;
        buf_varint(buf, head << 1 | (end - i > 1));
        if (end - i > 1)
            buf_varint(buf, end - i);
        for (size_t k = i; k < end && attribute->info.type != VALUE_LIST; k++)
            value_encode(buf, &values->list[k].value);
    }
}

static int compare_by_id(const void *a, const void *b)
{
    const struct record_value *x = a, *y = b;
    uint32_t id = x->attribute->info.id, other = y->attribute->info.id;
    return id != other ? (id > other) - (id < other) : value_compare(&x->value, &y->value);
}

static bool is_sorted(const struct record_values *values)
{
    for (size_t i = 1; i < values->count; i++)
        if (compare_by_id(&values->list[i - 1], &values->list[i]) >= 0)
            return false;
    return true;
}

void record_values_sort(struct record_values *values)
{
    if (is_sorted(values))
        return;
    qsort(values->list, values->count, sizeof *values->list, compare_by_id);
    size_t kept = 0;
    for (size_t i = 0; i < values->count; i++)
        if (!kept || compare_by_id(&values->list[kept - 1], &values->list[i]) != 0)
            values->list[kept++] = values->list[i];
    values->count = kept;
}

/* A name's place in their order, and the value's own: so those of an attribute stay as they are. */
static int compare_places(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* They are few, and many stand right. */
static void sort_places(uint64_t *places, size_t count)
{
    enum { FEW = 64 };
    if (count > FEW) {
        qsort(places, count, sizeof *places, compare_places);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint64_t place = places[i];
        size_t k = i;
        for (; k && places[k - 1] > place; k--)
            places[k] = places[k - 1];
        places[k] = place;
    }
}

void record_values_by_name(const struct record_values *values, const struct attributes *attributes,
                           struct record_values *ret)
{
    enum { FEW = 64 };
    uint64_t few[FEW];
    size_t count = values->count;
    CLEANUP_FREE uint64_t *many = count > FEW ? mem_alloc(count * sizeof *many) : NULL;
    uint64_t *places = many ? many : few;
    for (size_t i = 0; i < count; i++)
        places[i] = (uint64_t)attributes->ranks[values->list[i].attribute - attributes->list] << 32 | i;
    sort_places(places, count);
    mem_grow(&ret->list, &ret->cap, count, sizeof *ret->list);
    for (size_t i = 0; i < count; i++)
        ret->list[i] = values->list[(uint32_t)places[i]];
    ret->count = count;
}

size_t record_json_member(const struct record_values *values, size_t at, const struct events *events,
                          struct buf *buf)
{
    const struct attribute *attribute = values->list[at].attribute;
    buf_u8(buf, ',');
    json_write_text(buf, attribute->info.name, strlen(attribute->info.name));
    buf_u8(buf, ':');
    bool is_event = event_is_of(attribute->info.name);
    size_t end = at;
    if (is_event)
        events_print_json(events, buf);
    else if (attribute->info.multi)
        buf_u8(buf, '[');
    for (; end < values->count && values->list[end].attribute == attribute; end++) {
        if (is_event)
            continue;
        if (end > at)
            buf_u8(buf, ',');
        value_print_json(buf, &values->list[end].value);
    }
    if (attribute->info.multi && !is_event)
        buf_u8(buf, ']');
    return end;
}

void record_json(const char *key, const struct record_values *values, const struct events *events,
                 struct buf *buf)
{
    buf_text_append(buf, "{\"key\":");
    json_write_text(buf, key, strlen(key));
    for (size_t i = 0; i < values->count;)
        i = record_json_member(values, i, events, buf);
    buf_text_append(buf, "}\n");
}
