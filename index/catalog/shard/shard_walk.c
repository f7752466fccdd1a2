// SPDX-License-Identifier: Apache-2.0
/* Two sorted lists, merged: a block's values as far as they are below the next large one. */
#include "index/catalog/shard/shard_walk.h"

#include <stdlib.h>

/* ---- one shard ---- */

static int block_damaged(const struct shard_walk *walk, const char *why, struct error *err)
{
    return shard_damaged(walk->shard, "block", walk->shard->dict.blocks[walk->block - 1].number, why, err);
}

/* 1: keys and heads stand at a value of a block; 0: no block is left. */
static int step_in_blocks(struct shard_walk *walk, struct error *err)
{
    const struct dict *dict = &walk->shard->dict;
    while (true) {
        if (walk->in_block && shard_keys_next(&walk->keys))
            return block_heads_next(&walk->heads) ? 1 : block_damaged(walk, "its rows are cut short", err);
        if (walk->in_block && walk->keys.at.failed)
            return block_damaged(walk, "its values are not in order", err);
        walk->in_block = false;
        if (walk->block == dict->block_count)
            return 0;
        if (walk->ask && walk->block == walk->ask_at)
            walk->ask(walk->ctx, walk);
        uint32_t number = dict->blocks[walk->block++].number;
        int rc = walk->rows ? shard_block_read(walk->shard, number, &walk->bytes, &walk->open, err)
                            : shard_block_counts(walk->shard, number, &walk->bytes, &walk->open, err);
        if (rc)
            return rc;
        shard_keys_done(&walk->keys);
        shard_keys_init(&walk->keys, walk->open.keys, walk->open.text, walk->open.values);
        block_heads_init(&walk->heads, &walk->open, !walk->rows);
        walk->in_block = true;
    }
}

int shard_walk_init(struct shard_walk *walk, const struct shard *shard, const struct shard_key *from,
                    bool rows, struct error *err)
{
    *walk = (struct shard_walk){.shard = shard, .rows = rows, .is_large = true};
    walk->block = from ? dict_block_of(&shard->dict, from) : 0;
    walk->large = from ? dict_large_below(&shard->dict, from) : 0;
    int rc = step_in_blocks(walk, err);
    while (rc == 1 && from && shard_key_compare(&walk->keys.key, from) < 0)
        rc = step_in_blocks(walk, err);
    return rc < 0 ? rc : 0;
}

void shard_walk_done(struct shard_walk *walk)
{
    shard_keys_done(&walk->keys);
    buf_done(&walk->bytes);
}

int shard_walk_next(struct shard_walk *walk, struct error *err)
{
    const struct dict *dict = &walk->shard->dict;
    int rc = walk->is_large ? 0 : step_in_blocks(walk, err);
    if (rc < 0)
        return rc;
    const struct dict_value *large = walk->large < dict->large_count ? &dict->large[walk->large] : NULL;
    if (!walk->in_block && !large)
        return 0;
    walk->is_large = large && (!walk->in_block || shard_key_compare(&large->key, &walk->keys.key) < 0);
    walk->large += walk->is_large;
    walk->key = walk->is_large ? large->key : walk->keys.key;
    walk->clips = walk->is_large ? large->clips : walk->heads.entry.count;
    return 1;
}

static int posting_rows(struct shard_walk *walk, uint32_t number, struct shard_rows *to, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    int rc = shard_posting_read(walk->shard, number, walk->clips, &rows, err);
    if (!rc)
        rowset_or(to->rows, rows);
    return rc;
}

int shard_walk_rows(struct shard_walk *walk, struct shard_rows *to, struct error *err)
{
    const struct block_entry *entry = &walk->heads.entry;
    if (walk->is_large)
        return posting_rows(walk, walk->shard->dict.large[walk->large - 1].posting, to, err);
    if (entry->form == BLOCK_POSTING)
        return posting_rows(walk, entry->posting, to, err);
    const char *why = block_entry_rows(entry, to);
    return why ? block_damaged(walk, why, err) : 0;
}

static int posting_list(struct shard_walk *walk, uint32_t number, uint32_t *rows, struct error *err)
{
    CLEANUP_ROWSET struct rowset *set = NULL;
    int rc = shard_posting_read(walk->shard, number, walk->clips, &set, err);
    if (rc)
        return rc;
    rowset_rows(set, 0, rows, walk->clips);
    for (uint32_t i = 0; i < walk->clips; i++)
        rows[i] -= shard_first(walk->shard->number);
    return 0;
}

int shard_walk_list(struct shard_walk *walk, uint32_t *rows, struct error *err)
{
    const struct block_entry *entry = &walk->heads.entry;
    if (walk->is_large)
        return posting_list(walk, walk->shard->dict.large[walk->large - 1].posting, rows, err);
    if (entry->form == BLOCK_POSTING)
        return posting_list(walk, entry->posting, rows, err);
    const char *why = block_entry_list(entry, shard_span(walk->shard->number), rows);
    return why ? block_damaged(walk, why, err) : 0;
}

/* ---- several ---- */

int shards_walk_init(struct shards_walk *walk, const struct shards *shards, const struct shard_key *from,
                     bool rows, struct error *err)
{
    int rc = 0;
    *walk = (struct shards_walk){.walks = mem_alloc(shards->count * sizeof *walk->walks),
                                 .states = mem_zero(shards->count * sizeof *walk->states)};
    for (size_t i = 0; !rc && i < shards->count; i++, walk->count++)
        rc = shard_walk_init(&walk->walks[i], &shards->list[i], from, rows, err);
    return rc;
}

void shards_walk_done(struct shards_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        shard_walk_done(&walk->walks[i]);
    free(walk->walks);
    free(walk->states);
}

enum { THROUGH = 0, STANDS = 1, DUE = 2 };

/* Does this one stand at the current value? */
static bool stands(const struct shards_walk *walk, size_t i)
{
    return walk->states[i] == STANDS && !shard_key_compare(&walk->walks[i].key, &walk->key);
}

int shards_walk_next(struct shards_walk *walk, struct error *err)
{
    struct shard_key least;
    bool some = false;
    /* The current key is borrowed from one of those that move: all are marked before one does. */
    for (size_t i = 0; i < walk->count; i++)
        if (!walk->started || stands(walk, i))
            walk->states[i] = DUE;
    for (size_t i = 0; i < walk->count; i++) {
        int rc = walk->states[i] == DUE ? shard_walk_next(&walk->walks[i], err) : walk->states[i];
        if (rc < 0)
            return rc;
        walk->states[i] = rc;
        if (rc && (!some || shard_key_compare(&walk->walks[i].key, &least) < 0)) {
            least = walk->walks[i].key;
            some = true;
        }
    }
    walk->started = true;
    if (!some)
        return 0;
    walk->key = least;
    walk->clips = 0;
    for (size_t i = 0; i < walk->count; i++)
        walk->clips += stands(walk, i) ? walk->walks[i].clips : 0;
    return 1;
}

int shards_walk_rows(struct shards_walk *walk, struct rowset *rows, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < walk->count; i++) {
        if (!stands(walk, i))
            continue;
        struct shard_rows to;
        uint32_t number = walk->walks[i].shard->number;
        shard_rows_init(&to, rows, shard_first(number), shard_span(number), walk->walks[i].clips);
        rc = shard_walk_rows(&walk->walks[i], &to, err);
        shard_rows_done(&to);
    }
    return rc;
}

int shards_walk_list(struct shards_walk *walk, uint32_t *rows, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < walk->count; i++) {
        if (!stands(walk, i))
            continue;
        uint32_t count = walk->walks[i].clips, first = shard_first(walk->walks[i].shard->number);
        rc = shard_walk_list(&walk->walks[i], rows, err);
        for (uint32_t k = 0; k < count; k++)
            rows[k] += first;
        rows += count;
    }
    return rc;
}
