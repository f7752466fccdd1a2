// SPDX-License-Identifier: Apache-2.0
/* Looking a hash up costs a block a run; how many runs there are grows with the logarithm of the imports. */
#include "index/catalog/hash/hash_runs.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/cursor.h"
#include "index/catalog/hash/hash_sieve.h"

void hash_runs_done(struct hash_runs *runs)
{
    hash_cache_done(&runs->cache);
    hash_cache_done(&runs->sieves);
    free(runs->list);
    *runs = (struct hash_runs){0};
}

int64_t hash_block_id(const struct hash_run *run, uint32_t from)
{
    return (int64_t)run->kind << 56 | (int64_t)run->number << 32 | from;
}

int hash_runs_damaged(struct db *db, const struct hash_run *run, struct error *err)
{
    return db_damaged(db, err, "the run %u of its hashes of kind %d is none", run->number, run->kind);
}

/* ---- which runs there are ---- */

static int compare_runs(const void *a, const void *b)
{
    const struct hash_run *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static const struct hash_run *output_of(const struct hash_runs *runs, const struct hash_run *input)
{
    for (size_t i = 0; input->into && i < runs->count; i++)
        if (runs->list[i].kind == input->kind && runs->list[i].number == input->into)
            return &runs->list[i];
    return NULL;
}

bool hash_runs_answers(const struct hash_runs *runs, const struct hash_run *run, uint32_t hash,
                       struct hash_span *ret)
{
    const struct hash_run *output = output_of(runs, run);
    uint64_t first = output ? output->end : 0;
    if (hash < first)
        *ret = (struct hash_span){0, (uint32_t)(first - 1)};
    else if (hash >= run->end)
        *ret = (struct hash_span){(uint32_t)run->end, UINT32_MAX};
    else
        *ret = (struct hash_span){(uint32_t)first, (uint32_t)(run->end - 1)};
    return hash >= first && hash < run->end;
}

static bool has_inputs(const struct hash_runs *runs, const struct hash_run *output)
{
    size_t inputs = 0;
    for (size_t i = 0; i < runs->count; i++)
        inputs += runs->list[i].kind == output->kind && runs->list[i].into == output->number;
    return inputs;
}

static bool take_run(struct hash_runs *runs, struct cursor *c)
{
    mem_grow(&runs->list, &runs->cap, runs->count + 1, sizeof *runs->list);
    struct hash_run *run = &runs->list[runs->count++];
    *run = (struct hash_run){.kind = (enum schema_hash)cursor_u8(c)};
    uint64_t number = cursor_varint(c), into;
    run->count = cursor_varint(c);
    into = cursor_varint(c);
    run->end = cursor_varint(c);
    bool sane = !c->failed && run->kind >= 1 && run->kind <= SCHEMA_HASH_KINDS && number &&
                number < runs->next && into < runs->next && run->count && run->end < HASH_END &&
                (!into || !run->end);
    run->number = (uint32_t)number;
    run->into = (uint32_t)into;
    run->end = run->end ? run->end : HASH_END;
    return sane && (runs->count == 1 || compare_runs(run - 1, run) < 0);
}

/* Each is there once, and what is being made is made of some that are whole. */
static bool fit(const struct hash_runs *runs)
{
    bool fits = true;
    for (size_t i = 0; i < runs->count; i++) {
        const struct hash_run *run = &runs->list[i], *output = output_of(runs, run);
        for (size_t k = 0; k < i; k++)
            fits &= runs->list[k].kind != run->kind || runs->list[k].number != run->number;
        fits &= run->end == HASH_END || has_inputs(runs, run);
        fits &= !run->into || (output && output->end != HASH_END);
    }
    return fits;
}

static bool decode(struct cursor c, struct hash_runs *runs)
{
    uint64_t next = cursor_varint(&c);
    if (c.failed || !next || next > UINT32_C(1) << HASH_RUN_BITS)
        return false;
    runs->next = (uint32_t)next;
    while (cursor_left(&c))
        if (runs->count >= SCHEMA_HASH_KINDS * HASH_RUNS_MAX || !take_run(runs, &c))
            return false;
    return fit(runs);
}

int hash_runs_read(struct db *db, struct hash_runs *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    struct hash_runs runs = {0};
    int rc = db_query(db, QUERY_HASH, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, HASH_STATE);
    db_bind_number(stmt, 2, HASH_STATE);
    rc = db_step(db, stmt, err);
    if (rc == 1)
        rc = db_column_bytes(db, stmt, 1, &bytes, &len, err);
    if (!rc && (!bytes || !decode(cursor_of(bytes, len), &runs)))
        rc = db_damaged(db, err, "its list of runs of hashes is none");
    sqlite3_reset(stmt);
    if (rc)
        hash_runs_done(&runs);
    else
        *ret = runs;
    return rc;
}

int hash_runs_write(struct db *db, struct hash_runs *runs, struct error *err)
{
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (runs->count)
        qsort(runs->list, runs->count, sizeof *runs->list, compare_runs);
    buf_varint(&bytes, runs->next);
    for (size_t i = 0; i < runs->count; i++) {
        const struct hash_run *run = &runs->list[i];
        buf_u8(&bytes, (uint8_t)run->kind);
        buf_varint(&bytes, run->number);
        buf_varint(&bytes, run->count);
        buf_varint(&bytes, run->into);
        buf_varint(&bytes, run->end == HASH_END ? 0 : run->end);
    }
    int rc = db_query(db, QUERY_HASH_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, HASH_STATE);
    db_bind_bytes(stmt, 2, bytes.data, bytes.len);
    return db_run(db, stmt, err);
}

/* ---- finding ---- */

struct finding {
    uint32_t *list; /* numbers */
    size_t count, cap;
    size_t asked, read; /* runs; of them those whose block was not in the cache */
};

int hash_runs_block(struct db *db, const struct hash_run *run, uint32_t hash, sqlite3_stmt **ret_stmt,
                    struct hash_block *ret, struct error *err)
{
    enum { ID, BYTES };
    int64_t id = 0;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = db_query(db, QUERY_HASH, ret_stmt, err);
    if (rc)
        return rc;
    db_bind_number(*ret_stmt, 1, hash_block_id(run, 0));
    db_bind_number(*ret_stmt, 2, hash_block_id(run, hash));
    rc = db_step(db, *ret_stmt, err);
    if (rc < 0)
        return rc;
    if (rc)
        rc = db_column_number(db, *ret_stmt, ID, 0, &id, err);
    if (!rc && id)
        rc = db_column_bytes(db, *ret_stmt, BYTES, &bytes, &len, err);
    if (!rc && (!bytes || !hash_block_open((uint32_t)id, bytes, len, ret) || ret->last < hash))
        rc = hash_runs_damaged(db, run, err);
    return rc;
}

static int find_in_block(const struct hash_block *block, uint32_t hash, struct finding *to)
{
    struct hash_block_reader reader;
    struct hash_entry entry;
    int rc;
    hash_block_seek(block, hash, &reader);
    while ((rc = hash_block_next(&reader, &entry)) == 1 && entry.hash <= hash)
        if (entry.hash == hash) {
            mem_grow(&to->list, &to->cap, to->count + 1, sizeof *to->list);
            to->list[to->count++] = entry.number;
        }
    return rc < 0 ? rc : 0;
}

static int find_in_run(struct db *db, struct hash_runs *runs, const struct hash_run *run, uint32_t hash,
                       struct finding *to, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    struct hash_block read;
    struct hash_span span;
    if (!hash_runs_answers(runs, run, hash, &span))
        return 0;
    const struct hash_block *block = hash_cache_block(&runs->cache, hash_block_id(run, hash));
    int rc = block ? 0 : hash_runs_block(db, run, hash, &stmt, &read, err);
    if (!rc && find_in_block(block ? block : &read, hash, to))
        rc = hash_runs_damaged(db, run, err);
    if (!rc && !block)
        hash_cache_add_block(&runs->cache, hash_block_id(run, read.from), sqlite3_column_blob(stmt, 1),
                             (size_t)sqlite3_column_bytes(stmt, 1));
    if (stmt)
        sqlite3_reset(stmt);
    to->asked++;
    to->read += !block;
    return rc;
}

/* 1: one of them is it. */
static int try_numbers(const struct hash_search *search, const struct finding *numbers, uint32_t *ret,
                       struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < numbers->count; i++) {
        rc = search->is(search->ctx, numbers->list[i], err);
        if (rc == 1)
            *ret = numbers->list[i];
    }
    return rc;
}

int hash_runs_find(struct db *db, struct hash_runs *runs, const struct hash_search *search, uint32_t *ret,
                   struct error *err)
{
    struct finding finding = {0};
    int rc = 0;
    if (hash_sieve_rejects(runs, search->kind, search->hash))
        return 0;
    for (size_t i = 0; !rc && i < runs->count; i++) {
        if (runs->list[i].kind != search->kind)
            continue;
        finding.count = 0;
        rc = find_in_run(db, runs, &runs->list[i], search->hash, &finding, err);
        rc = rc ? rc : try_numbers(search, &finding, ret, err);
    }
    if (!rc && finding.asked > 1 && !finding.read) /* it is worth it where one comes again */
        hash_sieve_make(runs, search->kind, search->hash);
    free(finding.list);
    return rc;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int hash_runs_each(struct db *db, struct hash_runs *runs, enum schema_hash kind, uint32_t hash,
                   hash_number_fn *each, void *ctx, struct error *err)
{
    struct finding numbers = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < runs->count; i++)
        if (runs->list[i].kind == kind)
            rc = find_in_run(db, runs, &runs->list[i], hash, &numbers, err);
    if (numbers.count)
        qsort(numbers.list, numbers.count, sizeof *numbers.list, compare_numbers);
    for (size_t i = 0; !rc && i < numbers.count; i++)
        if (!i || numbers.list[i] != numbers.list[i - 1])
            rc = each(ctx, numbers.list[i], err);
    free(numbers.list);
    return rc;
}
