// SPDX-License-Identifier: Apache-2.0
/*
 * The forward record of a clip: all its attribute values, by attribute id, each attribute's in value order.
 *
 *     record := (origin | entry)*
 *     origin := varint(number << 4)       who set all values from here on; 0 before the first
 *     entry  := varint(id << 4 | type << 1 | several) [varint count] value{count}
 *     group  := packed( varint length of each of 8 records, the records )
 *
 * `type` is the one the values were stored with: an integer in an attribute that was widened to float is
 * widened when it is read. Of a list the record holds no value, only that there is one: it stands in a part
 * of its own (lists.h). Thread rule: one thread at a time.
 */
#pragma once

#include "index/catalog/attributes.h"
#include "index/catalog/db.h"
#include "index/catalog/event.h"

struct record_group {                   /* of records, and of what else stands by row: lists, events */
    enum schema_query get, put;         /* what reads and writes one */
    int64_t first;                      /* number of the group of row 0 */
    uint32_t rows;                      /* of a group, at most SCHEMA_GROUP_ROWS */
    int64_t number;                     /* first + row / rows; -1: none is read */
    uint32_t at[SCHEMA_GROUP_ROWS + 1]; /* record i is bytes [at[i], at[i + 1]) */
    struct buf bytes;
    /* The group as it becomes, up to the record replaced last: */
    uint32_t next_rows, next_at[SCHEMA_GROUP_ROWS + 1];
    struct buf next;
};
#define RECORD_GROUP_INIT                                                                                    \
    ((struct record_group){                                                                                  \
        .get = QUERY_GROUP, .put = QUERY_GROUP_PUT, .rows = SCHEMA_FORWARD_ROWS, .number = -1})
#define RECORD_GROUP_EVENTS                                                                                  \
    ((struct record_group){                                                                                  \
        .get = QUERY_EVENTS, .put = QUERY_EVENTS_PUT, .rows = SCHEMA_GROUP_ROWS, .number = -1})
#define RECORD_GROUP_LISTS(attribute)                                                                        \
    ((struct record_group){.get = QUERY_LISTS,                                                               \
                           .put = QUERY_LISTS_PUT,                                                           \
                           .first = (int64_t)(attribute) << SCHEMA_LIST_BITS,                                \
                           .rows = SCHEMA_GROUP_ROWS,                                                        \
                           .number = -1})
#define CLEANUP_RECORD_GROUP CLEANUP(record_group_done)
void record_group_done(struct record_group *group);

int64_t record_group_number(const struct record_group *group, uint32_t row); /* of the group that has it */
/* Reads the group of `row`, unless it is read already. A missing one is all empty records. */
int record_group_read(struct db *db, uint32_t row, struct record_group *group, struct error *err);
/* Puts another record in the place of `row`'s: from the first row to the last. Until the group is encoded,
 * record_of() gives what was read, so that what is written may borrow from it. */
void record_group_replace(struct record_group *group, uint32_t row, const void *bytes, size_t len);
/* Appends the form to be packed, with all that was replaced; -EFBIG if the records are too long. */
int record_group_encode(struct record_group *group, struct buf *buf, struct error *err);

struct record_value {
    const struct attribute *attribute;
    struct value value; /* of the attribute's type; borrows the record, a list its part (lists.h) */
    uint32_t origin;    /* number of who set it (origins.h); the same for all of an attribute's values */
};
struct record_values {
    struct record_value *list;
    size_t count, cap;
};
void record_values_done(struct record_values *values);
void record_values_add(struct record_values *values, const struct attribute *attribute,
                       const struct value *value, uint32_t origin);

/* Attributes whose values stand elsewhere, by id: what a record says of them is passed over. */
struct record_over {
    const uint32_t *ids;
    size_t count;
};
/* All values of a record into `values` (which is emptied), but those of attributes that were dropped, or that
 * stand elsewhere (`over`; NULL: none do). Order and types are checked; -EUCLEAN. */
int record_decode(struct db *db, const struct attributes *attributes, const struct record_over *over,
                  uint32_t row, struct cursor record, struct record_values *values, struct error *err);
/* The catalog's dictionary for groups of records into `packer`, which has none. 1; 0: there is none; -errno
 */
int record_dictionary(struct db *db, struct packer *packer, struct error *err);
struct cursor record_of(const struct record_group *group, uint32_t row);
/* Is it what record_decode() takes? What is written for ever is checked first. -E2BIG */
int record_check(const struct record_values *values, struct error *err);
/* Appends a record; the values are by attribute id, then in value order, without doubles. */
void record_encode(const struct record_values *values, struct buf *buf);
/* Sorts by attribute id and value and drops doubles. */
void record_values_sort(struct record_values *values);
/* Those values, which are by attribute, by the attributes' names instead; of each in the order they have. */
void record_values_by_name(const struct record_values *values, const struct attributes *attributes,
                           struct record_values *ret);

/* Appends ,"name":value of the attribute whose values start at `at`; returns where the next one's do. */
size_t record_json_member(const struct record_values *values, size_t at, const struct events *events,
                          struct buf *buf);
/* Appends the bytes of <key>.json. The values are by attribute name; the events stand in the place of the
 * attribute of their labels. */
void record_json(const char *key, const struct record_values *values, const struct events *events,
                 struct buf *buf);
