// SPDX-License-Identifier: Apache-2.0
/*
 * The hashes of the keys of many clips. Of few they are made of the keys, 256 of which lie in a group; of
 * many they are read where they are kept, in the order of the hashes, which takes half the bytes and a tenth
 * of the time. Either way what is read is asked for many pages at once.
 */
#include <errno.h>
#include <string.h>

#include "index/catalog/hash/keys.h"
#include "index/catalog/reader.h"

enum {
    MANY = 8,        /* at least one of so many rows is asked for: kept hashes are read */
    GROUPS_AT = 512, /* groups of keys that are asked for at once */
    ROWS_AT = 1024,
    LEAVES_AT = 512, /* about as many pages of hashes are */
    LEAF_ENTRIES = 1000,
};

struct hashing {
    struct catalog_reader *reader;
    struct hash_span span; /* of hashes that the run under way answers for, or for none of which it does */
    bool answers;
    const struct rowset *rows;
    catalog_hash_fn *each;
    void *ctx;
    uint64_t found;
};

/* ---- of few ---- */

/* The groups of the first rows from `from` on. Behind the last of them the next are asked for. */
static uint64_t ask_for_keys(struct hashing *hashing, uint64_t from)
{
    struct catalog_reader *reader = hashing->reader;
    uint32_t row;
    for (int n = 0; n < GROUPS_AT && rowset_rows(hashing->rows, from, &row, 1); n++) {
        int64_t group = row >> NAMES_ROW_BITS;
        ahead_rows(&reader->ahead, reader->db, AHEAD_NAMES, (int64_t[]){group, group}, AHEAD_ALL);
        from = (uint64_t)(group + 1) << NAMES_ROW_BITS;
    }
    ahead_ask(&reader->ahead, reader->db);
    return from;
}

/* Rows ascend, so a group is read once a batch. */
static int read_group(struct hashing *hashing, uint32_t row, struct buf *bytes, struct names *names,
                      struct error *err)
{
    struct db *db = hashing->reader->db;
    buf_clear(bytes);
    int rc = clips_bytes(db, QUERY_NAMES, row >> NAMES_ROW_BITS, bytes, err);
    if (rc < 0)
        return rc;
    return rc && !names_decode(bytes->data, bytes->len, names)
               ? 0
               : db_damaged(db, err, "the names of row %u and its neighbours are missing or not in order",
                            row);
}

static int hash_key(struct hashing *hashing, struct names *names, uint32_t row, struct error *err)
{
    uint32_t i = row % NAMES_ROWS;
    if (i >= names->rows || names_key(names, i))
        return db_damaged(hashing->reader->db, err, "the name of row %u is missing or not in order", row);
    hashing->found++;
    return hashing->each(hashing->ctx, row, key_hash(names->key, strlen(names->key)), err);
}

static int hash_batch(struct hashing *hashing, const uint32_t *rows, size_t count, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct names names;
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        if (!i || rows[i - 1] >> NAMES_ROW_BITS != rows[i] >> NAMES_ROW_BITS)
            rc = read_group(hashing, rows[i], &bytes, &names, err);
        if (!rc)
            rc = hash_key(hashing, &names, rows[i], err);
    }
    return rc;
}

static int hash_keys(struct hashing *hashing, struct error *err)
{
    uint32_t rows[ROWS_AT];
    uint64_t from = 0, asked = 0;
    int rc = 0;
    for (size_t n; !rc && (n = rowset_rows(hashing->rows, from, rows, ROWS_AT));
         from = rows[n - 1] + UINT64_C(1)) {
        while (asked <= rows[n - 1])
            asked = ask_for_keys(hashing, asked);
        rc = hash_batch(hashing, rows, n, err);
    }
    return rc;
}

/* ---- of many ---- */

/* While a run is being made of others, the block at its end stands in both, and each answers for its side. */
static bool answers(struct hashing *hashing, const struct hash_run *run, uint32_t hash)
{
    if (hash < hashing->span.first || hash > hashing->span.last)
        hashing->answers = hash_runs_answers(&hashing->reader->runs, run, hash, &hashing->span);
    return hashing->answers;
}

static int hash_block(struct hashing *hashing, const struct hash_run *run, sqlite3_stmt *stmt,
                      struct error *err)
{
    enum { ID, BYTES };
    struct db *db = hashing->reader->db;
    struct hash_block block;
    struct hash_block_reader entries;
    struct hash_entry entry;
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_column_number(db, stmt, ID, 0, &id, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    if (!hash_block_open((uint32_t)id, bytes, len, &block))
        return hash_runs_damaged(db, run, err);
    hash_block_seek(&block, 0, &entries);
    while (!rc && (rc = hash_block_next(&entries, &entry)) == 1) {
        rc = 0;
        if (!answers(hashing, run, entry.hash) || !rowset_contains(hashing->rows, entry.number))
            continue;
        hashing->found++;
        rc = hashing->each(hashing->ctx, entry.number, entry.hash, err);
        if (rc)
            return rc;
    }
    return rc < 0 ? hash_runs_damaged(db, run, err) : 0;
}

/* The blocks with these ids. */
static int hash_blocks(struct hashing *hashing, const struct hash_run *run, const int64_t ids[2],
                       struct error *err)
{
    struct catalog_reader *reader = hashing->reader;
    sqlite3_stmt *stmt;
    ahead_rows(&reader->ahead, reader->db, AHEAD_HASH, ids, AHEAD_ALL);
    ahead_ask(&reader->ahead, reader->db);
    int rc = db_query(reader->db, QUERY_HASHES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, ids[0]);
    db_bind_number(stmt, 2, ids[1]);
    while ((rc = db_step(reader->db, stmt, err)) == 1 && !(rc = hash_block(hashing, run, stmt, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}

static int hash_run(struct hashing *hashing, const struct hash_run *run, struct error *err)
{
    uint64_t slices = run->count / LEAF_ENTRIES / LEAVES_AT + 1;
    uint64_t width = HASH_END / slices + 1;
    int rc = 0;
    hashing->answers = hash_runs_answers(&hashing->reader->runs, run, 0, &hashing->span);
    for (uint64_t first = 0; !rc && first < HASH_END; first += width) {
        uint64_t last = first + width < HASH_END ? first + width - 1 : UINT32_MAX;
        const int64_t ids[] = {hash_block_id(run, (uint32_t)first), hash_block_id(run, (uint32_t)last)};
        rc = hash_blocks(hashing, run, ids, err);
    }
    return rc;
}

/* For each hash one of the runs that have its row answers. */
static int hash_runs(struct hashing *hashing, struct error *err)
{
    struct catalog_reader *reader = hashing->reader;
    int rc = reader_runs(reader, err);
    for (size_t i = 0; !rc && i < reader->runs.count; i++)
        if (reader->runs.list[i].kind == SCHEMA_HASH_KEY)
            rc = hash_run(hashing, &reader->runs.list[i], err);
    return rc;
}

int catalog_key_hashes(struct catalog_reader *reader, const struct rowset *rows, catalog_hash_fn *each,
                       void *ctx, struct error *err)
{
    struct hashing hashing = {.reader = reader, .rows = rows, .each = each, .ctx = ctx};
    struct catalog_info info;
    uint64_t count = rowset_count(rows);
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = count < info.rows / MANY ? hash_keys(&hashing, err) : hash_runs(&hashing, err);
    if (!rc && hashing.found != count)
        rc = db_damaged(reader->db, err, "%llu of %llu clips have a hash", (unsigned long long)hashing.found,
                        (unsigned long long)count);
    return rc;
}
