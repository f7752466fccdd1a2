// SPDX-License-Identifier: Apache-2.0
/* Blocks in the order of their values mostly ascend in their numbers, too, so a range of values is a few
 * ranges of rows. */
#include "index/catalog/shard/shard_reads.h"

#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_id.h"
#include "index/catalog/shard/shard_range.h"

static void tell_posting(const struct shard *shard, uint32_t number, shard_read_fn *each, void *ctx)
{
    int64_t id = shard_block_id(shard, number);
    each(ctx, SHARD_POSTINGS,
         (int64_t[]){pieces_first(&pieces_posting, id), pieces_last(&pieces_posting, id)});
}

static void tell_blocks(const struct shard *shard, size_t from, size_t to, shard_read_fn *each, void *ctx)
{
    const struct dict_block *blocks = shard->dict.blocks;
    for (size_t i = from, next; i < to; i = next) {
        for (next = i + 1; next < to && blocks[next].number > blocks[next - 1].number;)
            next++;
        const int64_t ids[] = {shard_block_id(shard, blocks[i].number),
                               shard_block_id(shard, blocks[next - 1].number)};
        each(ctx, SHARD_BLOCKS, ids);
        each(ctx, SHARD_MEMBERS, ids);
    }
}

void shard_has_reads(const struct shard *shard, shard_read_fn *each, void *ctx)
{
    if (shard->dict.clips && !shard->dict.has.len)
        tell_posting(shard, DICT_HAS, each, ctx);
}

void shard_equal_reads(const struct shard *shard, const struct shard_key *key, shard_read_fn *each, void *ctx)
{
    const struct dict *dict = &shard->dict;
    const struct dict_value *large = dict_large_find(dict, key);
    size_t at = dict_block_of(dict, key);
    if (large)
        tell_posting(shard, large->posting, each, ctx);
    else if (dict->block_count)
        tell_blocks(shard, at, at + 1, each, ctx);
}

void shard_walk_reads(const struct shard *shard, size_t from, size_t to, shard_read_fn *each, void *ctx)
{
    const struct dict *dict = &shard->dict;
    size_t low = from ? dict_large_below(dict, &dict->blocks[from].key) : 0;
    size_t high = to < dict->block_count ? dict_large_below(dict, &dict->blocks[to].key) : dict->large_count;
    for (size_t i = low; i < high; i++)
        tell_posting(shard, dict->large[i].posting, each, ctx);
    tell_blocks(shard, from, to, each, ctx);
}

void shard_between_reads(const struct shard *shard, const struct shard_range *range, shard_read_fn *each,
                         void *ctx)
{
    size_t from, to;
    shard_range_large(&shard->dict, range, &from, &to);
    for (size_t i = from; i < to; i++)
        tell_posting(shard, shard->dict.large[i].posting, each, ctx);
    shard_range_blocks(&shard->dict, range, &from, &to);
    tell_blocks(shard, from, to, each, ctx);
}
