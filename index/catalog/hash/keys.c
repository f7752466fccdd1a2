// SPDX-License-Identifier: Apache-2.0
/* A key stands once, with its row: its hash says which rows may have it. */
#include "index/catalog/hash/keys.h"

#include <string.h>

#include "cache/base/hash.h"
#include "index/catalog/groups/clips.h"

uint32_t key_hash(const char *key, size_t len)
{
    static const uint8_t zero_key[16];
    return (uint32_t)(siphash24(zero_key, key, len) >> 32);
}

struct search {
    struct db *db;
    const char *key;
    size_t len;
};

static int is_key(void *ctx, uint32_t row, struct error *err)
{
    const struct search *search = ctx;
    char key[NAME_FILE_MAX + 1];
    int rc = clips_key(search->db, row, key, err);
    if (!rc)
        rc = db_damaged(search->db, err, "the row %u of a clip is missing", row);
    return rc < 0 ? rc : strlen(key) == search->len && !memcmp(key, search->key, search->len);
}

int keys_find(struct db *db, struct hash_runs *runs, const char *key, size_t len, uint32_t *ret_row,
              struct error *err)
{
    struct search search = {db, key, len};
    return hash_runs_find(
        db, runs, &(struct hash_search){SCHEMA_HASH_KEY, key_hash(key, len), is_key, &search}, ret_row, err);
}

struct walk {
    keys_fn *each;
    void *ctx;
};

static int walk_group(struct db *db, sqlite3_stmt *stmt, const struct walk *walk, struct error *err)
{
    enum { ID, BYTES };
    struct names names;
    int64_t group;
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_number(db, stmt, ID, 0, &group, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    if (group > UINT32_MAX >> NAMES_ROW_BITS || names_decode(bytes, len, &names))
        return db_damaged(db, err, "names: the group %lld is not sound", (long long)group);
    for (uint32_t i = 0; !rc && i < names.rows; i++)
        rc = names_key(&names, i)
                 ? db_damaged(db, err, "names: the group %lld is not sound", (long long)group)
                 : walk->each(walk->ctx, names.key, (uint32_t)group << NAMES_ROW_BITS | i, err);
    return rc;
}

int keys_each(struct db *db, keys_fn *each, void *ctx, struct error *err)
{
    const struct walk walk = {each, ctx};
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_KEYS, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(db, stmt, err)) == 1 && !(rc = walk_group(db, stmt, &walk, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}
