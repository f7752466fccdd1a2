// SPDX-License-Identifier: Apache-2.0
/* A key that its block's first value begins with is one of it; any other one is made again. */
#include "index/catalog/shard/shard_fresh.h"

#include <stdlib.h>

#include "index/catalog/shard/shard_write.h"

struct freshening {
    struct shard shard;
    struct buf bytes;
    struct arena arena[2]; /* keys of this block, and of the one before */
    struct block_entry *entries;
    struct shard_key last; /* of the block before; lies in its arena */
    bool has_last, changed;
};

static bool is_of(const struct shard_key *key, const struct shard_key *first)
{
    return key->text ? key->len <= first->len && !memcmp(key->text, first->text, key->len)
                     : key->number == first->number;
}

/* The shortest text above the block before; a number is the first one's. */
static struct shard_key key_of(const struct freshening *f, const struct shard_key *first)
{
    struct shard_key key = *first;
    size_t shared = f->has_last && key.text ? shard_key_shared(&f->last, first) : 0;
    if (key.text && key.len > shared + 1)
        key.len = shared + 1;
    return key;
}

static int freshen_block(struct freshening *f, size_t at, struct error *err)
{
    struct block block;
    struct dict_block is = f->shard.dict.blocks[at];
    struct arena *arena = &f->arena[at % 2];
    int rc = shard_block_read(&f->shard, is.number, &f->bytes, &block, err);
    if (rc)
        return rc;
    arena_clear(arena);
    const char *why = block_entries(&block, arena, f->entries);
    if (why || !block.values)
        return shard_damaged(&f->shard, "block", is.number, why ? why : "it is empty", err);
    const struct shard_key *first = &f->entries[0].key;
    if (!is_of(&is.key, first)) {
        is.key = key_of(f, first);
        dict_blocks_replace(&f->shard.dict, at, 1, &is, 1);
        f->changed = true;
    }
    f->last = f->entries[block.values - 1].key;
    f->has_last = true;
    return 0;
}

static int freshen(struct freshening *f, struct error *err)
{
    uint64_t written = 0;
    int rc = 0;
    f->entries = mem_alloc(BLOCK_VALUES_MAX * sizeof *f->entries);
    for (size_t i = 0; !rc && i < f->shard.dict.block_count; i++)
        rc = freshen_block(f, i, err);
    return rc || !f->changed ? rc : shard_dict_put(&f->shard, &written, err);
}

static void freshening_done(struct freshening *f)
{
    shard_done(&f->shard);
    buf_done(&f->bytes);
    arena_done(&f->arena[0]);
    arena_done(&f->arena[1]);
    free(f->entries);
}

static bool covers(uint32_t number, const struct rowset *rows)
{
    uint32_t row;
    return rowset_rows(rows, shard_first(number), &row, 1) && row < shard_end(number);
}

int shards_fresh(struct db *db, uint32_t attribute, enum value_type type, const struct rowset *rows,
                 struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    int rc = shard_numbers_read(db, attribute, &numbers, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct freshening f = {0};
        if (!covers(numbers[i], rows))
            continue;
        rc = shard_open(db, attribute, type, numbers[i], &f.shard, err);
        if (!rc)
            rc = freshen(&f, err);
        freshening_done(&f);
    }
    return rc;
}
