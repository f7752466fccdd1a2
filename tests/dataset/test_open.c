// SPDX-License-Identifier: Apache-2.0
/* Finding the versions and tags of a data set. Manifests are written by hand here: nothing opens a catalog.
 */
#include "fixture.h"

/* Writes v1 .. `last` behind v0, each the child of the one before. */
static void make_versions(uint32_t last)
{
    for (uint32_t version = 1; version <= last; version++) {
        struct error err = {0};
        char path[LAYOUT_PATH_BYTES];
        CLEANUP_BUF struct buf bytes = BUF_INIT, printed = BUF_INIT;
        CLEANUP_MANIFEST struct manifest *parent = NULL;
        layout_manifest_path(version - 1, path);
        CLEANUP_FREE char *before = mem_printf("%s/data/%s", folder, path);
        cr_assert_eq(file_read(before, 1 << 20, &bytes, &err), 0, "%s", err.text);
        cr_assert_eq(manifest_parse(path, bytes.data, bytes.len, &parent, &err), 0, "%s", err.text);
        struct manifest child = *parent;
        child.version = version;
        child.parent = version - 1;
        memcpy(child.parent_sha256, parent->sha256, SHA256_BYTES);
        child.catalog =
            (struct map_top){.page_bytes = 8192, .pages = 1, .root = {.pack_size = 100, .len = 100}};
        manifest_print(&printed, &child);
        layout_manifest_path(version, path);
        CLEANUP_FREE char *name = mem_printf("data/%s", path);
        make_file(name, buf_text(&printed));
    }
}

CHECKED_TEST(open, without_a_data_set_the_place_is_named, fixture_made, fixture_removed)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    CLEANUP_FREE char *want = mem_printf("no data set at %s/data", folder);
    cr_assert_eq(try_open("data", &dataset, &err), -ENOENT);
    cr_assert_str_eq(err.text, want);
    cr_assert_null(dataset);
}

CHECKED_TEST(open, init_writes_v0_and_nothing_else, fixture_made, fixture_removed)
{
    init_data();
    cr_assert_eq(objects(""), 1);
    struct dataset *dataset = open_data();
    const struct manifest *v0 = NULL;
    struct catalog *none = NULL;
    struct error err = {0};
    cr_assert_eq(dataset_head(dataset), 0);
    cr_assert_eq(dataset_manifest(dataset, 0, &v0, NULL), 0);
    cr_assert_str_eq(v0->uuid, dataset_uuid(dataset));
    cr_assert(strchr(v0->author, '@'), "%s", v0->author);
    cr_assert_eq(dataset_catalog(dataset, 0, PATIENCE_ENDLESS, &none, &err), -ENOENT);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_second_init_is_refused_and_changes_nothing, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data"), *first = NULL;
    init_data();
    struct dataset *dataset = open_data();
    first = mem_text(dataset_uuid(dataset));
    dataset_free(dataset);
    cr_assert_eq(dataset_init(stores, url, &err), -EEXIST);
    cr_assert(strstr(err.text, "there is a data set already"), "%s", err.text);
    dataset = open_data();
    cr_assert_str_eq(dataset_uuid(dataset), first);
    dataset_free(dataset);
}

CHECKED_TEST(open, the_newest_version_is_found_whatever_the_hint_says, fixture_made, fixture_removed)
{
    static const char *const hints[] = {NULL,    "7\n", "3\n", "0\n",    "99999999\n",
                                        "900\n", "-5",  "",    "garbage"};
    init_data();
    make_versions(7);
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        if (hints[i])
            make_file("data/elidefs/head", hints[i]);
        struct dataset *dataset = open_data();
        cr_assert_eq(dataset_head(dataset), 7, "hint '%s': v%u", hints[i] ? hints[i] : "none",
                     dataset_head(dataset));
        dataset_free(dataset);
    }
}

CHECKED_TEST(open, a_refresh_with_nothing_new_costs_one_get_and_one_listing, fixture_made, fixture_removed)
{
    struct store_stats before, after;
    uint32_t head = 0;
    init_data();
    make_versions(3);
    struct dataset *dataset = open_data();
    stores_stats(stores, &before);
    cr_assert_eq(dataset_refresh(dataset, &head, NULL), 0);
    stores_stats(stores, &after);
    cr_assert_eq(head, 3);
    cr_assert_eq(after.requests - before.requests, 2);
    make_versions(6);
    cr_assert_eq(dataset_head(dataset), 3, "it moves by a refresh only");
    cr_assert_eq(dataset_refresh(dataset, &head, NULL), 0);
    cr_assert_eq(head, 6);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_damaged_manifest_takes_its_own_version_only, fixture_made, fixture_removed)
{
    struct error err = {0};
    const struct manifest *manifest = NULL;
    init_data();
    make_versions(4);
    make_file("data/elidefs/versions/00000003.json", "{\"dataset\": \"");
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_head(dataset), 4);
    cr_assert_eq(dataset_manifest(dataset, 3, &manifest, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "elidefs/versions/00000003.json: line 1"), "%s", err.text);
    cr_assert_eq(dataset_manifest(dataset, 2, &manifest, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_manifest(dataset, 5, &manifest, &err), -ENOENT);
    cr_assert(strstr(err.text, "there is no v5; the newest is v4"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_manifest_under_another_number_is_damage, fixture_made, fixture_removed)
{
    struct error err = {0};
    const struct manifest *manifest = NULL;
    CLEANUP_FREE char *from = in("data/elidefs/versions/00000002.json");
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    init_data();
    make_versions(3);
    cr_assert_eq(file_read(from, 1 << 20, &bytes, NULL), 0);
    make_file("data/elidefs/versions/00000003.json", buf_text(&bytes));
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_manifest(dataset, 3, &manifest, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "is the manifest of v2"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_parent_that_was_changed_breaks_the_chain, fixture_made, fixture_removed)
{
    struct error err = {0};
    const struct manifest *manifest = NULL;
    CLEANUP_FREE char *path = in("data/elidefs/versions/00000001.json");
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    init_data();
    make_versions(2);
    make_file("data/elidefs/head", "2\n");
    cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
    memcpy(strstr(buf_text(&bytes), "\"init\""), "\"evil\"", 6);
    make_file("data/elidefs/versions/00000001.json", buf_text(&bytes));
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_manifest(dataset, 1, &manifest, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "the history is broken: v2 says that the manifest of v1"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_version_of_a_newer_program_is_refused_and_the_others_work, fixture_made, fixture_removed)
{
    struct error err = {0};
    struct catalog *catalog = NULL;
    const struct manifest *manifest = NULL;
    CLEANUP_FREE char *path = in("data/elidefs/versions/00000002.json");
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    init_data();
    make_versions(2);
    cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
    memcpy(strstr(buf_text(&bytes), "catalog-6"), "catalog-9", 9);
    make_file("data/elidefs/versions/00000002.json", buf_text(&bytes));
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_head(dataset), 2);
    cr_assert_eq(dataset_catalog(dataset, 2, PATIENCE_ENDLESS, &catalog, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "v2 needs 'catalog-9'") &&
                  strstr(err.text, "; the newest that it can read is v1"),
              "%s", err.text);
    cr_assert_eq(dataset_manifest(dataset, 2, &manifest, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_manifest(dataset, 1, &manifest, &err), 0, "%s", err.text);
    dataset_free(dataset);
}

/* From this version on each requires what is not known here: the chain of hashes is made anew. */
static void require_from(uint32_t first, uint32_t last, const char *feature)
{
    for (uint32_t version = first; version <= last; version++) {
        CLEANUP_FREE char *name = mem_printf("data/elidefs/versions/%08u.json", version);
        CLEANUP_FREE char *path = in(name),
                          *before_name = mem_printf("data/elidefs/versions/%08u.json", version - 1);
        CLEANUP_FREE char *before_path = in(before_name);
        CLEANUP_BUF struct buf bytes = BUF_INIT, before = BUF_INIT, made = BUF_INIT;
        uint8_t digest[SHA256_BYTES];
        cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
        cr_assert_eq(file_read(before_path, 1 << 20, &before, NULL), 0);
        sha256_of(before.data, before.len, digest);
        char hex[SHA256_HEX_BYTES];
        hex_print(digest, SHA256_BYTES, hex);
        memcpy(strstr(strstr(buf_text(&bytes), "sha256"), ": \"") + 3, hex, SHA256_HEX_BYTES - 1);
        const char *text = buf_text(&bytes), *at = strstr(text, "\"catalog-6\"");
        size_t before_it = at ? (size_t)(at - text) : bytes.len;
        buf_append(&made, text, before_it);
        if (at) /* else it requires it already */
            buf_printf(&made, "\"%s\"%s", feature, at + strlen("\"catalog-6\""));
        make_file(name, buf_text(&made));
    }
}

CHECKED_TEST(open, the_newest_version_that_can_be_read_is_found_wherever_it_lies, fixture_made,
             fixture_removed)
{
    enum { VERSIONS = 13 };
    init_data();
    make_versions(VERSIONS);
    for (uint32_t first = VERSIONS; first >= 1; first--) {
        struct error err = {0};
        struct catalog *catalog = NULL;
        uint32_t newest = 99;
        CLEANUP_FREE char *says = mem_printf("; the newest that it can read is v%u", first - 1);
        require_from(first, VERSIONS, "words-7");
        struct dataset *dataset = open_data();
        cr_assert_eq(dataset_head(dataset), VERSIONS, "what is not readable is there all the same");
        cr_assert_eq(dataset_newest_readable(dataset, PATIENCE_ENDLESS, &newest, &err), 0, "%s", err.text);
        cr_assert_eq(newest, first - 1);
        cr_assert_eq(dataset_catalog(dataset, first, PATIENCE_ENDLESS, &catalog, &err), -ENOTSUP);
        cr_assert(strstr(err.text, newest ? says : "; it can read no version of "), "%s", err.text);
        if (newest) {
            cr_assert_eq(dataset_catalog(dataset, newest, PATIENCE_ENDLESS, &catalog, &err), 0, "%s",
                         err.text);
            catalog_unref(catalog);
        }
        dataset_free(dataset);
    }
}

CHECKED_TEST(open, a_damaged_manifest_among_them_is_passed_over_when_the_newest_readable_is_looked_for,
             fixture_made, fixture_removed)
{
    enum { VERSIONS = 9 };
    struct error err = {0};
    init_data();
    make_versions(VERSIONS);
    require_from(6, VERSIONS, "words-7");
    for (uint32_t bad = 1; bad < VERSIONS; bad++) {
        CLEANUP_FREE char *name = mem_printf("data/elidefs/versions/%08u.json", bad), *path = in(name);
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        uint32_t newest = 99;
        cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
        make_file(name, "{");
        struct dataset *dataset = open_data();
        cr_assert_eq(dataset_newest_readable(dataset, PATIENCE_ENDLESS, &newest, &err), 0, "%s", err.text);
        cr_assert_eq(newest, bad == 5 ? 4 : 5, "without v%u: v%u", bad, newest);
        dataset_free(dataset);
        make_file(name, buf_text(&bytes));
    }
}

CHECKED_TEST(open, nothing_is_committed_onto_what_a_newer_program_made, fixture_made, fixture_removed)
{
    struct error err = {0};
    uint32_t version = 0;
    init_data();
    make_versions(2);
    require_from(2, 2, "vectors-1");
    struct dataset *dataset = open_data();
    int before = objects("elidefs/");
    cr_assert_eq(dataset_check_extendable(dataset, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "nothing can be added to ") && strstr(err.text, "v2 needs 'vectors-1'"), "%s",
              err.text);
    err = (struct error){0};
    cr_assert_eq(try_commit(dataset, "new", "l", &version, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "nothing can be added to ") && strstr(err.text, "v2 needs 'vectors-1'"), "%s",
              err.text);
    cr_assert_eq(objects("elidefs/"), before, "and nothing is left behind");
    cr_assert_eq(dataset_tag_put(dataset, "mine", 1, &err), 0, "a tag needs no contents: %s", err.text);
    dataset_free(dataset);
}

/* ---- tags ---- */

static int join(void *ctx, const char *name, uint32_t version, struct error *err)
{
    buf_printf(ctx, "%s=v%u ", name, version);
    return 0;
}

CHECKED_TEST(open, tags_are_created_once_and_seen_by_others_after_a_refresh, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    init_data();
    make_versions(3);
    struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(dataset_tag_put(dataset, "paper", 2, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "best", 3, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "best", 3, &err), 0, "the same again is fine: %s", err.text);
    cr_assert_eq(dataset_tag_put(other, "best", 1, &err), -EEXIST);
    cr_assert(strstr(err.text, "the tag 'best' names v3 already"), "%s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "x", 4, &err), -ENOENT);
    cr_assert_eq(dataset_tag_put(dataset, "v9", 1, &err), -EINVAL);
    cr_assert_eq(dataset_tag(dataset, "paper"), 2);
    cr_assert_eq(dataset_tag(other, "paper"), 0);
    cr_assert_eq(dataset_refresh(other, NULL, &err), 0);
    cr_assert_eq(dataset_tag(other, "paper"), 2);
    cr_assert_eq(dataset_tags(other, join, &text, &err), 0);
    cr_assert_str_eq(buf_text(&text), "best=v3 paper=v2 ");
    dataset_free(dataset);
    dataset_free(other);
}

CHECKED_TEST(open, a_tag_moves_where_asked_and_ends_and_begins_again, fixture_made, fixture_removed)
{
    struct error err = {0};
    init_data();
    make_versions(3);
    struct dataset *dataset = open_data(), *other = open_data();
    CLEANUP_BUF struct buf text = BUF_INIT;
    cr_assert_eq(dataset_tag_move(dataset, "best", 1, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_move(dataset, "best", 3, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(other, "best", 1, &err), -EEXIST);
    cr_assert_eq(dataset_tag(other, "best"), 3);
    cr_assert_eq(dataset_tag_remove(other, "best", &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_remove(dataset, "best", &err), -ENOENT, "it follows what others did");
    cr_assert_eq(dataset_tag(dataset, "best"), 0);
    cr_assert_eq(dataset_tags(dataset, join, &text, &err), 0);
    cr_assert_eq(text.len, 0, "what names nothing is not listed: %s", buf_text(&text));
    cr_assert_eq(dataset_tag_put(dataset, "best", 2, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_refresh(other, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag(other, "best"), 2);
    dataset_free(dataset);
    dataset_free(other);
}

CHECKED_TEST(open, a_damaged_tag_is_no_tag_and_no_harm, fixture_made, fixture_removed)
{
    struct error err = {0};
    init_data();
    make_versions(2);
    make_file("data/elidefs/series/tags/bad/1", "two\n");
    make_file("data/elidefs/series/tags/huge/1", "99999999\n");
    make_file("data/elidefs/series/tags/latest/1", "1\n");
    make_file("data/elidefs/series/tags/good/01", "1\n");
    make_file("data/elidefs/series/tags/moved/1", "1\n");
    make_file("data/elidefs/series/tags/moved/2", "2\n");
    make_file("data/elidefs/series/tags/later/1", "2\nsigned by ada\n");
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_tag(dataset, "later"), 2, "what follows the line is for later programs");
    cr_assert_eq(dataset_tag(dataset, "bad"), 0);
    cr_assert_eq(dataset_tag(dataset, "huge"), 0);
    cr_assert_eq(dataset_tag(dataset, "latest"), 0);
    cr_assert_eq(dataset_tag(dataset, "good"), 0);
    cr_assert_eq(dataset_tag(dataset, "moved"), 2);
    cr_assert_eq(dataset_tag_put(dataset, "bad", 1, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "tag 'bad' is damaged"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(open, a_tag_that_moved_to_what_cannot_be_read_names_nothing_rather_than_what_it_named,
             fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    init_data();
    struct dataset *dataset = open_data();
    commit(dataset, "old", "l");
    cr_assert_eq(dataset_tag_put(dataset, "best", 1, &err), 0, "%s", err.text);
    commit(dataset, "new", "l");
    make_file("data/elidefs/series/tags/best/2", "{\"versions\": [1, 2]}\n");
    struct dataset *other = open_data();
    cr_assert_eq(dataset_refresh(dataset, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag(dataset, "best"), 0);
    cr_assert_eq(dataset_tag(other, "best"), 0, "the manifest's copy is older");
    cr_assert_eq(dataset_tags(other, join, &text, &err), 0);
    cr_assert_eq(text.len, 0);
    cr_assert_eq(dataset_tag_move(other, "best", 2, &err), -EUCLEAN, "it is not overwritten either");
    cr_assert(strstr(err.text, "tag 'best' is damaged, or of a newer elidefs"), "%s", err.text);
    cr_assert_eq(dataset_tag_remove(other, "best", &err), 0, "who means that may: %s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "best", 2, &err), 0, "%s", err.text);
    dataset_free(dataset);
    dataset_free(other);
}
