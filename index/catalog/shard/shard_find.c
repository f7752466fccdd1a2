// SPDX-License-Identifier: Apache-2.0
/* Keys and heads are passed over one by one up to the value's own: the larger part of a look-up, once SQLite
 * need not be asked for the block. */
#include "index/catalog/shard/shard_find.h"

enum { KEPT_BYTES = 2 * BLOCK_BYTES }; /* a block with a very long text is not kept */

struct shard_found *shard_found_new(void)
{
    return MEM_NEW(struct shard_found);
}

void shard_found_free(struct shard_found *found)
{
    if (!found)
        return;
    buf_done(&found->bytes);
    buf_done(&found->text);
    free(found);
}

static bool is_known(const struct shard_found *found, const struct shard_key *key)
{
    if (!found->known)
        return false;
    if (!key->text)
        return found->integer == key->number;
    return found->text.len == key->len && !memcmp(buf_text(&found->text), key->text, key->len);
}

static void note_key(struct shard_found *found, const struct shard_key *key)
{
    found->known = true;
    buf_clear(&found->text);
    if (key->text)
        buf_append(&found->text, key->text, key->len);
    else
        found->integer = key->number;
}

static int hold_block(const struct shard *shard, uint32_t number, struct error *err)
{
    struct shard_found *found = shard->found;
    found->known = false;
    if (found->held && found->number == number)
        return 0;
    found->held = false;
    if (found->bytes.cap > KEPT_BYTES)
        buf_done(&found->bytes);
    int rc = shard_block_read(shard, number, &found->bytes, &found->block, err);
    found->held = !rc && found->bytes.cap <= KEPT_BYTES;
    found->number = number;
    return rc;
}

/* Entry `at` of the block; NULL, or what is wrong. */
static const char *take_entry(struct shard_found *found, uint32_t at)
{
    struct block_heads heads;
    block_heads_init(&heads, &found->block, false);
    for (uint32_t i = 0; i <= at; i++)
        if (!block_heads_next(&heads))
            return "its rows are damaged";
    found->entry = heads.entry;
    return NULL;
}

int shard_find(const struct shard *shard, const struct shard_key *key, const struct block_entry **ret,
               struct error *err)
{
    struct shard_found *found = shard->found;
    uint32_t at;
    if (!shard->dict.block_count)
        return 0;
    if (!is_known(found, key)) {
        uint32_t number = shard->dict.blocks[dict_block_of(&shard->dict, key)].number;
        int rc = hold_block(shard, number, err);
        if (rc)
            return rc;
        const char *why = block_find(&found->block, key, false, &at, &found->there);
        if (!why && found->there)
            why = take_entry(found, at);
        if (why)
            return shard_damaged(shard, "block", number, why, err);
        note_key(found, key);
    }
    *ret = &found->entry;
    return found->there;
}
