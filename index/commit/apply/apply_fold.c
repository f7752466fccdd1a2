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
    const struct patch *patch; /* the runs that are folded, */
    size_t from;               /* as far as they are not yet: its cells from this one on */
    struct record_group group;
    struct record_values values;
    struct patch column;
    uint32_t *codes; /* of a code of the patches, that in the column; 0: it is not there yet */
    uint32_t *used;  /* those that are */
    size_t used_count, used_cap;
    struct value *list; /* of a cell */
    size_t list_cap;
};

static void fold_done(struct fold *fold)
{
    record_group_done(&fold->group);
    record_values_done(&fold->values);
    patch_done(&fold->column);
    free(fold->codes);
    free(fold->used);
    free(fold->list);
}

static size_t cells_before(const struct patch *patch, uint64_t row)
{
    size_t low = 0, high = patch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (patch->cells[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- the runs that are folded ---- */

void apply_folding_done(struct apply_folding *folding)
{
    patch_index_unref(folding->held);
    patch_done(&folding->patch);
    *folding = (struct apply_folding){0};
}

/* The first `count` patches: read once for all steps, or taken from what was read for the labels. */
static int read_runs(struct fold *fold, size_t count, struct error *err)
{
    struct apply *apply = fold->apply;
    struct apply_folding *folding = &apply->output.folding;
    const struct attribute *attribute = fold->attribute;
    int rc = 0;
    if (folding->of != attribute->info.id + UINT64_C(1)) {
        apply_folding_done(folding);
        if (count == attribute->state.patches.count)
            folding->held = cells_held(&apply->source.cells, attribute);
        if (!folding->held)
            rc = cells_read_some(apply->db, attribute, RUNS_PATCH, 0, count, &folding->patch, err);
        folding->of = attribute->info.id + UINT64_C(1);
    }
    if (rc) {
        apply_folding_done(folding);
        return rc;
    }
    fold->patch = folding->held ? &folding->held->patch : &folding->patch;
    fold->from = cells_before(fold->patch, attribute->state.folded);
    return 0;
}

static int read_folding(struct fold *fold, struct error *err)
{
    return read_runs(fold, fold->attribute->state.folding, err);
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
    if (state->folding || !has_many(fold->apply, state))
        return 0;
    int rc = read_runs(fold, state->patches.count, err);
    if (rc)
        return rc;
    size_t count = cells_before(fold->patch, apply_sealed(fold->apply, fold->attribute));
    if (count && count >= fold->apply->source.limits.patched_rows)
        state->folding = (uint32_t)state->patches.count;
    else
        apply_folding_done(&fold->apply->output.folding);
    return 0;
}

/* What cannot be folded yet stays as one run, beneath those that came since. */
static int finish_runs(struct fold *fold, struct error *err)
{
    struct apply *apply = fold->apply;
    struct state *state = &fold->attribute->state;
    const struct patch_span left = {.from = fold->from, .to = fold->patch->count};
    size_t drop = state->folding - (left.from < left.to);
    uint64_t before = apply->output.run_bytes;
    int rc = apply_runs_drop(apply, fold->attribute, RUNS_PATCH, 0, drop, err);
    if (!rc && left.from < left.to)
        rc = apply_run_write(apply, fold->attribute, RUNS_PATCH, 0, fold->patch, &left, err);
    apply_folding_done(&apply->output.folding);
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
    if (rc || cells_before(fold->patch, sealed) <= fold->from)
        return rc ? rc : finish_runs(fold, err);
    uint32_t first = fold->patch->cells[fold->from].row;
    rc = apply_shard_anew(apply->db, fold->attribute, first, sealed, false, &work.number, err);
    work.end = shard_end(work.number) < sealed ? shard_end(work.number) : sealed;
    work.late = first;
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

/* What has no patch has what stands beneath. */
static int add_beneath(struct fold *fold, uint32_t row, struct error *err)
{
    struct apply *apply = fold->apply;
    const struct attributes *all = &apply->output.attributes;
    uint32_t which = (uint32_t)(fold->attribute - all->list);
    const struct cells_some some = {&which, 1, &fold->group, true};
    int rc = cells_some(apply->db, &apply->source.cells, all, &some, row, &fold->values, err);
    if (rc || !fold->values.count)
        return rc;
    mem_grow(&fold->list, &fold->list_cap, fold->values.count, sizeof *fold->list);
    for (size_t i = 0; i < fold->values.count; i++)
        fold->list[i] = fold->values.list[i].value;
    struct patch_cell cell = {.row = row, .origin = fold->values.list[0].origin};
    cell.now = patch_code(&fold->column, fold->list, fold->values.count);
    patch_add(&fold->column, &cell);
    return 0;
}

/* Of a removed clip the column has what it had. */
static void add_patched(struct fold *fold, const struct patch *above, const struct patch_cell *cell)
{
    uint32_t code = patch_code_of(cell);
    size_t count;
    if (code == PATCH_NONE)
        return;
    if (!fold->codes[code]) {
        const struct value *values = patch_values(above, code, &count);
        fold->codes[code] = patch_code(&fold->column, values, count);
        mem_grow(&fold->used, &fold->used_cap, fold->used_count + 1, sizeof *fold->used);
        fold->used[fold->used_count++] = code;
    }
    patch_add(&fold->column,
              &(struct patch_cell){.row = cell->row, .now = fold->codes[code], .origin = cell->origin});
}

static void empty_column(struct fold *fold)
{
    patch_done(&fold->column);
    while (fold->used_count)
        fold->codes[fold->used[--fold->used_count]] = 0;
}

/* All patches that there are, those that have come since the fold was begun among them. */
static int read_above(struct fold *fold, const struct patch **ret, struct error *err)
{
    struct apply *apply = fold->apply;
    const struct state *state = &fold->attribute->state;
    const struct patch_index *all = NULL;
    int rc = 0;
    *ret = fold->patch;
    if (state->folding < state->patches.count) {
        rc = cells_patches(apply->db, &apply->source.cells, fold->attribute, &all, err);
        *ret = rc ? NULL : &all->patch;
    }
    if (!rc && !fold->codes)
        fold->codes = mem_zero(((*ret)->set_count + 1) * sizeof *fold->codes);
    return rc;
}

/* The column speaks of all rows of the block that there are, as one that was there before may have. */
static int write_late(struct fold *fold, uint32_t row, struct error *err)
{
    struct apply *apply = fold->apply;
    uint32_t first = row / SCHEMA_LATE_ROWS * SCHEMA_LATE_ROWS;
    uint64_t end = (uint64_t)first + SCHEMA_LATE_ROWS, rows = (uint64_t)apply->source.parent_rows;
    size_t made = 0;
    const struct patch *above;
    int rc = read_above(fold, &above, err);
    if (rc)
        return rc;
    end = end < rows ? end : rows;
    empty_column(fold);
    size_t cell = cells_before(above, first);
    for (uint64_t at = first; !rc && at < end; at++) {
        if (cell < above->count && above->cells[cell].row == at)
            add_patched(fold, above, &above->cells[cell++]);
        else
            rc = add_beneath(fold, (uint32_t)at, err);
    }
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
        size_t at = cells_before(fold->patch, work->late);
        uint32_t row = at < fold->patch->count ? fold->patch->cells[at].row : UINT32_MAX;
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
    size_t to = cells_before(fold->patch, end);
    for (size_t i = fold->from; i < to; i++)
        apply_delta_cell(&delta, fold->attribute, fold->patch, &fold->patch->cells[i]);
    int rc = apply_work_slice(fold->apply, fold->attribute, &delta, err);
    apply_delta_done(&delta);
    if (rc)
        return rc;
    state->clips -= apply_clips_above(fold->patch, fold->from, to);
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
