// SPDX-License-Identifier: Apache-2.0
/*
 * Attribute by attribute. What the rows ever had, as far as the catalog still knows, is taken from every
 * shard that covers them: a shard does not mind being told to lose what it has not got, so nothing depends on
 * which of it lies where. Then runs and late columns are written again without the rows.
 */
#include <stdlib.h>

#include "index/catalog/shard/shard_fresh.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_shards.h"
#include "index/commit/scrub/scrub_state.h"

struct scrubbing { /* one attribute */
    struct scrub *scrub;
    struct attribute *attribute;
    struct apply_delta *delta; /* all that goes */
    bool changed;              /* something stood above what is beneath */
};

static void lose_values(struct apply_delta *delta, const struct attribute *attribute, uint32_t row,
                        const struct value *values, size_t count)
{
    bool column = attribute_has_column(attribute);
    for (size_t i = 0; i < count; i++)
        if (values[i].type != VALUE_LIST)
            apply_delta_value(delta, column, &values[i], row, false);
    if (count)
        apply_delta_row(delta, row, false);
}

/* ---- what the rows have ---- */

static int lose_row(struct scrub *scrub, struct record_group *group, struct record_values *values,
                    uint32_t row, struct apply_delta *deltas, struct error *err)
{
    struct apply *apply = &scrub->apply;
    int rc = record_group_read(scrub->db, row, group, err);
    if (!rc)
        rc = cells_values(scrub->db, &apply->source.cells, &apply->output.attributes,
                          &CELLS_ROW_ANY(row, record_of(group, row)), values, err);
    for (size_t i = 0; !rc && i < values->count; i++) {
        const struct attribute *attribute = values->list[i].attribute;
        lose_values(&deltas[attribute - apply->output.attributes.list], attribute, row,
                    &values->list[i].value, 1);
    }
    return rc;
}

static int lose_rows(struct scrub *scrub, struct apply_delta *deltas, struct error *err)
{
    struct record_group group = RECORD_GROUP_INIT;
    struct record_values values = {0};
    uint32_t row;
    int rc = 0;
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row); from = row + UINT64_C(1))
        rc = lose_row(scrub, &group, &values, row, deltas, err);
    record_group_done(&group);
    record_values_done(&values);
    return rc;
}

/* ---- runs ---- */

/* The cells of the rows go, what they hold joins the delta. True: there were some. */
static bool take_cells(struct scrubbing *s, struct patch *patch)
{
    size_t kept = 0;
    for (size_t i = 0; i < patch->count; i++) {
        const struct patch_cell *cell = &patch->cells[i];
        size_t old_count, now_count;
        const struct value *old = patch_values(patch, cell->old, &old_count),
                           *now = patch_values(patch, patch_code_of(cell), &now_count);
        if (!rowset_contains(s->scrub->rows, cell->row)) {
            patch->cells[kept++] = *cell;
            continue;
        }
        lose_values(s->delta, s->attribute, cell->row, old, old_count);
        lose_values(s->delta, s->attribute, cell->row, now, now_count);
    }
    bool some = kept < patch->count;
    patch->count = kept;
    return some;
}

/* 1: the run is gone. */
static int scrub_run(struct scrubbing *s, enum runs_kind kind, size_t at, struct error *err)
{
    struct apply *apply = &s->scrub->apply;
    struct state *state = &s->attribute->state;
    struct state_runs *runs = kind == RUNS_TAIL ? &state->tails : &state->patches;
    CLEANUP_PATCH struct patch patch = {0};
    int rc = runs_read(apply->db, &(struct runs_id){s->attribute, kind, &runs->list[at]}, &patch, err);
    if (rc || !take_cells(s, &patch))
        return rc;
    s->changed = true;
    if (patch.count)
        return apply_run_write(apply, s->attribute, kind, at, &patch, &(struct patch_span){.to = patch.count},
                               err);
    rc = apply_runs_drop(apply, s->attribute, kind, at, at + 1, err);
    if (kind == RUNS_PATCH && at < state->folding && !--state->folding)
        state->folded = 0;
    return rc ? rc : 1;
}

static int scrub_runs(struct scrubbing *s, enum runs_kind kind, struct error *err)
{
    struct state *state = &s->attribute->state;
    struct state_runs *runs = kind == RUNS_TAIL ? &state->tails : &state->patches;
    for (size_t at = 0; at < runs->count;) {
        int rc = scrub_run(s, kind, at, err);
        if (rc < 0)
            return rc;
        at += !rc;
    }
    return 0;
}

/* ---- late columns ---- */

static int scrub_late(struct scrubbing *s, uint32_t row, struct error *err)
{
    struct apply *apply = &s->scrub->apply;
    CLEANUP_PATCH struct patch patch = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    size_t made;
    int64_t id = (int64_t)s->attribute->info.id << SCHEMA_LATE_BITS | row / SCHEMA_LATE_ROWS;
    int rc = clips_bytes(apply->db, QUERY_LATE, id, &bytes, err);
    if (rc < 1)
        return rc;
    rc = patch_read(apply->db, s->attribute, "a late column", bytes.data, bytes.len, &patch, err);
    uint32_t first = patch.first, end = patch.end;
    if (rc || !take_cells(s, &patch))
        return rc;
    s->changed = true;
    return apply_late_put(apply, s->attribute, &patch, first, end, &made, err);
}

static int scrub_lates(struct scrubbing *s, struct error *err)
{
    uint32_t row;
    int rc = 0;
    for (uint64_t from = 0; !rc && s->attribute->state.late && scrub_next(s->scrub, from, &row);
         from = ((uint64_t)row / SCHEMA_LATE_ROWS + 1) * SCHEMA_LATE_ROWS)
        rc = scrub_late(s, row, err);
    return rc;
}

/* ---- an attribute ---- */

/* What clips have above what is beneath, in all. */
static int count_above(const struct scrubbing *s, int64_t *ret, struct error *err)
{
    CLEANUP_PATCH struct patch tails = {0}, patches = {0};
    struct db *db = s->scrub->db;
    int rc = cells_read_runs(db, s->attribute, RUNS_TAIL, &tails, err);
    if (!rc)
        rc = cells_read_runs(db, s->attribute, RUNS_PATCH, &patches, err);
    if (!rc)
        *ret = apply_clips_above(&tails, 0, tails.count) + apply_clips_above(&patches, 0, patches.count);
    return rc;
}

/* The rows of shards stand before those that tail runs have, so a shard is asked to lose what it may have. */
static int scrub_attribute(struct scrub *scrub, size_t at, struct apply_delta *delta, struct error *err)
{
    struct attribute *attribute = &scrub->apply.output.attributes.list[at];
    struct scrubbing s = {scrub, attribute, delta, false};
    int rc = scrub_runs(&s, RUNS_TAIL, err);
    if (!rc)
        rc = scrub_runs(&s, RUNS_PATCH, err);
    if (!rc)
        rc = scrub_lates(&s, err);
    s.changed |= !apply_delta_empty(delta);
    if (!rc)
        rc = apply_shards_lose(scrub->db, attribute, delta, err);
    if (!rc)
        rc = shards_fresh(scrub->db, attribute->info.id, attribute->info.type, scrub->rows, err);
    if (rc || !s.changed)
        return rc;
    cells_forget(&scrub->apply.source.cells, attribute->info.id);
    rc = count_above(&s, &attribute->state.clips, err);
    if (!rc)
        rc = apply_recount(&scrub->apply, attribute, err);
    return rc ? rc : apply_state_put(&scrub->apply, attribute, err);
}

/* The shard that is being made may hold what goes, and the place where it is may be such a value. */
static int give_up_work(struct scrub *scrub, struct error *err)
{
    struct apply *apply = &scrub->apply;
    const struct apply_work *work = &apply->output.work;
    int rc = work->kind ? apply_work_abandon(apply, work->attribute, err) : 0;
    return rc ? rc : apply_work_write(apply, err);
}

int scrub_values(struct scrub *scrub, struct error *err)
{
    size_t count = scrub->apply.output.attributes.count;
    CLEANUP_FREE struct apply_delta *deltas = mem_zero((count + 1) * sizeof *deltas);
    int rc = give_up_work(scrub, err);
    if (!rc)
        rc = lose_rows(scrub, deltas, err);
    for (size_t i = 0; i < count; i++) {
        rc = rc ? rc : scrub_attribute(scrub, i, &deltas[i], err);
        apply_delta_done(&deltas[i]);
    }
    return rc;
}
