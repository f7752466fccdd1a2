// SPDX-License-Identifier: Apache-2.0
/* There are tens or hundreds of them, and nearly every call needs some: read once a connection. */
#include "index/catalog/attributes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "index/catalog/event.h"

void attributes_done(struct attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++)
        state_done(&attributes->list[i].state);
    free(attributes->list);
    free(attributes->patched);
    free(attributes->by_name);
    free(attributes->ranks);
    *attributes = (struct attributes){0};
}

static int compare_names(const void *a, const void *b, void *ctx)
{
    const struct attributes *attributes = ctx;
    return strcmp(attributes->list[*(const uint32_t *)a].info.name,
                  attributes->list[*(const uint32_t *)b].info.name);
}

void attributes_sort(struct attributes *attributes)
{
    size_t count = attributes->count;
    attributes->by_name = mem_resize(attributes->by_name, count * sizeof *attributes->by_name);
    attributes->ranks = mem_resize(attributes->ranks, count * sizeof *attributes->ranks);
    for (uint32_t i = 0; i < count; i++)
        attributes->by_name[i] = i;
    qsort_r(attributes->by_name, count, sizeof *attributes->by_name, compare_names, attributes);
    for (uint32_t i = 0; i < count; i++)
        attributes->ranks[attributes->by_name[i]] = i;
    attributes->patched = mem_resize(attributes->patched, count * sizeof *attributes->patched);
    attributes->patched_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (attributes->list[i].state.late || attributes->list[i].state.patches.count)
            attributes->patched[attributes->patched_count++] = i;
}

struct attribute *attributes_by_id(const struct attributes *attributes, uint32_t id)
{
    size_t low = 0, high = attributes->count;
    size_t guess = high ? (size_t)id - attributes->list->info.id : 0; /* where none was dropped */
    if (guess < high && attributes->list[guess].info.id == id)
        return &attributes->list[guess];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (attributes->list[middle].info.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < attributes->count && attributes->list[low].info.id == id ? &attributes->list[low] : NULL;
}

struct attribute *attributes_by_name(const struct attributes *attributes, const char *name, size_t len)
{
    size_t low = 0, high = attributes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct attribute *attribute = &attributes->list[attributes->by_name[middle]];
        size_t own = strlen(attribute->info.name);
        int order = memcmp(attribute->info.name, name, own < len ? own : len);
        if (!order && own == len)
            return attribute;
        if (order < 0 || (!order && own < len))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool attribute_has_column(const struct attribute *attribute)
{
    enum value_type type = attribute->info.type;
    return !attribute->info.multi && type != VALUE_TEXT && type != VALUE_BOOL && type != VALUE_LIST;
}

static int check_name(struct db *db, sqlite3_stmt *stmt, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    if (!strcmp(name, EVENT_ATTRIBUTE)) /* no name of anybody's: its clips are found by their events */
        return 0;
    if (name_attribute(&canonical, name, strlen(name), NULL) || strcmp(buf_text(&canonical), name) != 0)
        return db_damaged_row(db, stmt, err, "the name is none of an attribute");
    return 0;
}

static int read_row(struct db *db, sqlite3_stmt *stmt, struct attribute *attribute, struct error *err)
{
    enum { ID, NAME, TYPE, MULTI, COLUMNS };
    int64_t numbers[COLUMNS] = {0};
    const char *name;
    int rc = db_column_text(db, stmt, NAME, &name, err);
    for (int i = 0; !rc && i < COLUMNS; i++)
        if (i != NAME)
            rc = db_column_number(db, stmt, i, 0, &numbers[i], err);
    if (rc || (rc = check_name(db, stmt, name, err)))
        return rc;
    if (numbers[ID] >= SCHEMA_ATTRIBUTES_MAX || numbers[TYPE] > UINT8_MAX ||
        !value_type_known((enum value_type)numbers[TYPE]) || numbers[MULTI] > 1)
        return db_damaged(db, err, "a number of the attribute '%s' is out of range", name);
    *attribute = (struct attribute){0};
    attribute->info.id = (uint32_t)numbers[ID];
    attribute->info.type = (enum value_type)numbers[TYPE];
    attribute->info.multi = numbers[MULTI];
    memcpy(attribute->info.name, name, strlen(name) + 1);
    if (!strcmp(name, EVENT_ATTRIBUTE) && (numbers[TYPE] != VALUE_TEXT || !attribute->info.multi))
        return db_damaged(db, err, "the attribute of events is of another type");
    bool several_lists = attribute->info.type == VALUE_LIST && attribute->info.multi;
    return several_lists ? db_damaged(db, err, "the attribute '%s' is no list", name) : 0;
}

static int check_names_differ(struct db *db, const struct attributes *attributes, struct error *err)
{
    for (size_t i = 1; i < attributes->count; i++) {
        const char *name = attributes->list[attributes->by_name[i]].info.name;
        if (!strcmp(attributes->list[attributes->by_name[i - 1]].info.name, name))
            return db_damaged(db, err, "two attributes are called '%s'", name);
    }
    return 0;
}

static int read_state(struct db *db, sqlite3_stmt *stmt, struct attributes *attributes, struct error *err)
{
    enum { ATTRIBUTE, BYTES };
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_column_number(db, stmt, ATTRIBUTE, 0, &id, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    struct attribute *attribute =
        id < SCHEMA_ATTRIBUTES_MAX ? attributes_by_id(attributes, (uint32_t)id) : NULL;
    if (!attribute)
        return db_damaged(db, err, "the state of attribute number %lld has no attribute", (long long)id);
    attribute->has_state = true;
    return state_decode(bytes, len, &attribute->state)
               ? db_damaged(db, err, "the state of the attribute '%s' is not in order", attribute->info.name)
               : 0;
}

static int read_states(struct db *db, uint32_t end, struct attributes *attributes, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_STATES, &stmt, err);
    if (!rc)
        db_bind_number(stmt, 1, end);
    while (!rc && (rc = db_step(db, stmt, err)) == 1)
        rc = read_state(db, stmt, attributes, err);
    return rc;
}

int attributes_read(struct db *db, uint32_t end, struct attributes *ret, struct error *err)
{
    CLEANUP_ATTRIBUTES struct attributes attributes = {0};
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_ATTRIBUTES, &stmt, err);
    if (!rc)
        db_bind_number(stmt, 1, end);
    while (!rc && (rc = db_step(db, stmt, err)) == 1) {
        mem_grow(&attributes.list, &attributes.cap, attributes.count + 1, sizeof *attributes.list);
        attributes.list[attributes.count] = (struct attribute){0};
        rc = read_row(db, stmt, &attributes.list[attributes.count], err);
        if (!rc && attributes.count &&
            attributes.list[attributes.count].info.id <= attributes.list[attributes.count - 1].info.id)
            rc = db_damaged(db, err, "attributes are not in order");
        attributes.count++;
    }
    if (!rc)
        rc = read_states(db, end, &attributes, err);
    if (rc)
        return rc;
    attributes_sort(&attributes);
    rc = check_names_differ(db, &attributes, err);
    if (!rc) {
        *ret = attributes;
        attributes = (struct attributes){0};
    }
    return rc;
}
