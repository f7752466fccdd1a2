// SPDX-License-Identifier: Apache-2.0
/* Which of some rows have which value: the values beneath in order, those above merged in (cells.h), and of
 * each what it has in common with the rows. */
#include "index/catalog/select.h"
#include "index/catalog/shard/shard_walk.h"

struct within {
    const struct rowset *rows;
    const struct patch_index *above; /* NULL: nothing is */
    size_t at;                       /* of its next term */
    catalog_value_rows_fn *each;
    void *ctx;
};

/* `have` is an own set: the rows that have the value. */
static int tell(struct within *within, const struct value *value, struct rowset *have, struct error *err)
{
    rowset_and(have, within->rows);
    return rowset_empty(have) ? 0 : within->each(within->ctx, value, have, err);
}

/* The terms before `value`; all that are left: NULL. */
static int tell_terms(struct within *within, const struct value *value, struct error *err)
{
    const struct patch_index *above = within->above;
    int rc = 0;
    for (; !rc && above && within->at < above->term_count; within->at++) {
        CLEANUP_ROWSET struct rowset *have = rowset_new();
        if (value && value_compare(&above->terms[within->at].value, value) >= 0)
            break;
        patch_index_add_rows(above, within->at, within->at + 1, have);
        rc = tell(within, &above->terms[within->at].value, have, err);
    }
    return rc;
}

static int tell_beneath(struct within *within, struct shards_walk *walk, const struct value *value,
                        struct error *err)
{
    const struct patch_index *above = within->above;
    CLEANUP_ROWSET struct rowset *have = rowset_new();
    int rc = tell_terms(within, value, err);
    if (!rc)
        rc = shards_walk_rows(walk, have, err);
    if (rc)
        return rc;
    if (above) {
        rowset_andnot(have, above->rows);
        if (within->at < above->term_count && !value_compare(&above->terms[within->at].value, value)) {
            patch_index_add_rows(above, within->at, within->at + 1, have);
            within->at++;
        }
    }
    return tell(within, value, have, err);
}

static int tell_all(struct catalog_reader *reader, const struct attribute *attribute, struct within *within,
                    struct error *err)
{
    const struct shards *shards;
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    int rc = reader_shards(reader, attribute, &shards, err);
    if (!rc)
        rc = shards_walk_init(&walk, shards, NULL, true, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1) {
        struct value value = shard_key_value(&walk.key, attribute->info.type);
        rc = value_check(&value, NULL)
                 ? db_damaged(reader->db, err, "a block of '%s' holds what is no value", attribute->info.name)
                 : tell_beneath(within, &walk, &value, err);
    }
    return rc ? rc : tell_terms(within, NULL, err);
}

int catalog_values_within(struct catalog_reader *reader, uint32_t id, const struct rowset *rows,
                          catalog_value_rows_fn *each, void *ctx, struct error *err)
{
    const struct attribute *attribute;
    struct within within = {.rows = rows, .each = each, .ctx = ctx};
    int rc = reader_attribute(reader, id, &attribute, err);
    if (rc || rowset_empty(rows))
        return rc;
    reader_ask_values(reader, attribute);
    rc = cells_patch_index(reader->db, &reader->cells, attribute, &within.above, err);
    return rc ? rc : tell_all(reader, attribute, &within, err);
}
