// SPDX-License-Identifier: Apache-2.0
/*
 * What is done to whole shards. A merge writes the new shard beside the old ones, under a number of its own:
 * until the list of shards names it, nothing reads it, so that it may take any number of commits. Parts know
 * no shards and stay.
 */
#include <errno.h>
#include <stdlib.h>

#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_walk.h"
#include "index/catalog/shard/shard_write.h"

/* ---- several become one ---- */

struct merging {
    struct shards_walk walk;
    uint32_t *rows;
    size_t cap;
};

static int next_value(void *ctx, struct shard_change *ret, struct error *err)
{
    struct merging *merging = ctx;
    int rc = shards_walk_next(&merging->walk, err);
    if (rc != 1)
        return rc;
    mem_grow(&merging->rows, &merging->cap, merging->walk.clips, sizeof *merging->rows);
    rc = shards_walk_list(&merging->walk, merging->rows, err);
    *ret = (struct shard_change){
        .key = merging->walk.key, .gained = merging->rows, .gained_count = merging->walk.clips};
    return rc ? rc : 1;
}

static void stay(void *ctx)
{
    (void)ctx; /* it starts where the slice does, and is gone through once */
}

static int open_sources(struct db *db, const struct shard_target *to, const uint32_t *from, size_t count,
                        struct shards *ret, struct rowset *has, struct error *err)
{
    int rc = 0;
    *ret = (struct shards){.list = mem_alloc(count * sizeof *ret->list)};
    for (size_t i = 0; !rc && i < count; i++) {
        rc = shard_open(db, to->attribute, to->type, from[i], &ret->list[i], err);
        ret->count += !rc;
        if (!rc)
            rc = shard_has(&ret->list[i], has, err);
    }
    return rc;
}

static int write_merged(struct db *db, const struct shard_target *to, struct merging *merging,
                        const struct rowset *has, struct shard_work *work, struct error *err)
{
    const struct shard_target without_parts = {to->attribute, to->type, false, to->number};
    const struct shard_source source = {next_value, stay, merging};
    const struct shard_presence presence = {.gained = has};
    return shard_update_unlisted(db, &without_parts, &source, &presence, work, err);
}

static int drop_old(struct db *db, const struct shard_target *to, const uint32_t *from, size_t count,
                    bool some, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = shard_drop(db, to->attribute, from[i], err);
    return rc ? rc : shard_numbers_replace(db, to->attribute, from, count, some ? &to->number : NULL, err);
}

int shard_merge(struct db *db, const struct shard_target *to, const uint32_t *from, size_t count,
                struct shard_work *work, struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_ROWSET struct rowset *has = rowset_new();
    CLEANUP_SHARD_KEYS struct shard_keys start = {0};
    bool has_start;
    struct merging merging = {0};
    int rc = open_sources(db, to, from, count, &shards, has, err);
    if (!rc)
        rc = shard_work_start(work, shard_key_is_text(to->type), &start, &has_start, err);
    if (!rc)
        rc = shards_walk_init(&merging.walk, &shards, has_start ? &start.key : NULL, true, err);
    if (!rc)
        rc = write_merged(db, to, &merging, has, work, err);
    if (!rc)
        rc = drop_old(db, to, from, count, !rowset_empty(has), err);
    shards_walk_done(&merging.walk);
    free(merging.rows);
    return rc;
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
