// SPDX-License-Identifier: Apache-2.0
/*
 * A data set's folder, a neighbour, and links between them: which roots are read, and whom they need trusted
 * by.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "index/roots/root.h"
#include "index/roots/root_record.h"
#include "index/roots/trust.h"
#include "tests/test_leaks.h"

static const char uuid[] = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

/* A data set's folder "own", its neighbour "own2", and a home of its own. */
static char *folder;
static struct stores *stores;
static struct layout layout;
static struct roots *roots;

static char *in(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static void make_folder(const char *name)
{
    CLEANUP_FREE char *path = in(name);
    cr_assert_eq(file_make_folders(path, 0755, NULL), 0);
}

static void make_file(const char *name, const char *text)
{
    CLEANUP_FREE char *path = in(name);
    cr_assert_eq(file_replace(path, text, strlen(text), 0644, NULL), 0);
}

static struct roots *open_roots(const char *const *trust)
{
    struct error err = {0};
    struct roots *made = NULL;
    struct roots_options options = {.stores = stores, .layout = &layout, .uuid = uuid, .trust = trust};
    cr_assert_eq(roots_new(&options, &made, &err), 0, "%s", err.text);
    return made;
}

static void made(void)
{
    struct error err = {0};
    CLEANUP_FREE char *temp = NULL;
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-root", &temp, NULL), 0);
    folder = realpath(temp, NULL);
    setenv("XDG_CONFIG_HOME", folder, 1);
    make_folder("own/sub/deep");
    make_folder("own2");
    cr_assert_eq(stores_new(&(struct stores_options){0}, &stores, &err), 0, "%s", err.text);
    CLEANUP_FREE char *own = in("own");
    cr_assert_eq(store_open(stores, own, &layout.store, &err), 0, "%s", err.text);
    roots = open_roots(NULL);
}

static void removed(void)
{
    roots_free(STEAL(roots));
    store_unref(STEAL(layout.store));
    stores_free(STEAL(stores));
    file_remove_tree(folder, NULL);
    free(STEAL(folder));
}

/* Records a root as an import does and gives its id. */
static uint32_t published(const char *url)
{
    struct error err = {0};
    uint32_t id = 0;
    cr_assert_eq(roots_look(roots, &err), 0, "%s", err.text);
    cr_assert_eq(roots_id(roots, url, &id, &err), 0, "%s", err.text);
    cr_assert_eq(roots_publish(roots, id, url, &err), 0, "%s", err.text);
    return id;
}

/* Opens and gives the URL of what is read, or the error's text. */
static int resolved(struct roots *from, uint32_t id, char **ret_text)
{
    struct error err = {0};
    CLEANUP_STORE struct store *store = NULL;
    int rc = roots_open(from, id, false, &store, &err);
    free(*ret_text);
    *ret_text = mem_text(rc ? err.text : store_url(store));
    return rc;
}

CHECKED_TEST(root, below_means_whole_components, made, removed)
{
    cr_assert_str_eq(root_below("/a/data", "/a/data"), "");
    cr_assert_str_eq(root_below("/a/data", "/a/data/x/y"), "x/y");
    cr_assert_null(root_below("/a/data", "/a/data2"));
    cr_assert_null(root_below("/a/data", "/a"));
    cr_assert_str_eq(root_below("/", "/etc"), "etc");
    cr_assert_str_eq(root_below("s3://b", "s3://b/x"), "x");
    cr_assert_null(root_below("s3://b", "s3://b2/x"));
}

CHECKED_TEST(root, one_in_the_own_folder_is_recorded_relative_and_moves_with_it, made, removed)
{
    CLEANUP_FREE char *sub = in("own/sub/deep"), *own = in("own"), *moved = in("elsewhere"), *text = NULL;
    CLEANUP_FREE char *file = in("elsewhere/elidefs/series/roots/1/1"), *want = in("elsewhere/sub/deep");
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint32_t id = published(sub);
    cr_assert_eq(id, 1);
    roots_free(STEAL(roots));
    store_unref(STEAL(layout.store));
    cr_assert_eq(rename(own, moved), 0);
    cr_assert_eq(file_read(file, 4096, &bytes, NULL), 0);
    cr_assert_str_eq(buf_text(&bytes), "{\"url\": \"./sub/deep\"}\n");
    cr_assert_eq(store_open(stores, moved, &layout.store, NULL), 0);
    roots = open_roots(NULL);
    cr_assert_eq(resolved(roots, id, &text), 0, "%s", text);
    cr_assert_str_eq(text, want);
}

CHECKED_TEST(root, the_own_folder_itself_is_a_root, made, removed)
{
    CLEANUP_FREE char *own = in("own"), *text = NULL, *want = in("own");
    cr_assert_eq(resolved(roots, published(own), &text), 0, "%s", text);
    cr_assert_str_eq(text, want);
}

CHECKED_TEST(root, a_neighbour_with_the_same_beginning_needs_trust_and_the_command_is_told, made, removed)
{
    CLEANUP_FREE char *url = in("own2"), *text = NULL,
                      *want = mem_printf("elidefs trust %s/own %s", folder, url);
    uint32_t id = published(url);
    cr_assert_eq(resolved(roots, id, &text), -EPERM);
    cr_assert(strstr(text, want), "%s", text);
    cr_assert_eq(trust_record(uuid, (const char *const[]){url}, 1, NULL), 0);
    cr_assert_eq(resolved(roots, id, &text), 0, "trust that is given later counts: %s", text);
}

CHECKED_TEST(root, all_that_are_not_trusted_are_told_at_once_with_one_command, made, removed)
{
    CLEANUP_FREE char *a = in("own2"), *b = in("it's"), *c = in("own3"), *own = in("own/sub"), *text = NULL;
    CLEANUP_FREE char *want = mem_printf(
        "%s/own reads from 3 places outside it which you have not trusted; for one mount there is -o "
        "trust=URL; "
        "to trust them from now on, type: elidefs trust %s/own %s/own2 '%s/it'\\''s' s3://elsewhere/x",
        folder, folder, folder, folder);
    struct error err = {0};
    published(a);
    published(b);
    published(own);
    published("s3://elsewhere/x");
    published(c);
    cr_assert_eq(trust_record(uuid, (const char *const[]){c}, 1, NULL), 0);
    cr_assert_eq(roots_check_trust(roots, &err), -EPERM);
    cr_assert_str_eq(err.text, want);
    struct roots *fresh = open_roots(NULL);
    cr_assert_eq(resolved(fresh, 1, &text), -EPERM);
    cr_assert_str_eq(text, want, "whoever reads one is told of all: %s", text);
    roots_free(fresh);
}

CHECKED_TEST(root, a_command_that_is_too_long_is_not_cut_in_two, made, removed)
{
    struct error err = {0};
    CLEANUP_FREE char *want =
        mem_printf("%s/own reads from 40 places outside it which you have not trusted; to "
                   "see them, type: elidefs trust %s/own",
                   folder, folder);
    for (int i = 0; i < 40; i++) {
        CLEANUP_FREE char *url = mem_printf("s3://a-bucket-with-a-long-name/and-a-folder/%d", i);
        published(url);
    }
    cr_assert_eq(roots_check_trust(roots, &err), -EPERM);
    cr_assert_str_eq(err.text, want);
}

CHECKED_TEST(root, what_is_no_root_is_found_nowhere_and_the_roots_are_named, made, removed)
{
    CLEANUP_FREE char *sub = in("own/sub"), *a = in("own2");
    struct error err = {0};
    cr_assert_eq(roots_find(roots, "/x", &err), -ENOENT);
    cr_assert(strstr(err.text, "/own does not read from /x, nor anywhere else outside it"), "%s", err.text);
    published(sub);
    published(a);
    published("s3://bucket");
    cr_assert_eq(roots_find(roots, a, &err), 0, "%s", err.text);
    cr_assert_eq(roots_find(roots, "s3://bucket/below", &err), -ENOENT);
    CLEANUP_FREE char *want = mem_printf(
        "%s/own does not read from s3://bucket/below: outside it, it reads from %s, s3://bucket", folder, a);
    cr_assert_str_eq(err.text, want);
    cr_assert_eq(roots_find(roots, sub, &err), -ENOENT);
    cr_assert(strstr(err.text, "lies in the data set, which needs nobody's trust to read it"), "%s",
              err.text);
}

CHECKED_TEST(root, trust_for_one_run_is_given_by_url, made, removed)
{
    CLEANUP_FREE char *url = in("own2"), *spelled = in("own/../own2/"), *text = NULL;
    uint32_t id = published(url);
    struct roots *trusting = open_roots((const char *const[]){spelled, NULL});
    cr_assert_eq(resolved(trusting, id, &text), 0, "%s", text);
    roots_free(trusting);
}

CHECKED_TEST(root, places_that_lead_out_are_refused, made, removed)
{
    static const struct {
        const char *json;
        int rc;
    } cases[] = {
        {"{\"url\": \"./../own2\"}", -EUCLEAN},
        {"{\"url\": \"./sub/../../own2\"}", -EUCLEAN},
        {"{\"url\": \"./\"}", -EUCLEAN},
        {"{\"url\": \"sub\"}", -EUCLEAN},
        {"{\"url\": \"..\"}", -EUCLEAN},
        {"{\"url\": 3}", -EUCLEAN},
        {"{}", -EUCLEAN},
        {"not json", -EUCLEAN},
        {"{\"url\": \"/etc\"}", -EPERM},
        {"{\"url\": \"file:///etc\"}", -EPERM},
    };
    make_folder("own/elidefs/series/roots/1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_FREE char *text = NULL;
        struct roots *fresh = open_roots(NULL);
        make_file("own/elidefs/series/roots/1/1", cases[i].json);
        cr_assert_eq(resolved(fresh, 1, &text), cases[i].rc, "%s: %s", cases[i].json, text);
        roots_free(fresh);
    }
}

CHECKED_TEST(root, an_absolute_place_that_climbs_out_of_the_own_folder_needs_trust, made, removed)
{
    CLEANUP_FREE char *json = mem_printf("{\"url\": \"%s/own/../own2\"}", folder), *text = NULL;
    make_folder("own/elidefs/series/roots/1");
    make_file("own/elidefs/series/roots/1/1", json);
    cr_assert_eq(resolved(roots, 1, &text), -EPERM, "%s", text);
}

CHECKED_TEST(root, who_lists_roots_sees_one_that_climbs_out_as_foreign, made, removed)
{
    CLEANUP_FREE char *own = in("own/sub"), *out = in("own/../own2");
    cr_assert_eq(roots_trust(roots, own, NULL), ROOT_OWN);
    cr_assert_eq(roots_trust(roots, out, NULL), ROOT_FOREIGN);
    cr_assert_eq(roots_trust(roots, "no-such-scheme://x", NULL), ROOT_FOREIGN);
}

CHECKED_TEST(root, a_link_in_the_own_folder_leads_nowhere, made, removed)
{
    CLEANUP_FREE char *target = in("own2"), *link = in("own/link");
    CLEANUP_STORE struct store *store = NULL;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error err = {0};
    make_file("own2/secret", "secret");
    cr_assert_eq(symlink(target, link), 0);
    make_folder("own/elidefs/series/roots/1");
    make_file("own/elidefs/series/roots/1/1", "{\"url\": \"./link\"}");
    cr_assert_eq(roots_open(roots, 1, false, &store, &err), 0, "%s", err.text);
    cr_assert_eq(store_read_all(store, "secret", 100, &bytes, NULL, &err), -EACCES, "%s", err.text);
}

CHECKED_TEST(root, a_root_that_nobody_recorded_is_damage, made, removed)
{
    CLEANUP_FREE char *text = NULL;
    cr_assert_eq(resolved(roots, 7, &text), -EUCLEAN);
    cr_assert(strstr(text, "root 7, which is not recorded"), "%s", text);
}

CHECKED_TEST(root, without_waiting_only_what_was_opened_is_given, made, removed)
{
    CLEANUP_FREE char *own = in("own"), *text = NULL;
    CLEANUP_STORE struct store *store = NULL;
    uint32_t id = published(own);
    cr_assert_eq(roots_open(roots, id, true, &store, NULL), -EAGAIN);
    cr_assert_eq(resolved(roots, id, &text), 0);
    cr_assert_eq(roots_open(roots, id, true, &store, NULL), 0);
}

CHECKED_TEST(root, equal_urls_share_an_id_and_the_newest_place_counts, made, removed)
{
    CLEANUP_FREE char *a = in("own/sub"), *b = in("own"), *text = NULL, *want = in("own");
    struct error err = {0};
    cr_assert_eq(published(a), 1);
    cr_assert_eq(published(b), 2);
    cr_assert_eq(published(a), 1);
    make_file("own/elidefs/series/roots/1/2", "{\"url\": \".\"}");
    cr_assert_eq(roots_look(roots, &err), 0, "%s", err.text);
    cr_assert_eq(resolved(roots, 1, &text), 0, "%s", text);
    cr_assert_str_eq(text, want);
}

CHECKED_TEST(root, what_a_manifest_says_of_their_number_is_not_believed, made, removed)
{
    CLEANUP_FREE char *a = in("own/sub"), *text = NULL;
    struct error err = {0};
    struct store_stats before, after;
    cr_assert_eq(published(a), 1);
    struct roots *other = open_roots(NULL);
    atomic_store(&layout.blind, true);
    stores_stats(stores, &before);
    cr_assert_eq(roots_load(other, UINT32_MAX, NULL, &err), 0, "%s", err.text);
    stores_stats(stores, &after);
    cr_assert_leq(after.requests - before.requests, 1000);
    cr_assert_eq(resolved(other, 1, &text), 0, "%s", text);
    roots_free(other);
}

CHECKED_TEST(root, two_writers_cannot_give_one_id_to_two_roots, made, removed)
{
    CLEANUP_FREE char *a = in("own/sub"), *b = in("own");
    struct error err = {0};
    struct roots *other = open_roots(NULL);
    uint32_t ours = 0, theirs = 0, again = 0;
    cr_assert_eq(roots_id(roots, a, &ours, &err), 0);
    cr_assert_eq(roots_id(other, b, &theirs, &err), 0);
    cr_assert_eq(ours, theirs);
    cr_assert_eq(roots_publish(other, theirs, b, &err), 0, "%s", err.text);
    cr_assert_eq(roots_publish(roots, ours, a, &err), -EREMCHG);
    cr_assert(strstr(err.text, "import again"), "%s", err.text);
    roots_forget_reserved(roots);
    cr_assert_eq(roots_look(roots, &err), 0);
    cr_assert_eq(roots_id(roots, a, &again, &err), 0);
    cr_assert_eq(again, 2);
    cr_assert_eq(roots_publish(roots, again, a, &err), 0, "%s", err.text);
    cr_assert_eq(roots_publish(roots, again, a, &err), 0, "what is recorded already is fine");
    roots_free(other);
}
