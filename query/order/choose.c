// SPDX-License-Identifier: Apache-2.0
/* Hashes come in any order and are looked at once: the least are kept in a heap, shares by their number
 * alone. Values come in their order, each with its rows. */
#include "query/order/choose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/base/sort.h"

/* ---- the least ---- */

struct lot {
    uint64_t drawn;
    uint32_t row;
};
struct least {
    const struct keyed *key;
    enum keyed_purpose purpose;
    struct lot *heap; /* the greatest of them first */
    size_t count, cap, max;
};

static bool below(const struct lot *a, const struct lot *b)
{
    return a->drawn != b->drawn ? a->drawn < b->drawn : a->row < b->row;
}

static void swap(struct lot *a, struct lot *b)
{
    struct lot kept = *a;
    *a = *b;
    *b = kept;
}

static void rise(struct least *least, size_t at)
{
    for (; at && below(&least->heap[(at - 1) / 2], &least->heap[at]); at = (at - 1) / 2)
        swap(&least->heap[(at - 1) / 2], &least->heap[at]);
}

static void sink(struct least *least, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < least->count; at = child) {
        if (child + 1 < least->count && below(&least->heap[child], &least->heap[child + 1]))
            child++;
        if (!below(&least->heap[at], &least->heap[child]))
            break;
        swap(&least->heap[at], &least->heap[child]);
    }
}

static void add_lot(struct least *least, struct lot lot)
{
    if (least->count < least->max) {
        mem_grow(&least->heap, &least->cap, least->count + 1, sizeof *least->heap);
        least->heap[least->count++] = lot;
        rise(least, least->count - 1);
    } else if (least->max && below(&lot, &least->heap[0])) {
        least->heap[0] = lot;
        sink(least, 0);
    }
}

static void take_lots(const struct least *least, struct rowset *rows)
{
    for (size_t i = 0; i < least->count; i++)
        rowset_add(rows, least->heap[i].row);
}

static int draw(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    struct least *least = ctx;
    (void)err;
    add_lot(least, (struct lot){keyed_clip(least->key, least->purpose, hash), row});
    return 0;
}

int choose_least(struct catalog_reader *reader, const struct rowset *rows, const struct keyed *key,
                 enum keyed_purpose purpose, uint64_t count, struct rowset **ret, struct error *err)
{
    struct least least = {.key = key, .purpose = purpose, .max = (size_t)count};
    if (!count || rowset_count(rows) <= count) {
        *ret = count ? rowset_copy(rows) : rowset_new();
        return 0;
    }
    int rc = catalog_key_hashes(reader, rows, draw, &least, err);
    if (!rc) {
        *ret = rowset_new();
        take_lots(&least, *ret);
    }
    free(least.heap);
    return rc;
}

/* ---- shares ---- */

struct sharing {
    const struct choose_share *share;
    struct rowset *rows;
};

static bool is_within(const struct choose_share *share, uint64_t x)
{
    return x >= share->from && x < share->to;
}

static int take_share(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    const struct sharing *sharing = ctx;
    uint64_t drawn = keyed_clip(&sharing->share->key, KEYED_SPLIT, hash);
    (void)err;
    if (is_within(sharing->share, (uint64_t)((unsigned __int128)drawn * CHOOSE_ALL >> 64)))
        rowset_add(sharing->rows, row);
    return 0;
}

int choose_share(struct catalog_reader *reader, const struct rowset *rows, const struct choose_share *share,
                 struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *chosen = rowset_new();
    struct sharing sharing = {share, chosen};
    int rc = catalog_key_hashes(reader, rows, take_share, &sharing, err);
    if (!rc)
        *ret = STEAL(chosen);
    return rc;
}

/* ---- values with their clips ---- */

struct group {
    struct value value; /* a text is owned */
    uint64_t drawn;
    uint64_t clips;
    struct rowset *rows; /* none that an earlier one has */
};
struct groups {
    const struct keyed *key; /* NULL: nothing is drawn */
    bool once;               /* no row may have two values */
    struct rowset *placed;
    struct group *list;
    size_t count, cap;
};

static void groups_done(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        rowset_unref(groups->list[i].rows);
        if (value_borrows(&groups->list[i].value))
            free((char *)(uintptr_t)groups->list[i].value.text);
    }
    rowset_unref(groups->placed);
    free(groups->list);
}
#define CLEANUP_GROUPS CLEANUP(groups_done)

static int add_group(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    struct groups *groups = ctx;
    if (groups->once && rowset_intersects(groups->placed, rows))
        return error_set(err, EINVAL,
                         "some clips have several values of it: they cannot be on one side only");
    mem_grow(&groups->list, &groups->cap, groups->count + 1, sizeof *groups->list);
    struct group *group = &groups->list[groups->count++];
    *group = (struct group){.value = *value, .rows = rowset_copy(rows)};
    if (value_borrows(value))
        group->value.text = mem_copy(value->text, value->len + !value->len);
    rowset_andnot(group->rows, groups->placed);
    group->clips = rowset_count(group->rows);
    group->drawn = groups->key ? keyed_value(groups->key, value) : 0;
    rowset_or(groups->placed, rows);
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->drawn != y->drawn)
        return x->drawn < y->drawn ? -1 : 1;
    return value_compare(&x->value, &y->value);
}

int choose_share_of_groups(struct catalog_reader *reader, const struct rowset *rows,
                           const struct choose_share *share, uint32_t attribute, struct rowset **ret,
                           struct choose_groups *ret_groups, struct error *err)
{
    CLEANUP_GROUPS struct groups groups = {.key = &share->key, .once = true, .placed = rowset_new()};
    CLEANUP_ROWSET struct rowset *others = NULL, *chosen = NULL;
    int rc = catalog_values_within(reader, attribute, rows, add_group, &groups, err);
    if (rc)
        return rc;
    others = rowset_copy(rows);
    rowset_andnot(others, groups.placed);
    rc = choose_share(reader, others, share, &chosen, err);
    if (rc)
        return rc;
    uint64_t before = 0, all = rowset_count(groups.placed);
    struct choose_groups told = {.all = groups.count};
    if (groups.count)
        qsort(groups.list, groups.count, sizeof *groups.list, compare_groups);
    for (size_t i = 0; i < groups.count; i++) {
        uint64_t middle = 2 * before + groups.list[i].clips; /* in halves of a clip */
        before += groups.list[i].clips;
        if (!is_within(share, (uint64_t)((unsigned __int128)middle * CHOOSE_ALL / (2 * all))))
            continue;
        rowset_or(chosen, groups.list[i].rows);
        told.chosen++;
    }
    *ret_groups = told;
    *ret = STEAL(chosen);
    return 0;
}

/* ---- weights ---- */

static uint64_t weight_of(const struct choose_weight *weights, size_t count, const struct value *value)
{
    for (size_t i = 0; i < count; i++)
        if (!value_compare(&weights[i].value, value))
            return weights[i].weight;
    return count ? 0 : 1;
}

static uint64_t clips_of(const struct groups *groups, const struct value *value)
{
    for (size_t i = 0; i < groups->count; i++)
        if (!value_compare(&groups->list[i].value, value))
            return groups->list[i].clips;
    return 0;
}

struct scale {
    uint64_t clips, weight; /* of the value that there is least of, for its weight */
};

static void take_scale(struct scale *scale, uint64_t clips, uint64_t weight)
{
    if (weight && (!scale->weight ||
                   (unsigned __int128)clips * scale->weight < (unsigned __int128)scale->clips * weight))
        *scale = (struct scale){clips, weight};
}

static struct scale scale_of(const struct groups *groups, const struct choose_weight *weights, size_t count)
{
    struct scale scale = {0, 0};
    for (size_t i = 0; i < count; i++)
        take_scale(&scale, clips_of(groups, &weights[i].value), weights[i].weight);
    for (size_t i = 0; !count && i < groups->count; i++)
        take_scale(&scale, groups->list[i].clips, 1);
    return scale;
}

/* Of each of some rows a number that has the row above and the hash of its key below, in the order of rows.
 */
struct hashes {
    int64_t *list; /* has room for one more than `max` */
    size_t count, max;
};

static int64_t place_hash(uint32_t row, uint32_t hash)
{
    return (int64_t)((uint64_t)(row ^ UINT32_C(1) << 31) << 32 | hash); /* signed numbers are sorted */
}

static int take_hash(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    struct hashes *hashes = ctx;
    (void)err;
    if (hashes->count < hashes->max) /* else the catalog is damaged, which is told at the end */
        hashes->list[hashes->count++] = place_hash(row, hash);
    return 0;
}

/* Where the row's hash is, which is at `at` or behind: mostly near. */
static size_t find_hash(const struct hashes *hashes, size_t at, uint32_t row)
{
    const int64_t least = place_hash(row, 0);
    size_t step = 1, end;
    while (at + step < hashes->count && hashes->list[at + step] < least) {
        at += step;
        step *= 2;
    }
    for (end = at + step < hashes->count ? at + step : hashes->count; at < end;) {
        size_t middle = at + (end - at) / 2;
        if (hashes->list[middle] < least)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

static void take_least(const struct hashes *hashes, const struct group *group, uint64_t count,
                       struct rowset *to)
{
    enum { ROWS_AT = 1024 };
    static const struct keyed none = {0, 0};
    struct least least = {.max = (size_t)count};
    uint32_t rows[ROWS_AT];
    uint64_t from = 0;
    for (size_t n, at = 0; (n = rowset_rows(group->rows, from, rows, ROWS_AT));
         from = rows[n - 1] + UINT64_C(1))
        for (size_t i = 0; i < n; i++) {
            at = find_hash(hashes, at, rows[i]);
            uint32_t hash = (uint32_t)hashes->list[at];
            add_lot(&least, (struct lot){keyed_clip(&none, KEYED_BALANCE, hash), rows[i]});
        }
    take_lots(&least, to);
    free(least.heap);
}

int choose_balanced(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                    const struct choose_weight *weights, size_t count, struct rowset **ret, struct error *err)
{
    CLEANUP_GROUPS struct groups groups = {.placed = rowset_new()};
    CLEANUP_ROWSET struct rowset *chosen = rowset_new(), *weighed = rowset_new();
    int rc = catalog_values_within(reader, attribute, rows, add_group, &groups, err);
    if (rc)
        return rc;
    const struct scale scale = scale_of(&groups, weights, count);
    for (size_t i = 0; scale.clips && i < groups.count; i++)
        if (weight_of(weights, count, &groups.list[i].value))
            rowset_or(weighed, groups.list[i].rows);
    size_t max = (size_t)rowset_count(weighed);
    CLEANUP_FREE int64_t *list = mem_zero((max + 1) * sizeof *list);
    struct hashes hashes = {.list = list, .max = max};
    if (scale.clips)
        rc = catalog_key_hashes(reader, weighed, take_hash, &hashes, err);
    sort_numbers(list, hashes.count);
    for (size_t i = 0; !rc && scale.clips && i < groups.count; i++) {
        uint64_t weight = weight_of(weights, count, &groups.list[i].value);
        uint64_t clips = (uint64_t)((unsigned __int128)scale.clips * weight / scale.weight);
        if (weight)
            take_least(&hashes, &groups.list[i], clips, chosen);
    }
    if (!rc)
        *ret = STEAL(chosen);
    return rc;
}
