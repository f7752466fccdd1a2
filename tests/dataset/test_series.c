// SPDX-License-Identifier: Apache-2.0
/* What stands beside the versions is found by one listing, and what was read of it is not read again. */
#include "fixture.h"

#include "index/commit/changeset_labels.h"

static void made(void)
{
    fixture_made();
    init_data();
    hook_data();
    struct dataset *dataset = open_data();
    for (int i = 0; i < 4; i++) {
        CLEANUP_FREE char *key = mem_printf("clip-%d", i);
        commit(dataset, key, "good");
    }
    dataset_free(dataset);
}

static void removed(void)
{
    unhook_data();
    fixture_removed();
}

/* How many requests it takes to open it, as somebody who reads clips. */
static int requests_to_open(struct dataset **ret)
{
    struct error err = {0};
    struct dataset_options options = {.stores = stores, .cache = cache, .roots = true};
    int before = atomic_load(&hooked->requests);
    cr_assert_eq(dataset_open_store(&options, &hooked->base, ret, &err), 0, "%s", err.text);
    return atomic_load(&hooked->requests) - before;
}

static void expect_requests_to_open(int want, const char *why)
{
    struct dataset *dataset = NULL;
    int is = requests_to_open(&dataset);
    cr_assert_eq(is, want, "%s: %d requests, not %d", why, is, want);
    dataset_free(dataset);
}

static void forget_2(void)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_forget forget = {.ranges = &(struct dataset_range){2, 2}, .count = 1};
    cr_assert_eq(dataset_forget(dataset, &forget, &err), 0, "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(series, one_listing_tells_all_of_them_and_what_was_read_before_is_not_read_again, made, removed)
{
    enum { HEAD = 1, LISTING = 1, MANIFESTS = 5 };
    int least = HEAD + LISTING + MANIFESTS;
    struct error err = {0};
    expect_requests_to_open(least + 1, "the root");
    expect_requests_to_open(least, "nothing is new");
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_tag_put(dataset, "best", 1, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "last", 3, &err), 0, "%s", err.text);
    dataset_free(dataset);
    forget_2();
    expect_requests_to_open(least + 3, "two tags, and what was forgotten");
    expect_requests_to_open(least, "nothing is new again");
    requests_to_open(&dataset);
    cr_assert(dataset_tag(dataset, "best") == 1 && dataset_tag(dataset, "last") == 3);
    cr_assert(dataset_is_forgotten(dataset, 2) && !dataset_is_forgotten(dataset, 3));
    dataset_free(dataset);
}

static void expect_root(const char *url)
{
    struct dataset *dataset = NULL;
    CLEANUP_BUF struct buf is = BUF_INIT;
    struct error err = {0};
    requests_to_open(&dataset);
    cr_assert_eq(roots_url(dataset->roots, 1, true, &is, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&is), url);
    dataset_free(dataset);
}

CHECKED_TEST(series, an_object_that_is_another_than_was_read_is_read_again, made, removed)
{
    CLEANUP_FREE char *was = in("source"), *is = in("source2");
    CLEANUP_FREE char *json = mem_printf("{\"url\": \"%s\"}", is);
    expect_root(was);
    expect_root(was);
    make_file("data/elidefs/series/roots/1/1", json); /* another data set lies there now */
    expect_root(is);
}

static void label(struct dataset *dataset, const char *value)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    struct changeset_setter setter = {"anna", CHANGESET_ALL, "a table"};
    struct value is = {.type = VALUE_TEXT, .text = value, .len = strlen(value)};
    cr_assert_eq(changeset_setter(set, &setter, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_attribute(set, "label", VALUE_TEXT, false, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_labels(set, "clip-1", 1, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_value(set, "label", &is, &err), 0, "%s", err.text);
    cr_assert_eq(
        dataset_commit(dataset, set, &(struct dataset_commit){.message = "labels"}, NULL, NULL, &err), 0,
        "%s", err.text);
    changeset_free(set);
}

CHECKED_TEST(series, a_commit_that_names_no_root_asks_for_none_and_leaves_their_number, made, removed)
{
    const struct manifest *manifest;
    struct dataset *dataset = open_hooked();
    hooked->refused = "elidefs/series/roots/";
    label(dataset, "fair");
    cr_assert_eq(dataset_manifest(dataset, dataset_head(dataset), &manifest, NULL), 0);
    cr_assert_eq(manifest->roots, 1);
    dataset_free(dataset);
}

CHECKED_TEST(series, what_is_no_object_of_a_series_is_passed_over, made, removed)
{
    static const char *const names[] = {"tags/1",     "tags/best/x",   "tags/best/01", "tags/best/2/1",
                                        "tag/best/1", "others/best/1", "tagsbest/1",   "1",
                                        "roots/x/1",  "purges/pages/1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP_FREE char *path = mem_printf("data/elidefs/series/%s", names[i]);
        make_file(path, "1\n");
    }
    struct dataset *dataset = NULL;
    requests_to_open(&dataset);
    cr_assert_eq(dataset_tag(dataset, "best"), 0);
    cr_assert_eq(dataset_purge_seq(dataset), 0);
    cr_assert_eq(dataset_check_roots(dataset, NULL), 0);
    dataset_free(dataset);
}
