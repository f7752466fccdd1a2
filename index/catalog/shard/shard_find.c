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

static bool is_known(const struct shard_found *found, const struct shard_key *key, bool with_rows)
{
    if (!found->known || (with_rows && !found->rows && found->there && found->entry.form != BLOCK_POSTING))
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

static int hold_block(const struct shard *shard, uint32_t number, bool with_rows, struct error *err)
{
    struct shard_found *found = shard->found;
    found->known = false;
    if (found->held && found->number == number && found->rows >= with_rows)
        return 0;
    found->held = false;
    if (found->bytes.cap > KEPT_BYTES)
        buf_done(&found->bytes);
    int rc = with_rows ? shard_block_read(shard, number, &found->bytes, &found->block, err)
                       : shard_block_counts(shard, number, &found->bytes, &found->block, err);
    found->held = !rc && found->bytes.cap <= KEPT_BYTES;
    found->number = number;
    found->rows = with_rows;
    return rc;
}

/* Entry `at` of the block; NULL, or what is wrong. */
static const char *take_entry(struct shard_found *found, uint32_t at)
{
    struct block_heads heads;
    block_heads_init(&heads, &found->block, !found->rows);
    for (uint32_t i = 0; i <= at; i++)
        if (!block_heads_next(&heads))
            return found->rows ? "its rows are damaged" : "its heads are cut short";
    found->entry = heads.entry;
    return NULL;
}

int shard_find(const struct shard *shard, const struct shard_key *key, bool with_rows,
               const struct block_entry **ret, struct error *err)
{
    struct shard_found *found = shard->found;
    uint32_t at;
    if (!shard->dict.block_count)
        return 0;
    if (!is_known(found, key, with_rows)) {
        uint32_t number = shard->dict.blocks[dict_block_of(&shard->dict, key)].number;
        int rc = hold_block(shard, number, with_rows, err);
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
