// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes in shards against a plain list of the values of each row: rows are sealed, relabelled, removed,
 * shards merged, all of it in slices of random size. The seed is printed and taken from ELIDEFS_SEED; STEPS
 * says how many changes an attribute sees.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_walk.h"
#include "index/catalog/shard/shard_write.h"
#include "tests/catalog/shard_model.h"
#include "tests/test_leaks.h"
#include "tests/test_rounds.h"

/* ---- what is asked ---- */

/* All pairs there are, by value and row. */
static struct pair *list_pairs(const struct model *m, size_t *ret_count)
{
    struct pair *list = NULL;
    size_t count = 0, cap = 0;
    for (uint32_t row = 0; row < m->regions << 16; row++)
        for (uint32_t i = 0; i < m->counts[row]; i++) {
            mem_grow(&list, &cap, count + 1, sizeof *list);
            list[count++] = (struct pair){m->cells[row][i], row, true};
        }
    if (count)
        qsort(list, count, sizeof *list, pair_compare);
    *ret_count = count;
    return list;
}

static void check_rows(const struct model *m, const struct rowset *rows, const struct pair *pairs,
                       size_t count, const char *what)
{
    struct rowset *want = rowset_new();
    for (size_t i = 0; i < count; i++)
        rowset_add(want, pairs[i].row);
    uint64_t both = rowset_and_count(rows, want);
    cr_assert(both == rowset_count(rows) && both == rowset_count(want),
              "%s, %s: %llu rows, not %llu, %llu of them right", m->shape->name, what,
              (unsigned long long)rowset_count(rows), (unsigned long long)rowset_count(want),
              (unsigned long long)both);
    rowset_unref(want);
}

static void check_walk(const struct model *m, const struct shards *shards, const struct pair *pairs,
                       size_t count)
{
    struct error err = {0};
    struct shards_walk walk;
    uint32_t skip = (uint32_t)shard_below(m->shape->values);
    size_t at = 0, end;
    while (at < count && pairs[at].value < skip)
        at++;
    struct shard_key from = shard_key_of(&m->values[skip]);
    cr_assert_eq(shards_walk_init(&walk, shards, skip ? &from : NULL, true, &err), 0, "%s", err.text);
    for (; at < count; at = end) {
        for (end = at; end < count && pairs[end].value == pairs[at].value; end++)
            ;
        struct shard_key key = shard_key_of(&m->values[pairs[at].value]);
        struct rowset *rows = rowset_new();
        cr_assert_eq(shards_walk_next(&walk, &err), 1, "%s: %s", m->shape->name, err.text);
        cr_assert_eq(shard_key_compare(&key, &walk.key), 0, "%s", m->shape->name);
        cr_assert_eq(walk.clips, end - at, "%s", m->shape->name);
        cr_assert_eq(shards_walk_rows(&walk, rows, &err), 0, "%s", err.text);
        check_rows(m, rows, pairs + at, end - at, "walk");
        uint32_t *list = mem_alloc((end - at) * sizeof *list);
        cr_assert_eq(shards_walk_list(&walk, list, &err), 0, "%s", err.text);
        for (size_t i = at; i < end; i++)
            cr_assert_eq(list[i - at], pairs[i].row);
        free(list);
        rowset_unref(rows);
    }
    cr_assert_eq(shards_walk_next(&walk, &err), 0, "%s", err.text);
    cr_assert_eq(shards_walk_next(&walk, &err), 0, "%s", err.text);
    shards_walk_done(&walk);
}

static void check_range(const struct model *m, const struct shards *shards, const struct pair *pairs,
                        size_t count)
{
    struct error err = {0};
    uint32_t a = (uint32_t)shard_below(m->shape->values), b = (uint32_t)shard_below(m->shape->values);
    struct shard_range range = {
        shard_below(5) == 0, shard_below(5) == 0, shard_below(2), shard_below(2), {0}, {0}};
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    range.low = shard_key_of(&m->values[low]), range.high = shard_key_of(&m->values[high]);
    size_t from = 0, to = count;
    while (!range.open_low && from < count && pairs[from].value < low + !range.inclusive_low)
        from++;
    while (!range.open_high && to > from && pairs[to - 1].value + !range.inclusive_high > high)
        to--;
    struct rowset *rows = rowset_new();
    uint64_t guess = 0, exact = 0, here;
    for (size_t i = 0; i < shards->count; i++) {
        cr_assert_eq(shard_count_between(&shards->list[i], &range, &here, &err), 0, "%s", err.text);
        exact += here;
        cr_assert_eq(shard_between(&shards->list[i], &range, rows, &err), 0, "%s", err.text);
        guess += shard_guess(&shards->list[i], &range);
    }
    check_rows(m, rows, pairs + from, to - from, "range");
    cr_assert_eq(exact, to - from);
    cr_assert_leq(guess, count);
    if (range.open_low && range.open_high)
        cr_assert_eq(guess, count);
    rowset_unref(rows);
}

static void check_value(const struct model *m, const struct shards *shards, const struct pair *pairs,
                        size_t count)
{
    struct error err = {0};
    uint32_t value = shard_below(2) ? model_index(m) : (uint32_t)shard_below(m->shape->values);
    struct shard_key key = shard_key_of(&m->values[value]);
    struct rowset *rows = rowset_new();
    uint64_t clips = 0;
    size_t from = 0, to;
    while (from < count && pairs[from].value < value)
        from++;
    for (to = from; to < count && pairs[to].value == value; to++)
        ;
    for (size_t i = 0; i < shards->count; i++) {
        uint64_t here;
        cr_assert_eq(shard_equal(&shards->list[i], &key, rows, &err), 0, "%s", err.text);
        cr_assert_eq(shard_count(&shards->list[i], &key, &here, &err), 0, "%s", err.text);
        clips += here;
    }
    check_rows(m, rows, pairs + from, to - from, "value");
    cr_assert_eq(clips, to - from);
    rowset_unref(rows);
}

static void check_part(const struct model *m, struct db *db, sqlite3_stmt *stmt, uint32_t region)
{
    struct error err = {0};
    struct column_part part;
    struct buf expanded = BUF_INIT;
    struct column_values *values = mem_zero(sizeof *values);
    if (stmt) {
        cr_assert_eq(column_part_read(db, stmt, &part, &err), 0, "%s", err.text);
        cr_assert_eq(column_part_expand(db, &part, &expanded, &err), 0, "%s", err.text);
        column_part_values(&part, &expanded, values);
    }
    for (uint32_t i = 0; i < ROWSET_PART_ROWS; i++) {
        uint32_t row = region << 16 | i;
        bool has = values->present[i / 64] >> i % 64 & 1;
        cr_assert_eq(has, m->counts[row] > 0, "%s, row %u", m->shape->name, row);
        if (has)
            cr_assert_eq(values->values[i], column_number(&m->values[m->cells[row][0]]));
    }
    free(values);
    buf_done(&expanded);
}

static void check_parts(const struct model *m, struct db *db)
{
    for (uint32_t region = 0; model_has_column(m) && region < m->regions; region++) {
        struct error err = {0};
        sqlite3_stmt *stmt;
        cr_assert_eq(db_query(db, QUERY_PARTS, &stmt, &err), 0);
        db_bind_number(stmt, 1, shard_part_id(MODEL_ATTRIBUTE, region));
        db_bind_number(stmt, 2, shard_part_id(MODEL_ATTRIBUTE, region));
        check_part(m, db, db_step(db, stmt, &err) ? stmt : NULL, region);
        sqlite3_reset(stmt);
    }
}

static void check_all(struct db *db, const struct model *m)
{
    struct error err = {0};
    struct shards shards;
    size_t count, clips = 0, there = 0;
    struct pair *pairs = list_pairs(m, &count);
    struct rowset *has = rowset_new();
    cr_assert_eq(shards_open(db, MODEL_ATTRIBUTE, m->shape->type, &shards, &err), 0, "%s", err.text);
    for (size_t i = 0; i < shards.count; i++) {
        const struct shard *shard = &shards.list[i];
        size_t here = 0;
        clips += shard->dict.clips;
        cr_assert_eq(shard_has(shard, has, &err), 0, "%s", err.text);
        while (there < m->shard_count && m->shards[there] != shard->number)
            there++;
        cr_assert_lt(there, m->shard_count, "shard %u is not one of them", shard->number);
        uint32_t last = UINT32_MAX;
        for (size_t k = 0; k < count; k++)
            if (pairs[k].row >= shard_first(shard->number) && pairs[k].row < shard_end(shard->number)) {
                here += pairs[k].value != last;
                last = pairs[k].value;
            }
        cr_assert_eq(shard->dict.values, here, "%s", m->shape->name);
    }
    check_rows(m, has, pairs, count, "has");
    cr_assert_eq(clips, rowset_count(has));
    check_walk(m, &shards, pairs, count);
    for (int i = 0; i < 8; i++) {
        check_range(m, &shards, pairs, count);
        check_value(m, &shards, pairs, count);
    }
    check_parts(m, db);
    rowset_unref(has);
    free(pairs);
    shards_done(&shards);
}

static uint64_t rows_left(struct db *db, enum schema_query query, int64_t id)
{
    struct error err = {0};
    sqlite3_stmt *stmt;
    cr_assert_eq(db_query(db, query, &stmt, &err), 0);
    db_bind_number(stmt, 1, id);
    uint64_t found = (uint64_t)db_step(db, stmt, &err);
    sqlite3_reset(stmt);
    return found;
}

static void check_dropped(struct db *db, const struct model *m)
{
    struct error err = {0};
    struct shards shards;
    cr_assert_eq(shards_drop(db, MODEL_ATTRIBUTE, &err), 0, "%s", err.text);
    cr_assert_eq(shards_open(db, MODEL_ATTRIBUTE, m->shape->type, &shards, &err), 0, "%s", err.text);
    cr_assert_eq(shards.count, 0);
    for (uint32_t number = 0; number < 8 * MODEL_REGIONS; number++)
        cr_assert_eq(rows_left(db, QUERY_DICT, (int64_t)number << 20 | MODEL_ATTRIBUTE), 0);
    shards_done(&shards);
}

enum { STEPS = 8, FLIPS = 40 };

Test(shard, an_attribute_in_shards_agrees_with_a_plain_list)
{
    shard_seed();
    for (size_t i = 0; i < MODEL_SHAPES; i++) {
        struct overlay *file;
        struct model m;
        struct db *db = shard_catalog_open(&file);
        model_init(&m, &model_shapes[i]);
        model_seal(db, &m);
        for (int step = test_rounds(STEPS); step--;) {
            uint64_t what = shard_below(8);
            if (what < 4 && m.regions < MODEL_REGIONS)
                model_seal(db, &m);
            else if (what < 6)
                model_merge(db, &m);
            else
                model_relabel(db, &m);
            check_all(db, &m);
        }
        check_dropped(db, &m);
        model_done(&m);
        shard_catalog_close(db, file);
    }
    check_leaks();
}

/* ---- hostile bytes ---- */

static bool read_blob(struct db *db, enum schema_query query, int64_t id, struct buf *ret)
{
    struct error err = {0};
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    cr_assert_eq(db_query(db, query, &stmt, &err), 0);
    db_bind_number(stmt, 1, id);
    if (query == QUERY_POSTING)
        db_bind_number(stmt, 2, id);
    bool found = db_step(db, stmt, &err) == 1;
    if (found) {
        cr_assert_eq(db_column_bytes(db, stmt, query == QUERY_POSTING, &bytes, &len, &err), 0);
        buf_clear(ret);
        buf_append(ret, bytes, len);
    }
    sqlite3_reset(stmt);
    return found;
}

static void write_blob(struct db *db, enum schema_query query, int64_t id, const struct buf *bytes)
{
    struct error err = {0};
    uint64_t written = 0;
    cr_assert_eq(shard_put(db, query, id, bytes, &written, &err), 0, "%s", err.text);
}

/* Each way to read an attribute; the first error, or 0. */
static int ask_all(struct db *db, const struct model *m, struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    struct shard_range all = {.open_low = true, .open_high = true}, some = {.inclusive_low = true};
    some.low = shard_key_of(&m->values[m->shape->values / 3]);
    some.high = shard_key_of(&m->values[m->shape->values / 2]);
    uint64_t count;
    int rc = shards_open(db, MODEL_ATTRIBUTE, m->shape->type, &shards, err);
    for (size_t i = 0; !rc && i < shards.count; i++) {
        rc = shard_between(&shards.list[i], &all, rows, err);
        rc = rc ? rc : shard_between(&shards.list[i], &some, rows, err);
        rc = rc ? rc : shard_has(&shards.list[i], rows, err);
        for (uint32_t value = 0; !rc && value < m->shape->values; value += 1 + m->shape->values / 50) {
            struct shard_key key = shard_key_of(&m->values[value]);
            rc = shard_equal(&shards.list[i], &key, rows, err);
            rc = rc ? rc : shard_count(&shards.list[i], &key, &count, err);
        }
    }
    rc = rc ? rc : shards_walk_init(&walk, &shards, NULL, true, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1)
        rc = shards_walk_rows(&walk, rows, err);
    return rc;
}

/* What a change that touches most blocks makes of it. */
static int change_all(struct db *db, struct model *m, struct error *err)
{
    struct shard_target to = model_target(m, m->shards[0]);
    struct delta delta = delta_of(m);
    struct shard_source source = {delta_next, delta_rewind, &delta};
    struct shard_presence presence = {delta.gained, delta.lost};
    struct shard_work work = SHARD_WORK_ALL;
    delta.first = shard_first(m->shards[0]);
    delta.end = shard_end(m->shards[0]);
    for (uint32_t value = 0; value < m->shape->values; value += 1 + m->shape->values / 200)
        delta_note(&delta, value, delta.first + value % 1000, shard_below(2));
    int rc = shard_update(db, &to, &source, &presence, &work, err);
    free(delta.pairs);
    free(delta.rows);
    rowset_unref(delta.gained);
    rowset_unref(delta.lost);
    shard_work_done(&work);
    return rc;
}

static void flip_and_ask(struct db *db, struct model *m, enum schema_query get, enum schema_query put,
                         int64_t id)
{
    struct buf good = BUF_INIT, bad = BUF_INIT;
    struct error err = {0};
    if (!read_blob(db, get, id, &good))
        return; /* changes that other flipped bytes misled have taken it away */
    for (int i = test_rounds(FLIPS); i--;) {
        buf_clear(&bad);
        buf_append(&bad, good.data, good.len);
        if (shard_below(5) == 0)
            buf_truncate(&bad, shard_below(bad.len));
        for (uint64_t flips = 1 + shard_below(3); flips && bad.len; flips--)
            bad.data[shard_below(2) ? shard_below(bad.len) : shard_below(bad.len < 24 ? bad.len : 24)] ^=
                (uint8_t)(1 << shard_below(8));
        write_blob(db, put, id, &bad);
        int rc = ask_all(db, m, &err);
        cr_assert(!rc || (rc == -EUCLEAN && strstr(err.text, "of attribute 17 in shard 0")), "%d %s", rc,
                  err.text);
        rc = change_all(db, m, &err);
        cr_assert(!rc || rc == -EUCLEAN || rc == -EFBIG, "%d %s", rc, err.text);
        write_blob(db, put, id, &good);
    }
    buf_done(&good), buf_done(&bad);
}

Test(shard, flipped_bytes_are_damage_with_a_name_or_another_answer_but_never_a_crash)
{
    shard_seed();
    for (size_t i = 0; i < MODEL_SHAPES; i++) {
        struct error err = {0};
        struct overlay *file;
        struct model m;
        struct db *db = shard_catalog_open(&file);
        model_init(&m, &model_shapes[i]);
        model_seal(db, &m);
        struct shard shard;
        cr_assert_eq(shard_open(db, MODEL_ATTRIBUTE, m.shape->type, 0, &shard, &err), 0);
        flip_and_ask(db, &m, QUERY_DICT, QUERY_DICT_PUT, MODEL_ATTRIBUTE);
        for (size_t k = 0; k < shard.dict.block_count && k < 3; k++) {
            int64_t id = (int64_t)MODEL_ATTRIBUTE << 20 | shard.dict.blocks[k].number;
            flip_and_ask(db, &m, QUERY_BLOCK, QUERY_BLOCK_PUT, id);
            flip_and_ask(db, &m, QUERY_MEMBERS, QUERY_MEMBERS_PUT, id);
        }
        if (shard.dict.large_count)
            flip_and_ask(
                db, &m, QUERY_POSTING, QUERY_POSTING_PUT,
                pieces_first(&pieces_posting, (int64_t)MODEL_ATTRIBUTE << 20 | shard.dict.large[0].posting));
        shard_done(&shard);
        model_done(&m);
        shard_catalog_close(db, file);
    }
    check_leaks();
}
