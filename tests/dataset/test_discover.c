// SPDX-License-Identifier: Apache-2.0
/* What is asked of a store when a data set is opened: in how many round trips, what the head may say, and
 * what is shown while the store is away. */
#include "fixture.h"
#include "held_store.h"
#include "index/commit/purge.h"

#include <time.h>

static struct dataset *made_with(uint32_t versions)
{
    init_data();
    struct dataset *dataset = open_data();
    for (uint32_t i = 0; i < versions; i++) {
        CLEANUP_FREE char *key = mem_printf("clip-%u", i);
        commit(dataset, key, "label");
    }
    return dataset;
}

static void read_file(const char *name, struct buf *ret)
{
    CLEANUP_FREE char *path = in(name);
    struct error err = {0};
    cr_assert_eq(file_read(path, 1 << 20, ret, &err), 0, "%s", err.text);
}

static void write_head(const char *number, const struct buf *copy)
{
    CLEANUP_FREE char *path = in("data/elidefs/head");
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, number);
    buf_append(&text, copy->data, copy->len);
    cr_assert_eq(file_replace(path, text.data, text.len, 0644, NULL), 0);
}

/* ---- round trips ---- */

/* Lets what is asked for stand until nothing more is asked, and then all of it go: that is a round. */
struct tide {
    struct held_store *store;
    pthread_t thread;
    atomic_bool ended;
    unsigned rounds;
};

static unsigned held_count(struct held_store *store)
{
    pthread_mutex_lock(&store->lock);
    unsigned count = store->held_count;
    pthread_mutex_unlock(&store->lock);
    return count;
}

static void *run_tide(void *ctx)
{
    struct tide *tide = ctx;
    while (!atomic_load(&tide->ended)) {
        unsigned before = held_count(tide->store);
        nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
        if (!before || held_count(tide->store) != before)
            continue;
        tide->rounds++;
        held_set_mode(tide->store, HELD_HOLD);
    }
    held_set_mode(tide->store, HELD_GIVE);
    return NULL;
}

static struct store *begin_tide(struct tide *tide)
{
    CLEANUP_FREE char *url = in("data");
    struct store *inner = NULL;
    struct error err = {0};
    cr_assert_eq(store_open(stores, url, &inner, &err), 0, "%s", err.text);
    *tide = (struct tide){.store = held_store_new(inner)};
    held_set_mode(tide->store, HELD_HOLD);
    cr_assert_eq(pthread_create(&tide->thread, NULL, run_tide, tide), 0);
    return &tide->store->base;
}

static unsigned end_tide(struct tide *tide)
{
    atomic_store(&tide->ended, true);
    pthread_join(tide->thread, NULL);
    return tide->rounds;
}

static void open_through(struct store *store, struct dataset **ret)
{
    struct dataset_options options = {.stores = stores, .cache = cache, .ahead = true, .roots = true};
    struct error err = {0};
    cr_assert_eq(dataset_open_store(&options, store, ret, &err), 0, "%s", err.text);
}

static void empty_the_cache(void)
{
    CLEANUP_FREE char *path = in("cache2");
    struct cache_options options = {.folder = path, .size_bytes = 1 << 30};
    struct error err = {0};
    cache_free(STEAL(cache));
    cr_assert_eq(cache_new(&options, &cache, &err), 0, "%s", err.text);
}

/* Of the first clip whose label it is. */
static void first_name(struct dataset *dataset, uint32_t version, struct buf *ret)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct error err = {0};
    uint32_t row;
    cr_assert_eq(dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_clip_find(reader, "clip-0", 6, &row, &err), 0, "%s", err.text);
    buf_printf(ret, "%u", row);
}

CHECKED_TEST(discover, a_mount_knows_all_it_needs_after_two_rounds_and_a_small_catalog_with_them,
             fixture_made, fixture_removed)
{
    struct tide tide;
    CLEANUP_BUF struct buf name = BUF_INIT;
    struct dataset *dataset = made_with(3);
    dataset_free(dataset);
    empty_the_cache();
    struct store *store = begin_tide(&tide);
    open_through(store, &dataset);
    cr_assert_eq(dataset_head(dataset), 3);
    cr_assert_eq(dataset_check_roots(dataset, NULL), 0);
    first_name(dataset, 3, &name);
    cr_assert_leq(end_tide(&tide), 2);
    cr_assert_str_eq(buf_text(&name), "0");
    dataset_free(dataset);
    store_unref(store);
}

CHECKED_TEST(discover, which_versions_are_forgotten_is_known_after_these_two_rounds, fixture_made,
             fixture_removed)
{
    struct tide tide;
    struct error err = {0};
    struct dataset *dataset = made_with(3);
    struct dataset_forget forget = {.ranges = &(struct dataset_range){2, 2}, .count = 1};
    cr_assert_eq(dataset_forget(dataset, &forget, &err), 0, "%s", err.text);
    dataset_free(dataset);
    empty_the_cache();
    struct store *store = begin_tide(&tide);
    open_through(store, &dataset);
    cr_assert_leq(end_tide(&tide), 2);
    cr_assert(dataset_is_forgotten(dataset, 2));
    cr_assert_not(dataset_is_forgotten(dataset, 1));
    dataset_free(dataset);
    store_unref(store);
}

/* Opens v4 of a data set from which a clip was purged, or not, with an empty cache. */
static unsigned rounds_to_open(bool purged, bool lists)
{
    struct tide tide;
    struct dataset *dataset = made_with(3);
    struct dataset_purge purge = {.keys = (const char *[]){"clip-1"}, .count = 1};
    struct dataset_purged done;
    struct error err = {0};
    if (purged)
        cr_assert_eq(dataset_purge(dataset, &purge, &done, &err), 0, "%s", err.text);
    else
        commit(dataset, "clip-3", "label");
    dataset_free(dataset);
    empty_the_cache();
    struct store *store = begin_tide(&tide);
    tide.store->unlisted = !lists;
    open_through(store, &dataset);
    unsigned rounds = end_tide(&tide);
    cr_assert_eq(dataset_check_purged(dataset, "clip-1", 6, &err), purged ? -ENOENT : 0);
    dataset_free(dataset);
    store_unref(store);
    return rounds;
}

CHECKED_TEST(discover, that_nothing_was_purged_is_known_after_these_two_rounds_where_nothing_is_listed,
             fixture_made, fixture_removed)
{
    cr_assert_leq(rounds_to_open(false, false), 2);
}

CHECKED_TEST(discover, what_was_purged_is_known_one_round_later_where_nothing_is_listed, fixture_made,
             fixture_removed)
{
    cr_assert_leq(rounds_to_open(true, false), 3);
}

CHECKED_TEST(discover, what_was_purged_is_known_one_round_later, fixture_made, fixture_removed)
{
    cr_assert_leq(rounds_to_open(true, true), 3);
}

CHECKED_TEST(discover, an_old_hint_is_overtaken_in_few_rounds, fixture_made, fixture_removed)
{
    struct tide tide;
    struct dataset *dataset = made_with(14);
    CLEANUP_BUF struct buf v1 = BUF_INIT;
    dataset_free(dataset);
    read_file("data/elidefs/versions/00000001.json", &v1);
    write_head("1\n", &v1);
    empty_the_cache();
    struct store *store = begin_tide(&tide);
    open_through(store, &dataset); /* 1: the head; 2: v1 v2 v3 v5 v9; 3: v10 v11 v13 v17; 4: v14 to v16 */
    cr_assert_leq(end_tide(&tide), 4);
    cr_assert_eq(dataset_head(dataset), 14);
    cr_assert_null(dataset_note(dataset));
    dataset_free(dataset);
    store_unref(store);
}

/* ---- what the head says ---- */

static void check_head(const char *what, bool noted)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    CLEANUP_FREE char *url = in("data");
    struct dataset_options options = {.stores = stores, .cache = cache, .ahead = true, .roots = true};
    struct dataset *dataset = NULL;
    struct error err = {0};
    cr_assert_eq(dataset_open(&options, url, &dataset, &err), 0, "%s: %s", what, err.text);
    cr_assert_eq(dataset_head(dataset), 3, "%s", what);
    first_name(dataset, 3, &name);
    cr_assert_str_eq(buf_text(&name), "0", "%s", what);
    cr_assert_eq(dataset_note(dataset) != NULL, noted, "%s: %s", what, dataset_note(dataset));
    dataset_free(dataset);
}

static void forge(struct buf *copy, const char *was, const char *is)
{
    char *at = strstr(buf_text(copy), was);
    cr_assert_not_null(at, "%s", was);
    memcpy(at, is, strlen(is));
}

CHECKED_TEST(discover, a_head_that_is_torn_old_forged_or_of_another_data_set_changes_nothing, fixture_made,
             fixture_removed)
{
    CLEANUP_BUF struct buf copy = BUF_INIT, old = BUF_INIT, torn = BUF_INIT, other = BUF_INIT;
    CLEANUP_BUF struct buf hot = BUF_INIT, head = BUF_INIT, want = BUF_INIT;
    dataset_free(made_with(3));
    read_file("data/elidefs/versions/00000003.json", &copy);
    read_file("data/elidefs/versions/00000001.json", &old);
    read_file("data/elidefs/head", &head);
    buf_printf(&want, "3\n%s", buf_text(&copy));
    cr_assert_str_eq(buf_text(&head), buf_text(&want), "a commit writes the copy");
    check_head("as it was written", false);
    buf_append(&torn, copy.data, copy.len / 2);
    write_head("3\n", &torn);
    check_head("torn", false);
    write_head("1\n", &old);
    check_head("old", false);
    write_head("3\n", &old);
    check_head("a copy of another version", false);
    write_head("9\n", &copy);
    check_head("too high", false);
    buf_append(&other, copy.data, copy.len);
    forge(&other, "\"dataset\": \"", "\"dataset\": \"00000000-1111-4222-8333-444444444444");
    write_head("3\n", &other);
    check_head("of another data set", true);
    buf_append(&hot, copy.data, copy.len);
    forge(&hot, "\"pack\": \"", "\"pack\": \"00000000000000000000000000000000");
    write_head("3\n", &hot);
    check_head("with pages that are not there", true);
}

CHECKED_TEST(discover, opening_an_old_version_can_be_given_up_and_tried_again, fixture_made, fixture_removed)
{
    CLEANUP_FREE char *url = in("data");
    struct store *inner = NULL;
    struct error err = {0};
    struct dataset *dataset = made_with(3);
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    dataset_free(dataset);
    cr_assert_eq(store_open(stores, url, &inner, &err), 0, "%s", err.text);
    struct held_store *held = held_store_new(inner);
    open_through(&held->base, &dataset);
    held->match = "00000001.json";
    held_set_mode(held, HELD_HOLD);
    atomic_bool cancelled = true;
    struct catalog_patience patience = {.cancelled = &cancelled};
    cr_assert_eq(dataset_catalog(dataset, 1, &patience, &catalog, &err), -ECANCELED);
    patience = (struct catalog_patience){.deadline_ns = 1};
    cr_assert_eq(dataset_catalog(dataset, 1, &patience, &catalog, &err), -ETIMEDOUT);
    cr_assert_eq(dataset_catalog(dataset, 3, PATIENCE_ENDLESS, &catalog, &err), 0, "others open: %s",
                 err.text);
    catalog_unref(STEAL(catalog));
    held_set_mode(held, HELD_GIVE);
    cr_assert_eq(dataset_catalog(dataset, 1, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
    dataset_free(dataset);
    store_unref(&held->base);
}
