// SPDX-License-Identifier: Apache-2.0
/* The costs are of what is written; what is dropped costs a bit of the list of free pages. */
#include "index/commit/apply/apply_upkeep.h"

#include "index/commit/apply/apply_fold.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_seal.h"
#include "index/commit/apply/apply_shards.h"

void apply_upkeep_allow(struct apply *apply)
{
    const struct apply_limits *limits = &apply->source.limits;
    uint64_t set = changeset_log(apply->source.set)->len;
    uint64_t more = set > limits->small_set_bytes ? set - limits->small_set_bytes : 0;
    apply->output.budget = limits->upkeep_bytes + APPLY_UPKEEP_TIMES * more;
}

int apply_upkeep_runs(struct apply *apply, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < apply->output.attributes.count; i++) {
        struct attribute *attribute = &apply->output.attributes.list[i];
        if (!apply->output.patches[i].count)
            continue;
        rc = apply_runs_merge(apply, attribute, RUNS_PATCH, err);
        if (!rc)
            rc = apply_runs_merge(apply, attribute, RUNS_TAIL, err);
    }
    return rc;
}

static int begin_merge(struct apply *apply, struct error *err)
{
    const struct attributes *all = &apply->output.attributes;
    for (size_t i = 0; i < all->count; i++) {
        struct apply_work work = {.kind = APPLY_WORK_MERGE, .attribute = all->list[i].info.id};
        int rc =
            apply_shards_whole(apply->db, &all->list[i], (uint64_t)apply->output.sealed, &work.number, err);
        if (rc == 1)
            apply_work_begin(apply, &work);
        if (rc)
            return rc;
    }
    return 0;
}

static int merge_slice(struct apply *apply, struct attribute *attribute, struct error *err)
{
    return apply_work_slice(apply, attribute, NULL, err);
}

/* In the order in which the next one is looked for. */
static const struct {
    int (*begin)(struct apply *apply, struct error *err);
    int (*slice)(struct apply *apply, struct attribute *attribute, struct error *err);
} kinds[] = {[APPLY_WORK_SEAL] = {apply_seal_begin, apply_seal_slice},
             [APPLY_WORK_FOLD] = {apply_fold_begin, apply_fold_slice},
             [APPLY_WORK_MERGE] = {begin_merge, merge_slice}};

static int begin(struct apply *apply, struct error *err)
{
    int rc = 0;
    for (size_t kind = APPLY_WORK_SEAL; !rc && kind <= APPLY_WORK_MERGE; kind++)
        rc = kinds[kind].begin(apply, err);
    return rc;
}

/* 1: the budget is used up. */
static int go_on(struct apply *apply, struct error *err)
{
    const struct apply_work *work = &apply->output.work;
    struct attribute *attribute = attributes_by_id(&apply->output.attributes, work->attribute);
    bool merges = work->kind == APPLY_WORK_MERGE;
    int rc = kinds[work->kind].slice(apply, attribute, err);
    attribute->restated |= !rc && !merges;
    cells_forget(&apply->source.cells, attribute->info.id);
    return rc;
}

int apply_upkeep_shards(struct apply *apply, struct error *err)
{
    int rc = 1;
    while (apply->output.budget && rc == 1) {
        rc = apply->output.work.kind ? 1 : begin(apply, err);
        int made = rc == 1 ? go_on(apply, err) : 0;
        rc = made < 0 ? made : rc;
    }
    return rc < 0 ? rc : 0;
}

int apply_upkeep_make_way(struct apply *apply, struct error *err)
{
    struct apply_output *output = &apply->output;
    const struct apply_work *work = &output->work;
    bool apart = work->kind == APPLY_WORK_MERGE ||
                 (work->kind == APPLY_WORK_FOLD && shard_end(work->number) <= (uint64_t)output->sealed);
    output->sealing_to = output->sealing_at = 0;
    return apart ? 0 : apply_work_abandon(apply, work->attribute, err);
}
