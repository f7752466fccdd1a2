// SPDX-License-Identifier: Apache-2.0
/*
 * What the answers need is told by what is here already: which runs stand above an attribute by its state,
 * where the rows of a value are by the dictionaries of its shards. These are hot as long as they are small;
 * of others all are asked for before the first is waited for.
 */
#include "index/catalog/ahead.h"

#include "index/catalog/pieces.h"
#include "index/catalog/select.h"
#include "index/catalog/shard/shard_id.h"
#include "index/catalog/shard/shard_reads.h"

/* ---- clips ---- */

void catalog_clips_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    static const struct {
        enum ahead_table table;
        unsigned bits; /* of a row's number that clips of one group share */
    } groups[] = {
        {AHEAD_NAMES, NAMES_ROW_BITS}, {AHEAD_SIZES, NAMES_ROW_BITS}, {AHEAD_GROWN, GROWN_ROW_BITS}};
    for (size_t k = 0; k < sizeof groups / sizeof *groups; k++)
        for (size_t i = 0; i < count; i++) {
            int64_t group = rows[i] >> groups[k].bits;
            if (!i || rows[i - 1] >> groups[k].bits != group)
                ahead_rows(&reader->ahead, reader->db, groups[k].table, (int64_t[]){group, group}, AHEAD_ALL);
        }
    ahead_ask(&reader->ahead, reader->db);
}

/* ---- what stands above ---- */

static void name_run(struct catalog_reader *reader, const struct attribute *attribute, enum cells_run kind,
                     uint32_t version)
{
    int64_t id = cells_run_id(attribute, kind, version);
    ahead_rows(&reader->ahead, reader->db, AHEAD_RUN,
               (int64_t[]){pieces_first(&pieces_run, id), pieces_last(&pieces_run, id)}, AHEAD_ALL);
}

/* The tail runs of all attributes of a version lie side by side, and who asks for one asks for others next:
 * where they are few they are taken together. */
static bool name_tails(struct catalog_reader *reader, uint32_t version)
{
    enum { LEAVES_MAX = 6 };
    const struct attribute first = {.info.id = 0}, last = {.info.id = SCHEMA_ATTRIBUTES_MAX - 1};
    const int64_t ids[] = {pieces_first(&pieces_run, cells_run_id(&first, CELLS_TAIL, version)),
                           pieces_last(&pieces_run, cells_run_id(&last, CELLS_TAIL, version))};
    return ahead_rows(&reader->ahead, reader->db, AHEAD_RUN, ids, LEAVES_MAX);
}

static void name_runs(struct catalog_reader *reader, const struct attribute *attribute)
{
    const struct state *state = &attribute->state;
    if (cells_known(&reader->cells, attribute))
        return;
    for (size_t i = 0; i < state->patches.count; i++)
        name_run(reader, attribute, CELLS_PATCH, state->patches.list[i].version);
    for (size_t i = 0; i < state->tails.count; i++)
        if (!name_tails(reader, state->tails.list[i].version))
            name_run(reader, attribute, CELLS_TAIL, state->tails.list[i].version);
}

/* ---- dictionaries ---- */

static void name_dicts(struct catalog_reader *reader, const struct attribute *attribute)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count;
    if (reader_has_shards(reader, attribute) ||
        shard_numbers_read(reader->db, attribute->info.id, &numbers, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++) {
        int64_t id = shard_dict_id(numbers[i], attribute->info.id);
        ahead_rows(&reader->ahead, reader->db, AHEAD_DICT, (int64_t[]){id, id}, AHEAD_ALL);
    }
}

/* ---- shards ---- */

static void name_read(void *ctx, enum shard_table table, const int64_t ids[2])
{
    static const enum ahead_table tables[] = {
        [SHARD_BLOCKS] = AHEAD_BLOCK, [SHARD_MEMBERS] = AHEAD_MEMBERS, [SHARD_POSTINGS] = AHEAD_POSTING};
    struct catalog_reader *reader = ctx;
    ahead_rows(&reader->ahead, reader->db, tables[table], ids, AHEAD_ALL);
}

static int name_codes(void *ctx, const struct column_part *part, const int64_t numbers[2], struct error *err)
{
    struct catalog_reader *reader = ctx;
    ahead_rows(&reader->ahead, reader->db, AHEAD_CODES,
               (int64_t[]){pieces_first(&pieces_codes, part->id), pieces_last(&pieces_codes, part->id)},
               AHEAD_ALL);
    return 0;
}

static void name_range(struct catalog_reader *reader, const struct attribute *attribute,
                       const struct shards *shards, const struct catalog_literal *literal)
{
    static const struct shard_range all = {.open_low = true, .open_high = true};
    struct select_range range;
    int found = select_range(attribute, literal, &range);
    for (size_t i = 0; found && i < shards->count; i++) {
        const struct shard *shard = &shards->list[i];
        if (found == 1 && select_is_wide(attribute, shard, &range.range))
            select_parts(reader, shard, &range.range, name_codes, reader, NULL);
        else
            shard_between_reads(shard, found == 1 ? &range.range : &all, name_read, reader);
    }
    buf_done(&range.bound);
}

static void name_values(struct catalog_reader *reader, const struct shards *shards,
                        const struct catalog_literal *literal)
{
    for (size_t i = 0; i < literal->count; i++) {
        struct shard_key key = shard_key_of(&literal->values[i]);
        for (size_t k = 0; k < shards->count; k++)
            shard_equal_reads(&shards->list[k], &key, name_read, reader);
    }
}

static void name_literal(struct catalog_reader *reader, const struct attribute *attribute,
                         const struct shards *shards, const struct catalog_literal *literal)
{
    if (literal->op == CATALOG_EQ || literal->op == CATALOG_NE)
        name_values(reader, shards, literal);
    else if (literal->op == CATALOG_RANGE || literal->op == CATALOG_PREFIX)
        name_range(reader, attribute, shards, literal);
    if (literal->op != CATALOG_EQ && literal->op != CATALOG_RANGE && literal->op != CATALOG_PREFIX)
        for (size_t i = 0; i < shards->count; i++)
            shard_has_reads(&shards->list[i], name_read, reader);
}

/* The blocks of an attribute in a shard, unless they are many. */
static int name_few_blocks(struct catalog_reader *reader, const struct attribute *attribute)
{
    enum { LEAVES_MAX = 4 };
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count;
    int rc = shard_numbers_read(reader->db, attribute->info.id, &numbers, &count, NULL);
    for (size_t i = 0; !rc && i < count; i++) {
        struct shard shard = {.attribute = attribute->info.id, .number = numbers[i]};
        const int64_t ids[] = {shard_block_id(&shard, 0), shard_block_id(&shard, DICT_HAS)};
        ahead_rows(&reader->ahead, reader->db, AHEAD_BLOCK, ids, LEAVES_MAX);
    }
    return rc;
}

/* A path is looked up component by component, and each may wait for the block that tells whether there is
 * such a value. Of attributes with few values blocks are few: all of these are asked for once a catalog, with
 * the first. */
static void name_small_attributes(struct catalog_reader *reader)
{
    enum { ATTRIBUTES_MAX = 256, LEAVES_MAX = 64 };
    const struct attributes *attributes = &reader->attributes;
    struct catalog *catalog = reader->catalog;
    if (atomic_load(&catalog->small_asked))
        return;
    size_t end = reader->ahead.count + LEAVES_MAX;
    for (size_t i = 0; i < attributes->count && i < ATTRIBUTES_MAX && reader->ahead.count < end; i++)
        if (name_few_blocks(reader, &attributes->list[i]))
            return;
    atomic_store(&catalog->small_asked, true);
}

/* ---- all of a question ---- */

static const struct attribute *attribute_of(struct catalog_reader *reader,
                                            const struct catalog_literal *literal)
{
    const struct attribute *attribute = NULL;
    if (reader_attribute(reader, literal->attribute, &attribute, NULL) ||
        select_check(attribute, literal, NULL))
        return NULL;
    return attribute;
}

void catalog_select_ahead(struct catalog_reader *reader, const struct catalog_literal *literals, size_t count)
{
    const struct attribute *attribute;
    const struct shards *shards;
    if (!db_pages(reader->db))
        return;
    for (size_t i = 0; i < count; i++)
        if ((attribute = attribute_of(reader, &literals[i]))) {
            name_runs(reader, attribute);
            name_dicts(reader, attribute);
        }
    if (reader->has_attributes)
        name_small_attributes(reader);
    ahead_ask(&reader->ahead, reader->db);
    for (size_t i = 0; i < count; i++)
        if ((attribute = attribute_of(reader, &literals[i])) &&
            !reader_shards(reader, attribute, &shards, NULL)) {
            const struct shards within = select_shards(shards, &literals[i]);
            name_literal(reader, attribute, &within, &literals[i]);
        }
    ahead_ask(&reader->ahead, reader->db);
}
