// SPDX-License-Identifier: Apache-2.0
/* Late columns may be written before the patches above them go: what they say is what the clips have. */
#include "index/commit/apply/apply_fold.h"

#include <stdlib.h>

#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_seal.h"
#include "index/commit/apply/apply_shards.h"

struct fold {
    struct apply *apply;
    struct attribute *attribute;
    struct patch patch; /* the runs that are folded, as far as they are not yet */
    struct record_group group;
    struct record_values values;
    struct patch column;
    struct value *list; /* of a cell */
    size_t list_cap;
};

static void fold_done(struct fold *fold)
{
    patch_done(&fold->patch);
    record_group_done(&fold->group);
    record_values_done(&fold->values);
    patch_done(&fold->column);
    free(fold->list);
}

static size_t cells_before(const struct fold *fold, uint64_t row)
{
    size_t low = 0, high = fold->patch.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fold->patch.cells[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int read_folding(struct fold *fold, struct error *err)
{
    const struct state *state = &fold->attribute->state;
    return cells_read_some(fold->apply->db, fold->attribute, RUNS_PATCH, 0, state->folding, &fold->patch,
                           err);
}

/* ---- what is folded next ---- */

static bool has_many(const struct apply *apply, const struct state *state)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < state->patches.count; i++)
        rows += state->patches.list[i].rows;
    return rows && rows >= apply->source.limits.patched_rows;
}

/* Are so many of its rows ones that shards know of? Then all its runs are folded. */
static int choose_runs(struct fold *fold, struct error *err)
{
    struct state *state = &fold->attribute->state;
    CLEANUP_PATCH struct patch all = {0};
    if (state->folding || !has_many(fold->apply, state))
        return 0;
    int rc = cells_read_runs(fold->apply->db, fold->attribute, RUNS_PATCH, &all, err);
    uint64_t sealed = apply_sealed(fold->apply, fold->attribute);
    size_t count = all.count;
    while (count && all.cells[count - 1].row >= sealed)
        count--;
    if (!rc && count && count >= fold->apply->source.limits.patched_rows)
        state->folding = (uint32_t)state->patches.count;
    return rc;
}

/* What cannot be folded yet stays as one run, beneath those that came since. */
static int finish_runs(struct fold *fold, struct error *err)
{
    struct apply *apply = fold->apply;
    struct state *state = &fold->attribute->state;
    size_t left = fold->patch.count, drop = state->folding - (left > 0);
    uint64_t before = apply->output.run_bytes;
    int rc = apply_runs_drop(apply, fold->attribute, RUNS_PATCH, 0, drop, err);
    if (!rc && left)
        rc = apply_run_write(apply, fold->attribute, RUNS_PATCH, 0, &fold->patch,
                             &(struct patch_span){.to = left}, err);
    apply_spend(apply, apply->output.run_bytes - before);
    state->folding = state->folded = 0;
    fold->attribute->restated = true;
    return rc;
}

static int begin_attribute(struct fold *fold, struct error *err)
{
    struct apply *apply = fold->apply;
    uint64_t sealed = apply_sealed(apply, fold->attribute);
    struct apply_work work = {.kind = APPLY_WORK_FOLD, .attribute = fold->attribute->info.id};
    int rc = choose_runs(fold, err);
    if (rc || !fold->attribute->state.folding)
        return rc;
    rc = read_folding(fold, err);
    if (rc || !cells_before(fold, sealed))
        return rc ? rc : finish_runs(fold, err);
    rc = apply_shard_anew(apply->db, fold->attribute, fold->patch.cells[0].row, sealed, false, &work.number,
                          err);
    work.end = shard_end(work.number) < sealed ? shard_end(work.number) : sealed;
    work.late = fold->patch.cells[0].row;
    fold->attribute->restated = true;
    if (rc)
        return rc;
    apply_work_begin(apply, &work);
    return 1;
}

int apply_fold_begin(struct apply *apply, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < apply->output.attributes.count; i++) {
        struct fold fold = {
            .apply = apply, .attribute = &apply->output.attributes.list[i], .group = RECORD_GROUP_INIT};
        rc = begin_attribute(&fold, err);
        fold_done(&fold);
    }
    return rc;
}

/* ---- late columns ---- */

static size_t values_of(struct fold *fold)
{
    size_t count = 0;
    for (size_t i = 0; i < fold->values.count; i++)
        if (fold->values.list[i].attribute == fold->attribute) {
            mem_grow(&fold->list, &fold->list_cap, count + 1, sizeof *fold->list);
            fold->list[count++] = fold->values.list[i].value;
        }
    return count;
}

static uint32_t origin_of(const struct fold *fold)
{
    size_t at = 0;
    while (fold->values.list[at].attribute != fold->attribute)
        at++;
    return fold->values.list[at].origin;
}

static int add_row(struct fold *fold, uint32_t row, struct error *err)
{
    struct apply *apply = fold->apply;
    int rc = record_group_read(apply->db, row, &fold->group, err);
    if (!rc)
        rc = cells_values(apply->db, &apply->source.cells, &apply->output.attributes,
                          &CELLS_ROW_ANY(row, record_of(&fold->group, row)), &fold->values, err);
    if (rc)
        return rc;
    size_t count = values_of(fold); /* which may move the list */
    struct patch_cell cell = {.row = row, .now = patch_code(&fold->column, fold->list, count)};
    if (cell.now == PATCH_NONE)
        return 0;
    cell.origin = origin_of(fold);
    patch_add(&fold->column, &cell);
    return 0;
}

/* The column speaks of all rows of the block that there are, as one that was there before may have. */
static int write_late(struct fold *fold, uint32_t row, struct error *err)
{
    struct apply *apply = fold->apply;
    uint32_t first = row / SCHEMA_LATE_ROWS * SCHEMA_LATE_ROWS;
    uint64_t end = (uint64_t)first + SCHEMA_LATE_ROWS, rows = (uint64_t)apply->source.parent_rows;
    size_t made = 0;
    int rc = 0;
    end = end < rows ? end : rows;
    patch_done(&fold->column);
    for (uint64_t at = first; !rc && at < end; at++)
        rc = add_row(fold, (uint32_t)at, err);
    if (!rc)
        rc = apply_late_put(apply, fold->attribute, &fold->column, first, (uint32_t)end, &made, err);
    if (fold->attribute->state.late == STATE_NO_LATE)
        fold->attribute->state.late = STATE_LATE;
    fold->attribute->restated = true;
    apply_spend(apply, made);
    return rc;
}

/* 1: the budget is used up. */
static int write_lates(struct fold *fold, struct error *err)
{
    struct apply *apply = fold->apply;
    struct apply_work *work = &apply->output.work;
    int rc = 0;
    while (!rc && work->late < work->end) {
        size_t at = cells_before(fold, work->late);
        uint32_t row = at < fold->patch.count ? fold->patch.cells[at].row : UINT32_MAX;
        if (row < work->end && !apply->output.budget)
            return 1;
        uint64_t next = ((uint64_t)row / SCHEMA_LATE_ROWS + 1) * SCHEMA_LATE_ROWS;
        if (row < work->end)
            rc = write_late(fold, row, err);
        work->late = row < work->end && next < work->end ? next : work->end;
        work->changed = true;
    }
    return rc;
}

/* ---- a shard ---- */

static int write_shard(struct fold *fold, struct error *err)
{
    struct state *state = &fold->attribute->state;
    struct apply_delta delta = {0};
    uint64_t end = fold->apply->output.work.end;
    size_t count = cells_before(fold, end);
    for (size_t i = 0; i < count; i++)
        apply_delta_cell(&delta, fold->attribute, &fold->patch, &fold->patch.cells[i]);
    int rc = apply_work_slice(fold->apply, fold->attribute, &delta, err);
    apply_delta_done(&delta);
    if (rc)
        return rc;
    state->clips -= apply_clips_above(&fold->patch, 0, count);
    state->folded = (uint32_t)end;
    fold->attribute->restated = true;
    return 0;
}

int apply_fold_slice(struct apply *apply, struct attribute *attribute, struct error *err)
{
    struct fold fold = {.apply = apply, .attribute = attribute, .group = RECORD_GROUP_INIT};
    int rc = read_folding(&fold, err);
    if (!rc)
        rc = write_lates(&fold, err);
    if (!rc)
        rc = write_shard(&fold, err);
    fold_done(&fold);
    return rc;
}
