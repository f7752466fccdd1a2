// SPDX-License-Identifier: Apache-2.0
/* Rows: a key keeps its row for ever. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/live.h"
#include "index/catalog/rows.h"
#include "index/commit/apply/apply_conflict.h"

enum { LET_GO = 1 << 16 }; /* as many clips of the log as are in memory at a time */

static int find_known(struct apply *apply, struct error *err)
{
    for (size_t i = 0; i < apply->identity.count; i++) {
        struct apply_clip *clip = &apply->identity.clips[i];
        uint32_t row = 0;
        const char *key = apply_clip_key(apply, clip);
        int rc = keys_find(apply->db, &apply->identity.runs, key, strlen(key), &row, err);
        if (rc < 0)
            return rc;
        clip->row = row;
        clip->known = rc;
        if (i % LET_GO == LET_GO - 1)
            spool_forget(&apply->source.set->log);
        if (rc && clip->row >= apply->source.parent_rows)
            return db_damaged(apply->db, err, "the row of the key '%s' is out of range", key);
        clip->live = rc && rowset_contains(apply->identity.live, clip->row);
    }
    return 0;
}

/* What is not there need not be removed. */
static void drop_idle_removals(struct apply_identity *identity)
{
    size_t kept = 0;
    for (size_t i = 0; i < identity->count; i++)
        if (!identity->clips[i].removed || identity->clips[i].live)
            identity->clips[kept++] = identity->clips[i];
    identity->count = kept;
}

static int move_values(struct apply *apply, uint32_t row, struct cursor record, struct lists *lists,
                       struct apply_taking *moved, struct error *err)
{
    struct record_values values = {0};
    int rc = cells_values(apply->db, &apply->source.cells, &apply->output.attributes,
                          &CELLS_ROW_ANY(row, record), &values, err);
    if (!rc)
        record_encode(&values, &moved->record);
    if (!rc)
        rc = lists_fill(apply->db, lists, row, &values, err);
    if (!rc)
        lists_encode(&values, &moved->lists);
    record_values_done(&values);
    return rc;
}

/* Read before anything is written: two clips may take each other's place. */
static int read_labels(struct apply *apply, struct apply_clip *clip, struct record_group groups[2],
                       struct lists *lists, struct error *err)
{
    uint32_t row;
    const char *key = apply_clip_key(apply, clip);
    struct apply_taking *takes = apply_clip_takes(apply, clip);
    clip->labels_left = strmap_find(apply->source.set->labels_of, key, strlen(key)) != NULL;
    if (!takes)
        return 0;
    int rc = keys_find(apply->db, &apply->identity.runs, takes->of, strlen(takes->of), &row, err);
    if (rc < 1) /* of one that was removed they are what it had then */
        return rc;
    uint32_t version = apply_conflict_clip(apply, row, 0);
    if (version)
        apply_conflict_add_clip(apply, takes->of, "changed", version);
    takes->found = true;
    rc = record_group_read(apply->db, row, &groups[0], err);
    if (!rc)
        rc = record_group_read(apply->db, row, &groups[1], err);
    if (rc)
        return rc;
    struct cursor events = record_of(&groups[1], row);
    buf_append(&takes->events, events.data, events.len);
    return move_values(apply, row, record_of(&groups[0], row), lists, takes, err);
}

static int read_all_labels(struct apply *apply, struct error *err)
{
    struct record_group groups[2] = {RECORD_GROUP_INIT, RECORD_GROUP_EVENTS};
    struct lists lists = {0};
    int rc = 0;
    if (!strmap_count(apply->source.set->labels_of))
        return 0;
    for (size_t i = 0; !rc && i < apply->identity.count; i++)
        rc = read_labels(apply, &apply->identity.clips[i], groups, &lists, err);
    record_group_done(&groups[0]);
    record_group_done(&groups[1]);
    lists_done(&lists);
    return rc;
}

/* Known clips first, by row; then new ones by site, robot, session and time, those without last, then as they
 * came. */
static int compare_clips(const void *a, const void *b, void *ctx)
{
    const struct apply_identity *identity = ctx;
    const struct apply_clip *x = &identity->clips[*(const uint32_t *)a],
                            *y = &identity->clips[*(const uint32_t *)b];
    const struct apply_sort *of_x = &identity->sorts[x->order], *of_y = &identity->sorts[y->order];
    if (x->known != y->known)
        return x->known ? -1 : 1;
    if (x->known)
        return (x->row > y->row) - (x->row < y->row);
    for (size_t i = 0; i < APPLY_SORT_KEYS; i++)
        if (of_x->ranks[i] != of_y->ranks[i])
            return of_x->ranks[i] < of_y->ranks[i] ? -1 : 1;
    bool timed = of_x->t0_ns != CLIP_NO_TIME, other = of_y->t0_ns != CLIP_NO_TIME;
    if (timed != other)
        return timed ? -1 : 1;
    if (of_x->t0_ns != of_y->t0_ns)
        return of_x->t0_ns < of_y->t0_ns ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void place_live(struct apply_identity *identity, const struct apply_clip *clip)
{
    bool gone = clip->removed || clip->hidden;
    if (clip->live == !gone)
        return;
    rowset_add(identity->changed, clip->row);
    if (gone)
        rowset_remove(identity->live, clip->row);
    else
        rowset_add(identity->live, clip->row);
}

static int place_new(struct apply *apply, struct error *err)
{
    struct apply_identity *identity = &apply->identity;
    for (size_t i = 0; i < identity->count; i++) {
        struct apply_clip *clip = &identity->clips[i];
        if (clip->known) {
            if (i && identity->clips[i - 1].row == clip->row)
                return db_damaged(apply->db, err, "two keys have the row %u", clip->row);
            place_live(identity, clip);
            continue;
        }
        if (apply->output.rows >= UINT32_MAX)
            return error_set(err, EFBIG, "the data set has too many clips");
        clip->row = (uint32_t)apply->output.rows++;
        hash_additions_add(&identity->new_hashes, SCHEMA_HASH_KEY, identity->sorts[clip->order].key_hash,
                           clip->row);
        place_live(identity, clip);
    }
    return 0;
}

/* Clip i becomes the one that was order[i]. */
static void permute(struct apply_clip *clips, uint32_t *order, size_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct apply_clip first = clips[i];
        uint32_t at = i;
        for (uint32_t from; (from = order[at]) != i; at = from) {
            clips[at] = clips[from];
            order[at] = at;
        }
        clips[at] = first;
        order[at] = at;
    }
}

/* Numbers of clips are sorted, which are less than clips; where they are in order already, nothing is. */
static void sort_clips(struct apply_identity *identity)
{
    drop_idle_removals(identity);
    CLEANUP_FREE uint32_t *order = mem_alloc(identity->count * sizeof *order);
    bool sorted = true;
    for (uint32_t i = 0; i < identity->count; i++) {
        order[i] = i;
        sorted &= !i || compare_clips(&order[i - 1], &order[i], identity) < 0;
    }
    if (sorted)
        return;
    qsort_r(order, identity->count, sizeof *order, compare_clips, identity);
    permute(identity->clips, order, identity->count);
}

int apply_places(struct apply *apply, struct error *err)
{
    int rc = 0;
    if (apply->source.parent_rows) {
        rc = live_read(apply->db, (uint64_t)apply->source.parent_rows, &apply->identity.live, err);
        if (!rc)
            rc = find_known(apply, err);
        if (!rc)
            rc = read_all_labels(apply, err);
    } else {
        apply->identity.live = rowset_new();
    }
    if (rc)
        return rc;
    sort_clips(&apply->identity);
    rc = place_new(apply, err);
    free(STEAL(apply->identity.sorts));
    apply->output.seals =
        apply->output.rows - apply->source.parent_rows >= (int64_t)apply->source.limits.tail_rows;
    return rc;
}
