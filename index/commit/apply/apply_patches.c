// SPDX-License-Identifier: Apache-2.0
/* What stands above is only added to: a commit writes runs of its own, and merges, folds and seals those of
 * commits before, so the catalog of a version says what that version changed. */
#include "index/commit/apply/apply_patches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/shard/shard.h"

/* ---- rows of the tables ---- */

static void pack(const struct apply *apply, const struct buf *body, struct buf *packed)
{
    packer_pack(db_packer(apply->db), body->data, body->len, PACKER_SAVING_PERCENT, packed);
}

int apply_state_put(struct apply *apply, struct attribute *attribute, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    attribute->has_state = true;
    if (state_empty(&attribute->state))
        return db_drop_rows(apply->db, QUERY_STATE_DROP, attribute->info.id, attribute->info.id, err);
    state_encode(&attribute->state, &bytes);
    return db_put_bytes(apply->db, QUERY_STATE_PUT, attribute->info.id, &bytes, err);
}

int apply_late_put(struct apply *apply, const struct attribute *attribute, const struct patch *patch,
                   uint32_t first, uint32_t end, size_t *ret_bytes, struct error *err)
{
    CLEANUP_BUF struct buf body = BUF_INIT, packed = BUF_INIT;
    patch_encode_column(patch, attribute->info.type,
                        &(struct patch_span){0, patch->count, first, end - first}, &body);
    *ret_bytes = body.len;
    int64_t id = (int64_t)attribute->info.id << SCHEMA_LATE_BITS | first / SCHEMA_LATE_ROWS;
    pack(apply, &body, &packed);
    return db_put_bytes(apply->db, QUERY_LATE_PUT, id, &packed, err);
}

int apply_lates_drop(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    int64_t first = (int64_t)attribute->info.id << SCHEMA_LATE_BITS;
    return db_drop_rows(apply->db, QUERY_LATES_DROP, first, first + UINT32_MAX, err);
}

static struct state_runs *runs_of(struct attribute *attribute, enum runs_kind kind)
{
    return kind == RUNS_TAIL ? &attribute->state.tails : &attribute->state.patches;
}

int apply_runs_drop(struct apply *apply, struct attribute *attribute, enum runs_kind kind, size_t first,
                    size_t end, struct error *err)
{
    struct state_runs *runs = runs_of(attribute, kind);
    int rc = 0;
    for (size_t i = first; !rc && i < end; i++) {
        rc = runs_drop(apply->db, &(struct runs_id){attribute, kind, &runs->list[i]}, err);
    }
    if (first < end) {
        memmove(runs->list + first, runs->list + end, (runs->count - end) * sizeof *runs->list);
        runs->count -= end - first;
    }
    return rc;
}

int apply_patches_drop(struct apply *apply, struct attribute *attribute, struct error *err)
{
    struct state *state = &attribute->state;
    state->clips = state->different = 0;
    state->folding = state->folded = 0;
    int rc = apply_runs_drop(apply, attribute, RUNS_TAIL, 0, state->tails.count, err);
    return rc ? rc : apply_runs_drop(apply, attribute, RUNS_PATCH, 0, state->patches.count, err);
}

/* Rows that nearly all have something need no numbers. */
static void encode_run(void *ctx, const struct patch *patch, size_t from, size_t to, struct buf *body)
{
    enum { COLUMN_ROWS_MAX = 1 << 16 };
    const struct runs_id *id = ctx;
    enum value_type type = id->attribute->info.type;
    uint32_t first = patch->cells[from].row;
    uint64_t rows = patch->cells[to - 1].row - first + UINT64_C(1);
    if (id->kind == RUNS_TAIL && rows <= COLUMN_ROWS_MAX && rows < 2 * (to - from))
        patch_encode_column(patch, type, &(struct patch_span){from, to, first, (uint32_t)rows}, body);
    else
        patch_encode(patch, type, from, to, body);
}

int apply_run_write(struct apply *apply, struct attribute *attribute, enum runs_kind kind, size_t at,
                    const struct patch *patch, const struct patch_span *cells, struct error *err)
{
    CLEANUP_BUF struct buf body = BUF_INIT;
    struct state_run *run = &runs_of(attribute, kind)->list[at];
    struct runs_id id = {attribute, kind, run};
    encode_run(&id, patch, cells->from, cells->to, &body);
    apply->output.run_bytes += body.len;
    run->rows = (uint32_t)(cells->to - cells->from);
    run->cut = kind == RUNS_PATCH
                   ? runs_cut(patch->cells[cells->from].row, patch->cells[cells->to - 1].row, body.len)
                   : 0;
    return runs_write(apply->db, &id, patch, (const size_t[]){cells->from, cells->to}, encode_run, &id, err);
}

/* The cells [from, to) of the span as a run behind all others. */
static int put_run(struct apply *apply, struct attribute *attribute, enum runs_kind kind,
                   const struct state_run *run, const struct patch *patch, const struct patch_span *cells,
                   struct error *err)
{
    struct state_runs *runs = runs_of(attribute, kind);
    state_add(runs, run);
    return apply_run_write(apply, attribute, kind, runs->count - 1, patch, cells, err);
}

/* ---- sealed at once ---- */

int apply_patches_seal(struct apply *apply, size_t at, struct error *err)
{
    struct attribute *attribute = &apply->output.attributes.list[at];
    struct apply_delta *delta = &apply->output.deltas[at];
    CLEANUP_PATCH struct patch tail = {0};
    size_t runs = attribute->state.tails.count;
    if (!runs)
        return 0;
    int rc = cells_read_runs(apply->db, attribute, RUNS_TAIL, &tail, err);
    if (!rc)
        rc = apply_runs_drop(apply, attribute, RUNS_TAIL, 0, runs, err);
    for (size_t i = 0; !rc && i < tail.count; i++)
        apply_delta_cell(delta, attribute, &tail, &tail.cells[i]);
    attribute->state.clips -= apply_clips_above(&tail, 0, tail.count);
    attribute->restated = true;
    return rc;
}

int64_t apply_clips_above(const struct patch *patch, size_t from, size_t to)
{
    int64_t clips = 0;
    for (size_t i = from; i < to; i++)
        clips += (patch_code_seen(&patch->cells[i]) != PATCH_NONE) - (patch->cells[i].old != PATCH_NONE);
    return clips;
}

/* ---- counts ---- */

/* How many clips have the value beneath. */
static int count_beneath(const struct shards *shards, const struct value *value, int64_t *ret,
                         struct error *err)
{
    struct shard_key key = shard_key_of(value);
    uint64_t clips;
    int rc = 0;
    *ret = 0;
    for (size_t i = 0; !rc && i < shards->count; i++) {
        rc = shard_count(&shards->list[i], &key, &clips, err);
        *ret += rc ? 0 : (int64_t)clips;
    }
    return rc;
}

/* Numbers that nearly each clip has another of are not looked up: their number is an upper bound. */
static bool counts_exactly(const struct attribute *attribute, const struct shards *shards)
{
    enum { LOOKED_UP_MAX = 4096 };
    uint64_t values = 0;
    for (size_t i = 0; i < shards->count; i++)
        values += shards->list[i].dict.values;
    return !attribute_has_column(attribute) || values <= LOOKED_UP_MAX;
}

/* By how much `above` changes the number of different values, where `before` stands beneath it. */
static int count_different(struct apply *apply, const struct attribute *attribute,
                           const struct patch_index *before, const struct patch_index *above, int64_t *ret,
                           struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    int64_t different = 0;
    int rc = shards_open(apply->db, attribute->info.id, attribute->info.type, &shards, err);
    bool exact = !rc && counts_exactly(attribute, &shards);
    for (size_t i = 0; !rc && i < above->term_count; i++) {
        const struct patch_index_term *term = &above->terms[i];
        int64_t clips = 0;
        rc = exact ? count_beneath(&shards, &term->value, &clips, err) : 0;
        clips += before ? patch_index_clips(before, &term->value) : 0;
        int64_t now = clips + term->clips;
        different += exact ? (now > 0) - (clips > 0) : now > 0 && clips <= 0;
    }
    *ret = rc ? *ret : different;
    return rc;
}

int apply_recount(struct apply *apply, struct attribute *attribute, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    int rc = cells_read_runs(apply->db, attribute, RUNS_TAIL, &patch, err);
    if (!rc)
        rc = cells_read_runs(apply->db, attribute, RUNS_PATCH, &patch, err);
    if (rc)
        return rc;
    CLEANUP_PATCH_INDEX struct patch_index *all = patch_index_new(&patch);
    return count_different(apply, attribute, NULL, all, &attribute->state.different, err);
}

/* ---- runs become one ---- */

/* How many from `first` on are of this level: as many as there are, up to the next higher one. */
static size_t alike(const struct state_runs *runs, size_t first, uint32_t level, uint64_t *ret_rows)
{
    size_t count = 0;
    *ret_rows = 0;
    for (; first + count < runs->count && runs->list[first + count].level == level; count++)
        *ret_rows += runs->list[first + count].rows;
    return count;
}

static int merge_some(struct apply *apply, struct attribute *attribute, enum runs_kind kind, size_t first,
                      size_t count, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    struct state_runs *runs = runs_of(attribute, kind);
    int rc = cells_read_some(apply->db, attribute, kind, first, first + count, &patch, err);
    if (!rc)
        rc = apply_runs_drop(apply, attribute, kind, first, first + count - 1, err);
    if (rc)
        return rc;
    runs->list[first].level++;
    return apply_run_write(apply, attribute, kind, first, &patch, &(struct patch_span){.to = patch.count},
                           err);
}

int apply_runs_merge(struct apply *apply, struct attribute *attribute, enum runs_kind kind, struct error *err)
{
    struct state_runs *runs = runs_of(attribute, kind);
    const struct apply_limits *limits = &apply->source.limits;
    uint64_t rows, most = kind == RUNS_TAIL ? limits->tail_rows : limits->patched_rows;
    size_t first = kind == RUNS_PATCH ? attribute->state.folding : 0, count;
    for (uint32_t level = 0; level < APPLY_LEVELS; level++) {
        size_t few = kind == RUNS_TAIL ? APPLY_MERGE_RUNS : level ? APPLY_MERGE_MERGED : APPLY_MERGE_OWN;
        for (size_t at = first; at < runs->count; at += count ? count : 1) {
            count = alike(runs, at, level, &rows);
            bool due = count >= few && (rows <= most || count >= APPLY_MERGE_LATEST);
            if (!due || !apply->output.budget)
                continue;
            uint64_t before = apply->output.run_bytes;
            int rc = merge_some(apply, attribute, kind, at, count, err);
            if (rc)
                return rc;
            apply_spend(apply, apply->output.run_bytes - before);
            count = 1;
        }
    }
    return 0;
}

/* ---- a commit's own run ---- */

static int put_own(struct apply *apply, struct attribute *attribute, enum runs_kind kind,
                   const struct patch *patch, size_t from, size_t to, struct error *err)
{
    struct state_run own = {apply->source.options->version, 0, 0};
    if (from == to)
        return 0;
    attribute->state.clips += apply_clips_above(patch, from, to);
    return put_run(apply, attribute, kind, &own, patch, &(struct patch_span){.from = from, .to = to}, err);
}

/* Rows that the parent has come first. */
static int put_both(struct apply *apply, struct attribute *attribute, const struct patch *patch,
                    struct error *err)
{
    size_t known = patch->count;
    while (known && patch->cells[known - 1].row >= apply->source.parent_rows)
        known--;
    int rc = put_own(apply, attribute, RUNS_PATCH, patch, 0, known, err);
    return rc ? rc : put_own(apply, attribute, RUNS_TAIL, patch, known, patch->count, err);
}

int apply_patches_put(struct apply *apply, size_t at, bool beneath, struct error *err)
{
    struct attribute *attribute = &apply->output.attributes.list[at];
    struct patch *patch = &apply->output.patches[at];
    const struct patch_index *before = NULL;
    int64_t more = 0;
    beneath |= attribute->restated;
    if (!patch->count && !attribute->restated && !(beneath && attribute->has_state))
        return 0;
    int rc = beneath ? 0 : cells_patch_index(apply->db, &apply->source.cells, attribute, &before, err);
    if (!rc)
        rc = put_both(apply, attribute, patch, err);
    if (!rc && beneath)
        rc = apply_recount(apply, attribute, err);
    if (!rc && !beneath) {
        CLEANUP_PATCH_INDEX struct patch_index *own = patch_index_new(patch);
        rc = count_different(apply, attribute, before, own, &more, err);
        attribute->state.different += more;
    }
    return rc ? rc : apply_state_put(apply, attribute, err);
}

/* ---- types ---- */

int apply_patches_widen(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    const struct patch_index *patch_index;
    int rc = cells_patch_index(apply->db, &apply->source.cells, attribute, &patch_index, err);
    for (size_t i = 0; !rc && patch_index && i < patch_index->term_count; i++)
        rc = apply_delta_check_exact(attribute, patch_index->terms[i].value.integer, err);
    cells_forget(&apply->source.cells, attribute->info.id);
    return rc;
}
