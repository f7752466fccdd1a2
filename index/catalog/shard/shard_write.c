// SPDX-License-Identifier: Apache-2.0
/* One row of a table at a time; of a block two. */
#include "index/catalog/shard/shard_write.h"

#include <errno.h>
#include <stdlib.h>

#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_id.h"

int shard_put(struct db *db, enum schema_query query, int64_t id, const struct buf *bytes, uint64_t *written,
              struct error *err)
{
    *written += bytes->len;
    return db_put_bytes(db, query, id, bytes, err);
}

int shard_block_put(const struct shard *shard, uint32_t number, const struct block_entry *entries,
                    size_t count, uint64_t *written, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, rows = BUF_INIT;
    int64_t id = shard_block_id(shard, number);
    block_encode(entries, count, &bytes, &rows);
    int rc = shard_put(shard->db, QUERY_BLOCK_PUT, id, &bytes, written, err);
    return rc ? rc : shard_put(shard->db, QUERY_MEMBERS_PUT, id, &rows, written, err);
}

int shard_block_drop(const struct shard *shard, uint32_t number, struct error *err)
{
    int64_t id = shard_block_id(shard, number);
    int rc = db_drop_rows(shard->db, QUERY_BLOCK_DROP, id, id, err);
    return rc ? rc : db_drop_rows(shard->db, QUERY_MEMBERS_DROP, id, id, err);
}

int shard_posting_put(const struct shard *shard, uint32_t number, const void *bytes, size_t len,
                      uint64_t *written, struct error *err)
{
    *written += len;
    return pieces_put(shard->db, &pieces_posting, shard_block_id(shard, number), bytes, len, err);
}

int shard_posting_drop(const struct shard *shard, uint32_t number, struct error *err)
{
    int64_t id = shard_block_id(shard, number);
    return pieces_drop(shard->db, &pieces_posting, id, id, err);
}

int shard_dict_put(const struct shard *shard, uint64_t *written, struct error *err)
{
    int64_t id = shard_dict_id(shard->number, shard->attribute);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!shard->dict.clips && !shard->dict.values)
        return db_drop_rows(shard->db, QUERY_DICT_DROP, id, id, err);
    if (dict_text_bytes(&shard->dict) > DICT_TEXTS_MAX)
        return error_set(err, EFBIG, "the texts of an attribute are too long");
    dict_encode(&shard->dict, &bytes);
    return shard_put(shard->db, QUERY_DICT_PUT, id, &bytes, written, err);
}

int shard_drop(struct db *db, uint32_t attribute, uint32_t number, struct error *err)
{
    struct shard shard = {.attribute = attribute, .number = number};
    int64_t first = shard_block_id(&shard, 0), last = shard_block_id(&shard, DICT_HAS);
    int rc = db_drop_rows(db, QUERY_BLOCK_DROP, first, last, err);
    if (!rc)
        rc = db_drop_rows(db, QUERY_MEMBERS_DROP, first, last, err);
    if (!rc)
        rc = pieces_drop(db, &pieces_posting, first, last, err);
    int64_t id = shard_dict_id(number, attribute);
    return rc ? rc : db_drop_rows(db, QUERY_DICT_DROP, id, id, err);
}

/* ---- which there are ---- */

static int put_numbers(struct db *db, uint32_t attribute, const uint32_t *list, size_t count,
                       struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint64_t written = 0;
    for (size_t i = 0; i < count; i++)
        buf_varint(&bytes, list[i]);
    return count ? shard_put(db, QUERY_SHARDS_PUT, attribute, &bytes, &written, err)
                 : db_drop_rows(db, QUERY_SHARDS_DROP, attribute, attribute, err);
}

static bool is_among(uint32_t number, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

int shard_numbers_replace(struct db *db, uint32_t attribute, const uint32_t *old, size_t count,
                          const uint32_t *with, struct error *err)
{
    CLEANUP_FREE uint32_t *was = NULL, *now = NULL;
    size_t was_count = 0, now_count = 0;
    int rc = shard_numbers_read(db, attribute, &was, &was_count, err);
    if (rc)
        return rc;
    now = mem_alloc((was_count + 1) * sizeof *now);
    bool pending = with != NULL, same = true;
    for (size_t i = 0; i < was_count; i++) {
        if (pending && shard_first(was[i]) >= shard_first(*with)) {
            now[now_count++] = *with;
            pending = false;
        }
        if (!is_among(was[i], old, count) && !(with && was[i] == *with))
            now[now_count++] = was[i];
    }
    if (pending)
        now[now_count++] = *with;
    same = now_count == was_count;
    for (size_t i = 0; same && i < now_count; i++)
        same = now[i] == was[i];
    return same ? 0 : put_numbers(db, attribute, now, now_count, err);
}
