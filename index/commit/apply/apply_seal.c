// SPDX-License-Identifier: Apache-2.0
/* An attribute's tail runs stand until its shard is whole; then they go, all at once. */
#include "index/commit/apply/apply_seal.h"

#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_shards.h"

uint64_t apply_sealed(const struct apply *apply, const struct attribute *attribute)
{
    const struct apply_output *output = &apply->output;
    bool done = output->sealing_to && attribute->info.id < output->sealing_at;
    return (uint64_t)(done ? output->sealing_to : output->sealed);
}

static size_t cells_before(const struct patch *patch, uint64_t row)
{
    size_t count = patch->count;
    while (count && patch->cells[count - 1].row >= row)
        count--;
    return count;
}

/* ---- what is sealed next ---- */

static int begin_attribute(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    CLEANUP_PATCH struct patch tail = {0};
    struct apply_work work = {
        .kind = APPLY_WORK_SEAL, .attribute = attribute->info.id, .end = (uint64_t)apply->output.sealing_to};
    if (!attribute->state.tails.count)
        return 0;
    int rc = cells_read_some(apply->db, attribute, RUNS_TAIL, 0, 1, &tail, err);
    if (rc || !cells_before(&tail, work.end))
        return rc;
    rc = apply_shard_anew(apply->db, attribute, tail.cells[0].row, work.end, true, &work.number, err);
    if (rc)
        return rc;
    apply_work_begin(apply, &work);
    return 1;
}

/* The end of the rows that are sealed now, or 0: up to the next shard, or, where the limit is lower, all. */
static int64_t next_end(const struct apply *apply)
{
    int64_t rows = apply->source.parent_rows, sealed = apply->output.sealed;
    int64_t shard = ((sealed >> SHARD_ROW_BITS) + 1) << SHARD_ROW_BITS;
    if (rows - sealed < (int64_t)apply->source.limits.tail_rows)
        return 0;
    return shard < rows ? shard : rows;
}

int apply_seal_begin(struct apply *apply, struct error *err)
{
    struct apply_output *output = &apply->output;
    if (!output->sealing_to)
        output->sealing_to = next_end(apply);
    if (!output->sealing_to)
        return 0;
    for (size_t i = 0; i < output->attributes.count; i++) {
        const struct attribute *attribute = &output->attributes.list[i];
        if (attribute->info.id < output->sealing_at)
            continue;
        int rc = begin_attribute(apply, attribute, err);
        if (rc)
            return rc;
        output->sealing_at = (int64_t)attribute->info.id + 1;
    }
    output->sealed = output->sealing_to;
    output->sealing_to = output->sealing_at = 0;
    return 0;
}

/* ---- one attribute ---- */

/* A run that goes on behind the last row that is sealed keeps what it says of the others. */
static int cut_run(struct apply *apply, struct attribute *attribute, uint64_t end, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    int rc = cells_read_some(apply->db, attribute, RUNS_TAIL, 0, 1, &patch, err);
    size_t before = rc ? 0 : cells_before(&patch, end);
    if (rc || !before)
        return rc;
    if (before == patch.count) {
        rc = apply_runs_drop(apply, attribute, RUNS_TAIL, 0, 1, err);
        return rc ? rc : 1;
    }
    return apply_run_write(apply, attribute, RUNS_TAIL, 0, &patch,
                           &(struct patch_span){.from = before, .to = patch.count}, err);
}

static int cut_tail(struct apply *apply, struct attribute *attribute, uint64_t end, struct error *err)
{
    uint64_t before = apply->output.run_bytes;
    int rc = 1;
    while (rc == 1 && attribute->state.tails.count)
        rc = cut_run(apply, attribute, end, err);
    apply_spend(apply, apply->output.run_bytes - before);
    return rc < 0 ? rc : 0;
}

int apply_seal_slice(struct apply *apply, struct attribute *attribute, struct error *err)
{
    CLEANUP_PATCH struct patch tail = {0};
    struct apply_delta delta = {0};
    uint64_t end = apply->output.work.end;
    int rc = cells_read_runs(apply->db, attribute, RUNS_TAIL, &tail, err);
    size_t count = cells_before(&tail, end);
    for (size_t i = 0; !rc && i < count; i++)
        apply_delta_cell(&delta, attribute, &tail, &tail.cells[i]);
    if (!rc)
        rc = apply_work_slice(apply, attribute, &delta, err);
    apply_delta_done(&delta);
    if (rc)
        return rc;
    attribute->state.clips -= apply_clips_above(&tail, 0, count);
    apply->output.sealing_at = (int64_t)attribute->info.id + 1;
    return cut_tail(apply, attribute, end, err);
}
