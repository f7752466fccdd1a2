// SPDX-License-Identifier: Apache-2.0
/* Clips are taken out of all versions: what is left of them, and who comes between. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "index/commit/changeset_labels.h"
#include "index/commit/purge.h"
#include "tests/catalog/unpacked.h"

static void made(void)
{
    fixture_made();
    make_file("source/jane/secret-drive.bin", "0123456789");
    init_data();
    hook_data();
}

static void removed(void)
{
    unhook_data();
    fixture_removed();
}

/* A person's clip, with all that says whose it is. */
static void commit_jane(struct dataset *dataset, const char *key, const char *label)
{
    struct error err = {0};
    struct changeset *set = one_clip(key, "source", "jane/secret-drive.bin", label);
    changeset_extra(set, "extra of jane", 13);
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.message = "more"}, NULL, NULL, &err),
                 0, "%s", err.text);
    changeset_free(set);
}

static void label(struct dataset *dataset, const char *key, const char *value)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    struct changeset_setter setter = {"anna", CHANGESET_ALL, "a table"};
    struct value is = {.type = VALUE_TEXT, .text = value, .len = strlen(value)};
    cr_assert_eq(changeset_setter(set, &setter, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_attribute(set, "label", VALUE_TEXT, false, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_labels(set, key, 1, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_value(set, "label", &is, &err), 0, "%s", err.text);
    cr_assert_eq(
        dataset_commit(dataset, set, &(struct dataset_commit){.message = "labels"}, NULL, NULL, &err), 0,
        "%s", err.text);
    changeset_free(set);
}

static void remove_clip(struct dataset *dataset, const char *key)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_remove(set, key, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.message = "less"}, NULL, NULL, &err),
                 0, "%s", err.text);
    changeset_free(set);
}

/* v1 without her; she comes in v2, is labelled in v3, goes in v4; v5 adds another one. */
static void make_versions(struct dataset *dataset)
{
    commit(dataset, "bob-1", "good");
    commit_jane(dataset, "jane-doe-1", "jane waves");
    label(dataset, "jane-doe-1", "jane laughs");
    remove_clip(dataset, "jane-doe-1");
    commit(dataset, "bob-2", "bad");
}

static int try_purge(struct dataset *dataset, const char *key, bool dry, struct dataset_purged *ret,
                     struct error *err)
{
    struct dataset_purge purge = {.keys = &key, .count = 1, .message = "asked to", .dry = dry};
    return dataset_purge(dataset, &purge, ret, err);
}

static struct dataset_purged purge(struct dataset *dataset, const char *key)
{
    struct error err = {0};
    struct dataset_purged done = {0};
    cr_assert_eq(try_purge(dataset, key, false, &done, &err), 0, "%s", err.text);
    return done;
}

static char *json_of(struct dataset *dataset, uint32_t version, const char *key)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf json = BUF_INIT;
    uint32_t row;
    int rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    rc = catalog_clip_find(reader, key, strlen(key), &row, &err);
    if (!rc)
        rc = catalog_json(reader, row, &json, &err);
    cr_assert(!rc || rc == -ENOENT, "%s", err.text);
    return rc ? NULL : mem_text(buf_text(&json));
}

static void expect_json(struct dataset *dataset, uint32_t version, const char *key, const char *expected)
{
    CLEANUP_FREE char *json = json_of(dataset, version, key);
    if (!expected)
        cr_assert_null(json, "v%u: %s", version, json);
    else
        cr_assert_str_eq(json ? json : "none", expected);
}

/* No page of any version, unpacked, holds any of these. */
static void expect_gone(struct dataset *dataset)
{
    static const char *const texts[] = {"jane", "waves", "laughs", "secret-drive", "extra of"};
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        struct error err = {0};
        CLEANUP_BUF struct buf all = BUF_INIT;
        CLEANUP_FREE char *path = mem_printf("%s/pulled-%u", folder, version);
        unlink(path);
        cr_assert_eq(dataset_pull(dataset, version, path, &err), 0, "%s", err.text);
        unpack_all(path, &all);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            cr_assert_null(memmem(all.data, all.len, texts[i], strlen(texts[i])), "v%u has '%s'", version,
                           texts[i]);
    }
}

static bool is_used(struct dataset *dataset, uint32_t version, const char *pack)
{
    struct dataset_pack *packs = NULL;
    size_t count = 0;
    bool used = false;
    cr_assert_eq(dataset_packs(dataset, version, &packs, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        used |= packs[i].used_pages && !strcmp(packs[i].id, pack);
    free(packs);
    return used;
}

static void expect_stored(struct dataset *dataset)
{
    struct pages_check *check = dataset_check_new(dataset);
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        struct error err = {0};
        cr_assert_eq(dataset_check_stored(dataset, check, version, &err), 0, "%s", err.text);
    }
    pages_check_free(check);
}

#define BOB_1 "{\"key\":\"bob-1\",\"label\":\"good\"}\n"
#define BOB_2 "{\"key\":\"bob-2\",\"label\":\"bad\"}\n"

static void expect_purged(struct dataset *dataset)
{
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        expect_json(dataset, version, "bob-1", BOB_1);
        expect_json(dataset, version, "bob-2", version < 5 ? NULL : BOB_2);
        expect_json(dataset, version, "jane-doe-1", NULL);
    }
    expect_gone(dataset);
    expect_stored(dataset);
}

CHECKED_TEST(purge, no_page_of_any_version_holds_what_was_purged_and_all_else_is_as_it_was, made, removed)
{
    struct dataset *dataset = open_data();
    make_versions(dataset);
    CLEANUP_FREE char *before = json_of(dataset, 3, "jane-doe-1");
    cr_assert_str_eq(before, "{\"key\":\"jane-doe-1\",\"label\":\"jane laughs\"}\n");
    struct dataset_purged done = purge(dataset, "jane-doe-1");
    cr_assert_eq(done.version, 6);
    cr_assert_eq(done.clips, 1);
    cr_assert_eq(done.first, 2);
    cr_assert_eq(done.versions, 4);
    expect_purged(dataset);
    dataset_free(dataset);
    dataset = open_data();
    cr_assert_eq(dataset_head(dataset), 6);
    expect_purged(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, no_version_that_had_the_clip_or_came_later_reads_a_pack_that_was_there_before, made,
             removed)
{
    struct dataset *dataset = open_data();
    struct dataset_pack *packs = NULL;
    size_t count = 0, old = 0;
    make_versions(dataset);
    cr_assert_eq(dataset_packs(dataset, 5, &packs, &count, NULL), 0);
    purge(dataset, "jane-doe-1");
    for (size_t i = 0; i < count; i++) {
        bool first = is_used(dataset, 1, packs[i].id); /* before she came: it may stay */
        for (uint32_t version = 2; version <= 6; version++)
            cr_assert(first || !is_used(dataset, version, packs[i].id), "v%u reads %s", version, packs[i].id);
        old += !first;
    }
    cr_assert_gt(old, 2);
    free(packs);
    dataset_free(dataset);
}

CHECKED_TEST(purge, a_dry_one_changes_nothing_and_says_what_would_be, made, removed)
{
    struct error err = {0};
    struct dataset_purged done = {0};
    struct dataset *dataset = open_data();
    make_versions(dataset);
    int before = objects("");
    cr_assert_eq(try_purge(dataset, "jane-doe-1", true, &done, &err), 0, "%s", err.text);
    cr_assert(done.clips == 1 && done.versions == 4 && done.first == 2 && !done.version);
    cr_assert_eq(objects(""), before);
    cr_assert_eq(try_purge(dataset, "nobody", true, &done, &err), -ENOENT);
    cr_assert(strstr(err.text, "no version has such a clip"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(purge, who_has_it_open_sees_it_after_looking_again, made, removed)
{
    struct dataset *dataset = open_data(), *other = open_data();
    make_versions(dataset);
    cr_assert_eq(dataset_refresh(other, NULL, NULL), 0);
    CLEANUP_FREE char *before = json_of(other, 2, "jane-doe-1");
    cr_assert(before);
    purge(dataset, "jane-doe-1");
    cr_assert_eq(dataset_refresh(other, NULL, NULL), 0);
    expect_purged(other);
    dataset_free(other);
    dataset_free(dataset);
}

CHECKED_TEST(purge, a_key_is_known_to_be_purged_without_standing_anywhere, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    CLEANUP_FREE char *command = mem_printf("grep -rq jane '%s/data/elidefs/series/purges'", folder);
    make_versions(dataset);
    purge(dataset, "jane-doe-1");
    cr_assert_eq(dataset_check_purged(dataset, "bob-1", 5, &err), 0);
    cr_assert_eq(dataset_check_purged(dataset, "jane-doe-1", 10, &err), -ENOENT);
    cr_assert(strstr(err.text, "'jane-doe-1' was purged on 2"), "%s", err.text);
    cr_assert_neq(system(command), 0);
    dataset_free(dataset);
}

CHECKED_TEST(purge, a_clip_that_is_imported_again_is_a_new_one_and_can_be_purged_again, made, removed)
{
    struct dataset *dataset = open_data();
    make_versions(dataset);
    purge(dataset, "jane-doe-1");
    commit_jane(dataset, "jane-doe-1", "jane again");
    CLEANUP_FREE char *json = json_of(dataset, 7, "jane-doe-1");
    cr_assert_str_eq(json, "{\"key\":\"jane-doe-1\",\"label\":\"jane again\"}\n");
    struct dataset_purged done = purge(dataset, "jane-doe-1");
    cr_assert(done.first == 7 && done.versions == 1 && done.version == 8);
    expect_purged(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, commits_go_on_above_it, made, removed)
{
    struct dataset *dataset = open_data();
    const struct manifest *manifest;
    make_versions(dataset);
    purge(dataset, "jane-doe-1");
    commit(dataset, "bob-3", "fair");
    label(dataset, "bob-1", "better");
    cr_assert_eq(dataset_manifest(dataset, 8, &manifest, NULL), 0);
    cr_assert_eq(manifest->purge.seq, 1);
    expect_json(dataset, 8, "bob-1", "{\"key\":\"bob-1\",\"label\":\"better\"}\n");
    expect_json(dataset, 8, "bob-3", "{\"key\":\"bob-3\",\"label\":\"fair\"}\n");
    expect_gone(dataset);
    expect_stored(dataset);
    dataset_free(dataset);
}

/* ---- who comes between ---- */

/* On another machine, which has a cache of its own. */
static void commit_there(void (*make)(struct dataset *other))
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data"), *folder_there = in("cache-there");
    struct cache *there = NULL;
    struct dataset *other = NULL;
    struct cache_options options = {.folder = folder_there, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &there, &err), 0, "%s", err.text);
    struct dataset_options with = {.stores = stores, .cache = there};
    cr_assert_eq(dataset_open(&with, url, &other, &err), 0, "%s", err.text);
    make(other);
    dataset_free(other);
    cache_free(there);
}

static void make_jane(struct dataset *other)
{
    commit_jane(other, "jane-doe-1", "jane comes between");
}

static void make_bob(struct dataset *other)
{
    commit(other, "bob-4", "good");
}

static void other_labels(void *ctx)
{
    commit_there(make_jane);
}

static void other_labels_bob(void *ctx)
{
    hooked->put_match = NULL;
    commit_there(make_bob);
}

/* Somebody commits right before an object is put. */
static void purge_while(const char *put_match, void (*before)(void *ctx))
{
    struct dataset *dataset = open_hooked();
    make_versions(dataset);
    hooked->put_match = put_match;
    hooked->before = before;
    struct dataset_purged done = purge(dataset, "jane-doe-1");
    cr_assert_eq(done.version, 7);
    expect_purged(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, a_commit_that_lands_before_its_record_does_is_seen_to, made, removed)
{
    purge_while("elidefs/series/purges/catalogs/", other_labels);
}

static void purge_elsewhere(void *ctx)
{
    struct error err = {0};
    struct dataset *other = open_data();
    hooked->put_match = "elidefs/versions/";
    hooked->put_rc = 0;
    struct dataset_purged done = {0};
    cr_assert_eq(try_purge(other, "jane-doe-1", false, &done, &err), 0, "%s", err.text);
    dataset_free(other);
}

CHECKED_TEST(purge, a_commit_that_began_before_it_is_made_again_on_what_it_has_left, made, removed)
{
    struct error err = {0};
    uint32_t version;
    struct dataset *dataset = open_hooked();
    const struct manifest *manifest;
    make_versions(dataset);
    hooked->put_match = "elidefs/versions/";
    hooked->before = purge_elsewhere;
    cr_assert_eq(try_commit(dataset, "bob-3", "fair", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 7);
    cr_assert_eq(dataset_manifest(dataset, 7, &manifest, NULL), 0);
    cr_assert_eq(manifest->purge.seq, 1);
    expect_purged(dataset);
    dataset_free(dataset);
}

/* It is cut off after its record, and somebody who has not seen that commits. */
static void cut_off_elsewhere(void *ctx)
{
    struct error err = {0};
    struct dataset_purged done = {0};
    struct hooked_store *cut = hooked_store_new(data_store());
    struct dataset *other = open_over(&cut->base);
    cut->put_match = "elidefs/versions/";
    cut->stores = false;
    cut->put_rc = -EACCES;
    cr_assert_eq(try_purge(other, "jane-doe-1", false, &done, &err), -EACCES);
    dataset_free(other);
    store_unref(&cut->base);
}

CHECKED_TEST(purge, one_that_was_cut_off_is_ended_by_the_next_commit_whatever_has_come_between, made, removed)
{
    struct error err = {0};
    uint32_t version;
    struct dataset *dataset = open_hooked();
    make_versions(dataset);
    hooked->put_match = "elidefs/versions/";
    hooked->before = cut_off_elsewhere;
    commit(dataset, "bob-4", "good"); /* its parent has her, and it lands */
    cr_assert_eq(dataset_head(dataset), 6);
    dataset_free(dataset);
    dataset = open_data();
    cr_assert_eq(try_commit(dataset, "bob-3", "fair", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 7);
    expect_purged(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, one_that_was_cut_off_can_be_ended_with_nothing_more_purged, made, removed)
{
    struct error err = {0};
    struct dataset_purge purge = {.message = "ended"};
    struct dataset_purged done = {0};
    struct dataset *dataset = open_hooked();
    make_versions(dataset);
    cut_off_elsewhere(NULL);
    cr_assert_eq(dataset_end_purge(dataset, &purge, &done, &err), 1, "%s", err.text);
    cr_assert_eq(done.version, 6);
    cr_assert_eq(dataset_end_purge(dataset, &purge, &done, &err), 0, "%s", err.text);
    expect_purged(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, a_commit_that_lands_between_its_record_and_its_end_comes_first, made, removed)
{
    purge_while("elidefs/versions/", other_labels_bob);
}

CHECKED_TEST(purge, who_may_not_read_what_was_purged_does_not_take_it_for_nothing, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_options options = {.stores = stores, .cache = cache};
    make_versions(dataset);
    purge(dataset, "jane-doe-1");
    dataset_free(dataset);
    hooked->refused = "elidefs/series/purges/";
    cr_assert_eq(dataset_open_store(&options, &hooked->base, &dataset, &err), -EACCES);
    cr_assert(strstr(err.text, "403 Forbidden"), "%s", err.text);
}

/* ---- stores that fail ---- */

static int purge_with_fault(enum fault_kind kind, unsigned n, const char *key, bool *ret_hit,
                            struct error *err)
{
    struct dataset_purged done;
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = faulty_data(&fault);
    struct dataset *dataset = open_over(store);
    store_fault_set(fault, &(struct fault_plan){.kind = kind, .first = n, .count = 1, .code = EIO});
    int rc = try_purge(dataset, key, false, &done, err);
    *ret_hit = store_fault_calls(fault) >= n;
    dataset_free(dataset);
    return rc;
}

static void expect_nothing_of(const char *key)
{
    struct dataset *dataset = open_data();
    for (uint32_t version = dataset_head(dataset) - 2; version <= dataset_head(dataset); version++) {
        expect_json(dataset, version, "bob-1", BOB_1);
        expect_json(dataset, version, key, NULL);
    }
    dataset_free(dataset);
}

CHECKED_TEST(purge, whichever_request_fails_it_can_be_done_again, made, removed)
{
    unsigned failed = 0, n = 0;
    struct dataset *dataset = open_data();
    commit(dataset, "bob-1", "good");
    dataset_free(dataset);
    for (bool hit = true; hit;) {
        struct error err = {0};
        char key[32];
        snprintf(key, sizeof key, "jane-doe-%u", ++n);
        dataset = open_data();
        commit_jane(dataset, key, "jane waves");
        dataset_free(dataset);
        int rc = purge_with_fault(FAULT_FAIL, n, key, &hit, &err);
        failed += rc < 0;
        dataset = open_data();
        expect_json(dataset, dataset_head(dataset), "bob-1", BOB_1);
        if (rc < 0)
            purge(dataset, key);
        dataset_free(dataset);
        expect_nothing_of(key);
    }
    cr_assert_geq(failed, 5, "only %u of %u requests mattered", failed, n);
    dataset = open_data();
    expect_gone(dataset);
    expect_stored(dataset);
    dataset_free(dataset);
}

CHECKED_TEST(purge, whichever_answer_is_lost_it_succeeds, made, removed)
{
    unsigned n = 0;
    struct dataset *dataset = open_data();
    commit(dataset, "bob-1", "good");
    dataset_free(dataset);
    for (bool hit = true; hit;) {
        struct error err = {0};
        char key[32];
        snprintf(key, sizeof key, "jane-doe-%u", ++n);
        dataset = open_data();
        commit_jane(dataset, key, "jane waves");
        dataset_free(dataset);
        cr_assert_eq(purge_with_fault(FAULT_LOST, n, key, &hit, &err), 0, "request %u: %s", n, err.text);
        expect_nothing_of(key);
    }
    cr_assert_geq(n, 8, "only %u requests", n);
    dataset = open_data();
    expect_gone(dataset);
    dataset_free(dataset);
}
