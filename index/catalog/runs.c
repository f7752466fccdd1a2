// SPDX-License-Identifier: Apache-2.0
/* A run is written in key order, so it fills pages one behind the other; looking a key up costs a probe a
 * run. */
#include "index/catalog/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int runs_read(struct db *db, struct runs *ret, struct error *err)
{
    struct runs runs;
    int rc = db_meta(db, "run_first", &runs.first, err);
    if (!rc)
        rc = db_meta(db, "run_next", &runs.next, err);
    if (rc)
        return rc;
    if (runs.next < runs.first || runs.next - runs.first > SCHEMA_RUNS_MAX)
        return db_damaged(db, err, "it has %lld runs of keys", (long long)(runs.next - runs.first));
    *ret = runs;
    return 0;
}

/* 1 with the first column of the row, 0: there is none. */
static int next_number(struct db *db, sqlite3_stmt *stmt, uint32_t *ret, struct error *err)
{
    int64_t number;
    int rc = db_step(db, stmt, err);
    if (rc < 1)
        return rc;
    rc = db_column_number(db, stmt, 0, 0, &number, err);
    if (rc)
        return rc;
    if (number > UINT32_MAX)
        return db_damaged(db, err, "a row in a run of keys is out of range");
    *ret = (uint32_t)number;
    return 1;
}

int runs_find_key(struct db *db, const struct runs *runs, const char *key, size_t len, uint32_t *ret_row,
                  struct error *err)
{
    int rc = 0;
    for (int64_t run = runs->next; !rc && run-- > runs->first;) {
        sqlite3_stmt *stmt;
        rc = db_query(db, QUERY_KEY, &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, run);
        db_bind_text(stmt, 2, key, len);
        rc = next_number(db, stmt, ret_row, err);
        sqlite3_reset(stmt);
    }
    return rc;
}

int runs_each_key(struct db *db, runs_key_fn *each, void *ctx, struct error *err)
{
    enum { KEY, ROW };
    sqlite3_stmt *stmt;
    const char *key;
    int64_t row;
    int rc = db_query(db, QUERY_KEYS, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(db, stmt, err)) == 1) {
        rc = db_column_text(db, stmt, KEY, &key, err);
        if (!rc)
            rc = db_column_number(db, stmt, ROW, 0, &row, err);
        if (!rc && row > UINT32_MAX)
            rc = db_damaged(db, err, "a row in a run of keys is out of range");
        if (rc || (rc = each(ctx, key, (uint32_t)row, err)))
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

static int each_of_run(struct db *db, sqlite3_stmt *stmt, runs_number_fn *each, void *ctx, struct error *err)
{
    uint32_t number = 0;
    int rc;
    while ((rc = next_number(db, stmt, &number, err)) == 1)
        if ((rc = each(ctx, number, err)))
            break;
    sqlite3_reset(stmt);
    return rc;
}

int runs_find_hash(struct db *db, const struct runs *runs, enum schema_hash kind, uint64_t hash,
                   runs_number_fn *each, void *ctx, struct error *err)
{
    int rc = 0;
    for (int64_t run = runs->first; !rc && run < runs->next; run++) {
        sqlite3_stmt *stmt;
        rc = db_query(db, QUERY_HASH, &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, kind);
        db_bind_number(stmt, 2, run);
        db_bind_number(stmt, 3, (int64_t)hash);
        rc = each_of_run(db, stmt, each, ctx, err);
    }
    return rc;
}

/* ---- writing ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct runs_key *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* As SQLite orders them: hashes as signed numbers. */
static int compare_hashes(const void *a, const void *b)
{
    const struct runs_hash *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->hash != y->hash)
        return (int64_t)x->hash < (int64_t)y->hash ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int put_keys(struct db *db, int64_t run, const struct runs_key *keys, size_t count, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        sqlite3_stmt *stmt;
        rc = db_query(db, QUERY_KEY_PUT, &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, run);
        db_bind_text(stmt, 2, keys[i].key, strlen(keys[i].key));
        db_bind_number(stmt, 3, keys[i].row);
        rc = db_run(db, stmt, err);
    }
    return rc;
}

static int put_hashes(struct db *db, int64_t run, const struct runs_hash *hashes, size_t count,
                      struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        sqlite3_stmt *stmt;
        rc = db_query(db, QUERY_HASH_PUT, &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, hashes[i].kind);
        db_bind_number(stmt, 2, run);
        db_bind_number(stmt, 3, (int64_t)hashes[i].hash);
        db_bind_number(stmt, 4, hashes[i].number);
        rc = db_run(db, stmt, err);
    }
    return rc;
}

/* Run `next` becomes all those before it. */
static int merge(struct db *db, struct runs *runs, struct error *err)
{
    static const enum schema_query steps[] = {QUERY_KEYS_MERGE, QUERY_KEYS_DROP, QUERY_HASHES_MERGE,
                                              QUERY_HASHES_DROP};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof steps / sizeof *steps; i++) {
        sqlite3_stmt *stmt;
        rc = db_query(db, steps[i], &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, runs->next);
        rc = db_run(db, stmt, err);
    }
    runs->first = runs->next++;
    return rc;
}

int runs_append(struct db *db, struct runs *runs, struct runs_key *keys, size_t key_count,
                struct runs_hash *hashes, size_t hash_count, struct error *err)
{
    if (!key_count && !hash_count)
        return 0;
    int rc = runs->next - runs->first == SCHEMA_RUNS_MAX ? merge(db, runs, err) : 0;
    if (rc)
        return rc;
    if (key_count)
        qsort(keys, key_count, sizeof *keys, compare_keys);
    if (hash_count)
        qsort(hashes, hash_count, sizeof *hashes, compare_hashes);
    rc = put_keys(db, runs->next, keys, key_count, err);
    if (!rc)
        rc = put_hashes(db, runs->next, hashes, hash_count, err);
    runs->next++;
    return rc;
}
