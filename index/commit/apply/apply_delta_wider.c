// SPDX-License-Identifier: Apache-2.0
/* Attributes that get wider: several values a clip, or floats where integers stood. */
#include <errno.h>
#include <stdlib.h>

#include "index/catalog/posting.h"
#include "index/commit/apply/apply_column.h"

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
        rc = apply_column_read(walk->db, id, walk->values, &different, err);
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
            rc = apply_column_drop(db, attribute, err);
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
        "a float (--type '%s=text' makes texts of all in it)",
        attribute->info.name, (long long)number, attribute->info.name);
}

int apply_delta_check_exact(const struct attribute *attribute, int64_t number, struct error *err)
{
    enum { EXACT_BITS = 53 };
    bool exact = number >= -(1ll << EXACT_BITS) && number <= 1ll << EXACT_BITS;
    return exact ? 0 : not_exact(attribute, number, err);
}

static int widen_part(struct part_walk *walk, uint32_t number, struct error *err)
{
    uint32_t different;
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++) {
        int64_t *at = &walk->values->values[row];
        if (!(walk->values->present[row / 64] >> row % 64 & 1))
            continue;
        int rc = apply_delta_check_exact(walk->attribute, *at, err);
        if (rc)
            return rc;
        struct value value = {.type = VALUE_FLOAT, .real = (double)*at};
        *at = column_number(&value);
    }
    int64_t id = (int64_t)walk->attribute->info.id << SCHEMA_PART_BITS | number;
    return apply_column_put(walk->db, id, walk->values, &different, err);
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
        if (!rc)
            rc = apply_delta_check_exact(attribute, value.value.integer, err);
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
