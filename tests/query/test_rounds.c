// SPDX-License-Identifier: Apache-2.0
/*
 * How many times a cold question has to wait for the store. A reader that does not wait asks for pages and
 * gives -EAGAIN; only then does the store give any, and when all of these are here it is asked again. So each
 * such answer is a round: what is asked for in one does not depend on what came in the same.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/files.h"
#include "query/query.h"
#include "tests/catalog/paged.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum {
    CLIPS = 20000,
    MORE = 300,
    LABELLED = 50,
    SKILLS = 3000,
    TASKS = 20,
    LENGTHS = 10000,
    FIRST_NAMES = 100,
    UNNUMBERED = 7020
};

struct scene {
    struct versions versions; /* the same catalog, all here */
    struct paged paged;
    struct catalog *catalog;
    struct catalog_reader *now; /* of no page but the hot ones */
    struct error err;
};

/* Values that a block, few blocks or a posting of several pages have; half of the clips have no `note`. */
static void add_clips(struct changeset *set, unsigned from, unsigned to)
{
    char text[32];
    set_attribute(set, "arm", VALUE_TEXT, false);
    set_attribute(set, "task", VALUE_TEXT, false);
    set_attribute(set, "skill", VALUE_TEXT, false);
    set_attribute(set, "note", VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    for (int i = (int)from; i < (int)to; i++) {
        int random = i * 7919 % 104729;
        snprintf(text, sizeof text, "ep%06d", i);
        if (i == UNNUMBERED)
            memcpy(text, "other", sizeof "other");
        set_clip(set, text, i);
        set_value(set, "arm", VALUE_TEXT, random % 2 ? "left" : "right");
        snprintf(text, sizeof text, "task%d", i / 100 % TASKS);
        set_value(set, "task", VALUE_TEXT, text);
        snprintf(text, sizeof text, "skill%d", random % SKILLS);
        set_value(set, "skill", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%d", random % LENGTHS);
        set_value(set, "length", VALUE_INT, text);
        if (random % 7 < 3)
            set_value(set, "note", VALUE_TEXT, random % 5 ? "seen" : "odd");
    }
}

static void commit_all(struct versions *v)
{
    const struct versions_layers layers = {
        .add = add_clips, .clips = CLIPS, .more = MORE, .labelled = LABELLED, .digits = 6};
    versions_apply_layers(v, &layers);
}

/* So many commits more, each with runs of hashes of its own. */
static void append(struct versions *v, int commits)
{
    enum { EACH = 40 };
    for (int i = 0; i < commits; i++) {
        struct changeset *set = changeset_new();
        add_clips(set, (unsigned)(CLIPS + MORE + i * EACH), (unsigned)(CLIPS + MORE + (i + 1) * EACH));
        cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
    }
}

static void open_cold(struct scene *s)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_FREE char *path = versions_path(&s->versions, s->versions.head);
    cr_assert_eq(paged_init(&s->paged, &s->err), 0, "%s", s->err.text);
    cr_assert_eq(paged_open(&s->paged, path, "it", &pages, &s->err), 0, "%s", s->err.text);
    s->catalog = catalog_open_pages(pages);
    pages_want_hot(pages); /* as a mount does */
    page_store_settle(s->paged.store);
    held_set_mode(s->paged.held, HELD_HOLD);
    struct catalog_patience none = {.nowait = true};
    cr_assert_eq(catalog_reader_acquire(s->catalog, &none, &s->now, &s->err), 0, "%s", s->err.text);
}

static void begin_with(struct scene *s, int commits)
{
    *s = (struct scene){0};
    versions_init(&s->versions);
    commit_all(&s->versions);
    append(&s->versions, commits);
    open_cold(s);
}

static void begin(struct scene *s)
{
    begin_with(s, 0);
}

static void close_cold(struct scene *s)
{
    held_set_mode(s->paged.held, HELD_GIVE);
    catalog_reader_release(s->now);
    catalog_unref(s->catalog);
    paged_done(&s->paged);
}

static void end(struct scene *s)
{
    close_cold(s);
    versions_done(&s->versions);
    check_leaks();
}

/* Was it no answer, but a round? Then what it asked for is here now. */
static bool waited(struct scene *s, int rc, unsigned *rounds)
{
    cr_assert(rc == 0 || rc == -EAGAIN, "%s", s->err.text);
    if (rc != -EAGAIN)
        return false;
    held_set_mode(s->paged.held, HELD_GIVE);
    page_store_settle(s->paged.store);
    held_set_mode(s->paged.held, HELD_HOLD);
    cr_assert_leq(++*rounds, 100);
    return true;
}

/* Component by component, as a kernel does. */
static struct query *look_up(struct scene *s, const char *path, unsigned *rounds)
{
    struct query *query = query_all(), *next = NULL;
    for (size_t len; *path; path += len + (path[len] == '/')) {
        len = strcspn(path, "/");
        while (waited(s, query_extend(query, path, len, s->now, &next, &s->err), rounds))
            ;
        query_unref(query);
        query = next;
    }
    return query;
}

static struct set *run(struct scene *s, const struct query *query, unsigned *rounds)
{
    struct set *result = NULL;
    while (waited(s, query_run(query, s->now, &result, &s->err), rounds))
        ;
    return result;
}

/* As a listing does: what the first clips need is asked for together when something is not here. */
static void name_first(struct scene *s, const struct set *result, unsigned *rounds)
{
    uint32_t rows[FIRST_NAMES];
    uint64_t next;
    struct catalog_clip clip;
    size_t count = set_read(result, 0, rows, FIRST_NAMES, &next);
    for (size_t i = 0; i < count; i++)
        for (int rc = -EAGAIN; rc == -EAGAIN;) {
            rc = catalog_clip(s->now, rows[i], &clip, &s->err);
            if (rc == -EAGAIN)
                catalog_clips_ahead(s->now, rows, count);
            waited(s, rc, rounds);
        }
}

/* What it tells is what a catalog tells that is all here. */
static void expect_rows(struct scene *s, const char *path, const struct set *result)
{
    struct query *query = NULL;
    struct set *plain = NULL;
    cr_assert_eq(query_parse(path, strlen(path), s->versions.reader, &query, &s->err), 0, "%s", s->err.text);
    cr_assert_eq(query_run(query, s->versions.reader, &plain, &s->err), 0, "%s", s->err.text);
    uint64_t count = set_count(plain), both = 0;
    cr_assert_gt(count, 0, "%s: the test tests nothing", path);
    for (uint32_t row = 0; row < CLIPS + MORE; row++)
        both += set_has(plain, row) && set_has(result, row);
    cr_assert(both == count && set_count(result) == count, "%s", path);
    set_unref(plain);
    query_unref(query);
}

/* The rounds of a path's look-ups, its result, and first names. */
static unsigned walk(struct scene *s, const char *path, unsigned ret[3])
{
    memset(ret, 0, 3 * sizeof *ret);
    struct query *query = look_up(s, path, &ret[0]);
    struct set *result = run(s, query, &ret[1]);
    name_first(s, result, &ret[2]);
    expect_rows(s, path, result);
    set_unref(result);
    query_unref(query);
    return ret[0] + ret[1] + ret[2];
}

Test(rounds, a_path_whose_components_are_known_takes_one_round_whatever_its_predicates)
{
    static const char *const paths[] = {
        "arm=left/skill=skill1581/task=task3", "arm.ne=left/skill.in=skill460,skill2111,skill582/note.null=1",
        "arm=both/note=odd+note.null=1/length.rng=100..1500", "skill.prefix=skill2/task=task1/arm=right"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct scene s;
        struct query *query = NULL;
        unsigned rounds = 0;
        begin(&s);
        cr_assert_eq(query_parse(paths[i], strlen(paths[i]), s.versions.reader, &query, &s.err), 0, "%s",
                     s.err.text);
        struct set *result = run(&s, query, &rounds);
        cr_assert_eq(rounds, 1, "%s: %u rounds", paths[i], rounds);
        expect_rows(&s, paths[i], result);
        set_unref(result);
        query_unref(query);
        end(&s);
    }
}

/* Values and their counts are hot, if an attribute has up to some 10,000 texts: so no component waits. But
 * `arm` has patches, which may have taken its last clip from a value: the first look at it reads them. */
Test(rounds, a_cold_path_of_three_predicates_has_its_first_names_after_two_rounds_whatever_is_asked_first)
{
    static const char *const paths[] = {
        "skill=skill1581/note=seen/task=task10", "task=task7/skill=skill1392/note=seen",
        "note=seen/task=task4/skill.ne=skill1392", "task=task5/skill=skill2446/note.null=1"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct scene s;
        unsigned rounds[3];
        begin(&s);
        unsigned all = walk(&s, paths[i], rounds);
        cr_assert_eq(rounds[0], 0, "%s: %u rounds for look-ups", paths[i], rounds[0]);
        cr_assert_leq(all, 2, "%s: %u for the result, %u for names", paths[i], rounds[1], rounds[2]);
        cr_assert_geq(all, 1, "nothing was cold: the test tests nothing");
        end(&s);
    }
}

Test(rounds, of_a_path_with_patches_the_first_names_are_there_after_three_rounds_and_the_next_after_two)
{
    struct scene s;
    unsigned rounds[3];
    begin(&s);
    unsigned all = walk(&s, "arm=left/skill=skill1581/task=task3", rounds);
    cr_assert_leq(all, 3, "%u for look-ups, %u for the result, %u for names", rounds[0], rounds[1],
                  rounds[2]);
    static const char *const next[] = {"arm=right/task=task7/skill=skill1392",
                                       "note=seen/task=task4/arm=right",
                                       "task=task5/skill=skill2446/note.null=1"};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        all = walk(&s, next[i], rounds);
        cr_assert_leq(all, 2, "%s: %u for look-ups, %u for the result, %u for names", next[i], rounds[0],
                      rounds[1], rounds[2]);
    }
    end(&s);
}

Test(rounds, a_range_is_asked_for_as_a_whole_and_only_the_range)
{
    static const struct {
        const char *path;
        unsigned reads;
    } ranges[] = {{"length.rng=4000..4100", 5}, {"length.rng=0..2000", 5}, {"length.rng=0..9000", 7}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct scene s;
        unsigned rounds = 0;
        begin(&s);
        struct query *query = look_up(&s, ranges[i].path, &rounds);
        unsigned before = atomic_load(&s.paged.held->reads);
        struct set *result = run(&s, query, &rounds);
        unsigned reads = atomic_load(&s.paged.held->reads) - before;
        cr_assert_eq(rounds, 1, "%s: %u rounds", ranges[i].path, rounds);
        cr_assert_leq(reads, ranges[i].reads, "%s: %u reads", ranges[i].path, reads);
        expect_rows(&s, ranges[i].path, result);
        set_unref(result);
        query_unref(query);
        end(&s);
    }
}

/* What all runs of hashes say; and of a key that is there, its clip. */
Test(rounds, the_first_key_of_a_version_takes_as_many_rounds_after_many_commits_as_after_one)
{
    enum { COMMITS = 6 };
    static const struct {
        const char *key;
        bool there;
    } keys[] = {{"ep020500", true}, {"no-such-clip", false}, {"ep000007", true}, {"ep020310", true}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct scene s;
        uint32_t row;
        unsigned rounds = 0;
        int rc;
        begin_with(&s, COMMITS);
        do
            rc = catalog_clip_find(s.now, keys[i].key, strlen(keys[i].key), &row, &s.err);
        while (waited(&s, rc == -ENOENT ? 0 : rc, &rounds));
        cr_assert_eq(rc, keys[i].there ? 0 : -ENOENT, "%s: %s", keys[i].key, s.err.text);
        cr_assert_geq(rounds, 1, "nothing was cold: the test tests nothing");
        cr_assert_leq(rounds, keys[i].there ? 2 : 1, "%s: %u rounds", keys[i].key, rounds);
        end(&s);
    }
}

/* ---- the JSON of a clip ---- */

enum { LABEL_COMMITS = 30, LABEL_ATTRIBUTES = 10, LABELS = 300 };

/* Each commit labels clips here and there with one of a few attributes; what that adds to their JSON lies in
 * groups, but for the last ones. One clip has events and a list. */
static void label_clips(struct versions *v, int commits, int attributes)
{
    struct apply_limits limits = APPLY_LIMITS;
    char key[16], name[16], text[32];
    limits.open_rows = LABELS * 5;
    v->limits = &limits;
    for (int commit = 0; commit < commits; commit++) {
        struct changeset *set = labels_by("anna", CHANGESET_ALL);
        snprintf(name, sizeof name, "grade%d", commit % attributes);
        set_attribute(set, name, VALUE_TEXT, false);
        set_attribute(set, "curve", VALUE_LIST, false);
        for (int i = 0; i < LABELS; i++) {
            snprintf(key, sizeof key, "ep%06d", i * (CLIPS / LABELS) + (i ? commit * 2 % 7 : 0));
            snprintf(text, sizeof text, "%x", (unsigned)(i * 7919 * (commit + 3)));
            set_labels(set, key, (uint64_t)i + 1);
            set_value(set, name, VALUE_TEXT, text);
            if (!i && !commit) {
                set_value(set, "curve", VALUE_LIST, "[1,2,3]");
                set_events(set, "grasp", (const double[]){1, 2, -1});
            }
        }
        set_labels(set, "other", LABELS + 1);
        set_value(set, name, VALUE_TEXT, key);
        cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
    }
    v->limits = NULL;
}

static void begin_labelled(struct scene *s)
{
    *s = (struct scene){0};
    versions_init(&s->versions);
    commit_all(&s->versions);
    label_clips(&s->versions, LABEL_COMMITS, LABEL_ATTRIBUTES);
    open_cold(s);
}

static uint32_t row_of(struct scene *s, const char *key)
{
    uint32_t row;
    cr_assert_eq(catalog_clip_find(s->versions.reader, key, strlen(key), &row, &s->err), 0, "%s",
                 s->err.text);
    return row;
}

static void expect_json(struct scene *s, uint32_t row, const struct buf *json)
{
    CLEANUP_BUF struct buf expected = BUF_INIT;
    cr_assert_eq(catalog_json(s->versions.reader, row, &expected, &s->err), 0, "%s", s->err.text);
    cr_assert_str_eq(buf_text(json), buf_text(&expected));
}

Test(rounds, a_cold_json_takes_two_rounds_however_often_clips_were_labelled)
{
    static const char *const keys[] = {"ep000000", "ep000070", "ep013324", "ep019999"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct scene s;
        CLEANUP_BUF struct buf json = BUF_INIT;
        unsigned rounds = 0;
        begin_labelled(&s);
        uint32_t row = row_of(&s, keys[i]);
        unsigned before = atomic_load(&s.paged.held->reads);
        while (waited(&s, catalog_json(s.now, row, &json, &s.err), &rounds))
            ;
        cr_assert_leq(rounds, 2, "%s: %u rounds", keys[i], rounds);
        cr_assert_gt(atomic_load(&s.paged.held->reads), before, "nothing was cold: the test tests nothing");
        expect_json(&s, row, &json);
        buf_done(&json);
        end(&s);
    }
}

Test(rounds, a_json_reads_no_runs_of_attributes_that_its_clip_has_no_labels_of)
{
    struct scene s;
    CLEANUP_BUF struct buf json = BUF_INIT;
    unsigned rounds = 0;
    begin_labelled(&s);
    uint32_t row = row_of(&s, "ep019999");
    unsigned before = atomic_load(&s.paged.held->reads);
    while (waited(&s, catalog_json(s.now, row, &json, &s.err), &rounds))
        ;
    unsigned reads = atomic_load(&s.paged.held->reads) - before;
    cr_assert_leq(rounds, 1, "%u rounds", rounds);
    cr_assert(reads && reads <= 5, "%u reads", reads);
    expect_json(&s, row, &json);
    buf_done(&json);
    end(&s);
}

/* What the name's hash says, and the clip that it is if names are numbered; runs of what it has labels of. Of
 * others a round more: what is read of the clips that they may be. */
Test(rounds, a_cold_json_that_is_looked_up_by_its_name_takes_two_rounds_if_names_are_numbered_and_else_three)
{
    static const struct {
        const char *name;
        unsigned name_rounds, rounds;
    } files[] = {{"ep000000.json", 1, 2},
                 {"ep000070.json", 1, 2},
                 {"ep013324.json", 1, 2},
                 {"ep019999.json", 1, 1},
                 {"other.json", 2, 3}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct scene s;
        CLEANUP_BUF struct buf json = BUF_INIT;
        uint32_t row, stream;
        unsigned rounds = 0;
        const char *name = files[i].name;
        begin_labelled(&s);
        while (waited(&s, files_find(s.now, name, strlen(name), &row, &stream, &s.err), &rounds))
            ;
        cr_assert_leq(rounds, files[i].name_rounds, "%s: %u rounds for its name", name, rounds);
        while (waited(&s, catalog_json(s.now, row, &json, &s.err), &rounds))
            ;
        cr_assert_leq(rounds, files[i].rounds, "%s: %u rounds", name, rounds);
        expect_json(&s, row, &json);
        buf_done(&json);
        end(&s);
    }
}

/* Which attributes it has labels of is known with the rest of the clip; where all there are take little, they
 * are asked for with that. */
Test(rounds, a_cold_json_that_is_looked_up_by_any_name_takes_two_rounds_where_there_are_few_labels)
{
    enum { FEW = 28, FEW_ATTRIBUTES = 2 };
    static const char name[] = "other.json";
    struct scene s = {0};
    CLEANUP_BUF struct buf json = BUF_INIT;
    uint32_t row, stream;
    unsigned rounds = 0;
    versions_init(&s.versions);
    commit_all(&s.versions);
    label_clips(&s.versions, FEW, FEW_ATTRIBUTES);
    open_cold(&s);
    while (waited(&s, files_find(s.now, name, strlen(name), &row, &stream, &s.err), &rounds))
        ;
    while (waited(&s, catalog_json(s.now, row, &json, &s.err), &rounds))
        ;
    cr_assert_eq(rounds, 2, "%u rounds", rounds);
    expect_json(&s, row, &json);
    buf_done(&json);
    end(&s);
}

/* ---- many attributes ---- */

enum { ATTRIBUTES = 4000, WIDE_CLIPS = 4000 };

static void begin_wide(struct scene *s)
{
    struct changeset *set = changeset_new();
    char name[16], key[16];
    *s = (struct scene){0};
    versions_init(&s->versions);
    for (int i = 0; i < ATTRIBUTES; i++) {
        snprintf(name, sizeof name, "a%04d", i);
        set_attribute(set, name, VALUE_INT, false);
    }
    for (int i = 0; i < WIDE_CLIPS; i++) {
        snprintf(key, sizeof key, "ep%06d", i);
        set_clip(set, key, i);
        snprintf(name, sizeof name, "a%04d", i % ATTRIBUTES);
        set_value(set, name, VALUE_INT, "7");
    }
    cr_assert_eq(versions_apply(&s->versions, set), 0, "%s", s->versions.err.text);
    open_cold(s);
}

static unsigned find_attribute(struct scene *s, const char *name, int expected)
{
    struct catalog_attribute attribute;
    unsigned rounds = 0;
    int rc;
    do
        rc = catalog_attribute_find(s->now, name, strlen(name), &attribute, &s->err);
    while (waited(s, rc == -ENOENT ? 0 : rc, &rounds));
    cr_assert_eq(rc, expected, "%s: %s", name, s->err.text);
    cr_assert(rc || !strcmp(attribute.name, name));
    return rounds;
}

/* Those with low numbers are what most clips have. */
Test(rounds, of_many_attributes_the_first_are_known_at_once_and_others_when_one_of_them_is_named)
{
    struct scene s;
    unsigned rounds[3];
    begin_wide(&s);
    cr_assert_eq(find_attribute(&s, "a0000", 0), 0);
    cr_assert_eq(find_attribute(&s, "a0255", 0), 0);
    walk(&s, "a0003=7/a0255.null=1", rounds);
    cr_assert_eq(find_attribute(&s, "a3999", 0), 1, "what nobody named was here");
    cr_assert_eq(find_attribute(&s, "a0256", 0), 0);
    cr_assert_eq(find_attribute(&s, "b", -ENOENT), 0);
    walk(&s, "a0003=7/a3999.null=1", rounds);
    end(&s);
}

Test(rounds, a_json_of_one_of_many_attributes_takes_no_round_more_for_them)
{
    struct scene s;
    CLEANUP_BUF struct buf json = BUF_INIT;
    uint32_t row, stream;
    unsigned rounds = 0;
    begin_wide(&s);
    while (waited(&s, files_find(s.now, "ep000123.json", 13, &row, &stream, &s.err), &rounds))
        ;
    while (waited(&s, catalog_json(s.now, row, &json, &s.err), &rounds))
        ;
    cr_assert_eq(rounds, 1, "%u rounds", rounds);
    expect_json(&s, row, &json);
    buf_done(&json);
    end(&s);
}

/* ---- windows ---- */

/* The bytes that are read to select the clips of a value: of a window, or of all. */
static uint64_t read_of(struct scene *s, enum catalog_op op, const struct catalog_window *window,
                        uint64_t *ret_count)
{
    struct catalog_attribute attribute;
    struct rowset *rows;
    const struct value value = value_of(VALUE_TEXT, "skill1581");
    unsigned rounds = 0;
    open_cold(s);
    while (waited(s, catalog_attribute_find(s->now, "skill", 5, &attribute, &s->err), &rounds))
        ;
    const struct catalog_literal literal = {
        .window = window, .attribute = attribute.id, .op = op, .values = &value, .count = 1};
    uint64_t before = atomic_load(&s->paged.held->bytes);
    for (int rc = -EAGAIN; rc == -EAGAIN;) {
        catalog_select_ahead(s->now, &literal, 1);
        rc = catalog_select(s->now, &literal, &rows, &s->err);
        waited(s, rc, &rounds);
    }
    uint64_t bytes = atomic_load(&s->paged.held->bytes) - before;
    *ret_count = rowset_count(rows);
    rowset_unref(rows);
    close_cold(s);
    return bytes;
}

Test(rounds, of_rows_that_are_sealed_no_tail_run_is_read)
{
    const struct catalog_window sealed = {.end = CLIPS}, more = {.end = CLIPS + MORE};
    static const enum catalog_op ops[] = {CATALOG_EQ, CATALOG_NE, CATALOG_HAS};
    struct scene s;
    begin_labelled(&s);
    close_cold(&s);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        uint64_t few, all, same, bytes = read_of(&s, ops[i], &sealed, &few);
        cr_assert_gt(read_of(&s, ops[i], NULL, &all), bytes, "operator %d", ops[i]);
        cr_assert_gt(read_of(&s, ops[i], &more, &same), bytes, "operator %d", ops[i]);
        cr_assert_eq(all, same);
        cr_assert(few && (ops[i] == CATALOG_EQ || few < all), "%llu of %llu", (unsigned long long)few,
                  (unsigned long long)all);
    }
    versions_done(&s.versions);
    check_leaks();
}
