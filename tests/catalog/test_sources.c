// SPDX-License-Identifier: Apache-2.0
/* What sources say of themselves: in which version, of which clips, and at what cost. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "index/commit/changeset_sources.h"
#include "tests/catalog/paged.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

#define INFO "{\"fps\": 30}"

static uint32_t begin_source(struct changeset *set, const char *folder)
{
    struct error err;
    uint32_t source = 99;
    uint32_t root = changeset_root(set, "/a/root");
    cr_assert_eq(changeset_source_begin(set, root, folder, &source, &err), 0, "%s", err.text);
    return source;
}

static void add_file(struct changeset *set, const char *name, const char *bytes)
{
    struct error err;
    cr_assert_eq(changeset_source_file(set, name, bytes, strlen(bytes), &err), 0, "%s", err.text);
}

static void add_clip(struct changeset *set, const char *key, int content, uint32_t source)
{
    set_clip(set, key, content);
    set_stream(set, "front", "a.mp4", (uint64_t)content, 5);
    changeset_of_source(set, source);
}

/* One clip of the source "arm", which says this; and one of none. */
static struct changeset *arm(const char *info, const char *readme)
{
    struct changeset *set = changeset_new();
    uint32_t source = begin_source(set, "arm");
    if (readme)
        add_file(set, "README.md", readme);
    add_file(set, "meta/info.json", info);
    add_clip(set, "ep1", 1, source);
    set_clip(set, "plain", 9);
    return set;
}

static void must_apply(struct versions *v, struct changeset *set)
{
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static uint32_t row_of(struct catalog_reader *reader, const char *key)
{
    struct error err;
    uint32_t row = 0;
    cr_assert_eq(catalog_clip_find(reader, key, strlen(key), &row, &err), 0, "%s", err.text);
    return row;
}

static uint32_t source_of(struct catalog_reader *reader, const char *key)
{
    struct error err;
    uint32_t source = 0;
    int rc = catalog_clip_source(reader, row_of(reader, key), &source, &err);
    cr_assert(!rc || rc == -ENOENT, "%s", err.text);
    return source;
}

static int print_file(void *ctx, const char *name, uint64_t size, struct error *err)
{
    buf_printf(ctx, "%s %llu\n", name, (unsigned long long)size);
    return 0;
}

static void expect_files(struct catalog_reader *reader, uint32_t source, const char *expected)
{
    struct error err;
    CLEANUP_BUF struct buf names = BUF_INIT;
    cr_assert_eq(catalog_source_files(reader, source, print_file, &names, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&names), expected);
}

static void expect_file(struct catalog_reader *reader, uint32_t source, const char *name,
                        const char *expected)
{
    struct error err;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    buf_text_append(&bytes, "before ");
    cr_assert_eq(catalog_source_file(reader, source, name, &bytes, &err), 0, "%s", err.text);
    cr_assert(!strncmp(buf_text(&bytes), "before ", 7));
    cr_assert_str_eq(buf_text(&bytes) + 7, expected);
}

static int take_source(void *ctx, const struct catalog_source *source, struct error *err)
{
    buf_printf(ctx, "%u %s v%u\n", source->id, source->folder, source->changed);
    return 0;
}

static void expect_sources(struct catalog_reader *reader, const char *expected)
{
    struct error err;
    CLEANUP_BUF struct buf text = BUF_INIT;
    cr_assert_eq(catalog_sources(reader, take_source, &text, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&text), expected);
}

Test(sources, each_clip_tells_its_source_and_that_its_files_by_name)
{
    struct versions v;
    versions_init(&v);
    struct changeset *set = arm(INFO, "An arm.");
    cr_assert_eq(changeset_clips(set), 2);
    must_apply(&v, set);
    uint32_t source = source_of(v.reader, "ep1");
    cr_assert_eq(source_of(v.reader, "plain"), 0);
    expect_sources(v.reader, "1 arm v1\n");
    expect_files(v.reader, source, "README.md 7\nmeta/info.json 11\n");
    expect_file(v.reader, source, "meta/info.json", INFO);
    expect_file(v.reader, source, "README.md", "An arm.");
    struct buf none = BUF_INIT;
    cr_assert_eq(catalog_source_file(v.reader, source, "meta/none", &none, &v.err), -ENOENT);
    cr_assert(strstr(v.err.text, "has no file 'meta/none' of source 1"), "%s", v.err.text);
    cr_assert_eq(catalog_source_files(v.reader, 2, print_file, &none, &v.err), -ENOENT);
    cr_assert(strstr(v.err.text, "has no source number 2"), "%s", v.err.text);
    cr_assert_eq(none.len, 0);
    versions_done(&v);
    check_leaks();
}

Test(sources, a_version_says_what_its_import_saw_and_older_ones_what_theirs_did)
{
    struct versions v;
    versions_init(&v);
    must_apply(&v, arm(INFO, "An arm."));
    must_apply(&v, arm("{\"fps\": 10}", NULL));
    cr_assert_eq(v.counts.sources_changed, 1);
    cr_assert_eq(v.counts.clips_unchanged, 2, "it is the source that says something else");
    expect_sources(v.reader, "1 arm v2\n");
    expect_files(v.reader, 1, "meta/info.json 11\n");
    expect_file(v.reader, 1, "meta/info.json", "{\"fps\": 10}");
    CLEANUP_FREE char *path = versions_path(&v, 1);
    CLEANUP_CATALOG struct catalog *old = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct catalog_patience patient = {0};
    cr_assert_eq(catalog_open_path(path, &old, &v.err), 0, "%s", v.err.text);
    cr_assert_eq(catalog_reader_acquire(old, &patient, &reader, &v.err), 0, "%s", v.err.text);
    expect_sources(reader, "1 arm v1\n");
    expect_file(reader, 1, "meta/info.json", INFO);
    expect_file(reader, 1, "README.md", "An arm.");
    versions_done(&v);
}

Test(sources, one_that_says_the_same_changes_nothing)
{
    struct versions v;
    versions_init(&v);
    must_apply(&v, arm(INFO, "An arm."));
    must_apply(&v, arm(INFO, "An arm."));
    cr_assert_eq(v.counts.sources_changed, 0);
    cr_assert_eq(v.counts.clips_unchanged, 2);
    cr_assert_eq(v.counts.clips_replaced, 0);
    expect_sources(v.reader, "1 arm v1\n");
    versions_done(&v);
    check_leaks();
}

/* Rows of a group are by the source, and sources are met by place, not by number. */
Test(sources, clips_of_several_sources_lie_in_one_group_and_may_change_theirs)
{
    enum { CLIPS = 1500 };
    struct versions v;
    struct changeset *set = changeset_new();
    char key[16], expected[16];
    versions_init(&v);
    uint32_t first = begin_source(set, "one"), second = begin_source(set, "two");
    for (int i = 0; i < CLIPS; i++) {
        snprintf(key, sizeof key, "ep%04d", i);
        add_clip(set, key, i, i % 3 ? first : second);
    }
    must_apply(&v, set);
    set = changeset_new();
    first = begin_source(set, "three");
    second = begin_source(set, "one");
    add_clip(set, "ep0003", 3, first);
    add_clip(set, "ep1203", 1203, second);
    set_clip(set, "ep0004", 4);
    must_apply(&v, set);
    expect_sources(v.reader, "1 one v1\n2 two v1\n3 three v2\n");
    for (int i = 0; i < CLIPS; i++) {
        snprintf(key, sizeof key, "ep%04d", i);
        uint32_t is = i == 3 ? 3 : i == 1203 ? 1 : i == 4 ? 0 : i % 3 ? 1 : 2;
        snprintf(expected, sizeof expected, "%u", is);
        cr_assert_eq(source_of(v.reader, key), is, "%s", key);
    }
    expect_files(v.reader, 1, "");
    versions_done(&v);
    check_leaks();
}

/* With what nothing packs. */
static void fill(uint8_t *bytes, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

/* ---- caps ---- */

static void expect_refused(const char *name)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    begin_source(set, "");
    add_file(set, "b", "");
    size_t before = changeset_log(set)->len;
    cr_assert_eq(changeset_source_file(set, name, "x", 1, &err), -EINVAL, "%s", name);
    cr_assert_eq(changeset_log(set)->len, before);
    changeset_free(set);
}

Test(sources, names_that_lead_elsewhere_and_too_many_bytes_are_refused)
{
    static const char *const names[] = {"",    "/c",   "c/",    "c//d", "../c",      "c/../d",
                                        "c/.", "c\nd", "c\x7f", "\xff", "c\xc2\x85", "b",
                                        "a",   ".",    "d/..",  "..",   "./d",       "c\td"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_refused(names[i]);
    char longest[SOURCE_FILE_NAME_MAX + 2];
    memset(longest, 'c', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    expect_refused(longest);
    struct changeset *set = changeset_new();
    begin_source(set, "");
    add_file(set, longest + 1, "");
    changeset_free(set);
    check_leaks();
}

Test(sources, a_source_has_so_many_files_and_bytes_and_no_more)
{
    struct versions v;
    struct error err = {0};
    char name[16];
    versions_init(&v);
    CLEANUP_FREE uint8_t *bytes = mem_alloc(SOURCE_FILE_BYTES_MAX + 1);
    fill(bytes, SOURCE_FILE_BYTES_MAX + 1);
    struct changeset *set = changeset_new();
    uint32_t source = begin_source(set, "");
    cr_assert_eq(changeset_source_file(set, "a", bytes, SOURCE_FILE_BYTES_MAX + 1, &err), -EFBIG);
    cr_assert_str_eq(err.text, "it has more than 1 MiB");
    for (int i = 0; i < SOURCE_BYTES_MAX / SOURCE_FILE_BYTES_MAX; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        cr_assert_eq(changeset_source_file(set, name, bytes + i % 2, SOURCE_FILE_BYTES_MAX, &err), 0);
    }
    cr_assert_eq(changeset_source_file(set, "g", "x", 1, &err), -EFBIG);
    cr_assert_str_eq(err.text, "with the others it has more than 4 MiB");
    for (int i = SOURCE_BYTES_MAX / SOURCE_FILE_BYTES_MAX; i < SOURCE_FILES_MAX; i++) {
        snprintf(name, sizeof name, "g%03d", i);
        cr_assert_eq(changeset_source_file(set, name, "", 0, &err), 0);
    }
    cr_assert_eq(changeset_source_file(set, "h", "", 0, &err), -E2BIG);
    cr_assert_str_eq(err.text, "there are more than 255 of them");
    add_clip(set, "ep1", 1, source);
    must_apply(&v, set);
    CLEANUP_BUF struct buf read = BUF_INIT;
    cr_assert_eq(catalog_source_file(v.reader, 1, "f003", &read, &v.err), 0, "%s", v.err.text);
    cr_assert(read.len == SOURCE_FILE_BYTES_MAX && !memcmp(read.data, bytes + 1, read.len));
    expect_file(v.reader, 1, "g254", "");
    versions_done(&v);
}

/* ---- writers at once ---- */

Test(sources, of_two_imports_of_one_source_the_later_one_looks_again_unless_both_say_the_same)
{
    struct versions v;
    versions_init(&v);
    must_apply(&v, arm(INFO, NULL));
    must_apply(&v, arm("{\"fps\": 10}", NULL));
    v.base = 1;
    must_apply(&v, arm("{\"fps\": 10}", NULL));
    cr_assert_eq(versions_apply(&v, arm("{\"fps\": 60}", NULL)), -EREMCHG, "%s", v.err.text);
    cr_assert_str_eq(v.err.text, "the files of the source 'arm' were imported by others in v2");
    v.base = 0;
    must_apply(&v, arm("{\"fps\": 60}", NULL));
    expect_file(v.reader, 1, "meta/info.json", "{\"fps\": 60}");
    versions_done(&v);
    check_leaks();
}

/* ---- purges ---- */

static void scrub_clip(struct versions *v, const char *key)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    CLEANUP_SCRUB_DICTIONARIES struct scrub_dictionaries *dictionaries = scrub_dictionaries_new();
    struct scrub_counts counts;
    rowset_add(rows, row_of(v->reader, key));
    versions_scrub(v, v->head, rows, NULL, dictionaries, &counts);
    cr_assert_eq(counts.clips, 1);
}

Test(sources, what_one_says_goes_with_the_last_of_its_clips_that_is_purged)
{
    struct versions v;
    struct changeset *set = changeset_new();
    versions_init(&v);
    uint32_t first = begin_source(set, "one");
    add_file(set, "meta/info.json", INFO);
    uint32_t second = begin_source(set, "two");
    add_file(set, "meta/info.json", "{}");
    add_clip(set, "ep1", 1, first);
    add_clip(set, "ep2", 2, first);
    add_clip(set, "ep3", 3, second);
    must_apply(&v, set);
    scrub_clip(&v, "ep1");
    expect_sources(v.reader, "1 one v1\n2 two v1\n");
    expect_file(v.reader, 1, "meta/info.json", INFO);
    scrub_clip(&v, "ep2");
    expect_sources(v.reader, "2 two v1\n");
    struct buf none = BUF_INIT;
    cr_assert_eq(catalog_source_file(v.reader, 1, "meta/info.json", &none, &v.err), -ENOENT);
    cr_assert_eq(source_of(v.reader, "ep3"), 2);
    expect_file(v.reader, 2, "meta/info.json", "{}");
    set = changeset_new();
    add_clip(set, "ep4", 4, begin_source(set, "one"));
    must_apply(&v, set);
    expect_sources(v.reader, "2 two v1\n3 one v2\n");
    versions_done(&v);
    check_leaks();
}

/* ---- rounds ---- */

struct cold {
    struct versions versions;
    struct paged paged;
    struct catalog *catalog;
    struct catalog_reader *reader; /* does not wait */
    unsigned rounds;
    struct error err;
};

/* Files that take many pages, in a catalog of which only what is hot is here. */
static void make_cold(struct cold *c)
{
    enum { CLIPS = 3000, FILES = 5, FILE_BYTES = 200000, EXTRA_BYTES = 20000 };
    char name[32];
    struct changeset *set = changeset_new();
    CLEANUP_FREE uint8_t *bytes = mem_alloc(FILE_BYTES);
    *c = (struct cold){0};
    fill(bytes, FILE_BYTES);
    versions_init(&c->versions);
    for (int source = 0; source < 3; source++) {
        snprintf(name, sizeof name, "set%d", source);
        begin_source(set, name);
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "meta/file%d", i);
            cr_assert_eq(changeset_source_file(set, name, bytes + source, FILE_BYTES - 3, &c->err), 0);
        }
    }
    for (int i = 0; i < CLIPS; i++) {
        snprintf(name, sizeof name, "ep%06d", i);
        add_clip(set, name, i, (uint32_t)i % 3);
        changeset_extra(set, bytes, i % 100 ? 100 : EXTRA_BYTES);
    }
    must_apply(&c->versions, set);
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_FREE char *path = versions_path(&c->versions, 1);
    cr_assert_eq(paged_init(&c->paged, &c->err), 0, "%s", c->err.text);
    cr_assert_eq(paged_open(&c->paged, path, "it", &pages, &c->err), 0, "%s", c->err.text);
    c->catalog = catalog_open_pages(pages);
    pages_want_hot(pages);
    page_store_settle(c->paged.store);
    held_set_mode(c->paged.held, HELD_HOLD);
    struct catalog_patience none = {.nowait = true};
    cr_assert_eq(catalog_reader_acquire(c->catalog, &none, &c->reader, &c->err), 0, "%s", c->err.text);
}

static void cold_done(struct cold *c)
{
    held_set_mode(c->paged.held, HELD_GIVE);
    catalog_reader_release(c->reader);
    catalog_unref(c->catalog);
    paged_done(&c->paged);
    versions_done(&c->versions);
}

/* True: it has to be asked again, when what it asked for has come. */
static bool again(struct cold *c, int rc)
{
    cr_assert(!rc || rc == -EAGAIN, "%s", c->err.text);
    if (!rc)
        return false;
    held_set_mode(c->paged.held, HELD_GIVE);
    page_store_settle(c->paged.store);
    held_set_mode(c->paged.held, HELD_HOLD);
    cr_assert_leq(++c->rounds, 100);
    return true;
}

static void read_file(struct cold *c, uint32_t source, const char *name)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, expected = BUF_INIT;
    while (again(c, catalog_source_file(c->reader, source, name, &bytes, &c->err)))
        cr_assert_eq(bytes.len, 0);
    cr_assert_eq(catalog_source_file(c->versions.reader, source, name, &expected, &c->err), 0);
    cr_assert(bytes.len == expected.len && !memcmp(bytes.data, expected.data, bytes.len));
}

Test(sources, all_files_of_a_cold_source_come_in_one_round_and_never_wait_where_they_must_not)
{
    struct cold c;
    make_cold(&c);
    read_file(&c, 2, "meta/file3");
    cr_assert_eq(c.rounds, 1);
    read_file(&c, 2, "meta/file0");
    read_file(&c, 2, "meta/file4");
    cr_assert_eq(c.rounds, 1, "who asks for one is given all");
    catalog_sources_ahead(c.reader, (uint32_t[]){1, 3}, 2);
    read_file(&c, 1, "meta/file1");
    cr_assert_eq(c.rounds, 2, "%u rounds", c.rounds);
    read_file(&c, 3, "meta/file1");
    cr_assert_eq(c.rounds, 2, "of several that were asked for together all come together");
    cold_done(&c);
}

Test(sources, extras_and_sources_of_many_cold_clips_come_in_one_round_when_asked_for_at_once)
{
    enum { ROWS = 1000 };
    struct cold c;
    uint32_t rows[ROWS], source;
    make_cold(&c);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i * 3;
    catalog_extras_ahead(c.reader, rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        CLEANUP_BUF struct buf extra = BUF_INIT;
        while (again(&c, catalog_extra(c.reader, rows[i], &extra, &c.err)))
            ;
        cr_assert_geq(extra.len, 100);
        while (again(&c, catalog_clip_source(c.reader, rows[i], &source, &c.err)))
            ;
        cr_assert(source >= 1 && source <= 3);
    }
    cr_assert_eq(c.rounds, 1);
    cold_done(&c);
}
