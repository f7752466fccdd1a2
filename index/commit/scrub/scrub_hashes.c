// SPDX-License-Identifier: Apache-2.0
/* Every block is read: what leads to the rows may be the hash of a key or of a content that they had long
 * ago. A block holds one entry at least, since all hashes must lie in one: where all of them go, one stays
 * that has the first hash of the block's span in place of its own, and leads to where nothing is found. */
#include <errno.h>
#include <stdlib.h>

#include "index/catalog/hash/hash_runs.h"
#include "index/commit/scrub/scrub_state.h"

struct changed {
    int64_t id;
    struct hash_entry *list; /* that stay */
    size_t count;
    uint32_t last;
    size_t gone;
};
struct hashes {
    struct scrub *scrub;
    struct hash_runs runs;
    struct changed *list;
    size_t count, cap;
};

static bool goes(const struct scrub *scrub, unsigned kind, uint32_t number)
{
    return rowset_contains(kind == SCHEMA_HASH_OBJECT ? scrub->objects : scrub->rows, number);
}

static struct hash_run *run_of(struct hashes *hashes, int64_t id)
{
    for (size_t i = 0; i < hashes->runs.count; i++)
        if (hash_block_id(&hashes->runs.list[i], 0) == (id & ~(int64_t)UINT32_MAX))
            return &hashes->runs.list[i];
    return NULL;
}

static int damaged(const struct hashes *hashes, int64_t id, struct error *err)
{
    return db_damaged(hashes->scrub->db, err, "the block %lld of its hashes is not in order", (long long)id);
}

static int take_block(struct hashes *hashes, int64_t id, const struct hash_block *block, struct error *err)
{
    struct hash_block_reader reader;
    struct hash_entry entry;
    unsigned kind = (unsigned)(id >> 56);
    struct changed changed = {
        .id = id, .list = mem_alloc(block->count * sizeof *changed.list), .last = block->last};
    uint32_t gone = 0;
    int rc;
    hash_block_seek(block, 0, &reader);
    while ((rc = hash_block_next(&reader, &entry)) == 1) {
        if (!goes(hashes->scrub, kind, entry.number)) {
            changed.list[changed.count++] = entry;
            continue;
        }
        changed.gone++;
        gone = entry.number;
    }
    if (rc || !changed.gone) {
        free(changed.list);
        return rc ? damaged(hashes, id, err) : 0;
    }
    if (!changed.count) {
        changed.list[changed.count++] = (struct hash_entry){block->from, gone};
        changed.gone--;
    }
    mem_grow(&hashes->list, &hashes->cap, hashes->count + 1, sizeof *hashes->list);
    hashes->list[hashes->count++] = changed;
    return 0;
}

static int read_blocks(struct hashes *hashes, struct error *err)
{
    enum { ID, BYTES };
    struct db *db = hashes->scrub->db;
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_HASHES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, 0);
    db_bind_number(stmt, 2, HASH_STATE - 1);
    while ((rc = db_step(db, stmt, err)) == 1) {
        struct hash_block block;
        const uint8_t *bytes;
        size_t len;
        int64_t id;
        rc = db_column_number(db, stmt, ID, 0, &id, err);
        if (!rc)
            rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
        if (!rc && (!run_of(hashes, id) || !hash_block_open((uint32_t)id, bytes, len, &block)))
            rc = damaged(hashes, id, err);
        if (!rc)
            rc = take_block(hashes, id, &block, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

static int write_block(struct hashes *hashes, const struct changed *changed, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct hash_run *run = run_of(hashes, changed->id);
    run->count -= changed->gone < run->count ? changed->gone : run->count - 1;
    hash_block_encode(changed->list, changed->count, changed->last, &bytes);
    return db_put_bytes(hashes->scrub->db, QUERY_HASH_PUT, changed->id, &bytes, err);
}

int scrub_hashes(struct scrub *scrub, struct error *err)
{
    struct hashes hashes = {.scrub = scrub};
    int rc = hash_runs_read(scrub->db, &hashes.runs, err);
    if (!rc)
        rc = read_blocks(&hashes, err);
    for (size_t i = 0; i < hashes.count; i++) {
        rc = rc ? rc : write_block(&hashes, &hashes.list[i], err);
        free(hashes.list[i].list);
    }
    if (!rc && hashes.count)
        rc = hash_runs_write(scrub->db, &hashes.runs, err);
    hash_runs_done(&hashes.runs);
    free(hashes.list);
    return rc;
}
