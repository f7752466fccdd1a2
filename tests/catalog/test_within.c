// SPDX-License-Identifier: Apache-2.0
/* What is asked of some clips of a version, against what is asked of each: values and the hashes of keys. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "index/catalog/hash/keys.h"
#include "tests/catalog/everything.h"
#include "tests/test_leaks.h"

enum { CLIPS = 3000, ROWS = 50000 };

/* Live rows whose number leaves `rest` when it is divided by `step`. */
static struct rowset *some_rows(struct catalog_reader *reader, uint32_t step, uint32_t rest)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    struct rowset *some = rowset_new();
    uint32_t row;
    cr_assert_eq(catalog_live(reader, &live, NULL), 0);
    for (uint64_t from = 0; rowset_rows(live, from, &row, 1); from = row + UINT64_C(1))
        if (row % step == rest)
            rowset_add(some, row);
    return some;
}

static bool equal(const struct rowset *a, const struct rowset *b)
{
    return rowset_count(a) == rowset_count(b) && rowset_and_count(a, b) == rowset_count(a);
}

struct asking {
    struct catalog_reader *other; /* answers meanwhile */
    const struct catalog_attribute *attribute;
    const struct rowset *rows;
    struct rowset *seen; /* rows that came with some value */
    struct value last;   /* of a text: its bytes in `text` */
    struct buf text;
    unsigned values;
};

static void keep_last(struct asking *asking, const struct value *value)
{
    asking->last = *value;
    if (value->type != VALUE_TEXT)
        return;
    buf_clear(&asking->text);
    buf_append(&asking->text, value->text, value->len);
    buf_u8(&asking->text, 0);
    asking->last.text = (const char *)asking->text.data;
}

static int check_value(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    struct asking *asking = ctx;
    CLEANUP_ROWSET struct rowset *selected = NULL;
    const struct catalog_literal literal = {
        .attribute = asking->attribute->id, .op = CATALOG_EQ, .values = value, .count = 1};
    cr_assert(!asking->values || value_compare(&asking->last, value) < 0, "%s: values ascend",
              asking->attribute->name);
    cr_assert_eq(catalog_select(asking->other, &literal, &selected, err), 0);
    CLEANUP_ROWSET struct rowset *expected = rowset_copy(selected);
    rowset_and(expected, asking->rows);
    cr_assert(!rowset_empty(rows));
    cr_assert(equal(rows, expected), "%s: the rows of a value are those that a condition selects",
              asking->attribute->name);
    rowset_or(asking->seen, rows);
    keep_last(asking, value);
    asking->values++;
    return 0;
}

struct world {
    struct catalog_reader *reader, *other;
    unsigned attributes, values;
};

static int check_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct world *world = ctx;
    for (uint32_t step = 1; step < 30; step += 7) {
        CLEANUP_ROWSET struct rowset *rows = some_rows(world->other, step, step / 2), *has = NULL;
        struct asking asking = {world->other, attribute, rows, rowset_new(), {0}, BUF_INIT, 0};
        const struct catalog_literal literal = {.attribute = attribute->id, .op = CATALOG_HAS};
        cr_assert_eq(catalog_values_within(world->reader, attribute->id, rows, check_value, &asking, err), 0,
                     "%s", err->text);
        cr_assert_eq(catalog_select(world->other, &literal, &has, err), 0);
        CLEANUP_ROWSET struct rowset *expected = rowset_copy(has);
        rowset_and(expected, rows);
        cr_assert(equal(asking.seen, expected) || attribute->type == VALUE_LIST,
                  "%s: all rows that have it come with a value", attribute->name);
        world->values += asking.values;
        rowset_unref(asking.seen);
        buf_done(&asking.text);
    }
    world->attributes++;
    return 0;
}

Test(within, each_value_comes_once_with_the_rows_that_a_condition_would_select)
{
    struct versions versions;
    struct error err = {0};
    struct catalog_reader *walker;
    versions_init(&versions);
    everything_make(&versions, CLIPS);
    struct world world = {.reader = versions.reader};
    cr_assert_eq(catalog_reader_acquire(versions.catalog, &(struct catalog_patience){0}, &world.other, &err),
                 0);
    cr_assert_eq(catalog_reader_acquire(versions.catalog, &(struct catalog_patience){0}, &walker, &err), 0);
    cr_assert_eq(catalog_attributes(walker, check_attribute, &world, &err), 0, "%s", err.text);
    cr_assert_gt(world.attributes, 5);
    cr_assert_gt(world.values, 100);
    catalog_reader_release(walker);
    catalog_reader_release(world.other);
    versions_done(&versions);
}

static int refuse_value(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    ++*(unsigned *)ctx;
    return -EINTR;
}

static int refuse_hash(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    ++*(unsigned *)ctx;
    return -EINTR;
}

Test(within, who_asks_can_end_it)
{
    struct versions versions;
    struct catalog_attribute attribute;
    struct error err = {0};
    unsigned calls = 0;
    versions_init(&versions);
    everything_make(&versions, CLIPS);
    CLEANUP_ROWSET struct rowset *many = some_rows(versions.reader, 1, 0),
                                 *few = some_rows(versions.reader, 29, 1);
    cr_assert_eq(catalog_attribute_find(versions.reader, "length", 6, &attribute, &err), 0);
    cr_assert_eq(catalog_values_within(versions.reader, attribute.id, many, refuse_value, &calls, &err),
                 -EINTR);
    cr_assert_eq(catalog_key_hashes(versions.reader, many, refuse_hash, &calls, &err), -EINTR);
    cr_assert_eq(catalog_key_hashes(versions.reader, few, refuse_hash, &calls, &err), -EINTR);
    cr_assert_eq(calls, 3);
    versions_done(&versions);
}

struct hashes {
    uint32_t of[ROWS];
    bool there[ROWS];
    unsigned count;
};

static int take_hash(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    struct hashes *hashes = ctx;
    cr_assert_lt(row, ROWS);
    cr_assert_not(hashes->there[row], "row %u comes once", row);
    hashes->there[row] = true;
    hashes->of[row] = hash;
    hashes->count++;
    return 0;
}

Test(within, the_hashes_of_keys_are_the_same_for_few_clips_and_for_many)
{
    struct versions versions;
    struct error err = {0};
    versions_init(&versions);
    everything_make(&versions, CLIPS);
    for (uint32_t step = 1; step < 40; step += 3) {
        CLEANUP_ROWSET struct rowset *rows = some_rows(versions.reader, step, 0);
        CLEANUP_FREE struct hashes *hashes = mem_zero(sizeof *hashes);
        uint32_t row;
        cr_assert_eq(catalog_key_hashes(versions.reader, rows, take_hash, hashes, &err), 0, "%s", err.text);
        cr_assert_eq(hashes->count, rowset_count(rows));
        for (uint64_t from = 0; rowset_rows(rows, from, &row, 1); from = row + UINT64_C(1)) {
            struct catalog_clip clip;
            cr_assert_eq(catalog_clip(versions.reader, row, &clip, &err), 0);
            cr_assert_eq(hashes->of[row], key_hash(clip.key, strlen(clip.key)), "%s", clip.key);
        }
    }
    versions_done(&versions);
}

Test(within, of_no_clips_there_is_nothing)
{
    struct versions versions;
    struct catalog_attribute attribute;
    struct error err = {0};
    unsigned calls = 0;
    versions_init(&versions);
    everything_make(&versions, 100);
    CLEANUP_ROWSET struct rowset *none = rowset_new();
    cr_assert_eq(catalog_attribute_find(versions.reader, "length", 6, &attribute, &err), 0);
    cr_assert_eq(catalog_values_within(versions.reader, attribute.id, none, refuse_value, &calls, &err), 0);
    cr_assert_eq(catalog_key_hashes(versions.reader, none, refuse_hash, &calls, &err), 0);
    cr_assert_eq(calls, 0);
    versions_done(&versions);
}

/* Runs of hashes merge by and by: in between the block at which a merge has stopped stands in both. */
Test(within, hashes_come_once_while_runs_are_merged)
{
    enum { IMPORTS = 10, EACH = 4000 };
    struct versions versions;
    struct apply_limits limits = APPLY_LIMITS;
    struct error err = {0};
    limits.upkeep_bytes = 24000; /* six blocks of twenty */
    versions_init(&versions);
    versions.limits = &limits;
    for (unsigned i = 0; i < IMPORTS; i++) {
        struct changeset *set = changeset_new();
        for (unsigned k = 0; k < EACH; k++) {
            char key[24];
            snprintf(key, sizeof key, "clip-%u-%u", i, k);
            set_clip(set, key, (int)(i * EACH + k));
        }
        cr_assert_eq(versions_apply(&versions, set), 0, "%s", versions.err.text);
        CLEANUP_ROWSET struct rowset *all = some_rows(versions.reader, 1, 0);
        CLEANUP_FREE struct hashes *hashes = mem_zero(sizeof *hashes);
        cr_assert_eq(catalog_key_hashes(versions.reader, all, take_hash, hashes, &err), 0, "%s", err.text);
        cr_assert_eq(hashes->count, (i + 1) * EACH);
    }
    versions_done(&versions);
}
