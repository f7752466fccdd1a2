// SPDX-License-Identifier: Apache-2.0
/* Clips are taken out of all versions: what is left of them, and who comes between. */
#include "purging.h"

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

/* Of a dry run by somebody who has nothing cached. */
static int requests_of_dry_run(const char *cache_name)
{
    struct error err = {0};
    CLEANUP_FREE char *folder_there = in(cache_name);
    struct cache *there = NULL;
    struct dataset *dataset = NULL;
    struct dataset_purged done = {0};
    struct cache_options options = {.folder = folder_there, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &there, &err), 0, "%s", err.text);
    struct dataset_options with = {.stores = stores, .cache = there};
    cr_assert_eq(dataset_open_store(&with, &hooked->base, &dataset, &err), 0, "%s", err.text);
    int before = atomic_load(&hooked->requests);
    cr_assert_eq(try_purge(dataset, "jane-doe-1", true, &done, &err), 0, "%s", err.text);
    cr_assert_eq(done.versions, dataset_head(dataset) - 1);
    dataset_free(dataset);
    cache_free(there);
    return atomic_load(&hooked->requests) - before;
}

CHECKED_TEST(purge, a_dry_one_reads_no_version_but_the_newest, made, removed)
{
    enum { MORE = 25 };
    struct dataset *dataset = open_data();
    make_versions(dataset);
    int few = requests_of_dry_run("cache-few");
    for (unsigned i = 0; i < MORE; i++)
        label(dataset, "bob-1", i % 2 ? "good" : "better");
    int many = requests_of_dry_run("cache-many");
    /* a manifest each, and at most so many more extents in which the newest one lies */
    cr_assert_leq(many - few, MORE + 10, "%d requests, then %d", few, many);
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

CHECKED_TEST(purge, a_record_that_needs_a_newer_program_shows_nothing_and_says_so, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_options options = {.stores = stores, .cache = cache};
    CLEANUP_FREE char *url = in("data"), *path = in("data/elidefs/series/purges/catalogs/1");
    CLEANUP_BUF struct buf record = BUF_INIT, changed = BUF_INIT;
    make_versions(dataset);
    purge(dataset, "jane-doe-1");
    dataset_free(dataset);
    cr_assert_eq(file_read(path, 1 << 20, &record, NULL), 0);
    buf_printf(&changed, "{\"requires\": [\"ranges-2\"], %s", buf_text(&record) + 1);
    cr_assert_eq(file_replace(path, changed.data, changed.len, 0644, NULL), 0);
    cr_assert_eq(dataset_open(&options, url, &dataset, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "so nothing is shown") && strstr(err.text, "needs 'ranges-2'"), "%s",
              err.text);
}
