// SPDX-License-Identifier: Apache-2.0
/* Labels on clips here and there would dirty a page a clip, were their sizes changed where they stand. Limits
 * are of raw bytes and rows, so that what is written does not depend on how well it packs. */
#include "index/commit/apply/apply_growth.h"

#include <stdlib.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/commit/apply/apply_newest.h"

enum { RUNS_MERGED = 8 };

struct run {
    int64_t version;
    uint32_t level;
    struct json_growth rows;
};

struct runs_of_growth {
    struct apply *apply;
    const struct apply_limits *limits;
    struct run *list; /* by version */
    size_t count, cap, rows;
    struct apply_newest newest;
};

void apply_growth_add(struct apply *apply, uint32_t row, int64_t bytes)
{
    json_growth_add(&apply->output.grows,
                    (struct json_growth_entry){row, apply->source.options->version, bytes, 0});
}

/* ---- runs ---- */

static int read_run(void *ctx, int64_t version, const struct buf *bytes, struct error *err)
{
    struct runs_of_growth *runs = ctx;
    struct json_growth_head head;
    struct run run = {.version = version};
    if (json_growth_decode(bytes->data, bytes->len, (uint64_t)runs->apply->output.grown_to, &head,
                           &run.rows) ||
        run.rows.count > GROWTH_ROWS_MAX - runs->rows) {
        json_growth_done(&run.rows);
        return db_damaged(runs->apply->db, err, "run %lld of growth is not in order", (long long)version);
    }
    run.level = head.level;
    runs->rows += run.rows.count;
    mem_grow(&runs->list, &runs->cap, runs->count + 1, sizeof *runs->list);
    runs->list[runs->count++] = run;
    return 0;
}

static int read_runs(struct runs_of_growth *runs, struct error *err)
{
    struct db *db = runs->apply->db;
    int rc = pieces_each(db, &pieces_growth, pieces_growth_ids, read_run, runs, err);
    return rc < 0 ? rc : rc ? 0 : db_damaged(db, err, "a run of growth is not whole");
}

static int drop_runs(struct runs_of_growth *runs, int64_t first, int64_t last, struct error *err)
{
    return pieces_drop(runs->apply->db, &pieces_growth, first, last, err);
}

static int put_run(struct runs_of_growth *runs, const struct run *run, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    json_growth_encode(run->rows.list, run->rows.count, run->level, &bytes);
    if (run->version != runs->apply->source.options->version)
        apply_spend(runs->apply, bytes.len);
    return pieces_put(runs->apply->db, &pieces_growth, run->version, bytes.data, bytes.len, err);
}

/* The runs from number `first` on become one, in the place of the last. */
static int merge(struct runs_of_growth *runs, size_t first, uint32_t level, struct error *err)
{
    struct run *to = &runs->list[first];
    int rc = drop_runs(runs, to->version, runs->list[runs->count - 1].version, err);
    runs->rows -= to->rows.count;
    for (size_t i = first + 1; i < runs->count; i++) {
        struct run *from = &runs->list[i];
        for (size_t k = 0; k < from->rows.count; k++)
            json_growth_add(&to->rows, from->rows.list[k]);
        runs->rows -= from->rows.count;
        to->version = from->version;
        json_growth_done(&from->rows);
    }
    json_growth_settle(&to->rows);
    to->level = level;
    runs->rows += to->rows.count;
    runs->count = first + 1;
    return rc ? rc : put_run(runs, to, err);
}

static int merge_levels(struct runs_of_growth *runs, struct error *err)
{
    int rc = 0;
    while (!rc && runs->count >= RUNS_MERGED) {
        size_t first = runs->count - RUNS_MERGED;
        uint32_t level = runs->list[runs->count - 1].level;
        bool alike = level + 1 < GROWTH_LEVEL_MAX;
        for (size_t i = first; i < runs->count; i++)
            alike &= runs->list[i].level == level;
        if (!alike)
            break;
        rc = merge(runs, first, level + 1, err);
    }
    return rc;
}

/* ---- folding ---- */

/* Entries of one group join it. */
static int fold_group(struct runs_of_growth *runs, const struct json_growth_entry *list, size_t count,
                      size_t *ret_bytes, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct db *db = runs->apply->db;
    struct json_growth all = {0};
    struct grown grown;
    uint32_t group = list->row >> GROWN_ROW_BITS, first = group << GROWN_ROW_BITS;
    int rc = clips_bytes(db, QUERY_GROWN, group, &bytes, err);
    if (rc < 0)
        return rc;
    bool good = !rc || !grown_decode(bytes.data, bytes.len, &grown);
    for (uint32_t i = 0; good && rc && i < GROWN_ROWS; i++) {
        struct json_growth_entry entry = {.row = first + i};
        int found = grown_find(&grown, i, &entry);
        good = found >= 0;
        if (found == 1)
            json_growth_add(&all, entry);
    }
    for (size_t i = 0; i < count; i++)
        json_growth_add(&all, list[i]);
    json_growth_settle(&all);
    buf_clear(&bytes);
    uint32_t newest = grown_encode(all.list, (uint32_t)all.count, &bytes);
    json_growth_done(&all);
    *ret_bytes = bytes.len;
    if (!good)
        return db_damaged(db, err, "the growth of row %u and its neighbours is not in order", first);
    rc = db_put_bytes(db, QUERY_GROWN_PUT, group, &bytes, err);
    return rc ? rc : apply_newest_put(&runs->newest, group, newest, err);
}

/* As many groups, from the first, as the budget allows (NULL: all), and more until at most `max_left` entries
 * are left; *ret_done entries. */
static int fold(struct runs_of_growth *runs, const struct json_growth *growth, struct apply *budget,
                size_t max_left, size_t *ret_done, struct error *err)
{
    size_t done = 0;
    int rc = 0;
    while (!rc && done < growth->count &&
           (!budget || budget->output.budget || growth->count - done > max_left)) {
        const struct json_growth_entry *first = &growth->list[done];
        size_t end = done, bytes = 0;
        while (end < growth->count && growth->list[end].row >> GROWN_ROW_BITS == first->row >> GROWN_ROW_BITS)
            end++;
        rc = fold_group(runs, first, end - done, &bytes, err);
        if (budget)
            apply_spend(budget, bytes);
        done = end;
    }
    *ret_done = done;
    return rc;
}

/* The run being folded is the oldest. */
static int fold_oldest(struct runs_of_growth *runs, struct error *err)
{
    bool folding = runs->count && runs->list->level == GROWTH_LEVEL_MAX;
    int rc = 0;
    if (!folding && runs->rows <= runs->limits->open_rows)
        return 0;
    if (!folding)
        rc = merge(runs, 0, GROWTH_LEVEL_MAX, err);
    const struct run *run = runs->list;
    size_t done = 0, others = runs->rows - run->rows.count;
    size_t held = runs->limits->held_rows, max_left = others < held ? held - others : 0;
    if (!rc)
        rc = fold(runs, &run->rows, runs->apply, max_left, &done, err);
    if (rc)
        return rc;
    bool all = done == run->rows.count;
    runs->apply->output.grown_to = all ? 0 : run->rows.list[done].row;
    return all ? drop_runs(runs, run->version, run->version, err) : 0;
}

static int write_runs(struct runs_of_growth *runs, struct error *err)
{
    const struct apply *apply = runs->apply;
    const struct run own = {.version = apply->source.options->version, .rows = apply->output.grows};
    size_t done;
    int rc = read_runs(runs, err);
    if (!rc)
        rc = merge_levels(runs, err);
    if (!rc)
        rc = fold_oldest(runs, err);
    if (!rc && own.rows.count > runs->limits->own_rows)
        rc = fold(runs, &own.rows, NULL, 0, &done, err);
    else if (!rc)
        rc = put_run(runs, &own, err);
    return rc ? rc : apply_newest_flush(&runs->newest, err);
}

/* ---- what patches touch ---- */

/* What a clip has that is not live is seen by nobody: it gets patches of all it has when it comes back. */
static void touch(struct apply *apply, const struct patch *patch, uint32_t touched)
{
    struct json_growth *grows = &apply->output.grows;
    size_t known = grows->count, at = 0;
    for (size_t i = 0; i < patch->count && patch->cells[i].row < apply->source.parent_rows; i++) {
        if (patch->cells[i].now & PATCH_DEAD)
            continue;
        uint32_t row = patch->cells[i].row;
        while (at < known && grows->list[at].row < row)
            at++;
        if (at < known && grows->list[at].row == row)
            grows->list[at].touched |= touched;
        else
            json_growth_add(grows, (struct json_growth_entry){.row = row,
                                                              .version = apply->source.options->version,
                                                              .touched = touched});
    }
    json_growth_settle(grows);
}

static void touch_all(struct apply *apply)
{
    json_growth_settle(&apply->output.grows);
    for (size_t i = 0; i < apply->output.attributes.count; i++)
        touch(apply, &apply->output.patches[i], json_growth_touch(apply->output.attributes.list[i].info.id));
}

int apply_growth_write(struct apply *apply, struct error *err)
{
    struct runs_of_growth runs = {
        .apply = apply, .limits = &apply->source.limits, .newest = {.db = apply->db, .table = NEWEST_GROWN}};
    touch_all(apply);
    if (!apply->output.grows.count)
        return 0;
    int rc = write_runs(&runs, err);
    for (size_t i = 0; i < runs.count; i++)
        json_growth_done(&runs.list[i].rows);
    free(runs.list);
    apply_newest_done(&runs.newest);
    return rc;
}
