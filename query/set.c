// SPDX-License-Identifier: Apache-2.0
/* Each kind says how a position becomes a row and a row a position; all else follows from these two. Only
 * what ascends reads by rows, so that a folder that was forgotten and made again is read on where it was,
 * also if rows before that place have gone. */
#include "query/set.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cache/base/sort.h"

struct set_kind {
    bool ascends;
    uint32_t (*at)(struct set *set, uint64_t position);
    bool (*find)(struct set *set, uint32_t row, uint64_t *ret_position);
    /* As set_read(), where a walk over set_at() would be slow; else NULL. */
    size_t (*read)(const struct set *set, uint64_t from, uint32_t *ret_rows, size_t max);
    void (*done)(struct set *set);
};

struct set {
    atomic_uint refs;
    const struct set_kind *kind;
    uint64_t count;
    size_t bytes;
    union {
        struct {
            struct rowset *bits;
            _Atomic(uint32_t *) rungs; /* the row at every RUNG-th position, once it pays; else NULL */
            _Atomic uint64_t asked;    /* positions, without rungs */
        } rows;
        struct {
            uint32_t *rows;
            _Atomic(uint32_t *) by_row; /* positions, by the row that is there, once one was looked for */
        } list;
        struct {
            struct set *base;
            struct set_pick pick;
        } picked;
    };
};

static struct set *set_new(const struct set_kind *kind, uint64_t count, size_t bytes)
{
    struct set *set = MEM_NEW(struct set);
    set->refs = 1;
    set->kind = kind;
    set->count = count;
    set->bytes = sizeof *set + bytes;
    return set;
}

struct set *set_ref(struct set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void set_unref(struct set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    set->kind->done(set);
    free(set);
}

/* ---- rows ---- */

/* A bitmap counts bits to find a position, thousands of words of them. Who goes by positions, row for row,
 * has rungs made to start from: a sixteenth of a byte a row. To make them is to walk all rows, which takes as
 * long as some positions do. */
enum { RUNG = 64, PAYS = 512 };

static uint32_t *make_rungs(struct set *set)
{
    uint32_t *none = NULL, rows[16 * RUNG];
    uint32_t *rungs = mem_alloc((set->count / RUNG + 1) * sizeof *rungs);
    size_t count = 0;
    uint64_t from = 0;
    for (size_t n; (n = set_read(set, from, rows, sizeof rows / sizeof *rows, &from));)
        for (size_t i = 0; i < n; i += RUNG)
            rungs[count++] = rows[i];
    if (atomic_compare_exchange_strong(&set->rows.rungs, &none, rungs))
        return rungs;
    free(rungs); /* another thread was faster */
    return none;
}

static uint32_t rows_at(struct set *set, uint64_t position)
{
    const uint32_t *rungs = atomic_load_explicit(&set->rows.rungs, memory_order_acquire);
    uint32_t rows[RUNG];
    if (!rungs && atomic_fetch_add_explicit(&set->rows.asked, 1, memory_order_relaxed) <= set->count / PAYS)
        return rowset_at(set->rows.bits, position);
    if (!rungs)
        rungs = make_rungs(set);
    size_t n = rowset_rows(set->rows.bits, rungs[position / RUNG], rows, position % RUNG + 1);
    return rows[n - 1];
}

static bool rows_find(struct set *set, uint32_t row, uint64_t *ret_position)
{
    if (!rowset_contains(set->rows.bits, row))
        return false;
    if (ret_position)
        *ret_position = rowset_rank(set->rows.bits, row);
    return true;
}

static size_t rows_read(const struct set *set, uint64_t from, uint32_t *ret_rows, size_t max)
{
    return rowset_rows(set->rows.bits, from, ret_rows, max);
}

static void rows_done(struct set *set)
{
    rowset_unref(set->rows.bits);
    free(set->rows.rungs);
}

static const struct set_kind kind_rows = {
    .ascends = true, .at = rows_at, .find = rows_find, .read = rows_read, .done = rows_done};

struct set *set_new_rows(struct rowset *rows)
{
    struct set *set = set_new(&kind_rows, rowset_count(rows), rowset_bytes(rows));
    set->rows.bits = rowset_ref(rows);
    return set;
}

/* ---- a list ---- */

static uint32_t list_at(struct set *set, uint64_t position)
{
    return set->list.rows[position];
}

static uint32_t *positions_by_row(const uint32_t *rows, size_t count)
{
    CLEANUP_FREE int64_t *both = mem_alloc(count * sizeof *both);
    uint32_t *by_row = mem_alloc(count * sizeof *by_row);
    for (size_t i = 0; i < count; i++) /* below 2^63: the sort is of signed numbers */
        both[i] = (int64_t)((uint64_t)rows[i] << 31 | i);
    sort_numbers(both, count);
    for (size_t i = 0; i < count; i++) {
        by_row[i] = (uint32_t)both[i] & INT32_MAX;
        assert(!i || rows[by_row[i - 1]] < rows[by_row[i]]);
    }
    return by_row;
}

/* Who only lists has none of it made. */
static const uint32_t *by_row_of(struct set *set)
{
    uint32_t *by_row = atomic_load_explicit(&set->list.by_row, memory_order_acquire), *none = NULL;
    if (by_row)
        return by_row;
    by_row = positions_by_row(set->list.rows, set->count);
    if (atomic_compare_exchange_strong(&set->list.by_row, &none, by_row))
        return by_row;
    free(by_row); /* another thread was faster */
    return none;
}

static bool list_find(struct set *set, uint32_t row, uint64_t *ret_position)
{
    const uint32_t *rows = set->list.rows, *by_row = by_row_of(set);
    uint64_t low = 0, high = set->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rows[by_row[middle]] < row)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == set->count || rows[by_row[low]] != row)
        return false;
    if (ret_position)
        *ret_position = by_row[low];
    return true;
}

static void list_done(struct set *set)
{
    free(set->list.rows);
    free(set->list.by_row);
}

static const struct set_kind kind_list = {.at = list_at, .find = list_find, .done = list_done};

struct set *set_new_list(uint32_t *rows, size_t count)
{
    assert(count <= INT32_MAX);
    struct set *set = set_new(&kind_list, count, count * (sizeof *rows + sizeof *set->list.by_row));
    set->list.rows = rows;
    return set;
}

/* ---- picked ---- */

static uint32_t picked_at(struct set *set, uint64_t position)
{
    return set_at(set->picked.base, set->picked.pick.at(&set->picked.pick, position));
}

static bool picked_find(struct set *set, uint32_t row, uint64_t *ret_position)
{
    uint64_t in_base, position;
    if (!set_find(set->picked.base, row, &in_base) ||
        !set->picked.pick.find(&set->picked.pick, in_base, &position))
        return false;
    if (ret_position)
        *ret_position = position;
    return true;
}

static void picked_done(struct set *set)
{
    set_unref(set->picked.base);
}

static const struct set_kind kind_picked = {.at = picked_at, .find = picked_find, .done = picked_done};

/* Few of many are copied, so that the many need not be kept for them. */
enum { FEW = 64 };

static struct set *copy_picked(struct set *base, const struct set_pick *pick)
{
    uint32_t *rows = mem_alloc(pick->count * sizeof *rows);
    for (uint64_t i = 0; i < pick->count; i++)
        rows[i] = set_at(base, pick->at(pick, i));
    return set_new_list(rows, pick->count);
}

struct set *set_new_picked(struct set *base, const struct set_pick *pick)
{
    assert(pick->count <= base->count);
    if (pick->count <= base->count / FEW)
        return copy_picked(base, pick);
    struct set *set = set_new(&kind_picked, pick->count, base->bytes + base->count / RUNG * sizeof(uint32_t));
    set->picked.base = set_ref(base);
    set->picked.pick = *pick;
    return set;
}

enum { EVERY_FIRST, EVERY_STEP };

static uint64_t every_at(const struct set_pick *pick, uint64_t position)
{
    return pick->args[EVERY_FIRST] + position * pick->args[EVERY_STEP];
}

static bool every_find(const struct set_pick *pick, uint64_t in_base, uint64_t *ret_position)
{
    uint64_t first = pick->args[EVERY_FIRST], step = pick->args[EVERY_STEP];
    if (in_base < first || (in_base - first) % step || (in_base - first) / step >= pick->count)
        return false;
    *ret_position = (in_base - first) / step;
    return true;
}

struct set *set_new_every(struct set *base, uint64_t first, uint64_t step, uint64_t max)
{
    assert(step);
    uint64_t count = first < base->count ? (base->count - first - 1) / step + 1 : 0;
    const struct set_pick pick = {.at = every_at,
                                  .find = every_find,
                                  .count = count < max ? count : max,
                                  .args = {[EVERY_FIRST] = first, [EVERY_STEP] = step}};
    return set_new_picked(base, &pick);
}

/* ---- any ---- */

struct keeping {
    const struct rowset *rows;
    uint32_t *list;
    size_t count, cap;
};

static int keep_row(void *ctx, uint32_t row, struct error *err)
{
    struct keeping *keeping = ctx;
    (void)err;
    if (rowset_contains(keeping->rows, row)) {
        mem_grow(&keeping->list, &keeping->cap, keeping->count + 1, sizeof *keeping->list);
        keeping->list[keeping->count++] = row;
    }
    return 0;
}

struct set *set_new_kept(struct set *set, struct rowset *rows)
{
    if (!set->kind->ascends) {
        struct keeping keeping = {.rows = rows};
        set_each(set, keep_row, &keeping, NULL);
        return set_new_list(keeping.list, keeping.count);
    }
    CLEANUP_ROWSET struct rowset *own = set_rows(set), *kept = rowset_copy(own);
    rowset_and(kept, rows);
    return set_new_rows(kept);
}

uint64_t set_count(const struct set *set)
{
    return set->count;
}

size_t set_bytes(const struct set *set)
{
    return set->bytes;
}

void set_trim(struct set *set)
{
    if (set->kind == &kind_rows)
        rowset_trim(set->rows.bits);
}

bool set_ascends(const struct set *set)
{
    return set->kind->ascends;
}

/* What is made once it is asked for changes no answer. */
static struct set *lazily(const struct set *set)
{
    return (struct set *)(uintptr_t)set;
}

uint32_t set_at(const struct set *set, uint64_t position)
{
    assert(position < set->count);
    return set->kind->at(lazily(set), position);
}

bool set_find(const struct set *set, uint32_t row, uint64_t *ret_position)
{
    return set->kind->find(lazily(set), row, ret_position);
}

bool set_has(const struct set *set, uint32_t row)
{
    return set->kind->find(lazily(set), row, NULL);
}

size_t set_read(const struct set *set, uint64_t from, uint32_t *ret_rows, size_t max, uint64_t *ret_next)
{
    size_t n = 0;
    if (set->kind->ascends) {
        n = set->kind->read(set, from, ret_rows, max);
        *ret_next = n ? (uint64_t)ret_rows[n - 1] + 1 : from;
        return n;
    }
    for (; n < max && from < set->count; from++)
        ret_rows[n++] = set->kind->at(lazily(set), from);
    *ret_next = from;
    return n;
}

uint64_t set_cursor(const struct set *set, uint64_t position)
{
    if (!set->kind->ascends || !position)
        return position;
    return (uint64_t)set_at(set, position - 1) + 1;
}

int set_each(const struct set *set, set_row_fn *each, void *ctx, struct error *err)
{
    uint32_t rows[1024];
    uint64_t from = 0;
    for (size_t n; (n = set_read(set, from, rows, sizeof rows / sizeof *rows, &from));)
        for (size_t i = 0; i < n; i++) {
            int rc = each(ctx, rows[i], err);
            if (rc)
                return rc;
        }
    return 0;
}

struct rowset *set_rows(const struct set *set)
{
    if (set->kind == &kind_rows)
        return rowset_ref(set->rows.bits);
    struct rowset *rows = rowset_new();
    uint32_t some[1024];
    uint64_t from = 0;
    for (size_t n; (n = set_read(set, from, some, sizeof some / sizeof *some, &from));)
        rowset_add_many(rows, some, n);
    return rows;
}
