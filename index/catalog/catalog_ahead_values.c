// SPDX-License-Identifier: Apache-2.0
/*
 * What a walk over all values of an attribute reads, asked for as large ranges: its blocks lie side by side
 * as a rule. Dictionaries and runs first, which are hot where they are small; of the blocks a window, shared
 * by the shards, which are walked at once, and the next one when half of it is done.
 */
#include <errno.h>

#include "index/catalog/reader.h"
#include "index/catalog/shard/shard_reads.h"
#include "index/catalog/shard/shard_walk.h"

enum {
    BLOCKS_AT = 2048,  /* of all shards of an attribute */
    BLOCKS_LEAST = 64, /* of one of them */
    PAGES_AT = 8192,   /* of several attributes: the others are asked for when it is their turn */
};

static size_t window_of(size_t shards)
{
    size_t blocks = shards ? BLOCKS_AT / shards : 0;
    return blocks > BLOCKS_LEAST ? blocks : BLOCKS_LEAST;
}

/* ---- windows ---- */

struct naming {
    struct catalog_reader *reader;
    bool rows;
    size_t pages; /* named so far */
};

static void name_read(void *ctx, enum shard_table table, const int64_t ids[2])
{
    static const enum ahead_table tables[] = {
        [SHARD_BLOCKS] = AHEAD_BLOCK, [SHARD_MEMBERS] = AHEAD_MEMBERS, [SHARD_POSTINGS] = AHEAD_POSTING};
    struct naming *naming = ctx;
    struct catalog_reader *reader = naming->reader;
    if (!naming->rows && table != SHARD_BLOCKS)
        return;
    if (reader->ahead.count > AHEAD_ALL / 2)
        ahead_ask(&reader->ahead, reader->db);
    naming->pages += ahead_rows(&reader->ahead, reader->db, tables[table], ids, AHEAD_ALL);
}

static void name_window(struct naming *naming, const struct shard *shard, size_t from, size_t blocks)
{
    size_t count = shard->dict.block_count, to = from + blocks < count ? from + blocks : count;
    if (from && from >= count)
        return;
    shard_walk_reads(shard, from, to, name_read, naming);
}

/* The walk is in the middle of what was asked for. */
static void ask_next(void *ctx, struct shard_walk *walk)
{
    struct catalog_reader *reader = ctx;
    struct naming naming = {reader, walk->rows, 0};
    name_window(&naming, walk->shard, walk->ask_at + walk->ask_step / 2, walk->ask_step);
    ahead_ask(&reader->ahead, reader->db);
    walk->ask_at += walk->ask_step;
}

int reader_walk(struct catalog_reader *reader, const struct attribute *attribute, bool rows,
                struct shards_walk *ret, struct error *err)
{
    const struct shards *shards;
    int rc = reader_shards(reader, attribute, &shards, err);
    if (!rc)
        rc = shards_walk_init(ret, shards, NULL, rows, err);
    for (size_t i = 0; !rc && db_pages(reader->db) && i < ret->count; i++) {
        struct shard_walk *walk = &ret->walks[i];
        walk->ask = ask_next;
        walk->ctx = reader;
        walk->ask_step = window_of(ret->count);
        walk->ask_at = walk->ask_step / 2;
    }
    return rc;
}

/* ---- the first ones ---- */

static uint64_t question_of(uint32_t attribute, bool rows)
{
    return UINT64_C(1) << 63 | (uint64_t)attribute << 1 | rows;
}

static const struct attribute *attribute_of(struct catalog_reader *reader, uint32_t id)
{
    const struct attribute *attribute = NULL;
    return reader_attribute(reader, id, &attribute, NULL) ? NULL : attribute;
}

/* What says where the rest is. */
static void ask_heads(struct catalog_reader *reader, const struct catalog_some *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const struct attribute *attribute = attribute_of(reader, attributes->ids[i]);
        if (!attribute)
            continue;
        reader_name_runs(reader, attribute, NULL);
        reader_name_dicts(reader, attribute);
    }
    ahead_ask(&reader->ahead, reader->db);
}

void catalog_values_ahead(struct catalog_reader *reader, const struct catalog_some *attributes, bool rows)
{
    struct naming naming = {reader, rows, 0};
    const struct attribute *attribute;
    const struct shards *shards;
    if (!db_pages(reader->db))
        return;
    ask_heads(reader, attributes);
    for (size_t i = 0; i < attributes->count && naming.pages < PAGES_AT; i++) {
        attribute = attribute_of(reader, attributes->ids[i]);
        if (!attribute || reader_shards(reader, attribute, &shards, NULL))
            continue;
        for (size_t k = 0; k < shards->count; k++)
            name_window(&naming, &shards->list[k], 0, window_of(shards->count));
        ahead_note(&reader->ahead, question_of(attribute->info.id, rows));
    }
    ahead_ask(&reader->ahead, reader->db);
}

void catalog_values_ahead_once(struct catalog_reader *reader, const struct catalog_some *attributes,
                               bool rows)
{
    CLEANUP_FREE uint32_t *left = mem_alloc((attributes->count + 1) * sizeof *left);
    struct catalog_some some = {left, 0};
    for (size_t i = 0; i < attributes->count; i++)
        if (!ahead_noted(&reader->ahead, question_of(attributes->ids[i], rows)))
            left[some.count++] = attributes->ids[i];
    if (some.count)
        catalog_values_ahead(reader, &some, rows);
}

int reader_walk_missed(struct catalog_reader *reader, uint32_t attribute, bool rows, int rc)
{
    if (rc == -EAGAIN)
        catalog_values_ahead(reader, &(struct catalog_some){&attribute, 1}, rows);
    return rc;
}

/* Of several shards the values are compared, where they are not too many. */
static void ask_counts(struct catalog_reader *reader, const struct catalog_some *attributes)
{
    struct naming naming = {reader, false, 0};
    const struct attribute *attribute;
    const struct shards *shards;
    for (size_t i = 0; i < attributes->count && naming.pages < PAGES_AT; i++) {
        uint64_t values = 0;
        attribute = attribute_of(reader, attributes->ids[i]);
        if (!attribute || reader_shards(reader, attribute, &shards, NULL))
            continue;
        for (size_t k = 0; k < shards->count; k++)
            values += shards->list[k].dict.values;
        for (size_t k = 0; shards->count > 1 && values <= READER_COMPARED_MAX && k < shards->count; k++)
            name_window(&naming, &shards->list[k], 0, SIZE_MAX / 2);
    }
    ahead_ask(&reader->ahead, reader->db);
}

/* One question, however many attributes: of thousands each would be forgotten for the next. */
void catalog_has_ahead(struct catalog_reader *reader, const struct catalog_some *attributes, bool again)
{
    uint64_t question = UINT64_C(3) << 62 | attributes->count;
    if (!db_pages(reader->db) || (!again && ahead_noted(&reader->ahead, question)))
        return;
    CLEANUP_FREE struct catalog_literal *has = mem_zero((attributes->count + 1) * sizeof *has);
    for (size_t i = 0; i < attributes->count; i++)
        has[i] = (struct catalog_literal){.attribute = attributes->ids[i], .op = CATALOG_HAS};
    catalog_select_ahead(reader, has, attributes->count);
    ask_counts(reader, attributes);
    if (!db_nowait(reader->db)) /* else a dictionary may have been missing */
        ahead_note(&reader->ahead, question);
}
