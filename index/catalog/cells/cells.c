// SPDX-License-Identifier: Apache-2.0
/* What is beneath is read once, then what stands over it is laid on: late columns, tail runs, patches. Runs
 * are decoded once a catalog and shared; a reader holds references to those it asks again and again. */
#include "index/catalog/cells/cells.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/json_growth.h"
#include "index/catalog/shard/shard.h"

enum {
    LOOKS_MAX = 16,
    LATES_MAX = 64
}; /* the latter: columns kept: clips of one block are asked for one after the other */

struct cells_held {
    uint32_t key;                    /* key_of() */
    struct patch_index *patch_index; /* a reference */
};

struct cells_over { /* the values of an attribute in the row under way, where its record does not tell */
    const struct attribute *attribute;
    const struct value *values;
    size_t count;
    uint32_t origin;
};

static void drop_held(struct cells *cells)
{
    for (size_t i = 0; i < cells->held_count; i++)
        patch_index_unref(cells->held[i].patch_index);
    cells->held_count = 0;
}

static void drop_lates(struct cells *cells)
{
    for (size_t i = 0; i < cells->late_count; i++)
        patch_done(&cells->lates[i].patch);
    cells->late_count = 0;
}

static void drop_ones(struct cells *cells)
{
    while (cells->one_count)
        patch_done(&cells->ones[--cells->one_count]);
}

void cells_done(struct cells *cells)
{
    drop_ones(cells);
    drop_held(cells);
    drop_lates(cells);
    record_values_done(&cells->beneath);
    void *const all[] = {cells->held, cells->lates,    cells->looks, cells->ones,
                         cells->over, cells->over_ids, cells->untold};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    *cells = (struct cells){.pool = cells->pool};
}

void cells_trim(struct cells *cells)
{
    uint64_t dropped = cells->pool ? atomic_load(&cells->pool->dropped) : 0;
    if (dropped != cells->dropped)
        drop_held(cells);
    cells->dropped = dropped;
}

/* An attribute has two patch_indices: of its patches, and of these with its tail runs. */
static uint32_t key_of(uint32_t attribute, bool tails)
{
    return attribute << 1 | tails;
}

/* Where the patch_index is, or belongs. */
static size_t place_of(const struct cells *cells, uint32_t key)
{
    size_t low = 0, high = cells->held_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cells->held[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void cells_forget(struct cells *cells, uint32_t attribute)
{
    size_t at = place_of(cells, key_of(attribute, false));
    while (at < cells->held_count && cells->held[at].key >> 1 == attribute) {
        patch_index_unref(cells->held[at].patch_index);
        memmove(&cells->held[at], &cells->held[at + 1], (--cells->held_count - at) * sizeof *cells->held);
    }
    for (size_t i = 0; i < cells->late_count; i++)
        if (cells->lates[i].attribute == attribute)
            cells->lates[i].block = 0;
}

/* ---- patches ---- */

/* What is folded does not count any more. */
static void drop_folded(const struct state *state, struct patch *patch, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < patch->count; i++)
        if (patch->cells[i].row >= state->folded)
            patch->cells[kept++] = patch->cells[i];
    patch->count = kept;
}

int cells_read_some(struct db *db, const struct attribute *attribute, enum runs_kind kind, size_t first,
                    size_t end, struct patch *patch, struct error *err)
{
    const struct state *state = &attribute->state;
    const struct state_run *list = kind == RUNS_TAIL ? state->tails.list : state->patches.list;
    int rc = 0;
    for (size_t i = first; !rc && i < end; i++) {
        size_t before = patch->count;
        rc = runs_read(db, &(struct runs_id){attribute, kind, &list[i]}, patch, err);
        if (kind == RUNS_PATCH && i < state->folding)
            drop_folded(state, patch, before);
    }
    if (!rc)
        patch_settle(patch);
    return rc;
}

struct patch_index *cells_held(const struct cells *cells, const struct attribute *attribute)
{
    uint32_t key = key_of(attribute->info.id, false);
    size_t at = place_of(cells, key);
    bool held = at < cells->held_count && cells->held[at].key == key;
    return held ? patch_index_ref(cells->held[at].patch_index) : NULL;
}

int cells_read_runs(struct db *db, const struct attribute *attribute, enum runs_kind kind,
                    struct patch *patch, struct error *err)
{
    const struct state *state = &attribute->state;
    size_t count = kind == RUNS_TAIL ? state->tails.count : state->patches.count;
    return cells_read_some(db, attribute, kind, 0, count, patch, err);
}

static int make_patch_index(struct db *db, const struct attribute *attribute, bool tails,
                            struct patch_index **ret, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    int rc = tails ? cells_read_runs(db, attribute, RUNS_TAIL, &patch, err) : 0;
    if (!rc)
        rc = cells_read_runs(db, attribute, RUNS_PATCH, &patch, err);
    if (!rc)
        *ret = patch_index_new(&patch);
    return rc;
}

static int take_patch_index(struct db *db, struct cells *cells, const struct attribute *attribute, bool tails,
                            size_t at, struct error *err)
{
    uint32_t key = key_of(attribute->info.id, tails);
    struct patch_index *patch_index = cells->pool ? patch_pool_get(cells->pool, key) : NULL;
    int rc = patch_index ? 0 : make_patch_index(db, attribute, tails, &patch_index, err);
    if (rc)
        return rc;
    if (cells->pool)
        patch_index = patch_pool_put(cells->pool, key, patch_index);
    mem_grow(&cells->held, &cells->held_cap, cells->held_count + 1, sizeof *cells->held);
    memmove(&cells->held[at + 1], &cells->held[at], (cells->held_count++ - at) * sizeof *cells->held);
    cells->held[at] = (struct cells_held){key, patch_index};
    return 0;
}

static int patch_index_of(struct db *db, struct cells *cells, const struct attribute *attribute, bool tails,
                          const struct patch_index **ret, struct error *err)
{
    uint32_t key = key_of(attribute->info.id, tails);
    size_t at = place_of(cells, key);
    if (at == cells->held_count || cells->held[at].key != key) {
        int rc = take_patch_index(db, cells, attribute, tails, at, err);
        if (rc)
            return rc;
    }
    *ret = cells->held[at].patch_index;
    return 0;
}

int cells_patch_index(struct db *db, struct cells *cells, const struct attribute *attribute,
                      const struct patch_index **ret, struct error *err)
{
    const struct state *state = &attribute->state;
    *ret = NULL;
    return state->tails.count || state->patches.count
               ? patch_index_of(db, cells, attribute, state->tails.count > 0, ret, err)
               : 0;
}

int cells_patches(struct db *db, struct cells *cells, const struct attribute *attribute,
                  const struct patch_index **ret, struct error *err)
{
    *ret = NULL;
    return attribute->state.patches.count ? patch_index_of(db, cells, attribute, false, ret, err) : 0;
}

bool cells_known(const struct cells *cells, const struct attribute *attribute)
{
    const struct state *state = &attribute->state;
    uint32_t key = key_of(attribute->info.id, state->tails.count > 0);
    size_t at = place_of(cells, key);
    if ((!state->tails.count && !state->patches.count) ||
        (at < cells->held_count && cells->held[at].key == key))
        return true;
    CLEANUP_PATCH_INDEX struct patch_index *pooled = cells->pool ? patch_pool_get(cells->pool, key) : NULL;
    return pooled;
}

/* ---- late columns ---- */

static int read_late(struct db *db, const struct attribute *attribute, struct cells_late *late,
                     struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    char where[48];
    uint32_t block = (uint32_t)(late->block - 1);
    int rc = db_query(db, QUERY_LATE, &stmt, err);
    if (rc)
        return rc;
    patch_done(&late->patch);
    db_bind_number(stmt, 1, (int64_t)attribute->info.id << SCHEMA_LATE_BITS | block);
    rc = db_step(db, stmt, err);
    late->there = rc == 1;
    if (rc < 1)
        return rc;
    snprintf(where, sizeof where, "the late column %u", block);
    rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (!rc)
        rc = patch_read(db, attribute, where, bytes, len, &late->patch, err);
    uint64_t first = (uint64_t)block * SCHEMA_LATE_ROWS;
    if (!rc && (late->patch.first < first || late->patch.end > first + SCHEMA_LATE_ROWS))
        rc = db_damaged(db, err, "%s of the attribute '%s' is of other rows", where, attribute->info.name);
    sqlite3_reset(stmt);
    return rc;
}

static struct cells_late *late_of(struct cells *cells, uint32_t attribute)
{
    for (size_t i = 0; i < cells->late_count; i++)
        if (cells->lates[i].attribute == attribute)
            return &cells->lates[i];
    mem_grow(&cells->lates, &cells->late_cap, cells->late_count + 1, sizeof *cells->lates);
    struct cells_late *late = &cells->lates[cells->late_count++];
    *late = (struct cells_late){.attribute = attribute};
    return late;
}

int cells_late(struct db *db, struct cells *cells, const struct attribute *attribute, uint32_t row,
               const struct patch **ret, struct error *err)
{
    *ret = NULL;
    if (!attribute->state.late)
        return 0;
    struct cells_late *late = late_of(cells, attribute->info.id);
    uint64_t block = row / SCHEMA_LATE_ROWS + UINT64_C(1);
    if (late->block != block) {
        late->block = block;
        int rc = read_late(db, attribute, late, err);
        if (rc) {
            late->block = 0;
            return rc;
        }
    }
    if (late->there && row >= late->patch.first && row < late->patch.end)
        *ret = &late->patch;
    return 0;
}

/* ---- a row ---- */

static void stand_over(struct cells *cells, const struct attribute *attribute, const struct patch *patch,
                       const struct patch_cell *cell)
{
    struct cells_over over = {.attribute = attribute};
    if (cell) {
        over.values = patch_values(patch, patch_code_of(cell), &over.count);
        over.origin = cell->origin;
    }
    mem_grow(&cells->over, &cells->over_cap, cells->over_count + 1, sizeof *cells->over);
    mem_grow(&cells->over_ids, &cells->over_id_cap, cells->over_count + 1, sizeof *cells->over_ids);
    cells->over_ids[cells->over_count] = attribute->info.id;
    cells->over[cells->over_count++] = over;
}

bool cells_indexed(const struct cells *cells, const struct attribute *attribute)
{
    uint32_t key = key_of(attribute->info.id, false);
    size_t at = place_of(cells, key);
    if (at < cells->held_count && cells->held[at].key == key)
        return true;
    CLEANUP_PATCH_INDEX struct patch_index *pooled = cells->pool ? patch_pool_get(cells->pool, key) : NULL;
    return pooled;
}

bool cells_alone(const struct cells *cells, const struct attribute *attribute)
{
    uint32_t id = attribute->info.id;
    bool often = id < cells->look_cap && cells->looks[id] >= LOOKS_MAX;
    return cells->pool && !often && !cells_indexed(cells, attribute);
}

static void count_look(struct cells *cells, uint32_t id)
{
    size_t cap = cells->look_cap;
    mem_grow(&cells->looks, &cells->look_cap, id + 1, sizeof *cells->looks);
    if (cells->look_cap > cap)
        memset(cells->looks + cap, 0, (cells->look_cap - cap) * sizeof *cells->looks);
    cells->looks[id]++;
}

uint32_t cells_newest(const struct attribute *attribute, const struct cells_row *of, uint32_t *ret_since)
{
    uint32_t touch = json_growth_touch(attribute->info.id);
    size_t i = of->recent_count;
    while (i && !(of->recent[i - 1].touched & touch))
        i--;
    uint32_t version = i ? of->recent[i - 1].version : of->newest;
    bool only_it = (i ? of->recent[i - 1].touched : of->touched) == touch;
    *ret_since = only_it && version ? version - 1 : i ? of->recent[i - 1].since : 0;
    return version > of->newest ? version : of->newest; /* a large commit is folded before older small ones */
}

bool cells_matters(const struct attribute *attribute, size_t i, const struct cells_row *of, uint32_t newest)
{
    const struct state *state = &attribute->state;
    bool newer = i && state->patches.list[i - 1].version >= newest;
    return !newer && !(i < state->folding && of->row < state->folded);
}

/* In the newest run that has it. */
static int find_alone(struct db *db, struct cells *cells, const struct attribute *attribute,
                      const struct cells_row *of, const struct patch_cell **ret, struct error *err)
{
    const struct state_runs *runs = &attribute->state.patches;
    uint32_t since, newest = cells_newest(attribute, of, &since);
    int rc = 0;
    *ret = NULL;
    for (size_t i = runs->count; !rc && !*ret && i--;) {
        struct patch one = {0};
        if (!cells_matters(attribute, i, of, newest))
            continue;
        rc = runs_find(db, &(struct runs_id){attribute, RUNS_PATCH, &runs->list[i]}, of->row, &one, ret, err);
        if (rc || !*ret) {
            patch_done(&one);
            continue;
        }
        mem_grow(&cells->ones, &cells->one_cap, cells->one_count + 1, sizeof *cells->ones);
        cells->ones[cells->one_count++] = one;
    }
    if (!rc)
        count_look(cells, attribute->info.id);
    return rc;
}

/* The newest patch of the row; NULL: there is none. */
static int find_patch(struct db *db, struct cells *cells, const struct attribute *attribute,
                      const struct cells_row *of, const struct patch **ret,
                      const struct patch_cell **ret_cell, struct error *err)
{
    const struct patch_index *patch_index;
    *ret_cell = NULL;
    if (!attribute->state.patches.count)
        return 0;
    if (cells_alone(cells, attribute)) {
        int rc = find_alone(db, cells, attribute, of, ret_cell, err);
        *ret = *ret_cell ? &cells->ones[cells->one_count - 1] : NULL;
        return rc;
    }
    int rc = cells_patches(db, cells, attribute, &patch_index, err);
    if (rc || !rowset_contains(patch_index->rows, of->row))
        return rc;
    *ret = &patch_index->patch;
    *ret_cell = patch_find(*ret, of->row);
    return 0;
}

static int look_late(struct db *db, struct cells *cells, const struct attribute *attribute, uint32_t row,
                     struct error *err)
{
    const struct patch *patch = NULL;
    int rc = cells_late(db, cells, attribute, row, &patch, err);
    if (!rc && patch)
        stand_over(cells, attribute, patch, patch_find(patch, row));
    return rc;
}

/* Does anything stand over what the row's record says of the attribute? */
static int look_above(struct db *db, struct cells *cells, const struct attribute *attribute,
                      const struct cells_row *of, struct error *err)
{
    const struct patch *patch = NULL;
    const struct patch_cell *cell;
    int rc = find_patch(db, cells, attribute, of, &patch, &cell, err);
    if (rc || !cell)
        return rc ? rc : look_late(db, cells, attribute, of->row, err);
    stand_over(cells, attribute, patch, cell);
    return 0;
}

/* Both are by attribute id, and no attribute is in both. */
static void merge_values(const struct cells *cells, struct record_values *values)
{
    const struct record_values *beneath = &cells->beneath;
    values->count = 0;
    for (size_t i = 0, k = 0; i < beneath->count || k < cells->over_count;) {
        const struct cells_over *over = k < cells->over_count ? &cells->over[k] : NULL;
        if (i < beneath->count && (!over || beneath->list[i].attribute->info.id < over->attribute->info.id)) {
            const struct record_value *value = &beneath->list[i++];
            record_values_add(values, value->attribute, &value->value, value->origin);
            continue;
        }
        for (size_t n = 0; n < over->count; n++)
            record_values_add(values, over->attribute, &over->values[n], over->origin);
        k++;
    }
}

bool cells_touched(const struct attribute *attribute, const struct cells_row *of)
{
    return attribute->state.late == STATE_LATE_ALL || of->touched & json_growth_touch(attribute->info.id);
}

static void begin_row(struct cells *cells)
{
    if (cells->late_count > LATES_MAX)
        drop_lates(cells);
    cells->over_count = 0;
    drop_ones(cells);
}

int cells_values(struct db *db, struct cells *cells, const struct attributes *attributes,
                 const struct cells_row *of, struct record_values *values, struct error *err)
{
    int rc = 0;
    begin_row(cells);
    for (size_t i = 0; !rc && i < attributes->patched_count; i++) {
        const struct attribute *attribute = &attributes->list[attributes->patched[i]];
        if (cells_touched(attribute, of))
            rc = look_above(db, cells, attribute, of, err);
    }
    if (rc)
        return rc;
    if (!cells->over_count)
        return record_decode(db, attributes, NULL, of->row, of->record, values, err);
    struct record_over over = {cells->over_ids, cells->over_count};
    rc = record_decode(db, attributes, &over, of->row, of->record, &cells->beneath, err);
    if (!rc)
        merge_values(cells, values);
    return rc;
}

/* Of the attributes that nothing tells of above. */
static int read_beneath(struct db *db, struct cells *cells, const struct attributes *attributes,
                        struct record_group *group, uint32_t row, struct error *err)
{
    const struct record_over over = {cells->untold, cells->untold_count, true};
    int rc = record_group_read(db, row, group, err);
    return rc ? rc : record_decode(db, attributes, &over, row, record_of(group, row), &cells->beneath, err);
}

int cells_some(struct db *db, struct cells *cells, const struct attributes *attributes,
               const struct cells_some *of, uint32_t row, struct record_values *values, struct error *err)
{
    const struct cells_row any = CELLS_ROW_ANY(row, (struct cursor){0});
    int rc = 0;
    begin_row(cells);
    cells->beneath.count = cells->untold_count = 0;
    mem_grow(&cells->untold, &cells->untold_cap, of->count, sizeof *cells->untold);
    for (size_t i = 0; !rc && i < of->count; i++) {
        const struct attribute *attribute = &attributes->list[of->which[i]];
        size_t told = cells->over_count;
        rc = of->beneath ? look_late(db, cells, attribute, row, err)
                         : look_above(db, cells, attribute, &any, err);
        if (cells->over_count == told)
            cells->untold[cells->untold_count++] = attribute->info.id;
    }
    if (!rc && cells->untold_count)
        rc = read_beneath(db, cells, attributes, of->group, row, err);
    if (!rc)
        merge_values(cells, values);
    return rc;
}

/* ---- all rows ---- */

void cells_stand_over(const struct patch_index *above, struct rowset *rows)
{
    if (!above)
        return;
    rowset_andnot(rows, above->rows);
    rowset_or(rows, above->has);
}

int cells_has(struct db *db, struct cells *cells, const struct attribute *attribute, struct rowset **ret,
              struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_ROWSET struct rowset *has = rowset_new();
    const struct patch_index *above = NULL;
    int rc = shards_open(db, attribute->info.id, attribute->info.type, &shards, err);
    for (size_t i = 0; !rc && i < shards.count; i++)
        rc = shard_has(&shards.list[i], has, err);
    if (!rc)
        rc = cells_patch_index(db, cells, attribute, &above, err);
    if (rc)
        return rc;
    cells_stand_over(above, has);
    *ret = STEAL(has);
    return 0;
}
