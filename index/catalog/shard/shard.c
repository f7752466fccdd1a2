// SPDX-License-Identifier: Apache-2.0
/* Numbers of tables' rows, and what stands in them. */
#include "index/catalog/shard/shard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/patience.h"
#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_find.h"
#include "index/catalog/shard/shard_id.h"

bool shard_number_valid(uint64_t number)
{
    return number < SHARD_NUMBERS && shard_level((uint32_t)number) <= SHARD_LEVEL_MAX &&
           shard_first((uint32_t)number) % shard_span((uint32_t)number) == 0;
}

uint32_t shard_number(uint32_t row, unsigned level)
{
    uint32_t first = row & ~(shard_span(level) - 1);
    return first >> SHARD_ROW_BITS << (SHARD_LEVEL_BITS + SHARD_TURN_BITS) | level;
}

int shard_damaged(const struct shard *shard, const char *table, uint32_t number, const char *why,
                  struct error *err)
{
    return db_damaged(shard->db, err, "%s %u of attribute %u in shard %u: %s", table, number,
                      shard->attribute, shard->number, why);
}

/* ---- which there are ---- */

static int decode_numbers(struct db *db, uint32_t attribute, struct cursor c, uint32_t **ret,
                          size_t *ret_count, struct error *err)
{
    enum { BYTES_MAX = 3 << (32 - SHARD_ROW_BITS) }; /* a shard covers 2^16 rows at least */
    if (cursor_left(&c) > BYTES_MAX)
        return db_damaged(db, err, "attribute %u has too many shards", attribute);
    CLEANUP_FREE uint32_t *list = mem_alloc(cursor_left(&c) * sizeof *list);
    size_t count = 0;
    while (cursor_left(&c)) {
        uint64_t number = cursor_varint(&c);
        if (c.failed || !shard_number_valid(number) ||
            (count && shard_first((uint32_t)number) <= shard_first(list[count - 1])))
            return db_damaged(db, err, "the shards of attribute %u are not in order", attribute);
        list[count++] = (uint32_t)number;
    }
    *ret = STEAL(list);
    *ret_count = count;
    return 0;
}

int shard_numbers_read(struct db *db, uint32_t attribute, uint32_t **ret, size_t *ret_count,
                       struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = db_query(db, QUERY_SHARDS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute);
    rc = db_step(db, stmt, err);
    if (rc == 1)
        rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (!rc)
        rc = decode_numbers(db, attribute, cursor_of(bytes, len), ret, ret_count, err);
    sqlite3_reset(stmt);
    return rc;
}

/* ---- blobs ---- */

/* 1: the bytes are those of the statement's row, until it is reset; 0: there is no such row. */
static int find_bytes(const struct shard *shard, enum schema_query query, int64_t id, sqlite3_stmt **ret_stmt,
                      struct cursor *ret, struct error *err)
{
    const uint8_t *bytes;
    size_t len;
    int rc = patience_check(db_patience(shard->db), err); /* a walk may be long, and its statements short */
    if (rc >= 0)
        rc = db_query(shard->db, query, ret_stmt, err);
    if (rc < 0)
        return rc;
    db_bind_number(*ret_stmt, 1, id);
    rc = db_step(shard->db, *ret_stmt, err);
    if (rc != 1)
        return rc;
    rc = db_column_bytes(shard->db, *ret_stmt, 0, &bytes, &len, err);
    if (rc) {
        sqlite3_reset(*ret_stmt);
        return rc;
    }
    *ret = cursor_of(bytes, len);
    return 1;
}

int shard_open(struct db *db, uint32_t attribute, enum value_type type, uint32_t number, struct shard *ret,
               struct error *err)
{
    struct shard shard = {.db = db, .attribute = attribute, .type = type, .number = number};
    sqlite3_stmt *stmt;
    struct cursor bytes = {0};
    int rc = find_bytes(&shard, QUERY_DICT, shard_dict_id(number, attribute), &stmt, &bytes, err);
    if (rc == 1) {
        const char *why =
            dict_decode(bytes.data, bytes.len, shard_key_is_text(type), shard_span(number), &shard.dict);
        rc = why ? shard_damaged(&shard, "dict", 0, why, err) : 0;
        sqlite3_reset(stmt);
    }
    if (rc)
        return rc;
    shard.found = shard_found_new();
    *ret = shard;
    return 0;
}

void shard_done(struct shard *shard)
{
    dict_done(&shard->dict);
    shard_found_free(shard->found);
    shard->found = NULL;
}

/* Behind what is in `buf`. */
static int append_bytes(const struct shard *shard, enum schema_query query, const char *table,
                        uint32_t number, struct buf *buf, struct error *err)
{
    sqlite3_stmt *stmt;
    struct cursor bytes = {0};
    int rc = find_bytes(shard, query, shard_block_id(shard, number), &stmt, &bytes, err);
    if (rc < 1)
        return rc ? rc : shard_damaged(shard, table, number, "it is missing", err);
    buf_append(buf, bytes.data, bytes.len);
    sqlite3_reset(stmt);
    return 0;
}

static int open_block(const struct shard *shard, uint32_t number, const struct buf *buf, size_t len,
                      struct block *ret, struct error *err)
{
    const char *why =
        block_open(buf->data, len, shard_key_is_text(shard->type), shard_span(shard->number), ret);
    return why ? shard_damaged(shard, "block", number, why, err) : 0;
}

int shard_block_counts(const struct shard *shard, uint32_t number, struct buf *buf, struct block *ret,
                       struct error *err)
{
    buf_clear(buf);
    int rc = append_bytes(shard, QUERY_BLOCK, "block", number, buf, err);
    return rc ? rc : open_block(shard, number, buf, buf->len, ret, err);
}

int shard_block_read(const struct shard *shard, uint32_t number, struct buf *buf, struct block *ret,
                     struct error *err)
{
    buf_clear(buf);
    int rc = append_bytes(shard, QUERY_BLOCK, "block", number, buf, err);
    size_t len = buf->len;
    if (!rc)
        rc = append_bytes(shard, QUERY_MEMBERS, "members", number, buf, err);
    if (!rc)
        rc = open_block(shard, number, buf, len, ret, err);
    if (!rc)
        ret->rows = cursor_of((const uint8_t *)buf->data + len, buf->len - len);
    return rc;
}

static int decode_posting(const struct shard *shard, uint32_t number, const struct buf *bytes, uint64_t clips,
                          struct rowset **ret, struct error *err)
{
    struct error why;
    uint32_t outside;
    CLEANUP_ROWSET struct rowset *rows = NULL;
    if (rowset_decode("it", bytes->data, bytes->len, shard_first(shard->number), &rows, &why))
        return shard_damaged(shard, "posting", number, why.text, err);
    if (rowset_count(rows) != clips || rowset_rows(rows, shard_end(shard->number), &outside, 1))
        return shard_damaged(shard, "posting", number, "it has other rows than it should", err);
    *ret = STEAL(rows);
    return 0;
}

int shard_posting_read(const struct shard *shard, uint32_t number, uint64_t clips, struct rowset **ret,
                       struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = patience_check(db_patience(shard->db), err);
    if (rc)
        return rc;
    rc = pieces_read(shard->db, &pieces_posting, shard_block_id(shard, number), &bytes, err);
    if (rc < 1)
        return rc ? rc : shard_damaged(shard, "posting", number, "it is missing, or not whole", err);
    return decode_posting(shard, number, &bytes, clips, ret, err);
}

/* ---- all of an attribute ---- */

int shards_open(struct db *db, uint32_t attribute, enum value_type type, struct shards *ret,
                struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    enum { TEXTS_MAX = 8 * DICT_TEXTS_MAX };
    size_t texts = 0;
    int rc = shard_numbers_read(db, attribute, &numbers, &count, err);
    shards.list = mem_alloc(count * sizeof *shards.list);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = shard_open(db, attribute, type, numbers[i], &shards.list[i], err);
        shards.count += !rc;
        if (!rc && !shards.list[i].dict.clips)
            return shard_damaged(&shards.list[i], "dict", 0, "it is missing", err);
        texts += rc ? 0 : shards.list[i].dict.texts.len;
        if (texts > TEXTS_MAX)
            return db_damaged(db, err, "dicts of attribute %u: they are too long", attribute);
    }
    if (!rc) {
        *ret = shards;
        shards = (struct shards){0};
    }
    return rc;
}

void shards_done(struct shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        shard_done(&shards->list[i]);
    free(shards->list);
    *shards = (struct shards){0};
}

struct shards shards_within(const struct shards *shards, uint64_t first, uint64_t end)
{
    size_t low = 0, high = shards->count;
    while (low < high && shard_first(shards->list[low].number) < first)
        low++;
    while (high > low && shard_first(shards->list[high - 1].number) >= end)
        high--;
    return (struct shards){.list = shards->list + low, .count = high - low};
}

size_t shards_bytes(const struct shards *shards)
{
    size_t sum = sizeof *shards;
    for (size_t i = 0; i < shards->count; i++)
        sum += sizeof *shards->list + dict_bytes(&shards->list[i].dict) + sizeof *shards->list[i].found +
               (shards->list[i].dict.block_count ? 2 * BLOCK_BYTES : 0);
    return sum;
}
