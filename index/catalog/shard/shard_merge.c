// SPDX-License-Identifier: Apache-2.0
/*
 * What is done to whole shards. One that is made of others is written beside them, under a number of its own:
 * until the list of shards names it, nothing reads it, so that it may take any number of commits. Parts know
 * no shards: they are changed where they stand, last.
 */
#include <errno.h>
#include <stdlib.h>

#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_walk.h"
#include "index/catalog/shard/shard_write.h"

/* ---- a shard is made of others, and of changes ---- */

/* Values of the old shards and those that change, in one order. */
struct making {
    struct shards_walk walk;
    const struct shard_source *changes; /* NULL: none */
    struct shard_change change;
    int walks, changing; /* 1: it stands at a value that was not taken yet; 0: it is through; DUE */
    uint32_t *rows, *merged;
    size_t row_cap, merged_cap;
};
enum { DUE = 2 };

static int advance(struct making *making, struct error *err)
{
    if (making->walks == DUE)
        making->walks = shards_walk_next(&making->walk, err);
    if (making->walks < 0)
        return making->walks;
    if (making->changing == DUE)
        making->changing = making->changes->next(making->changes->ctx, &making->change, err);
    return making->changing < 0 ? making->changing : 0;
}

/* The rows a value had, without those that lose it and with those that gain it. */
static size_t change_rows(struct making *making, size_t count)
{
    const struct shard_change *change = &making->change;
    size_t lost = 0, gained = 0, made = 0;
    mem_grow(&making->merged, &making->merged_cap, count + change->gained_count, sizeof *making->merged);
    for (size_t i = 0; i < count || gained < change->gained_count;) {
        bool old = i < count && (gained == change->gained_count || making->rows[i] < change->gained[gained]);
        if (!old) {
            i += i < count && making->rows[i] == change->gained[gained];
            making->merged[made++] = change->gained[gained++];
            continue;
        }
        while (lost < change->lost_count && change->lost[lost] < making->rows[i])
            lost++;
        if (lost == change->lost_count || change->lost[lost] != making->rows[i])
            making->merged[made++] = making->rows[i];
        i++;
    }
    return made;
}

/* What stands at the lower key, or at both; `order` compares them. */
static int take(struct making *making, int order, struct shard_change *ret, struct error *err)
{
    size_t count = 0;
    int rc = 0;
    if (order <= 0) {
        count = making->walk.clips;
        mem_grow(&making->rows, &making->row_cap, count, sizeof *making->rows);
        rc = shards_walk_list(&making->walk, making->rows, err);
        for (size_t i = 1; !rc && i < count; i++)
            if (making->rows[i - 1] >= making->rows[i])
                rc = shard_damaged(making->walk.walks[0].shard, "dict", 0, "others have its rows", err);
        making->walks = DUE;
        *ret = (struct shard_change){.key = making->walk.key, .gained = making->rows, .gained_count = count};
    }
    if (order >= 0 && !rc) {
        count = change_rows(making, count);
        making->changing = DUE;
        *ret =
            (struct shard_change){.key = making->change.key, .gained = making->merged, .gained_count = count};
    }
    return rc;
}

static int next_value(void *ctx, struct shard_change *ret, struct error *err)
{
    struct making *making = ctx;
    int rc;
    do {
        rc = advance(making, err);
        if (rc)
            return rc;
        if (!making->walks && !making->changing)
            return 0;
        int order = !making->walks      ? 1
                    : !making->changing ? -1
                                        : shard_key_compare(&making->walk.key, &making->change.key);
        rc = take(making, order, ret, err);
    } while (!rc && !ret->gained_count);
    return rc ? rc : 1;
}

static void begin(void *ctx)
{
    struct making *making = ctx; /* the old ones stand where the slice does, and are gone through once */
    if (making->changes)
        making->changes->rewind(making->changes->ctx);
}

static int open_old(struct db *db, const struct shard_target *to, const struct shard_old *old,
                    struct shards *ret, struct rowset *has, struct error *err)
{
    int rc = 0;
    *ret = (struct shards){.list = mem_alloc(old->count * sizeof *ret->list)};
    for (size_t i = 0; !rc && i < old->count; i++) {
        rc = shard_open(db, to->attribute, to->type, old->numbers[i], &ret->list[i], err);
        ret->count += !rc;
        if (!rc)
            rc = shard_has(&ret->list[i], has, err);
    }
    return rc;
}

static int make_values(struct db *db, const struct shard_target *to, const struct shard_old *old,
                       const struct shard_source *changes, const struct shard_presence *presence,
                       struct shard_work *work, struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_ROWSET struct rowset *has = rowset_new();
    CLEANUP_SHARD_KEYS struct shard_keys start = {0};
    bool has_start;
    const struct shard_target without_parts = {to->attribute, to->type, false, to->number};
    struct making making = {.changes = changes, .walks = DUE, .changing = changes ? DUE : 0};
    const struct shard_source source = {next_value, begin, &making};
    int rc = open_old(db, to, old, &shards, has, err);
    if (!rc && presence && presence->lost)
        rowset_andnot(has, presence->lost);
    if (!rc && presence && presence->gained)
        rowset_or(has, presence->gained);
    if (!rc)
        rc = shard_work_start(work, shard_key_is_text(to->type), &start, &has_start, err);
    if (!rc)
        rc = shards_walk_init(&making.walk, &shards, has_start ? &start.key : NULL, true, err);
    if (!rc)
        rc = shard_update_unlisted(db, &without_parts, to->type == VALUE_LIST ? NULL : &source,
                                   &(struct shard_presence){.gained = has}, work, err);
    shards_walk_done(&making.walk);
    free(making.rows);
    free(making.merged);
    return rc;
}

/* It takes the place of the old ones. */
static int list_made(struct db *db, const struct shard_target *to, const struct shard_old *old,
                     struct error *err)
{
    CLEANUP_SHARD struct shard made = {0};
    int rc = shard_open(db, to->attribute, to->type, to->number, &made, err);
    for (size_t i = 0; !rc && i < old->count; i++)
        rc = shard_drop(db, to->attribute, old->numbers[i], err);
    return rc ? rc
              : shard_numbers_replace(db, to->attribute, old->numbers, old->count,
                                      made.dict.clips ? &to->number : NULL, err);
}

int shard_make(struct db *db, const struct shard_target *to, const struct shard_old *old,
               const struct shard_source *changes, const struct shard_presence *presence,
               struct shard_work *work, struct error *err)
{
    int rc = 0;
    if (!shard_work_is_of_parts(work))
        rc = make_values(db, to, old, changes, presence, work, err);
    if (!rc && changes && to->column)
        rc = shard_work_parts(db, to, changes, work, err);
    return rc ? rc : list_made(db, to, old, err);
}

int shard_make_abandon(struct db *db, uint32_t attribute, uint32_t number, struct error *err)
{
    return shard_drop(db, attribute, number, err);
}

/* ---- all of them ---- */

int shards_drop(struct db *db, uint32_t attribute, struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    int rc = shard_numbers_read(db, attribute, &numbers, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = shard_drop(db, attribute, numbers[i], err);
    if (!rc)
        rc = shard_numbers_replace(db, attribute, numbers, count, NULL, err);
    return rc ? rc : shard_parts_drop(db, attribute, err);
}

static int64_t as_float(int64_t number)
{
    const struct value value = {.type = VALUE_FLOAT, .real = (double)number};
    return column_number(&value);
}

/* A block's key may be of a value that is gone, and not exact: its first value takes the place. */
static int widen_block(const struct shard *shard, struct dict_block *of, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_FREE struct block_entry *entries = mem_alloc(BLOCK_VALUES_MAX * sizeof *entries);
    struct block block;
    uint64_t written = 0;
    int rc = shard_block_read(shard, of->number, &bytes, &block, err);
    const char *why = rc ? NULL : block_entries(&block, NULL, entries);
    if (rc || why)
        return rc ? rc : shard_damaged(shard, "block", of->number, why, err);
    for (uint32_t i = 0; i < block.values; i++)
        entries[i].key.number = as_float(entries[i].key.number);
    of->key = entries[0].key;
    return shard_block_put(shard, of->number, entries, block.values, &written, err);
}

static int widen(struct shard *shard, struct error *err)
{
    int rc = 0;
    uint64_t written = 0;
    for (size_t i = 0; !rc && i < shard->dict.block_count; i++)
        rc = widen_block(shard, &shard->dict.blocks[i], err);
    for (size_t i = 0; i < shard->dict.large_count; i++)
        shard->dict.large[i].key.number = as_float(shard->dict.large[i].key.number);
    return rc ? rc : shard_dict_put(shard, &written, err);
}

int shards_widen(struct db *db, uint32_t attribute, struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    int rc = shards_open(db, attribute, VALUE_INT, &shards, err);
    for (size_t i = 0; !rc && i < shards.count; i++)
        rc = widen(&shards.list[i], err);
    return rc ? rc : shard_parts_map(db, attribute, as_float, err);
}
