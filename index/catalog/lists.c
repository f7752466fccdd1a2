// SPDX-License-Identifier: Apache-2.0
/* A group an attribute is kept: clips are asked for one after the other, and each has lists of several. */
#include "index/catalog/lists.h"

#include <stdlib.h>
#include <string.h>

void lists_done(struct lists *lists)
{
    for (size_t i = 0; i < lists->count; i++)
        record_group_done(&lists->groups[i].group);
    free(lists->groups);
    *lists = (struct lists){0};
}

/* Where the attribute's group is, or belongs. */
static size_t place_of(const struct lists *lists, uint32_t attribute)
{
    if (lists->next < lists->count && lists->groups[lists->next].attribute == attribute)
        return lists->next;
    size_t low = 0, high = lists->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lists->groups[middle].attribute < attribute)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct lists_group *lists_group_of(struct lists *lists, uint32_t attribute)
{
    size_t at = place_of(lists, attribute);
    if (at == lists->count || lists->groups[at].attribute != attribute) {
        mem_grow(&lists->groups, &lists->cap, lists->count + 1, sizeof *lists->groups);
        struct lists_group *made = &lists->groups[at];
        memmove(made + 1, made, (lists->count++ - at) * sizeof *made);
        *made = (struct lists_group){.attribute = attribute, .group = RECORD_GROUP_LISTS(attribute)};
    }
    lists->next = at + 1;
    return &lists->groups[at];
}

int lists_get(struct db *db, const struct record_group *group, uint32_t row, struct value *ret,
              struct error *err)
{
    struct cursor c = record_of(group, row);
    struct value value;
    if (!cursor_left(&c))
        return 0;
    value_decode(&c, VALUE_LIST, &value);
    if (c.failed || cursor_left(&c))
        return db_damaged(db, err, "a list of row %u is not in order", row);
    *ret = value;
    return 1;
}

static int fill(struct db *db, struct lists *lists, uint32_t row, struct record_value *value,
                struct error *err)
{
    struct record_group *group = &lists_group_of(lists, value->attribute->info.id)->group;
    int rc = record_group_read(db, row, group, err);
    if (!rc)
        rc = lists_get(db, group, row, &value->value, err);
    if (rc)
        return rc < 0 ? rc : 0;
    return db_damaged(db, err, "the list '%s' of the clip in row %u is missing", value->attribute->info.name,
                      row);
}

int lists_fill(struct db *db, struct lists *lists, uint32_t row, struct record_values *values,
               struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < values->count; i++)
        if (values->list[i].value.type == VALUE_LIST)
            rc = fill(db, lists, row, &values->list[i], err);
    return rc;
}

void lists_encode(const struct record_values *values, struct buf *buf)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->list[i].value.type == VALUE_LIST)
            value_encode(buf, &values->list[i].value);
}

int lists_decode(struct db *db, struct cursor bytes, struct record_values *values, struct error *err)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->list[i].value.type == VALUE_LIST)
            value_decode(&bytes, VALUE_LIST, &values->list[i].value);
    return bytes.failed ? db_damaged(db, err, "a clip's list is not in order") : 0;
}

int lists_drop(struct db *db, uint32_t attribute, struct error *err)
{
    int64_t first = (int64_t)attribute << SCHEMA_LIST_BITS;
    return db_drop_rows(db, QUERY_LISTS_DROP, first, first + UINT32_MAX, err);
}
