// SPDX-License-Identifier: Apache-2.0
/*
 * The dictionary says which blocks hold a range: those inside are taken whole, without a look at their
 * values; only the first and the last are searched.
 */
#include <errno.h>

#include "index/catalog/shard/shard_find.h"
#include "index/catalog/shard/shard_range.h"

/* ---- counts from the dictionary ---- */

void shard_range_blocks(const struct dict *dict, const struct shard_range *range, size_t *ret_from,
                        size_t *ret_to)
{
    *ret_from = range->open_low ? 0 : dict_block_of(dict, &range->low);
    *ret_to = range->open_high ? dict->block_count : dict_block_of(dict, &range->high) + 1;
    if (*ret_to > dict->block_count)
        *ret_to = dict->block_count;
}

void shard_range_large(const struct dict *dict, const struct shard_range *range, size_t *ret_from,
                       size_t *ret_to)
{
    size_t from = range->open_low ? 0 : dict_large_below(dict, &range->low),
           to = range->open_high ? dict->large_count : dict_large_below(dict, &range->high);
    if (!range->open_low && !range->inclusive_low && dict_large_find(dict, &range->low))
        from++;
    if (!range->open_high && range->inclusive_high && dict_large_find(dict, &range->high))
        to++;
    *ret_from = from;
    *ret_to = to > from ? to : from;
}

uint64_t shard_guess(const struct shard *shard, const struct shard_range *range)
{
    size_t from, to;
    uint64_t sum = 0;
    shard_range_large(&shard->dict, range, &from, &to);
    for (size_t i = from; i < to; i++)
        sum += shard->dict.large[i].clips;
    shard_range_blocks(&shard->dict, range, &from, &to);
    for (size_t i = from; i < to; i++) {
        bool cut_low = i == from && !range->open_low, cut_high = i + 1 == to && !range->open_high;
        sum += cut_low && cut_high   ? shard->dict.blocks[i].pairs / 3
               : cut_low || cut_high ? shard->dict.blocks[i].pairs / 2
                                     : shard->dict.blocks[i].pairs;
    }
    return sum;
}

/* ---- one value ---- */

static int add_posting(const struct shard *shard, uint32_t number, uint64_t clips, struct rowset *rows,
                       struct error *err)
{
    CLEANUP_ROWSET struct rowset *read = NULL;
    int rc = shard_posting_read(shard, number, clips, &read, err);
    if (!rc)
        rowset_or_spent(rows, read);
    return rc;
}

int shard_has(const struct shard *shard, struct rowset *rows, struct error *err)
{
    const struct dict *dict = &shard->dict;
    CLEANUP_ROWSET struct rowset *has = NULL;
    struct error why;
    if (!dict->clips)
        return 0;
    if (!dict->has.len)
        return add_posting(shard, DICT_HAS, dict->clips, rows, err);
    uint32_t outside;
    if (rowset_decode("it", dict->has.data, dict->has.len, shard_first(shard->number), &has, &why))
        return shard_damaged(shard, "dict", 0, why.text, err);
    if (rowset_count(has) != dict->clips || rowset_rows(has, shard_end(shard->number), &outside, 1))
        return shard_damaged(shard, "dict", 0, "other rows have the attribute than it says", err);
    rowset_or_spent(rows, has);
    return 0;
}

/* Entries [range[0], range[1]) of a block, or up to its last. */
static int add_entries(const struct shard *shard, const struct dict_block *of, const struct block *block,
                       const uint32_t range[2], struct shard_rows *to, struct error *err)
{
    struct block_heads heads;
    block_heads_init(&heads, block, false);
    for (uint32_t i = 0; i < range[1]; i++) {
        heads.into = i < range[0] ? NULL : to;
        if (heads.into)
            i += block_heads_singles(&heads, range[1] - i);
        if (i >= range[1] || !block_heads_next(&heads))
            break;
        if (!heads.into || heads.entry.form != BLOCK_POSTING)
            continue;
        int rc = add_posting(shard, heads.entry.posting, heads.entry.count, to->rows, err);
        if (rc)
            return rc;
    }
    return heads.heads.failed ? shard_damaged(shard, "block", of->number, "its rows are damaged", err) : 0;
}

int shard_equal(const struct shard *shard, const struct shard_key *key, struct rowset *rows,
                struct error *err)
{
    const struct dict_value *large = dict_large_find(&shard->dict, key);
    const struct block_entry *entry;
    if (large)
        return add_posting(shard, large->posting, large->clips, rows, err);
    int rc = shard_find(shard, key, true, &entry, err);
    if (rc < 1)
        return rc;
    if (entry->form == BLOCK_POSTING)
        return add_posting(shard, entry->posting, entry->count, rows, err);
    struct shard_rows to;
    shard_rows_init(&to, rows, shard_first(shard->number), shard_span(shard->number), 0);
    const char *why = block_entry_rows(entry, &to);
    shard_rows_done(&to);
    return why ? shard_damaged(shard, "block", shard->found->number, why, err) : 0;
}

int shard_count(const struct shard *shard, const struct shard_key *key, uint64_t *ret, struct error *err)
{
    const struct dict_value *large = dict_large_find(&shard->dict, key);
    const struct block_entry *entry;
    int rc = large ? 1 : shard_find(shard, key, false, &entry, err);
    if (rc < 0)
        return rc;
    *ret = large ? large->clips : rc ? entry->count : 0;
    return 0;
}

/* ---- a range ---- */

typedef int block_reader(const struct shard *shard, uint32_t number, struct buf *buf, struct block *ret,
                         struct error *err);

struct ranging {
    const struct shard *shard;
    const struct shard_range *range;
    block_reader *read;
    size_t from, to; /* the blocks that hold it */
    struct buf *bytes;
};

/* Entries [range[0], range[1]) of block `i` are in the range: only the first and the last
 * block are searched for its ends. */
static int open_block(const struct ranging *at, size_t i, struct block *ret, uint32_t entries[2],
                      struct error *err)
{
    const struct shard_range *range = at->range;
    const struct dict_block *of = &at->shard->dict.blocks[i];
    const bool cut[2] = {i == at->from && !range->open_low, i + 1 == at->to && !range->open_high};
    bool equal;
    entries[0] = 0, entries[1] = UINT32_MAX;
    int rc = at->read(at->shard, of->number, at->bytes, ret, err);
    if (rc)
        return rc;
    const char *why =
        cut[0] ? block_find(ret, &range->low, !range->inclusive_low, &entries[0], &equal) : NULL;
    if (!why && cut[1])
        why = block_find(ret, &range->high, range->inclusive_high, &entries[1], &equal);
    return why ? shard_damaged(at->shard, "block", of->number, why, err) : 0;
}

static int count_block(const struct ranging *at, size_t i, uint64_t *sum, struct error *err)
{
    struct block block;
    struct block_heads heads;
    uint32_t entries[2];
    int rc = open_block(at, i, &block, entries, err);
    if (rc)
        return rc;
    block_heads_init(&heads, &block, true);
    for (uint32_t k = 0; k < entries[1] && block_heads_next(&heads); k++)
        *sum += k < entries[0] ? 0 : heads.entry.count;
    return heads.heads.failed ? shard_damaged(at->shard, "block", at->shard->dict.blocks[i].number,
                                              "its heads are cut short", err)
                              : 0;
}

int shard_count_between(const struct shard *shard, const struct shard_range *range, uint64_t *ret,
                        struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct ranging at = {.shard = shard, .range = range, .bytes = &bytes, .read = shard_block_counts};
    uint64_t sum = 0;
    size_t from, to;
    int rc = 0;
    shard_range_large(&shard->dict, range, &from, &to);
    for (size_t i = from; i < to; i++)
        sum += shard->dict.large[i].clips;
    shard_range_blocks(&shard->dict, range, &at.from, &at.to);
    for (size_t i = at.from; !rc && i < at.to; i++) {
        bool cut = (i == at.from && !range->open_low) || (i + 1 == at.to && !range->open_high);
        if (cut)
            rc = count_block(&at, i, &sum, err);
        else
            sum += shard->dict.blocks[i].pairs;
    }
    if (!rc)
        *ret = sum;
    return rc;
}

int shard_between(const struct shard *shard, const struct shard_range *range, struct rowset *rows,
                  struct error *err)
{
    struct shard_rows into;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct ranging at = {.shard = shard, .range = range, .bytes = &bytes, .read = shard_block_read};
    size_t from, to;
    uint64_t pairs = 0;
    int rc = 0;
    shard_range_large(&shard->dict, range, &from, &to);
    for (size_t i = from; !rc && i < to; i++) {
        const struct dict_value *large = &shard->dict.large[i];
        rc = add_posting(shard, large->posting, large->clips, rows, err);
    }
    shard_range_blocks(&shard->dict, range, &at.from, &at.to);
    for (size_t i = at.from; i < at.to; i++)
        pairs += shard->dict.blocks[i].pairs;
    shard_rows_init(&into, rows, shard_first(shard->number), shard_span(shard->number), pairs);
    for (size_t i = at.from; !rc && i < at.to; i++) {
        struct block block;
        uint32_t entries[2];
        rc = open_block(&at, i, &block, entries, err);
        if (!rc)
            rc = add_entries(shard, &shard->dict.blocks[i], &block, entries, &into, err);
    }
    shard_rows_done(&into);
    return rc;
}
