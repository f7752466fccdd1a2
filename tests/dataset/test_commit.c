// SPDX-License-Identifier: Apache-2.0
/* Committing to a data set in a folder, and reading back what was committed. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

/* The bytes of a clip's first stream in a version, through the cache; or the error's text. */
static int read_clip(struct dataset *dataset, uint32_t version, const char *key, char **ret_text)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    CLEANUP_CACHE_FILE struct cache_file *file = NULL;
    uint32_t row = 0;
    char bytes[64] = "";
    int rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &err);
    if (!rc)
        rc = catalog_clip_find(reader, key, strlen(key), &row, &err);
    if (!rc)
        rc = dataset_stream_map(dataset, reader, row, 0, &map, &err);
    if (!rc)
        rc = cache_open_map(cache, map, &file, &err);
    if (!rc)
        rc = cache_read_wait(file, 0, (size_t)cache_size(file), bytes, 0, &err);
    free(*ret_text);
    *ret_text = mem_text(rc ? err.text : bytes);
    return rc;
}

CHECKED_TEST(commit, what_was_committed_is_read_back_through_the_cache, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *text = NULL;
    init_data();
    struct dataset *dataset = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    cr_assert_eq(dataset_head(dataset), 1);
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), 0, "%s", text);
    cr_assert_str_eq(text, "H2345T");
    dataset_free(dataset);
    dataset = open_data();
    cr_assert_eq(dataset_head(dataset), 1);
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), 0, "%s", text);
    cr_assert_str_eq(text, "H2345T");
    dataset_free(dataset);
}

CHECKED_TEST(commit, a_second_version_leaves_the_first_as_it_is, fixture_made, fixture_removed)
{
    const struct manifest *first = NULL, *second = NULL;
    CLEANUP_FREE char *text = NULL;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(commit(dataset, "ep1", "bad"), 2);
    cr_assert_eq(read_clip(dataset, 2, "ep0", &text), 0, "%s", text);
    cr_assert_eq(read_clip(dataset, 2, "ep1", &text), 0, "%s", text);
    cr_assert_eq(read_clip(dataset, 1, "ep1", &text), -ENOENT, "%s", text);
    cr_assert_eq(dataset_manifest(dataset, 1, &first, NULL), 0);
    cr_assert_eq(dataset_manifest(dataset, 2, &second, NULL), 0);
    cr_assert_eq(memcmp(second->parent_sha256, first->sha256, SHA256_BYTES), 0);
    cr_assert_gt(second->time_ns, first->time_ns);
    cr_assert_eq(first->clips, 1);
    cr_assert_eq(second->clips, 2);
    cr_assert_eq(second->added, 1);
    cr_assert_str_eq(second->message, "bad");
    cr_assert_str_neq(second->commit_id, first->commit_id);
    dataset_free(dataset);
}

CHECKED_TEST(commit, the_tags_are_listed_in_the_next_manifest, fixture_made, fixture_removed)
{
    const struct manifest *second = NULL;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(dataset_tag_put(dataset, "best", 1, NULL), 0);
    commit(dataset, "ep1", "good");
    cr_assert_eq(dataset_manifest(dataset, 2, &second, NULL), 0);
    cr_assert_eq(second->tag_count, 1);
    cr_assert_str_eq(second->tags[0].name, "best");
    dataset_free(dataset);
}

static int temporary_files(void)
{
    CLEANUP_FREE char *command = mem_printf("ls -A '%s/tmp' | wc -l", folder);
    FILE *pipe = popen(command, "r");
    int count = -1;
    cr_assert_eq(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

CHECKED_TEST(commit, nothing_new_is_said_and_leaves_nothing_behind, fixture_made, fixture_removed)
{
    struct error err = {0};
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    int before = objects("");
    cr_assert_eq(try_commit(dataset, "ep0", "good", NULL, &err), -EALREADY, "%s", err.text);
    cr_assert(strstr(err.text, "nothing new: v1 already holds this"), "%s", err.text);
    cr_assert_eq(objects(""), before);
    cr_assert_eq(temporary_files(), 0);
    dataset_free(dataset);
}

CHECKED_TEST(commit, a_failed_apply_leaves_nothing_behind, fixture_made, fixture_removed)
{
    struct error err = {0};
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    int before = objects("");
    struct changeset *set = changeset_new();
    struct value value = {.type = VALUE_INT, .integer = 3};
    struct changeset_clip clip = {
        .key = "ep9", .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
    cr_assert_eq(changeset_attribute(set, "label", VALUE_INT, false, &err), 0);
    cr_assert_eq(changeset_clip(set, &clip, &err), 0);
    cr_assert_eq(changeset_value(set, "label", &value, &err), 0);
    cr_assert_lt(dataset_commit(dataset, set, &(struct dataset_commit){0}, NULL, NULL, &err), 0);
    changeset_free(set);
    cr_assert_eq(objects(""), before);
    cr_assert_eq(temporary_files(), 0);
    cr_assert_eq(dataset_head(dataset), 1);
    dataset_free(dataset);
}

CHECKED_TEST(commit, an_old_view_commits_onto_the_newest_version, fixture_made, fixture_removed)
{
    init_data();
    struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    cr_assert_eq(commit(other, "ep1", "good"), 2);
    cr_assert_eq(commit(dataset, "ep2", "good"), 3);
    cr_assert_eq(objects("elidefs/series/roots/"), 1);
    dataset_free(dataset);
    dataset_free(other);
}

/* ---- damage ---- */

/* Commits one version and opens the data set anew, with a cache that knows nothing, after `spoil` changed the
 * pack. */
static int read_spoiled(void (*spoil)(const char *path), char **ret_text)
{
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    dataset_free(dataset);
    cache_free(STEAL(cache));
    CLEANUP_FREE char *other = in("cache2"), *name = first_object("elidefs/packs/"), *path = in(name);
    struct cache_options options = {.folder = other, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    spoil(path);
    dataset = open_data();
    int rc = read_clip(dataset, 1, "ep0", ret_text);
    dataset_free(dataset);
    return rc;
}

static void remove_file(const char *path)
{
    cr_assert_eq(unlink(path), 0);
}

static void shorten_file(const char *path)
{
    cr_assert_eq(truncate(path, 100), 0);
}

static void flip_byte(const char *path)
{
    FILE *file = fopen(path, "r+");
    cr_assert_not_null(file);
    fseek(file, 200, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, 200, SEEK_SET);
    fputc(byte ^ 0x40, file);
    fclose(file);
}

CHECKED_TEST(commit, a_missing_pack_is_damage_and_named, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *text = NULL;
    cr_assert_eq(read_spoiled(remove_file, &text), -EUCLEAN, "%s", text);
    cr_assert(strstr(text, "the catalog of v1 of ") && strstr(text, "no such object"), "%s", text);
}

CHECKED_TEST(commit, a_short_pack_is_damage, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *text = NULL;
    cr_assert_eq(read_spoiled(shorten_file, &text), -EUCLEAN, "%s", text);
    cr_assert(strstr(text, "the catalog of v1 of "), "%s", text);
}

CHECKED_TEST(commit, a_flipped_bit_in_a_pack_is_damage, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *text = NULL;
    cr_assert_eq(read_spoiled(flip_byte, &text), -EUCLEAN, "%s", text);
    cr_assert(strstr(text, "the catalog of v1 of ") && strstr(text, "elidefs/packs/") &&
                  strstr(text, "has another SHA-256"),
              "%s", text);
}

CHECKED_TEST(commit, a_changed_parent_manifest_stops_a_commit, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *path = in("data/elidefs/versions/00000001.json");
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
    memcpy(strstr(buf_text(&bytes), "\"good\""), "\"evil\"", 6);
    make_file("data/elidefs/versions/00000001.json", buf_text(&bytes));
    cr_assert_eq(try_commit(dataset, "ep1", "good", NULL, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "the manifest of v1 was changed"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 1);
    dataset_free(dataset);
}

CHECKED_TEST(commit, a_version_that_was_read_once_needs_its_pack_no_more, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *text = NULL, *near = in("cache");
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), 0, "%s", text);
    dataset_free(dataset);
    cache_free(STEAL(cache));
    CLEANUP_FREE char *name = first_object("elidefs/packs/"), *path = in(name);
    struct cache_options options = {.folder = near, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    cr_assert_eq(unlink(path), 0);
    dataset = open_data();
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), 0, "%s", text);
    cr_assert_str_eq(text, "H2345T");
    dataset_free(dataset);
}

/* ---- roots and trust ---- */

CHECKED_TEST(commit, who_imported_trusts_the_root_and_others_must_say_so, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *text = NULL, *home = in("stranger"), *want = NULL;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(dataset_check_roots(dataset, &err), 0, "%s", err.text);
    dataset_free(dataset);
    setenv("XDG_CONFIG_HOME", home, 1);
    dataset = open_data();
    want = mem_printf("elidefs trust %s/data %s/source", folder, folder);
    cr_assert_eq(dataset_check_roots(dataset, &err), -EPERM);
    cr_assert(strstr(err.text, want), "%s", err.text);
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), -EPERM);
    dataset_free(dataset);
}

CHECKED_TEST(commit, a_root_in_the_own_folder_needs_no_trust_and_moves_with_the_data_set, fixture_made,
             fixture_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *text = NULL, *from = in("data"), *to = in("moved"), *home = in("stranger");
    init_data();
    make_file("data/raw/a.bin", "0123456789");
    struct dataset *dataset = open_data(), *moved = NULL;
    struct changeset *set = one_clip("ep0", "data/raw", "a.bin", "good");
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){0}, NULL, NULL, &err), 0, "%s",
                 err.text);
    changeset_free(set);
    dataset_free(dataset);
    setenv("XDG_CONFIG_HOME", home, 1);
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(try_open("moved", &moved, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_check_roots(moved, &err), 0, "%s", err.text);
    cr_assert_eq(read_clip(moved, 1, "ep0", &text), 0, "%s", text);
    cr_assert_str_eq(text, "H2345T");
    dataset_free(moved);
}

CHECKED_TEST(commit, a_root_that_is_gone_is_told_at_once, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *from = in("source"), *to = in("elsewhere");
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(dataset_check_roots(dataset, &err), -ENOENT);
    cr_assert(strstr(err.text, "which cannot be read"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(commit, the_source_of_a_stream_is_named_for_people, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_BUF struct buf buf = BUF_INIT;
    CLEANUP_FREE char *want = in("source/a.bin");
    struct catalog *catalog = NULL;
    struct catalog_reader *reader = NULL;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    cr_assert_eq(dataset_catalog(dataset, 1, PATIENCE_NONE, &catalog, &err), -EAGAIN);
    cr_assert_eq(dataset_catalog(dataset, 1, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &err), 0);
    cr_assert_eq(dataset_stream_source(dataset, reader, 0, 0, &buf, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&buf), want);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    dataset_free(dataset);
}

CHECKED_TEST(commit, a_reader_that_does_not_wait_gets_a_map_once_the_root_is_resolved, fixture_made,
             fixture_removed)
{
    struct error err = {0};
    struct catalog *catalog = NULL;
    struct catalog_reader *reader = NULL;
    struct extent_map *map = NULL;
    CLEANUP_FREE char *text = NULL;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "ep0", "good");
    dataset_free(dataset);
    dataset = open_data();
    cr_assert_eq(dataset_catalog(dataset, 1, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
    /* the catalog's pages come with the first reader that waits, the root does not */
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &err), 0, "%s",
                 err.text);
    catalog_reader_release(reader);
    struct catalog_patience patience = {.nowait = true};
    cr_assert_eq(catalog_reader_acquire(catalog, &patience, &reader, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_stream_map(dataset, reader, 0, 0, &map, &err), -EAGAIN, "%s", err.text);
    cr_assert_eq(read_clip(dataset, 1, "ep0", &text), 0, "%s", text);
    cr_assert_eq(dataset_stream_map(dataset, reader, 0, 0, &map, &err), 0, "%s", err.text);
    cr_assert_eq(extent_map_size(map), 6);
    cr_assert_eq(dataset_stream_map(dataset, reader, 0, 7, &map, &err), -ENOENT);
    extent_map_unref(map);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    dataset_free(dataset);
}
