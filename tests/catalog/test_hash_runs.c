// SPDX-License-Identifier: Apache-2.0
/* Runs of hashes against a plain list, over many commits; and what is wrong in the table. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/hash/hash_runs.h"
#include "index/catalog/hash/hash_sieve.h"
#include "index/catalog/hash/keys.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return below ? (uint32_t)((seed >> 32) * below >> 32) : (uint32_t)(seed >> 32);
}

static void seed_from_environment(void)
{
    seed = test_seed();
}

/* ---- a catalog, and what it should hold ---- */

struct world {
    struct overlay *file;
    struct db *db;
    struct error err;
    struct hash_runs runs;
    struct {
        uint64_t *list; /* hash << 32 | number, ascending after model_sort() */
        size_t count, cap;
    } model[SCHEMA_HASH_KINDS];
};

static void world_init(struct world *w)
{
    *w = (struct world){0};
    cr_assert_eq(overlay_new(NULL, SCHEMA_PAGE_BYTES, &w->file, &w->err), 0, "%s", w->err.text);
    cr_assert_eq(db_open_write(w->file, &w->db, &w->err), 0, "%s", w->err.text);
}

static void world_done(struct world *w)
{
    hash_runs_done(&w->runs);
    db_close(w->db);
    overlay_free(w->file);
    for (int k = 0; k < SCHEMA_HASH_KINDS; k++)
        free(w->model[k].list);
}

static void add(struct world *w, struct hash_additions *to, int kind, uint32_t hash, uint32_t number)
{
    __typeof__(&w->model[0]) model = &w->model[kind - 1];
    hash_additions_add(to, (enum schema_hash)kind, hash, number);
    mem_grow(&model->list, &model->cap, model->count + 1, sizeof *model->list);
    model->list[model->count++] = (uint64_t)hash << 32 | number;
}

/* Appends them, and reads the state again as the next commit does. */
static void commit(struct world *w, struct hash_additions *additions, uint64_t budget)
{
    cr_assert_eq(hash_runs_append(w->db, &w->runs, additions, &budget, &w->err), 0, "%s", w->err.text);
    hash_additions_done(additions);
    hash_runs_done(&w->runs);
    cr_assert_eq(hash_runs_read(w->db, &w->runs, &w->err), 0, "%s", w->err.text);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void model_sort(struct world *w)
{
    for (int k = 0; k < SCHEMA_HASH_KINDS; k++)
        if (w->model[k].count)
            qsort(w->model[k].list, w->model[k].count, sizeof(uint64_t), compare);
}

struct found {
    uint32_t list[4096];
    size_t count;
};

static int take(void *ctx, uint32_t number, struct error *err)
{
    struct found *found = ctx;
    (void)err;
    found->list[found->count++] = number;
    return 0;
}

static int is_none(void *ctx, uint32_t number, struct error *err)
{
    (void)err;
    ++*(size_t *)ctx;
    return number == UINT32_MAX;
}

/* All numbers of a hash, once each and in order, and every one of them is tried where one is looked for. */
static void check_hash(struct world *w, int kind, uint32_t hash)
{
    __typeof__(&w->model[0]) model = &w->model[kind - 1];
    size_t low = 0, high = model->count, tried = 0;
    static struct found found;
    found.count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model->list[middle] >> 32 < hash)
            low = middle + 1;
        else
            high = middle;
    }
    int rc = hash_runs_each(w->db, &w->runs, (enum schema_hash)kind, hash, take, &found, &w->err);
    cr_assert_eq(rc, 0, "%s", w->err.text);
    size_t expected = 0;
    for (; low < model->count && model->list[low] >> 32 == hash; low++)
        if (!expected || (uint32_t)model->list[low] != found.list[expected - 1]) {
            cr_assert_lt(expected, found.count, "kind %d hash %08x: number %u is not found", kind, hash,
                         (uint32_t)model->list[low]);
            cr_assert_eq(found.list[expected++], (uint32_t)model->list[low], "kind %d hash %08x", kind, hash);
        }
    cr_assert_eq(found.count, expected, "kind %d hash %08x has too many", kind, hash);
    uint32_t number;
    rc = hash_runs_find(w->db, &w->runs, &(struct hash_search){(enum schema_hash)kind, hash, is_none, &tried},
                        &number, &w->err);
    cr_assert_eq(rc, 0, "%s", w->err.text);
    cr_assert_geq(tried, expected);
}

static void check_some(struct world *w, int times)
{
    model_sort(w);
    for (int kind = 1; kind <= SCHEMA_HASH_KINDS; kind++)
        for (int i = 0; i < times; i++) {
            __typeof__(&w->model[0]) model = &w->model[kind - 1];
            check_hash(w, kind, draw(0));
            if (model->count) {
                uint32_t hash = (uint32_t)(model->list[draw((uint32_t)model->count)] >> 32);
                check_hash(w, kind, hash);
                check_hash(w, kind, hash + 1);
            }
        }
}

static void check_all(struct world *w)
{
    model_sort(w);
    for (int kind = 1; kind <= SCHEMA_HASH_KINDS; kind++)
        for (size_t i = 0; i < w->model[kind - 1].count; i++)
            check_hash(w, kind, (uint32_t)(w->model[kind - 1].list[i] >> 32));
}

static size_t runs_of(const struct world *w, int kind, bool unfinished)
{
    size_t count = 0;
    for (size_t i = 0; i < w->runs.count; i++)
        count += (int)w->runs.list[i].kind == kind && (!unfinished || w->runs.list[i].end != HASH_END);
    return count;
}

/* ---- against the model ---- */

/* Hashes at the ends, a few that come again and again, the rest anywhere. */
static uint32_t some_hash(void)
{
    switch (draw(20)) {
    case 0:
        return draw(4);
    case 1:
        return UINT32_MAX - draw(4);
    case 2:
        return 0x12345678 + draw(3);
    default:
        return draw(0);
    }
}

Test(hash_runs, what_many_commits_added_is_found_while_and_after_runs_merge)
{
    struct world w;
    size_t interrupted = 0, most = 0;
    seed_from_environment();
    world_init(&w);
    for (int version = 0; version < 150; version++) {
        struct hash_additions additions = {0};
        uint32_t counts[] = {draw(700), draw(300), draw(3)};
        for (int kind = 1; kind <= SCHEMA_HASH_KINDS; kind++)
            for (uint32_t i = 0; i < counts[kind - 1]; i++)
                add(&w, &additions, kind, some_hash(), draw(kind == 1 ? 50000 : 0));
        commit(&w, &additions, draw(2) ? 1 : draw(20000));
        for (int kind = 1; kind <= SCHEMA_HASH_KINDS; kind++) {
            interrupted += runs_of(&w, kind, true);
            most = runs_of(&w, kind, false) > most ? runs_of(&w, kind, false) : most;
        }
        check_some(&w, 6);
    }
    check_all(&w);
    cr_assert_gt(interrupted, 20, "merges end within a budget: %zu", interrupted);
    cr_assert_lt(most, 60, "%zu runs of a kind", most);
    world_done(&w);
    check_leaks();
}

Test(hash_runs, equal_hashes_in_one_run_and_across_runs_are_all_found)
{
    struct world w;
    seed_from_environment();
    world_init(&w);
    for (uint32_t version = 0; version < 30; version++) {
        struct hash_additions additions = {0};
        for (uint32_t i = 0; i < 3000; i++) {
            add(&w, &additions, SCHEMA_HASH_KEY, i < 100 ? 0xabcdef01 : draw(0), version * 3000 + i);
            add(&w, &additions, SCHEMA_HASH_FINGERPRINT, 7,
                version * 100 + i % 100); /* nothing but one hash */
        }
        commit(&w, &additions, version % 2 ? HASH_BUDGET : 1);
        model_sort(&w);
        check_hash(&w, SCHEMA_HASH_KEY, 0xabcdef01);
        check_hash(&w, SCHEMA_HASH_FINGERPRINT, 7);
        check_some(&w, 3);
    }
    world_done(&w);
    check_leaks();
}

Test(hash_runs, the_same_additions_make_the_same_rows)
{
    struct buf files[2] = {BUF_INIT, BUF_INIT};
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        seed = 5;
        for (uint32_t version = 0; version < 40; version++) {
            struct hash_additions additions = {0};
            for (uint32_t k = 0; k < 500; k++)
                add(&w, &additions, SCHEMA_HASH_KEY, draw(0), version * 500 + k);
            commit(&w, &additions, 5000);
        }
        cr_assert_eq(db_commit(w.db, &w.err), 0);
        for (uint32_t page = 0; page < overlay_pages(w.file); page++) {
            struct page_range range = {.page = page, .len = SCHEMA_PAGE_BYTES};
            void *to = buf_room(&files[i], SCHEMA_PAGE_BYTES);
            cr_assert_eq(overlay_read(w.file, &range, to, &(struct catalog_patience){0}, &w.err), 0);
            files[i].len += SCHEMA_PAGE_BYTES;
        }
        world_done(&w);
    }
    cr_assert_eq(files[0].len, files[1].len);
    cr_assert_eq(memcmp(files[0].data, files[1].data, files[0].len), 0);
    buf_done(&files[0]), buf_done(&files[1]);
    check_leaks();
}

/* ---- sieves ---- */

static size_t tried_of(struct world *w, uint32_t hash)
{
    size_t tried = 0;
    uint32_t number;
    const struct hash_search search = {SCHEMA_HASH_KEY, hash, is_none, &tried};
    cr_assert_eq(hash_runs_find(w->db, &w->runs, &search, &number, &w->err), 0, "%s", w->err.text);
    return tried;
}

/* Runs that are not merged: each has to be asked. */
static void append_runs(struct world *w, int runs, bool again)
{
    enum { EACH = 3000 };
    for (uint32_t version = 0; version < (uint32_t)runs; version++) {
        uint64_t budget = 0;
        struct hash_additions additions = {0};
        for (uint32_t i = 0; i < EACH; i++)
            add(w, &additions, SCHEMA_HASH_KEY, some_hash(), version * EACH + i);
        if (again)
            commit(w, &additions, budget);
        else
            cr_assert_eq(hash_runs_append(w->db, &w->runs, &additions, &budget, &w->err), 0);
        hash_additions_done(&additions);
    }
}

static void expect_all_there(struct world *w)
{
    __typeof__(&w->model[0]) model = &w->model[SCHEMA_HASH_KEY - 1];
    for (size_t i = 0; i < model->count; i++) {
        uint32_t hash = (uint32_t)(model->list[i] >> 32);
        cr_assert_not(hash_sieve_rejects(&w->runs, SCHEMA_HASH_KEY, hash), "%08x is there", hash);
        cr_assert_geq(tried_of(w, hash), 1, "%08x is there", hash);
    }
}

Test(hash_runs, hashes_that_no_run_has_are_soon_told_without_asking_the_runs_and_none_that_one_has)
{
    enum { RUNS = 12, MANY = 20000 };
    struct world w;
    size_t rejected = 0;
    seed_from_environment();
    world_init(&w);
    append_runs(&w, RUNS, true);
    cr_assert_eq(runs_of(&w, SCHEMA_HASH_KEY, false), RUNS);
    for (int i = 0; i < MANY; i++)
        tried_of(&w, draw(0));
    for (int i = 0; i < MANY; i++)
        rejected += hash_sieve_rejects(&w.runs, SCHEMA_HASH_KEY, draw(0));
    cr_assert_gt(rejected, MANY * 4 / 5, "%zu of %d", rejected, MANY);
    expect_all_there(&w);
    append_runs(&w, 1, false); /* what was none before is there now, for who has just added it, too */
    expect_all_there(&w);
    world_done(&w);
    check_leaks();
}

/* ---- sizes ---- */

static uint64_t sum_of_blocks(struct world *w, const struct hash_run *run, size_t *ret_count)
{
    uint64_t sum = 0, hash = 0;
    for (*ret_count = 0; hash < HASH_END; ++*ret_count) {
        sqlite3_stmt *stmt;
        struct hash_block block;
        int rc = hash_runs_block(w->db, run, (uint32_t)hash, &stmt, &block, &w->err);
        cr_assert_eq(rc, 0, "%s", w->err.text);
        sum += (uint64_t)sqlite3_column_bytes(stmt, 1);
        sqlite3_reset(stmt);
        hash = block.last + UINT64_C(1);
    }
    return sum;
}

Test(hash_runs, a_large_run_is_not_touched_by_small_ones_and_takes_under_36_bits_an_entry)
{
    enum { LARGE = 300000 };
    struct world w;
    size_t blocks;
    seed_from_environment();
    world_init(&w);
    for (uint32_t version = 0; version < 80; version++) {
        struct hash_additions additions = {0};
        uint32_t count = version ? 100 : LARGE;
        for (uint32_t i = 0; i < count; i++)
            add(&w, &additions, SCHEMA_HASH_KEY, draw(0), version ? LARGE + version * 100 + i : i);
        commit(&w, &additions, HASH_BUDGET);
        cr_assert_eq(w.runs.list[0].number, 1);
        cr_assert_eq(w.runs.list[0].into, 0);
    }
    cr_assert_leq(sum_of_blocks(&w, &w.runs.list[0], &blocks) * 8, LARGE * UINT64_C(36));
    cr_assert_leq(blocks, LARGE / 850);
    cr_assert_leq(w.runs.count, 1 + 7 + 1);
    check_some(&w, 300);
    world_done(&w);
    check_leaks();
}

/* Entries of the object's run that is made, or was. */
static uint64_t merged_of(const struct world *w)
{
    uint64_t count = 0;
    for (size_t i = 0; i < w->runs.count; i++)
        if (w->runs.list[i].kind == SCHEMA_HASH_OBJECT && !w->runs.list[i].into)
            count += w->runs.list[i].count;
    return count;
}

Test(hash_runs, a_commit_merges_no_more_than_its_budget)
{
    enum { RUNS = 8, COUNT = 4096, BUDGET = 20000 };
    struct world w;
    seed_from_environment();
    world_init(&w);
    for (uint32_t version = 0; version < RUNS; version++) {
        struct hash_additions additions = {0};
        for (uint32_t i = 0; i < COUNT; i++)
            add(&w, &additions, SCHEMA_HASH_OBJECT, draw(0), version * COUNT + i);
        commit(&w, &additions, 1);
    }
    uint64_t before = merged_of(&w), steps = 0;
    for (; runs_of(&w, SCHEMA_HASH_OBJECT, true); steps++) {
        struct hash_additions additions = {0};
        add(&w, &additions, SCHEMA_HASH_KEY, 5, 5);
        commit(&w, &additions, BUDGET);
        uint64_t merged = merged_of(&w) - before;
        cr_assert_leq(merged * 4, BUDGET + 2 * HASH_BLOCK_BYTES, "%llu entries in one commit",
                      (unsigned long long)merged);
        before += merged;
        check_some(&w, 50);
    }
    cr_assert_eq(before, RUNS * COUNT);
    cr_assert_gt(steps, 2);
    cr_assert_eq(runs_of(&w, SCHEMA_HASH_OBJECT, false), 1);
    check_all(&w);
    world_done(&w);
    check_leaks();
}

/* ---- what is wrong ---- */

static void put(struct world *w, int64_t id, const void *bytes, size_t len)
{
    sqlite3_stmt *stmt;
    cr_assert_eq(db_query(w->db, QUERY_HASH_PUT, &stmt, &w->err), 0);
    db_bind_number(stmt, 1, id);
    db_bind_bytes(stmt, 2, bytes, len);
    cr_assert_eq(db_run(w->db, stmt, &w->err), 0, "%s", w->err.text);
}

static int read_state(struct world *w, const char *bytes, size_t len)
{
    struct hash_runs runs = {0};
    put(w, HASH_STATE, bytes, len);
    int rc = hash_runs_read(w->db, &runs, &w->err);
    hash_runs_done(&runs);
    return rc;
}
#define READ_STATE(text) read_state(&w, text, sizeof(text) - 1)

Test(hash_runs, a_list_of_runs_that_makes_no_sense_is_damage)
{
    struct world w;
    world_init(&w);
    struct hash_runs runs;
    cr_assert_eq(hash_runs_read(w.db, &runs, &w.err), -EUCLEAN, "it is missing");
    /* next | kind number count into end ... */
    cr_assert_eq(READ_STATE("\5"), 0);
    cr_assert_eq(READ_STATE("\5\1\1\7\0\0\1\2\6\0\0"), 0);
    cr_assert_eq(READ_STATE("\5\1\1\7\2\0\1\2\6\0\1"), 0, "the first is merged into the second");
    static const struct {
        const char *what, *bytes;
        size_t len;
    } bad[] = {
        {"nothing", "", 0},
        {"no next number", "\0", 1},
        {"a next number that does not fit into an id", "\x81\x80\x80\x08", 4},
        {"a run cut short", "\5\1\1\7\0", 5},
        {"no kind", "\5\0\1\7\0\0", 6},
        {"an unknown kind", "\5\4\1\7\0\0", 6},
        {"no number", "\5\1\0\7\0\0", 6},
        {"a number that is not given yet", "\5\1\5\7\0\0", 6},
        {"an empty run", "\5\1\1\0\0\0", 6},
        {"the smaller one first", "\5\1\1\6\0\0\1\2\7\0\0", 11},
        {"kinds in no order", "\5\2\1\7\0\0\1\2\6\0\0", 11},
        {"a run twice", "\5\1\1\7\0\0\1\1\6\0\0", 11},
        {"merged into none", "\5\1\1\7\2\0", 6},
        {"merged into another kind's", "\5\1\1\7\2\0\1\3\6\2\0\2\2\5\0\1", 16},
        {"merged into a whole one", "\5\1\1\7\2\0\1\2\6\0\0", 11},
        {"merged into one that is merged itself", "\5\1\1\7\2\0\1\2\6\3\0\1\3\5\0\1", 16},
        {"made of none", "\5\1\1\7\0\1", 6},
        {"half made and merged", "\5\1\1\7\2\1\1\2\6\0\1", 11},
        {"made beyond the last hash", "\5\1\1\7\2\0\1\2\6\0\x80\x80\x80\x80\x10", 15},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(read_state(&w, bad[i].bytes, bad[i].len), -EUCLEAN, "%s", bad[i].what);
    world_done(&w);
    check_leaks();
}

/* A run of two blocks in the place of which something else is. */
static void make_two_blocks(struct world *w)
{
    struct hash_additions additions = {0};
    world_init(w);
    seed = 3;
    for (uint32_t i = 0; i < 1500; i++)
        add(w, &additions, SCHEMA_HASH_KEY, draw(0), i);
    commit(w, &additions, HASH_BUDGET);
    model_sort(w);
}

static int find(struct world *w, uint32_t hash)
{
    struct found found = {.count = 0};
    hash_cache_done(&w->runs.cache);
    return hash_runs_each(w->db, &w->runs, SCHEMA_HASH_KEY, hash, take, &found, &w->err);
}

Test(hash_runs, a_block_that_is_missing_or_is_none_is_damage_and_names_its_run)
{
    struct world w;
    sqlite3_stmt *stmt;
    struct hash_block block;
    make_two_blocks(&w);
    const struct hash_run *run = &w.runs.list[0];
    cr_assert_eq(find(&w, 0), 0);
    cr_assert_eq(find(&w, UINT32_MAX), 0);
    cr_assert_eq(hash_runs_block(w.db, run, UINT32_MAX, &stmt, &block, &w.err), 0);
    uint32_t from = block.from;
    cr_assert_gt(from, 0);
    put(&w, hash_block_id(run, from), "no block", 8);
    cr_assert_eq(find(&w, from - 1), 0);
    cr_assert_eq(find(&w, from), -EUCLEAN);
    cr_assert(strstr(w.err.text, "the run 1 of its hashes of kind 1 is none"), "%s", w.err.text);
    cr_assert_eq(db_query(w.db, QUERY_HASH_DROP, &stmt, &w.err), 0);
    db_bind_number(stmt, 1, hash_block_id(run, from));
    db_bind_number(stmt, 2, hash_block_id(run, from));
    cr_assert_eq(db_run(w.db, stmt, &w.err), 0);
    cr_assert_eq(find(&w, from - 1), 0);
    cr_assert_eq(find(&w, from), -EUCLEAN, "a gap at its end");
    put(&w, hash_block_id(run, 0), "", 0);
    cr_assert_eq(find(&w, 0), -EUCLEAN, "an empty one");
    world_done(&w);
    check_leaks();
}

/* Seven more runs make the damaged one be merged. */
static int merge_damaged(struct world *w)
{
    int rc = 0;
    for (int i = 0; !rc && i < 7; i++) {
        struct hash_additions additions = {0};
        hash_additions_add(&additions, SCHEMA_HASH_KEY, draw(0), 1);
        uint64_t budget = HASH_BUDGET;
        rc = hash_runs_append(w->db, &w->runs, &additions, &budget, &w->err);
        hash_additions_done(&additions);
    }
    return rc;
}

Test(hash_runs, a_merge_of_damaged_blocks_fails)
{
    for (int kind = 0; kind < 4; kind++) {
        struct world w;
        sqlite3_stmt *stmt;
        struct hash_block block;
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        struct hash_entry entry = {5, 5};
        make_two_blocks(&w);
        struct hash_run run = w.runs.list[0];
        cr_assert_eq(hash_runs_block(w.db, &run, UINT32_MAX, &stmt, &block, &w.err), 0);
        sqlite3_reset(stmt);
        if (kind == 1) { /* its first block answers for more than it did */
            hash_block_encode(&entry, 1, block.from + 1, &bytes);
            put(&w, hash_block_id(&run, 0), bytes.data, bytes.len);
        } else if (kind == 2) { /* and for less */
            hash_block_encode(&entry, 1, block.from - 2, &bytes);
            put(&w, hash_block_id(&run, 0), bytes.data, bytes.len);
        } else if (kind == 3) {
            put(&w, hash_block_id(&run, block.from), "no block", 8);
        }
        cr_assert_eq(merge_damaged(&w), kind ? -EUCLEAN : 0, "kind %d: %s", kind, w.err.text);
        world_done(&w);
    }
    check_leaks();
}
