// SPDX-License-Identifier: Apache-2.0
/*
 * What commits write of what is older than they are: pages are counted, not time. Small clips and labels come
 * day after day, with limits so low that seals, folds and merges of shards are under way most of the time.
 * The seed is printed and taken from ELIDEFS_SEED.
 */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/base/file.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum {
    FIRST = 26000,
    COMMITS = 320,
    NEW = 60,      /* clips, or labels, a commit */
    TAIL = 1200,   /* rows that are sealed, */
    PATCHED = 700, /* and of an attribute that are folded */
    BUDGET = 40000,
};

struct days {
    struct versions v;
    uint64_t random;
    uint32_t clips, worst, worst_version;
    uint64_t sum;
    int seals, folds; /* commits after which one was under way */
};

static uint64_t draw(struct days *days, uint64_t below)
{
    days->random ^= days->random << 13, days->random ^= days->random >> 7, days->random ^= days->random << 17;
    return (days->random >> 11) % below;
}

static void add_clips(struct days *days, uint32_t count)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "arm", VALUE_TEXT, false);
    set_attribute(set, "name", VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "recorded", VALUE_TIME, false);
    for (uint32_t i = 0; i < count; i++) {
        char key[16], text[40];
        uint32_t clip = days->clips++;
        snprintf(key, sizeof key, "ep%06u", clip);
        set_clip(set, key, (int)clip);
        set_value(set, "arm", VALUE_TEXT, draw(days, 2) ? "left" : "right");
        snprintf(text, sizeof text, "name of %u", (unsigned)draw(days, 1 << 20));
        set_value(set, "name", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%u", (unsigned)draw(days, 500));
        set_value(set, "length", VALUE_INT, text);
        snprintf(text, sizeof text, "2026-03-01T%02u:%02u:%02uZ", clip / 3600 % 24, clip / 60 % 60,
                 clip % 60);
        set_value(set, "recorded", VALUE_TIME, text);
    }
    cr_assert_eq(versions_apply(&days->v, set), 0, "%s", days->v.err.text);
}

static void label(struct days *days, const char *name, uint64_t values)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    uint32_t step = days->clips / NEW, first = (uint32_t)draw(days, step);
    set_attribute(set, name, VALUE_TEXT, false);
    for (uint32_t i = 0; i < NEW; i++) {
        char key[16], text[40];
        snprintf(key, sizeof key, "ep%06u", first + i * step);
        snprintf(text, sizeof text, "mark %u", (unsigned)draw(days, values));
        set_labels(set, key, i);
        set_value(set, name, VALUE_TEXT, text);
    }
    cr_assert_eq(versions_apply(&days->v, set), 0, "%s", days->v.err.text);
}

static int64_t ask(struct days *days, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    CLEANUP_FREE char *path = versions_path(&days->v, days->v.head);
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    int64_t number = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

static void note(struct days *days)
{
    struct versions *v = &days->v;
    days->sum += v->pages_written;
    if (v->pages_written > days->worst) {
        days->worst = v->pages_written;
        days->worst_version = v->head;
    }
    days->seals += ask(days, "SELECT count(*) FROM work WHERE hex(substr(bytes, 1, 1)) = '01'") > 0;
    days->folds += ask(days, "SELECT count(*) FROM work WHERE hex(substr(bytes, 1, 1)) = '02'") > 0;
    CLEANUP_FREE char *older = v->head > 3 ? versions_path(v, v->head - 3) : NULL;
    if (older)
        remove(older);
}

static void run_days(struct days *days, uint64_t seed, const struct apply_limits *limits, int commits)
{
    *days = (struct days){.random = seed};
    versions_init(&days->v);
    days->v.limits = limits;
    add_clips(days, FIRST);
    for (int n = 0; n < commits; n++) {
        if (n % 4 == 1)
            label(days, "name", 1 << 20);
        else if (n % 4 == 3)
            label(days, "grade", 5);
        else
            add_clips(days, NEW);
        note(days);
    }
}

static struct apply_limits low_limits(size_t budget)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.tail_rows = TAIL;
    limits.patched_rows = PATCHED;
    limits.upkeep_bytes = budget;
    limits.small_set_bytes = SIZE_MAX;
    return limits;
}

static uint64_t seed(void)
{
    uint64_t number = test_seed();
    return number ? number : 1;
}

Test(upkeep, no_commit_writes_more_than_its_own_and_the_budget_and_what_is_left_to_do_does_not_grow,
     .timeout = 300)
{
    enum { OWN_PAGES = 34, PIECE_PAGES = 20 }; /* a group of rows, or a run, that cannot be cut */
    struct days some, all;
    uint64_t random = seed();
    const struct apply_limits low = low_limits(BUDGET), none = low_limits(SIZE_MAX / 4);
    run_days(&some, random, &low, COMMITS);
    run_days(&all, random, &none, COMMITS);
    fprintf(stderr, "worst %u pages (v%u), mean %u; without a budget %u (v%u), mean %u; %d seals, %d folds\n",
            some.worst, some.worst_version, (unsigned)(some.sum / COMMITS), all.worst, all.worst_version,
            (unsigned)(all.sum / COMMITS), some.seals, some.folds);
    uint32_t most = OWN_PAGES + PIECE_PAGES + BUDGET / SCHEMA_PAGE_BYTES;
    cr_assert_leq(some.worst, most, "v%u wrote %u pages", some.worst_version, some.worst);
    cr_assert_gt(2 * all.worst, 3 * most, "there was nothing to be cut: %u pages", all.worst);
    cr_assert(some.seals > 3 && some.folds > 10, "%d seals, %d folds", some.seals, some.folds);
    int64_t open =
        ask(&some, "SELECT r.number - s.number FROM meta r, meta s WHERE r.name = 'rows' AND s.name = "
                   "'sealed'");
    cr_assert_lt(open, 2 * TAIL, "%lld rows are not sealed", (long long)open);
    cr_assert_lt(ask(&some, "SELECT count(*) FROM run"), 250);
    versions_done(&some.v);
    versions_done(&all.v);
    check_leaks();
}

Test(upkeep, equal_change_sets_give_equal_catalogs_whatever_is_under_way, .timeout = 300)
{
    struct days one, other;
    uint64_t random = seed();
    const struct apply_limits low = low_limits(BUDGET);
    run_days(&one, random, &low, COMMITS / 3);
    run_days(&other, random, &low, COMMITS / 3);
    CLEANUP_FREE char *a = versions_path(&one.v, one.v.head), *b = versions_path(&other.v, other.v.head);
    CLEANUP_BUF struct buf left = BUF_INIT, right = BUF_INIT;
    cr_assert_eq(file_read(a, 1 << 28, &left, &one.v.err), 0, "%s", one.v.err.text);
    cr_assert_eq(file_read(b, 1 << 28, &right, &one.v.err), 0, "%s", one.v.err.text);
    cr_assert(left.len == right.len && !memcmp(left.data, right.data, left.len));
    versions_done(&one.v);
    versions_done(&other.v);
    check_leaks();
}
