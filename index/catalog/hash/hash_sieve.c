// SPDX-License-Identifier: Apache-2.0
/* A sieve speaks of the hashes that the blocks found for one of them have in common. It has 16 bits for each
 * that is there, as long as these are few thousand: one of 16 others passes, and is looked for in all runs.
 */
#include "index/catalog/hash/hash_sieve.h"

#include <stdlib.h>

enum { BITS_EACH = 16, BITS_MAX = 1 << 16, WORD_BITS = 64 };

struct sieve {
    struct hash_cached base;
    uint32_t first;
    uint64_t scale;  /* of 2^32: bits a hash; so the bits are in the order of hashes */
    uint64_t bits[]; /* set: there may be one */
};

/* As a block of the run 0, which there is none of. */
static int64_t sieve_id(enum schema_hash kind, uint32_t first)
{
    return hash_block_id(&(struct hash_run){.kind = kind}, first);
}

static uint64_t bit_of(const struct sieve *sieve, uint32_t hash)
{
    return (hash - sieve->first) * sieve->scale >> 32;
}

bool hash_sieve_rejects(struct hash_runs *runs, enum schema_hash kind, uint32_t hash)
{
    const struct sieve *sieve = (const struct sieve *)hash_cache_find(&runs->sieves, sieve_id(kind, hash));
    if (!sieve)
        return false;
    uint64_t bit = bit_of(sieve, hash);
    return !(sieve->bits[bit / WORD_BITS] >> bit % WORD_BITS & 1);
}

static void narrow(struct hash_span *span, uint32_t first, uint32_t last)
{
    span->first = first > span->first ? first : span->first;
    span->last = last < span->last ? last : span->last;
}

/* As far as the blocks in the cache say all; false: one that answers for the hash is not in it. */
static bool find_span(struct hash_runs *runs, enum schema_hash kind, uint32_t hash, struct hash_span *ret)
{
    struct hash_span span = {0, UINT32_MAX}, answers;
    for (size_t i = 0; i < runs->count; i++) {
        const struct hash_run *run = &runs->list[i];
        if (run->kind != kind)
            continue;
        bool asked = hash_runs_answers(runs, run, hash, &answers);
        const struct hash_block *block =
            asked ? hash_cache_block(&runs->cache, hash_block_id(run, hash)) : NULL;
        if (asked && !block)
            return false;
        narrow(&span, answers.first, answers.last);
        if (block)
            narrow(&span, block->from, block->last);
    }
    *ret = span;
    return true;
}

struct hashes {
    uint32_t *list;
    size_t count, cap;
};

static bool add_block(const struct hash_block *block, const struct hash_span *span, struct hashes *to)
{
    struct hash_block_reader reader;
    struct hash_entry entry;
    int rc;
    hash_block_seek(block, span->first, &reader);
    while ((rc = hash_block_next(&reader, &entry)) == 1 && entry.hash <= span->last) {
        mem_grow(&to->list, &to->cap, to->count + 1, sizeof *to->list);
        to->list[to->count] = entry.hash;
        to->count += entry.hash >= span->first;
    }
    return rc >= 0;
}

/* All hashes of the span; false: a block is damaged. */
static bool collect(struct hash_runs *runs, enum schema_hash kind, const struct hash_span *span,
                    struct hashes *to)
{
    struct hash_span answers;
    bool whole = true;
    for (size_t i = 0; whole && i < runs->count; i++) {
        const struct hash_run *run = &runs->list[i];
        if (run->kind == kind && hash_runs_answers(runs, run, span->first, &answers))
            whole = add_block(hash_cache_block(&runs->cache, hash_block_id(run, span->first)), span, to);
    }
    return whole;
}

static struct sieve *new_sieve(const struct hash_span *span, const struct hashes *hashes)
{
    uint64_t bits = (hashes->count + 1) * BITS_EACH, range = (uint64_t)span->last - span->first + 1;
    bits = bits < BITS_MAX ? bits : BITS_MAX;
    bits = bits < range ? bits : range;
    struct sieve *sieve = mem_zero(sizeof *sieve + (bits + WORD_BITS - 1) / WORD_BITS * sizeof *sieve->bits);
    *sieve = (struct sieve){.base.last = span->last, .first = span->first, .scale = (bits << 32) / range};
    for (size_t i = 0; i < hashes->count; i++) {
        uint64_t bit = bit_of(sieve, hashes->list[i]);
        sieve->bits[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    }
    return sieve;
}

void hash_sieve_make(struct hash_runs *runs, enum schema_hash kind, uint32_t hash)
{
    struct hash_span span;
    struct hashes hashes = {0};
    if (hash_cache_find(&runs->sieves, sieve_id(kind, hash)) || !find_span(runs, kind, hash, &span))
        return;
    if (collect(runs, kind, &span, &hashes))
        hash_cache_put(&runs->sieves, sieve_id(kind, span.first), &new_sieve(&span, &hashes)->base);
    free(hashes.list);
}
