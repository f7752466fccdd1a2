// SPDX-License-Identifier: Apache-2.0
/*
 * What the answers need is told by what is here already: which runs stand above an attribute by its state,
 * where the rows of a value are by the dictionaries of its shards. These are hot as long as they are small;
 * of others all are asked for before the first is waited for.
 */
#include "index/catalog/ahead.h"

#include <errno.h>
#include <string.h>

#include "cache/base/hash.h"
#include "index/catalog/hash/keys.h"
#include "index/catalog/pieces.h"
#include "index/catalog/select.h"
#include "index/catalog/shard/shard_id.h"
#include "index/catalog/shard/shard_reads.h"

void reader_name_row(struct catalog_reader *reader, enum ahead_table table, int64_t id)
{
    ahead_rows(&reader->ahead, reader->db, table, (int64_t[]){id, id}, AHEAD_ALL);
}

void reader_name_attributes(struct catalog_reader *reader)
{
    const int64_t ids[] = {0, SCHEMA_ATTRIBUTES_MAX};
    if (reader->has_attributes)
        return;
    ahead_rows(&reader->ahead, reader->db, AHEAD_ATTRIBUTE, ids, AHEAD_ALL);
    ahead_rows(&reader->ahead, reader->db, AHEAD_STATE, ids, AHEAD_ALL);
}

/* ---- hashes ---- */

/* A block has no more entries than this, or only a hash; it has the id of the first hash it answers for,
 * which is as far below as blocks of this run are wide, or is on the page before. */
static void name_hash(struct catalog_reader *reader, const struct hash_run *run, uint32_t hash)
{
    enum { ENTRIES = HASH_BLOCK_BYTES / 4 };
    struct hash_span span;
    uint64_t width = (UINT64_C(1) << 32) / (run->count / ENTRIES + 1);
    if (!hash_runs_answers(&reader->runs, run, hash, &span))
        return;
    uint32_t from = hash > width ? hash - (uint32_t)width : 0;
    const int64_t ids[] = {hash_block_id(run, from), hash_block_id(run, hash)};
    ahead_rows(&reader->ahead, reader->db, AHEAD_HASH, ids, AHEAD_ALL);
}

/* ---- what stands above ---- */

static void name_run(struct catalog_reader *reader, const struct attribute *attribute, enum runs_kind kind,
                     const struct state_run *run)
{
    int64_t ids[2];
    runs_ids(&(struct runs_id){attribute, kind, run}, ids);
    ahead_rows(&reader->ahead, reader->db, AHEAD_RUN, ids, AHEAD_ALL);
}

/* The tail runs of all attributes of a version lie side by side, and who asks for one asks for others next:
 * where they are few they are taken together. */
static bool name_tails(struct catalog_reader *reader, const struct state_run *run)
{
    enum { LEAVES_MAX = 6 };
    const struct attribute first = {.info.id = 0}, last = {.info.id = SCHEMA_ATTRIBUTES_MAX - 1};
    int64_t ids[2], last_ids[2];
    runs_ids(&(struct runs_id){&first, RUNS_TAIL, run}, ids);
    runs_ids(&(struct runs_id){&last, RUNS_TAIL, run}, last_ids);
    ids[1] = last_ids[1];
    return ahead_rows(&reader->ahead, reader->db, AHEAD_RUN, ids, LEAVES_MAX);
}

void reader_name_patches(struct catalog_reader *reader, const struct attribute *attribute)
{
    for (size_t i = 0; i < attribute->state.patches.count; i++)
        name_run(reader, attribute, RUNS_PATCH, &attribute->state.patches.list[i]);
}

void reader_name_runs(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct catalog_window *window)
{
    const struct state *state = &attribute->state;
    if (cells_known(&reader->cells, attribute) || (!state->patches.count && !select_has_tail(reader, window)))
        return;
    reader_name_patches(reader, attribute);
    for (size_t i = 0; i < state->tails.count; i++)
        if (!name_tails(reader, &state->tails.list[i]))
            name_run(reader, attribute, RUNS_TAIL, &state->tails.list[i]);
}

/* ---- a key ---- */

struct candidates {
    struct catalog_reader *reader;
    bool json;
    unsigned left;
};

static int name_candidate(void *ctx, uint32_t row, struct error *err)
{
    struct candidates *candidates = ctx;
    reader_with_what_is_here(candidates->reader, row, candidates->json ? reader_name_json : reader_name_clip,
                             NULL);
    return !--candidates->left;
}

static int try_candidates(struct catalog_reader *reader, const struct reader_key *key, struct error *err)
{
    enum { CANDIDATES_MAX = 4 };
    struct candidates candidates = {reader, key->json, CANDIDATES_MAX};
    return hash_runs_each(reader->db, &reader->runs, SCHEMA_HASH_KEY, key_hash(key->key, key->len),
                          name_candidate, &candidates, err);
}

/* What all runs say of the key, or each would be a round. */
static void name_hashes(struct catalog_reader *reader, const struct reader_key *key)
{
    for (size_t i = 0; i < reader->runs.count; i++)
        if (reader->runs.list[i].kind == SCHEMA_HASH_KEY)
            name_hash(reader, &reader->runs.list[i], key_hash(key->key, key->len));
}

/* Where the clip should be if names are numbered. The first one's is hot. */
static bool name_guess(struct catalog_reader *reader, const struct reader_key *key, uint32_t *ret_row)
{
    struct key_guess *guess = &reader->guess;
    struct catalog_info info;
    char first[NAME_FILE_MAX + 1];
    if (!guess->key[0] && clips_key(reader->db, 0, first, NULL) == 1)
        key_guess_learn(guess, first, strlen(first), 0);
    guess->wrong = atomic_load(&reader->catalog->guess_wrong);
    if (catalog_info(reader, &info, NULL) || !key_guess_row(guess, key->key, key->len, info.rows, ret_row))
        return false;
    (key->json ? reader_name_json : reader_name_clip)(reader, *ret_row, NULL);
    return true;
}

/* With the hashes of the key what is read of the clip that it should be; when they are here, of each row that
 * may be its all that is read once its name is found to be the key. */
static void name_key(struct catalog_reader *reader, const struct reader_key *key)
{
    uint32_t row;
    const struct catalog_patience own = reader_only_here(reader);
    int rc = try_candidates(reader, key, NULL);
    bool guessed = rc < 0 && name_guess(reader, key, &row);
    db_set_patience(reader->db, &own);
    if (rc < 0) {
        name_hashes(reader, key);
        if (key->json)
            reader_name_attributes(reader);
        reader->guessed = guessed ? row + UINT64_C(1) : 0;
        reader->guessed_of = key_hash(key->key, key->len);
        ahead_ask(&reader->ahead, reader->db);
        try_candidates(reader, key, NULL);
    }
    ahead_ask(&reader->ahead, reader->db);
}

static int find_key(struct catalog_reader *reader, const struct reader_key *key, uint32_t *ret_row,
                    struct error *err)
{
    int rc = keys_find(reader->db, &reader->runs, key->key, key->len, ret_row, err);
    if (rc >= 0 && reader->guessed && reader->guessed_of == key_hash(key->key, key->len)) {
        key_guess_judge(&reader->guess, rc == 1 && *ret_row + UINT64_C(1) == reader->guessed);
        atomic_store(&reader->catalog->guess_wrong, reader->guess.wrong);
    }
    if (rc >= 0)
        reader->guessed = 0;
    if (rc == 1)
        key_guess_learn(&reader->guess, key->key, key->len, *ret_row);
    return rc;
}

int reader_key_at_once(struct catalog_reader *reader, const struct reader_key *key, uint32_t *ret_row,
                       struct error *err)
{
    if (!db_pages(reader->db))
        return keys_find(reader->db, &reader->runs, key->key, key->len, ret_row, err);
    const struct catalog_patience own = reader_only_here(reader);
    int rc = find_key(reader, key, ret_row, err);
    db_set_patience(reader->db, &own);
    if (rc != -EAGAIN)
        return rc;
    name_key(reader, key);
    return find_key(reader, key, ret_row, err);
}

/* ---- dictionaries ---- */

void reader_name_dicts(struct catalog_reader *reader, const struct attribute *attribute)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count;
    if (reader_has_shards(reader, attribute) ||
        shard_numbers_read(reader->db, attribute->info.id, &numbers, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        reader_name_row(reader, AHEAD_DICT, shard_dict_id(numbers[i], attribute->info.id));
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
    else if (literal->op == CATALOG_RANGE || catalog_op_is_printed(literal->op))
        name_range(reader, attribute, shards, literal);
    if (literal->op != CATALOG_EQ && literal->op != CATALOG_RANGE && !catalog_op_is_printed(literal->op))
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
    enum { LEAVES_MAX = 64 };
    const struct attributes *attributes;
    struct catalog *catalog = reader->catalog;
    bool known = reader->has_attributes || reader->has_first;
    if (!known || atomic_load(&catalog->small_asked) || reader_attributes_first(reader, &attributes, NULL))
        return;
    size_t end = reader->ahead.count + LEAVES_MAX;
    for (size_t i = 0; i < attributes->count && i < ATTRIBUTES_FIRST && reader->ahead.count < end; i++)
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

/* The rows, the values and what is asked of them, in a number. */
static uint64_t question_of(const struct catalog_literal *literal)
{
    static const uint8_t zero_key[16];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    const struct catalog_window *window = literal->window;
    buf_varint(&bytes, window ? window->first + 1 : 0);
    buf_varint(&bytes, window ? window->end : 0);
    buf_varint(&bytes, literal->attribute);
    buf_varint(&bytes, literal->op);
    buf_u8(&bytes, literal->inclusive_low | literal->inclusive_high << 1);
    for (size_t i = 0; i < literal->count; i++) {
        bool open = literal->op == CATALOG_RANGE && (i ? literal->open_high : literal->open_low);
        buf_u8(&bytes, open ? 0 : (uint8_t)literal->values[i].type);
        if (!open)
            value_encode(&bytes, &literal->values[i]);
    }
    return siphash24(zero_key, bytes.data, bytes.len);
}

static bool is_noted(const struct catalog_reader *reader, struct catalog_literal literal)
{
    bool noted = ahead_noted(&reader->ahead, question_of(&literal));
    if (noted || !literal.window)
        return noted;
    literal.window = NULL;
    return ahead_noted(&reader->ahead, question_of(&literal));
}

void catalog_select_ahead(struct catalog_reader *reader, const struct catalog_literal *literals, size_t count)
{
    const struct attribute *attribute;
    const struct shards *shards;
    if (!db_pages(reader->db))
        return;
    for (size_t i = 0; i < count; i++)
        if ((attribute = attribute_of(reader, &literals[i]))) {
            reader_name_runs(reader, attribute, literals[i].window);
            reader_name_dicts(reader, attribute);
        }
    name_small_attributes(reader);
    ahead_ask(&reader->ahead, reader->db);
    for (size_t i = 0; i < count; i++)
        if ((attribute = attribute_of(reader, &literals[i])) &&
            !reader_shards(reader, attribute, &shards, NULL)) {
            const struct shards within = select_shards(shards, &literals[i]);
            name_literal(reader, attribute, &within, &literals[i]);
            ahead_note(&reader->ahead, question_of(&literals[i]));
        }
    ahead_ask(&reader->ahead, reader->db);
}

void catalog_select_ahead_once(struct catalog_reader *reader, const struct catalog_literal *literals,
                               size_t count)
{
    CLEANUP_FREE struct catalog_literal *left = mem_alloc((count + 1) * sizeof *left);
    size_t kept = 0;
    if (!db_pages(reader->db))
        return;
    for (size_t i = 0; i < count; i++)
        if (!is_noted(reader, literals[i]))
            left[kept++] = literals[i];
    if (kept)
        catalog_select_ahead(reader, left, kept);
}
