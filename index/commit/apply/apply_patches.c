// SPDX-License-Identifier: Apache-2.0
/* What stands above is only added to: a commit writes runs of its own, and merges, folds and seals those of
 * commits before, so the catalog of a version says what that version changed. */
#include "index/commit/apply/apply_patches.h"

#include <errno.h>
#include <stdlib.h>

#include "index/catalog/pieces.h"
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

static struct state_runs *runs_of(struct attribute *attribute, enum cells_run kind)
{
    return kind == CELLS_TAIL ? &attribute->state.tails : &attribute->state.patches;
}

/* The runs from `first` on. */
static int drop_runs(struct apply *apply, struct attribute *attribute, enum cells_run kind, size_t first,
                     struct error *err)
{
    struct state_runs *runs = runs_of(attribute, kind);
    int rc = 0;
    for (size_t i = first; !rc && i < runs->count; i++) {
        int64_t id = cells_run_id(attribute, kind, runs->list[i].version);
        rc = pieces_drop(apply->db, &pieces_run, id, id, err);
    }
    runs->count = first < runs->count ? first : runs->count;
    return rc;
}

int apply_patches_drop(struct apply *apply, struct attribute *attribute, struct error *err)
{
    attribute->state.clips = attribute->state.different = 0;
    int rc = drop_runs(apply, attribute, CELLS_TAIL, 0, err);
    return rc ? rc : drop_runs(apply, attribute, CELLS_PATCH, 0, err);
}

/* Rows that nearly all have something need no numbers. */
static void encode_run(const struct patch *patch, enum value_type type, enum cells_run kind, size_t from,
                       size_t to, struct buf *body)
{
    enum { COLUMN_ROWS_MAX = 1 << 16 };
    uint32_t first = patch->cells[from].row;
    uint64_t rows = patch->cells[to - 1].row - first + UINT64_C(1);
    if (kind == CELLS_TAIL && rows <= COLUMN_ROWS_MAX && rows < 2 * (to - from))
        patch_encode_column(patch, type, &(struct patch_span){from, to, first, (uint32_t)rows}, body);
    else
        patch_encode(patch, type, from, to, body);
}

/* The cells [from, to) of the span as a run behind all others. */
static int put_run(struct apply *apply, struct attribute *attribute, enum cells_run kind,
                   const struct state_run *run, const struct patch *patch, const struct patch_span *cells,
                   struct error *err)
{
    CLEANUP_BUF struct buf body = BUF_INIT, packed = BUF_INIT;
    struct state_run made = *run;
    made.rows = (uint32_t)(cells->to - cells->from);
    encode_run(patch, attribute->info.type, kind, cells->from, cells->to, &body);
    state_add(runs_of(attribute, kind), &made);
    pack(apply, &body, &packed);
    return pieces_put(apply->db, &pieces_run, cells_run_id(attribute, kind, run->version), packed.data,
                      packed.len, err);
}

/* ---- folding ---- */

struct fold {
    struct apply *apply;
    struct attribute *attribute;
    struct apply_delta *delta;
    const struct patch_index *patch_index;
    struct record_group group;
    struct record_values values;
    struct patch column;
    struct value *list; /* of a cell */
    size_t list_cap;
};

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
        rc = cells_values(apply->db, &apply->source.cells, &apply->output.attributes, row,
                          record_of(&fold->group, row), &fold->values, err);
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

static void lose_or_gain(struct fold *fold, const struct value *value, uint32_t row, bool gained)
{
    bool column = attribute_has_column(fold->attribute);
    if (value->type != VALUE_LIST)
        apply_delta_value(fold->delta, column, value, row, gained);
}

/* Both are ascending: one walk finds what only one of them has. */
static void bake(struct fold *fold, const struct patch_cell *cell)
{
    size_t old_count, now_count;
    const struct value *old = patch_values(&fold->patch_index->patch, cell->old, &old_count),
                       *now = patch_values(&fold->patch_index->patch, patch_code_seen(cell), &now_count);
    for (size_t i = 0, k = 0; i < old_count || k < now_count;) {
        int order = i == old_count ? 1 : k == now_count ? -1 : value_compare(&old[i], &now[k]);
        if (order < 0)
            lose_or_gain(fold, &old[i], cell->row, false);
        else if (order > 0)
            lose_or_gain(fold, &now[k], cell->row, true);
        i += order <= 0, k += order >= 0;
    }
    if (!old_count != !now_count)
        apply_delta_row(fold->delta, cell->row, now_count > 0);
}

/* The block of the cell at *at, which is behind the block then, or at `cells`. The column speaks of all rows
 * of the block that there are, as one that was there before may have. */
static int fold_block(struct fold *fold, size_t *at, size_t cells, size_t *bytes, struct error *err)
{
    const struct patch *patch = &fold->patch_index->patch;
    uint32_t first = patch->cells[*at].row / SCHEMA_LATE_ROWS * SCHEMA_LATE_ROWS;
    uint64_t end = (uint64_t)first + SCHEMA_LATE_ROWS;
    if (end > (uint64_t)fold->apply->source.parent_rows)
        end = (uint64_t)fold->apply->source.parent_rows;
    int rc = 0;
    size_t made = 0;
    patch_done(&fold->column);
    for (uint64_t row = first; !rc && row < end; row++)
        rc = add_row(fold, (uint32_t)row, err);
    if (!rc)
        rc = apply_late_put(fold->apply, fold->attribute, &fold->column, first, (uint32_t)end, &made, err);
    for (; !rc && *at < cells && patch->cells[*at].row < end; ++*at)
        bake(fold, &patch->cells[*at]);
    *bytes += made;
    return rc;
}

static int64_t clips_above(const struct patch *patch, size_t from, size_t to)
{
    int64_t clips = 0;
    for (size_t i = from; i < to; i++)
        clips += (patch_code_seen(&patch->cells[i]) != PATCH_NONE) - (patch->cells[i].old != PATCH_NONE);
    return clips;
}

/* Cells of rows that shards know of. */
static size_t sealed_cells(const struct fold *fold)
{
    const struct patch *patch = &fold->patch_index->patch;
    size_t count = patch->count;
    while (count && patch->cells[count - 1].row >= fold->apply->source.sealed)
        count--;
    return count;
}

static int fold_blocks(struct fold *fold, struct error *err)
{
    struct state *state = &fold->attribute->state;
    const struct patch *patch = &fold->patch_index->patch;
    struct state_run left = state->patches.list[state->patches.count - 1];
    size_t at = 0, end = sealed_cells(fold), bytes = 0;
    int rc = 0;
    if (end < fold->apply->source.limits.patched_rows)
        return 0;
    left.level = state->patches.list[0].level;
    while (!rc && at < end && bytes < fold->apply->source.limits.late_bytes)
        rc = fold_block(fold, &at, end, &bytes, err);
    if (!rc)
        rc = drop_runs(fold->apply, fold->attribute, CELLS_PATCH, 0, err);
    fold->attribute->restated = state->late = true;
    state->clips -= clips_above(patch, 0, at);
    return rc || at == patch->count ? rc
                                    : put_run(fold->apply, fold->attribute, CELLS_PATCH, &left, patch,
                                              &(struct patch_span){.from = at, .to = patch->count}, err);
}

static void fold_done(struct fold *fold)
{
    record_group_done(&fold->group);
    record_values_done(&fold->values);
    patch_done(&fold->column);
    free(fold->list);
}

static uint64_t rows_of(const struct state_runs *runs)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < runs->count; i++)
        rows += runs->list[i].rows;
    return rows;
}

int apply_patches_fold(struct apply *apply, size_t at, struct error *err)
{
    struct fold fold = {.apply = apply,
                        .attribute = &apply->output.attributes.list[at],
                        .delta = &apply->output.deltas[at],
                        .group = RECORD_GROUP_INIT};
    if (!rows_of(&fold.attribute->state.patches) ||
        rows_of(&fold.attribute->state.patches) < apply->source.limits.patched_rows)
        return 0;
    int rc = cells_patches(apply->db, &apply->source.cells, fold.attribute, &fold.patch_index, err);
    if (!rc)
        rc = fold_blocks(&fold, err);
    fold_done(&fold);
    return rc;
}

int apply_patches_seal(struct apply *apply, size_t at, struct error *err)
{
    struct attribute *attribute = &apply->output.attributes.list[at];
    struct patch tail = {0};
    if (!attribute->state.tails.count)
        return 0;
    int rc = cells_read_runs(apply->db, attribute, CELLS_TAIL, 0, &tail, err);
    if (!rc)
        rc = drop_runs(apply, attribute, CELLS_TAIL, 0, err);
    if (rc) {
        patch_done(&tail);
        return rc;
    }
    CLEANUP_PATCH_INDEX struct patch_index *patch_index = patch_index_new(&tail);
    struct fold fold = {
        .attribute = attribute, .delta = &apply->output.deltas[at], .patch_index = patch_index};
    for (size_t i = 0; i < patch_index->patch.count; i++)
        bake(&fold, &patch_index->patch.cells[i]);
    attribute->state.clips -= patch_index->clips;
    attribute->restated = true;
    return 0;
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

/* All of it again. */
static int recount(struct apply *apply, struct attribute *attribute, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    int rc = cells_read_runs(apply->db, attribute, CELLS_TAIL, 0, &patch, err);
    if (!rc)
        rc = cells_read_runs(apply->db, attribute, CELLS_PATCH, 0, &patch, err);
    if (rc)
        return rc;
    CLEANUP_PATCH_INDEX struct patch_index *all = patch_index_new(&patch);
    return count_different(apply, attribute, NULL, all, &attribute->state.different, err);
}

/* ---- a commit's own run ---- */

/* Eight of one level, the newest ones, become one of the next; and so on. */
static int merge_runs(struct apply *apply, struct attribute *attribute, enum cells_run kind,
                      struct error *err)
{
    struct state_runs *runs = runs_of(attribute, kind);
    int rc = 0;
    for (uint32_t level = 0; !rc; level++) {
        size_t first = runs->count;
        while (first && runs->count - first < APPLY_MERGE_RUNS && runs->list[first - 1].level == level)
            first--;
        if (runs->count - first < APPLY_MERGE_RUNS)
            return 0;
        CLEANUP_PATCH struct patch patch = {0};
        struct state_run merged = {runs->list[runs->count - 1].version, level + 1, 0};
        rc = cells_read_runs(apply->db, attribute, kind, first, &patch, err);
        if (!rc)
            rc = drop_runs(apply, attribute, kind, first, err);
        if (!rc)
            rc = put_run(apply, attribute, kind, &merged, &patch, &(struct patch_span){.to = patch.count},
                         err);
    }
    return rc;
}

static int put_own(struct apply *apply, struct attribute *attribute, enum cells_run kind,
                   const struct patch *patch, size_t from, size_t to, struct error *err)
{
    struct state_run own = {apply->source.options->version, 0, 0};
    if (from == to)
        return 0;
    int rc = merge_runs(apply, attribute, kind, err);
    if (!rc)
        rc = put_run(apply, attribute, kind, &own, patch, &(struct patch_span){.from = from, .to = to}, err);
    attribute->state.clips += clips_above(patch, from, to);
    return rc;
}

/* Rows that the parent has come first. */
static int put_both(struct apply *apply, struct attribute *attribute, const struct patch *patch,
                    struct error *err)
{
    size_t known = patch->count;
    while (known && patch->cells[known - 1].row >= apply->source.parent_rows)
        known--;
    int rc = put_own(apply, attribute, CELLS_PATCH, patch, 0, known, err);
    return rc ? rc : put_own(apply, attribute, CELLS_TAIL, patch, known, patch->count, err);
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
        rc = recount(apply, attribute, err);
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
