// SPDX-License-Identifier: Apache-2.0
/* A shard asks for its changes in value order, and is given those of its rows. */
#include "index/commit/apply/apply_shards.h"

#include <stdlib.h>
#include <string.h>

#include "index/catalog/column.h"
#include "index/catalog/schema.h"
#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_update.h"

enum { PARTS_MAX = 1 << (32 - SHARD_ROW_BITS) }; /* of the rows of the smallest shards */

/* Rows of a value, ascending. */
struct row_list {
    uint32_t *rows;
    size_t count, cap;
};

struct changes {
    struct apply_delta *delta;
    uint32_t first; /* rows of the shard that is written */
    uint64_t end;
    size_t at;
    struct row_list gained, lost;
};

/* ---- lists of rows ---- */

static void list_add(struct row_list *list, uint32_t row)
{
    mem_grow(&list->rows, &list->cap, list->count + 1, sizeof *list->rows);
    list->rows[list->count++] = row;
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Rows come in order but where an attribute was turned around before its clips: each once, ascending. */
static void list_order(struct row_list *list)
{
    size_t at = 1;
    while (at < list->count && list->rows[at - 1] < list->rows[at])
        at++;
    if (at >= list->count)
        return;
    qsort(list->rows, list->count, sizeof *list->rows, compare_rows);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++)
        if (list->rows[i] != list->rows[kept - 1])
            list->rows[kept++] = list->rows[i];
    list->count = kept;
}

static void list_rows(const struct changes *changes, const struct apply_rows *rows, struct row_list *list)
{
    uint32_t some[256];
    size_t got;
    list->count = 0;
    for (uint64_t from = changes->first; rows->many && (got = rowset_rows(rows->many, from, some, 256)) > 0;
         from = some[got - 1] + 1ull) {
        for (size_t i = 0; i < got && some[i] < changes->end; i++)
            list_add(list, some[i]);
        if (some[got - 1] >= changes->end)
            break;
    }
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->few[i] >= changes->first && rows->few[i] < changes->end)
            list_add(list, rows->few[i]);
    list_order(list);
}

/* ---- changes in turn ---- */

static void give(const struct changes *changes, struct shard_key key, struct shard_change *ret)
{
    *ret = (struct shard_change){.key = key,
                                 .gained = changes->gained.rows,
                                 .lost = changes->lost.rows,
                                 .gained_count = changes->gained.count,
                                 .lost_count = changes->lost.count};
}

static int next_value(void *ctx, struct shard_change *ret, struct error *err)
{
    struct changes *changes = ctx;
    (void)err;
    while (changes->at < changes->delta->value_count) {
        const struct apply_value *value = &changes->delta->values[changes->at++];
        list_rows(changes, &value->gained, &changes->gained);
        list_rows(changes, &value->lost, &changes->lost);
        if (!changes->gained.count && !changes->lost.count)
            continue;
        give(changes, shard_key_of(&value->value), ret);
        return 1;
    }
    return 0;
}

static void take_numbers(struct changes *changes, size_t from, size_t to)
{
    changes->gained.count = changes->lost.count = 0;
    for (size_t i = from; i < to; i++) {
        const struct apply_number *number = &changes->delta->numbers[i];
        if (number->row >= changes->first && number->row < changes->end)
            list_add(number->gained ? &changes->gained : &changes->lost, number->row);
    }
    list_order(&changes->gained);
    list_order(&changes->lost);
}

static int next_number(void *ctx, struct shard_change *ret, struct error *err)
{
    struct changes *changes = ctx;
    const struct apply_delta *delta = changes->delta;
    (void)err;
    while (changes->at < delta->number_count) {
        size_t from = changes->at;
        int64_t number = delta->numbers[from].number;
        while (changes->at < delta->number_count && delta->numbers[changes->at].number == number)
            changes->at++;
        take_numbers(changes, from, changes->at);
        if (!changes->gained.count && !changes->lost.count)
            continue;
        give(changes, (struct shard_key){.number = number}, ret);
        return 1;
    }
    return 0;
}

static void rewind_changes(void *ctx)
{
    ((struct changes *)ctx)->at = 0;
}

/* ---- writing ---- */

static void mark_rows(const struct apply_rows *rows, bool *touched)
{
    uint32_t row;
    for (uint64_t from = 0; rows->many && rowset_rows(rows->many, from, &row, 1);) {
        touched[row >> SHARD_ROW_BITS] = true;
        from = ((uint64_t)(row >> SHARD_ROW_BITS) + 1) << SHARD_ROW_BITS;
    }
    for (uint32_t i = 0; i < rows->count; i++)
        touched[rows->few[i] >> SHARD_ROW_BITS] = true;
}

static void mark_parts(const struct apply_delta *delta, bool *touched)
{
    mark_rows(&delta->gained, touched);
    mark_rows(&delta->lost, touched);
    for (size_t i = 0; i < delta->value_count; i++) {
        mark_rows(&delta->values[i].gained, touched);
        mark_rows(&delta->values[i].lost, touched);
    }
    for (size_t i = 0; i < delta->number_count; i++)
        touched[delta->numbers[i].row >> SHARD_ROW_BITS] = true;
}

/* The one that covers the row: the largest, or the smallest; NULL: there is none. */
static const uint32_t *covering(const uint32_t *numbers, size_t count, uint32_t row, bool smallest)
{
    const uint32_t *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (row >= shard_first(numbers[i]) && row < shard_end(numbers[i]) && (smallest || !found))
            found = &numbers[i];
    return found;
}

/* The largest shard that lies beside the others and of whose rows nearly all are sealed, so that few more
 * will come. */
static uint32_t shard_beside(const uint32_t *numbers, size_t count, uint32_t row, uint64_t sealed)
{
    for (unsigned level = SHARD_LEVEL_MAX; level; level--) {
        uint32_t number = shard_number(row, level);
        bool fits = sealed >= shard_end(number) - shard_span(number) / 8;
        for (size_t i = 0; i < count; i++)
            fits &=
                shard_end(numbers[i]) <= shard_first(number) || shard_first(numbers[i]) >= shard_end(number);
        if (fits)
            return number;
    }
    return shard_number(row, 0);
}

/* Where a row goes that is behind all that were sealed before: a large shard is not touched for its sake. */
static uint32_t shard_behind(const uint32_t *numbers, size_t count, uint32_t row, uint64_t sealed)
{
    const uint32_t *there = covering(numbers, count, row, true);
    if (!there)
        return shard_beside(numbers, count, row, sealed);
    return shard_level(*there) ? shard_number(row, 0) : *there;
}

static int write_shard(struct db *db, const struct attribute *attribute, struct changes *changes,
                       uint32_t number, struct error *err)
{
    struct apply_delta *delta = changes->delta;
    struct shard_work work = SHARD_WORK_ALL;
    bool column = attribute_has_column(attribute), list = attribute->info.type == VALUE_LIST;
    struct shard_target to = {attribute->info.id, attribute->info.type, column, number};
    const struct shard_source source = {column ? next_number : next_value, rewind_changes, changes};
    const struct shard_presence presence = {apply_rows_set(&delta->gained), apply_rows_set(&delta->lost)};
    changes->first = shard_first(number);
    changes->end = shard_end(number);
    int rc = shard_update(db, &to, list ? NULL : &source, &presence, &work, err);
    shard_work_done(&work);
    return rc;
}

/* Where its rows go. */
struct writing {
    struct db *db;
    const struct attribute *attribute;
    struct changes changes;
    uint32_t *numbers; /* of the shards that were there */
    size_t count;
    uint64_t sealed;
};

static int write_touched(struct writing *w, const bool *touched, struct error *err)
{
    int rc = 0;
    apply_delta_sort(w->changes.delta);
    for (uint32_t part = 0; !rc && part < PARTS_MAX; part++) {
        if (!touched[part])
            continue;
        uint32_t number = shard_behind(w->numbers, w->count, part << SHARD_ROW_BITS, w->sealed);
        rc = write_shard(w->db, w->attribute, &w->changes, number, err);
        part = (uint32_t)((shard_end(number) >> SHARD_ROW_BITS) - 1);
    }
    return rc;
}

/* The end of the last shard that is touched, or, where none is, of the one that the row goes to. */
static uint64_t end_of_last(const struct writing *w, const bool *touched, uint32_t row)
{
    for (uint32_t part = PARTS_MAX; part--;)
        if (touched[part]) {
            row = part << SHARD_ROW_BITS;
            break;
        }
    return shard_end(shard_behind(w->numbers, w->count, row, w->sealed));
}

int apply_shards_write(struct db *db, struct apply_delta *delta, struct apply_gains_reader *gains,
                       uint64_t sealed, struct error *err)
{
    struct writing w = {
        .db = db, .attribute = gains->attribute, .changes = {.delta = delta}, .sealed = sealed};
    CLEANUP_FREE bool *touched = mem_alloc(PARTS_MAX * sizeof *touched);
    uint32_t row = 0;
    if (apply_delta_empty(delta) && !apply_gains_next(gains, &row))
        return 0;
    int rc = shard_numbers_read(db, w.attribute->info.id, &w.numbers, &w.count, err);
    while (!rc && (!apply_delta_empty(delta) || apply_gains_next(gains, &row))) {
        memset(touched, 0, PARTS_MAX * sizeof *touched);
        mark_parts(delta, touched);
        apply_gains_take(gains, end_of_last(&w, touched, row), delta);
        mark_parts(delta, touched);
        rc = write_touched(&w, touched, err);
        apply_delta_done(delta);
    }
    free(w.numbers);
    free(w.changes.gained.rows);
    free(w.changes.lost.rows);
    return rc;
}

static bool any_touched(const bool *touched, uint32_t number)
{
    bool any = false;
    for (uint64_t part = shard_first(number) >> SHARD_ROW_BITS; part < shard_end(number) >> SHARD_ROW_BITS;
         part++)
        any |= touched[part];
    return any;
}

/* Parts may have rows that no shard has yet. */
static int lose_numbers(struct db *db, const struct attribute *attribute, struct changes *changes,
                        const bool *touched, struct error *err)
{
    const struct shard_source source = {next_number, rewind_changes, changes};
    int rc = 0;
    for (uint32_t part = 0; !rc && part < PARTS_MAX; part++) {
        uint64_t written = 0, first = 0;
        struct shard_target to = {attribute->info.id, attribute->info.type, true,
                                  shard_number(part << SHARD_ROW_BITS, 0)};
        if (!touched[part])
            continue;
        changes->first = shard_first(to.number);
        changes->end = shard_end(to.number);
        rewind_changes(changes);
        rc = shard_parts_change(db, &to, &source, UINT64_MAX, &written, &first, err);
    }
    return rc;
}

int apply_shards_lose(struct db *db, const struct attribute *attribute, struct apply_delta *delta,
                      struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    if (apply_delta_empty(delta))
        return 0;
    CLEANUP_FREE bool *touched = mem_zero(PARTS_MAX * sizeof *touched);
    struct changes changes = {.delta = delta};
    int rc = shard_numbers_read(db, attribute->info.id, &numbers, &count, err);
    mark_parts(delta, touched);
    apply_delta_sort(delta);
    for (size_t i = 0; !rc && i < count; i++)
        if (any_touched(touched, numbers[i]))
            rc = write_shard(db, attribute, &changes, numbers[i], err);
    if (!rc && attribute_has_column(attribute))
        rc = lose_numbers(db, attribute, &changes, touched, err);
    free(changes.gained.rows);
    free(changes.lost.rows);
    return rc;
}

/* ---- made beside others ---- */

/* Do the shards from numbers[at] on make one of the next level, to which no row is added any more? Smaller
 * ones among them lie within them. */
static bool are_whole(const uint32_t *numbers, size_t count, size_t at, uint64_t sealed)
{
    unsigned level = shard_level(numbers[at]);
    uint32_t first = shard_first(numbers[at]), found = 0;
    if (level == SHARD_LEVEL_MAX)
        return false;
    uint32_t whole = shard_number(first, level + 1);
    for (size_t i = at; i < count && shard_first(numbers[i]) < shard_end(whole); i++)
        found += shard_level(numbers[i]) == level;
    return shard_first(whole) == first && shard_end(whole) <= sealed && found == SHARD_MERGES;
}

int apply_shards_whole(struct db *db, const struct attribute *attribute, uint64_t sealed, uint32_t *ret,
                       struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    int rc = shard_numbers_read(db, attribute->info.id, &numbers, &count, err);
    for (size_t at = 0; !rc && at < count; at++)
        if (are_whole(numbers, count, at, sealed)) {
            *ret = shard_number(shard_first(numbers[at]), shard_level(numbers[at]) + 1);
            return 1;
        }
    return rc;
}

int apply_shard_anew(struct db *db, const struct attribute *attribute, uint32_t row, uint64_t sealed,
                     bool behind, uint32_t *ret, struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    int rc = shard_numbers_read(db, attribute->info.id, &numbers, &count, err);
    if (rc)
        return rc;
    const uint32_t *around = covering(numbers, count, row, false);
    uint32_t number = behind   ? shard_behind(numbers, count, row, sealed)
                      : around ? *around
                               : shard_beside(numbers, count, row, sealed);
    const uint32_t *there = covering(numbers, count, row, behind);
    *ret = there && *there == number ? shard_other_turn(number) : number;
    return 0;
}

/* Those whose rows the new one takes: they come first in `numbers` then. One that it lies in is let be. */
static int choose_old(struct db *db, const struct attribute *attribute, uint32_t number, uint32_t *numbers,
                      size_t *count, struct error *err)
{
    size_t old = 0;
    for (size_t i = 0; i < *count; i++) {
        bool within =
            shard_first(numbers[i]) >= shard_first(number) && shard_end(numbers[i]) <= shard_end(number);
        if (numbers[i] == number)
            return db_damaged(db, err, "shard %u of the attribute '%s' cannot be made", number,
                              attribute->info.name);
        if (within)
            numbers[old++] = numbers[i];
    }
    *count = old;
    return 0;
}

int apply_shard_make(struct db *db, const struct attribute *attribute, struct apply_delta *delta,
                     uint32_t number, struct shard_work *work, struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    bool column = attribute_has_column(attribute), list = attribute->info.type == VALUE_LIST;
    struct shard_target to = {attribute->info.id, attribute->info.type, column, number};
    struct changes changes = {.delta = delta, .first = shard_first(number), .end = shard_end(number)};
    const struct shard_source source = {column ? next_number : next_value, rewind_changes, &changes};
    struct shard_presence presence = {0};
    int rc = shard_numbers_read(db, attribute->info.id, &numbers, &count, err);
    if (!rc)
        rc = choose_old(db, attribute, number, numbers, &count, err);
    if (!rc && delta) {
        apply_delta_sort(delta);
        presence = (struct shard_presence){apply_rows_set(&delta->gained), apply_rows_set(&delta->lost)};
    }
    if (!rc)
        rc = shard_make(db, &to, &(struct shard_old){numbers, count}, delta && !list ? &source : NULL,
                        &presence, work, err);
    free(changes.gained.rows);
    free(changes.lost.rows);
    return rc;
}
