// SPDX-License-Identifier: Apache-2.0
/* Each kind of set against a plain array of its rows in order. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/set.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static const size_t sizes[] = {0, 1, 2, 1000, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1};
enum { SIZES = sizeof sizes / sizeof *sizes, SMALL = 7, GAP_MAX = 3 }; /* the first few of them are small */

static uint64_t state;

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void seed(void)
{
    state = test_seed();
}

/* ---- the model: rows in order ---- */

struct model {
    uint32_t *rows;
    size_t count;
};

/* Ascending, dense in one half and with gaps in the other. */
static struct model model_new(size_t count)
{
    struct model model = {.rows = mem_alloc(count * sizeof *model.rows), .count = count};
    uint32_t row = (uint32_t)(random_u64() % 70000);
    for (size_t i = 0; i < count; i++) {
        model.rows[i] = row;
        row += 1 + (i > count / 2 ? (uint32_t)(random_u64() % GAP_MAX) : 0);
    }
    return model;
}

static void model_done(struct model *model)
{
    free(model->rows);
    *model = (struct model){0};
}
#define CLEANUP_MODEL CLEANUP(model_done)

static void model_mix(struct model *model)
{
    for (size_t i = model->count; i > 1; i--) {
        size_t at = random_u64() % i;
        uint32_t row = model->rows[i - 1];
        model->rows[i - 1] = model->rows[at];
        model->rows[at] = row;
    }
}

static struct model model_every(const struct model *model, size_t first, size_t step, size_t max)
{
    struct model some = {.rows = mem_alloc(model->count * sizeof *some.rows)};
    for (size_t i = first; i < model->count && some.count < max; i += step)
        some.rows[some.count++] = model->rows[i];
    return some;
}

static struct rowset *rows_of(const struct model *model, size_t first, size_t end)
{
    struct rowset *rows = rowset_new();
    rowset_add_many(rows, model->rows + first, end - first);
    return rows;
}

/* ---- a set of each kind ---- */

static struct set *make_rows(const struct model *model, size_t first, size_t end)
{
    CLEANUP_ROWSET struct rowset *rows = rows_of(model, first, end);
    return set_new_rows(rows);
}

static struct set *make_list(const struct model *model)
{
    return set_new_list(mem_copy(model->rows, model->count * sizeof *model->rows), model->count);
}

/* The order backwards, from the middle on: its own inverse. */
static uint64_t turn_at(const struct set_pick *pick, uint64_t position)
{
    return (2 * pick->count + pick->args[0] - position) % pick->count;
}

static bool turn_find(const struct set_pick *pick, uint64_t in_base, uint64_t *ret_position)
{
    *ret_position = turn_at(pick, in_base);
    return true;
}

static struct set *make_turned(struct set *base, struct model *model)
{
    const struct set_pick pick = {
        .at = turn_at, .find = turn_find, .count = model->count, .args = {model->count / 2}};
    CLEANUP_MODEL struct model before = *model;
    *model = (struct model){mem_alloc(before.count * sizeof *model->rows), before.count};
    for (size_t i = 0; i < before.count; i++)
        model->rows[i] = before.rows[turn_at(&pick, i)];
    return set_new_picked(base, &pick);
}

/* ---- the comparison ---- */

static void check_places(const struct set *set, const struct model *model, const char *kind)
{
    uint32_t last = 0;
    for (size_t i = 0; i < model->count; i++)
        last = model->rows[i] > last ? model->rows[i] : last;
    CLEANUP_FREE bool *there = mem_zero(last + GAP_MAX + 1);
    cr_assert_eq(set_count(set), model->count, "%s of %zu", kind, model->count);
    for (size_t i = 0; i < model->count; i++)
        there[model->rows[i]] = true;
    for (size_t i = 0; i < model->count; i += model->count < 5000 ? 1 : 1 + random_u64() % 99) {
        uint64_t position;
        cr_assert_eq(set_at(set, i), model->rows[i], "%s of %zu at %zu", kind, model->count, i);
        cr_assert(set_find(set, model->rows[i], &position) && position == i, "%s of %zu: row %u", kind,
                  model->count, model->rows[i]);
    }
    for (uint32_t row = 0; row <= last + GAP_MAX; row += last < 5000 ? 1 : 1 + random_u64() % 99)
        cr_assert_eq(set_has(set, row), there[row], "%s of %zu: row %u", kind, model->count, row);
    cr_assert_not(set_has(set, UINT32_MAX));
}

/* From the beginning in pieces of any length, then from anywhere. */
static void check_cursors(const struct set *set, const struct model *model, const char *kind)
{
    uint32_t rows[5000];
    uint64_t cursor = 0;
    size_t at = 0, n;
    do {
        size_t max = 1 + random_u64() % 5000;
        cr_assert_eq(set_cursor(set, at), cursor, "%s of %zu: the cursor before %zu", kind, model->count, at);
        n = set_read(set, cursor, rows, max, &cursor);
        cr_assert_eq(n, max < model->count - at ? max : model->count - at);
        cr_assert_eq(memcmp(rows, model->rows + at, n * sizeof *rows), 0, "%s of %zu from %zu", kind,
                     model->count, at);
        at += n;
    } while (n);
    cr_assert_eq(set_read(set, cursor, rows, 1, &cursor), 0, "%s: the end stays the end", kind);
    for (int i = 0; i < 500; i++) {
        at = random_u64() % (model->count + 1);
        n = set_read(set, set_cursor(set, at), rows, 3, &cursor);
        cr_assert_eq(n, model->count - at < 3 ? model->count - at : 3);
        cr_assert_eq(memcmp(rows, model->rows + at, n * sizeof *rows), 0);
        cr_assert_eq(cursor, set_cursor(set, at + n));
    }
}

struct counting {
    const struct model *model;
    size_t seen, end;
};

static int count_row(void *ctx, uint32_t row, struct error *err)
{
    struct counting *counting = ctx;
    (void)err;
    cr_assert_eq(row, counting->model->rows[counting->seen++]);
    return counting->seen == counting->end ? 7 : 0;
}

static void check(const struct set *set, const struct model *model, const char *kind)
{
    struct counting all = {.model = model}, some = {.model = model, .end = model->count / 2 + 1};
    check_places(set, model, kind);
    check_cursors(set, model, kind);
    cr_assert_eq(set_each(set, count_row, &all, NULL), 0);
    cr_assert_eq(all.seen, model->count);
    cr_assert_eq(set_each(set, count_row, &some, NULL), model->count ? 7 : 0);
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *expected = rows_of(model, 0, model->count);
    cr_assert_eq(rowset_count(rows), model->count);
    cr_assert_eq(rowset_and_count(rows, expected), model->count);
}

/* A list and others of the set: those of every third row. */
static void check_kept(struct set *set, const struct model *model, const char *kind)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    CLEANUP_MODEL struct model kept = {.rows = mem_alloc(model->count * sizeof *kept.rows)};
    for (size_t i = 0; i < model->count; i++)
        if (model->rows[i] % 3 == 1) {
            rowset_add(rows, model->rows[i]);
            kept.rows[kept.count++] = model->rows[i];
        }
    rowset_add(rows, UINT32_MAX); /* is in none */
    CLEANUP_SET struct set *some = set_new_kept(set, rows);
    cr_assert_eq(set_ascends(some), set_ascends(set));
    check(some, &kept, kind);
}

Test(set, rows_ascend)
{
    seed();
    for (size_t i = 0; i < SIZES; i++) {
        CLEANUP_MODEL struct model model = model_new(sizes[i]);
        CLEANUP_SET struct set *set = make_rows(&model, 0, model.count);
        cr_assert(set_ascends(set));
        check(set, &model, "rows");
        check_kept(set, &model, "rows kept");
    }
    check_leaks();
}

Test(set, a_list_stays_in_its_order)
{
    seed();
    for (size_t i = 0; i < SIZES; i++) {
        CLEANUP_MODEL struct model model = model_new(sizes[i]);
        model_mix(&model);
        CLEANUP_SET struct set *set = make_list(&model);
        cr_assert_not(set_ascends(set));
        check(set, &model, "list");
        check_kept(set, &model, "list kept");
    }
    check_leaks();
}

Test(set, a_permutation_is_of_any_set)
{
    seed();
    for (size_t i = 0; i < SIZES; i++) {
        CLEANUP_MODEL struct model model = model_new(sizes[i]);
        CLEANUP_SET struct set *base = make_rows(&model, 0, model.count);
        CLEANUP_SET struct set *set = make_turned(base, &model);
        cr_assert_not(set_ascends(set));
        check(set, &model, "turned");
        if (i >= SMALL)
            continue;
        check_kept(set, &model, "turned kept");
        CLEANUP_SET struct set *again = make_turned(set, &model);
        check(again, &model, "turned twice");
        model_mix(&model);
        CLEANUP_SET struct set *list = make_list(&model), *turned = make_turned(list, &model);
        check(turned, &model, "a list turned");
    }
    check_leaks();
}

Test(set, every_nth_from_anywhere)
{
    static const size_t all[][3] = {{0, 1, 0},        {0, 1, 1},       {0, 1, 100}, {0, 1, SIZE_MAX},
                                    {1, 1, SIZE_MAX}, {70, 1, 5},      {2, 3, 7},   {0, 4, SIZE_MAX},
                                    {3, 4, SIZE_MAX}, {1u << 21, 1, 9}};
    seed();
    for (size_t i = 0; i < SMALL; i++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            CLEANUP_MODEL struct model model = model_new(sizes[i]);
            model_mix(&model);
            CLEANUP_SET struct set *list = make_list(&model);
            CLEANUP_SET struct set *set = set_new_every(list, all[k][0], all[k][1], all[k][2]);
            CLEANUP_MODEL struct model some = model_every(&model, all[k][0], all[k][1], all[k][2]);
            check(set, &some, "every");
        }
    check_leaks();
}

Test(set, shards_are_disjoint_and_complete)
{
    enum { SHARDS = 7 };
    seed();
    CLEANUP_MODEL struct model model = model_new(100003);
    CLEANUP_SET struct set *rows = make_rows(&model, 0, model.count), *turned = make_turned(rows, &model);
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    uint64_t count = 0;
    for (uint64_t i = 0; i < SHARDS; i++) {
        CLEANUP_SET struct set *shard = set_new_every(turned, i, SHARDS, UINT64_MAX);
        CLEANUP_ROWSET struct rowset *some = set_rows(shard);
        rowset_or(all, some);
        count += set_count(shard);
    }
    cr_assert(count == model.count && rowset_count(all) == model.count);
    check_leaks();
}

Test(set, what_ascends_is_read_on_by_row_when_rows_before_have_gone)
{
    uint32_t rows[] = {3, 5, 9, UINT32_MAX - 1, UINT32_MAX}, read[5];
    const struct model before = {rows, 5}, after = {rows + 2, 3};
    CLEANUP_SET struct set *set = make_rows(&before, 0, 5), *again = make_rows(&after, 0, 3);
    uint64_t cursor;
    cr_assert_eq(set_read(set, 0, read, 2, &cursor), 2);
    cr_assert_eq(cursor, 6);
    cr_assert(set_read(again, cursor, read, 5, &cursor) == 3 && read[0] == 9);
    cr_assert(set_read(again, 6, read, 5, &cursor) == 3 && read[2] == UINT32_MAX);
    cr_assert_eq(cursor, UINT64_C(1) << 32);
    cr_assert_eq(set_read(again, cursor, read, 5, &cursor), 0);
    for (uint64_t i = 0, position; i < 5; i++)
        cr_assert(set_at(set, i) == rows[i] && set_find(set, rows[i], &position) && position == i);
    check_leaks();
}

Test(set, the_memory_of_a_set_is_told_with_what_it_stands_on)
{
    CLEANUP_MODEL struct model model = model_new(1 << 20);
    CLEANUP_SET struct set *rows = make_rows(&model, 0, model.count), *list = make_list(&model);
    CLEANUP_SET struct set *turned = make_turned(rows, &model);
    cr_assert(set_bytes(rows) > 1000 && set_bytes(rows) < 1 << 18);
    cr_assert(set_bytes(list) >= 8u << 20 && set_bytes(list) < (8u << 20) + 1000);
    for (size_t few = 1; few <= 10000; few *= 100) {
        CLEANUP_SET struct set *first = set_new_every(turned, 17, 1, few);
        cr_assert_lt(set_bytes(first), 8 * few + 1000, "the many are kept for %zu", few);
    }
    cr_assert(set_bytes(turned) > set_bytes(rows) && set_bytes(turned) < set_bytes(rows) + (1 << 16) + 1000);
    check_leaks();
}
