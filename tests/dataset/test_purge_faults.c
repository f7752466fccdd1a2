// SPDX-License-Identifier: Apache-2.0
/* Clips are taken out of all versions of a store that fails, or is away afterwards. */
#include "purging.h"

#include "cache/store/fault.h"
#include "cache/store/retry.h"

/* Somebody wants so many taken out that the list has more bytes than other notes may have. */
static void purge_many(struct dataset *dataset)
{
    enum { KEYS = 16000 };
    struct error err = {0};
    struct dataset_purged done = {0};
    CLEANUP_FREE const char **keys = mem_alloc(KEYS * sizeof *keys);
    for (unsigned i = 1; i < KEYS; i++)
        keys[i] = mem_printf("nobody-%u", i);
    keys[0] = "jane-doe-1";
    struct dataset_purge purge = {.keys = keys, .count = KEYS};
    cr_assert_eq(dataset_purge(dataset, &purge, &done, &err), 0, "%s", err.text);
    for (unsigned i = 1; i < KEYS; i++)
        free((char *)keys[i]);
}

static int open_through(struct store *store, struct dataset **ret, struct error *err)
{
    struct dataset_options options = {.stores = stores, .cache = cache, .ahead = true};
    return dataset_open_store(&options, store, ret, err);
}

CHECKED_TEST(purge_faults, a_long_list_of_what_was_purged_is_cached_for_when_the_store_is_away, made, removed)
{
    struct error err = {0};
    static const struct fault_plan none = {.kind = FAULT_NONE};
    struct dataset *dataset = open_data();
    make_versions(dataset);
    purge_many(dataset);
    dataset_free(dataset);
    store_ref(&hooked->base);
    CLEANUP_STORE struct store *fault = store_fault_new(&hooked->base, &none);
    cr_assert_eq(open_through(fault, &dataset, &err), 0, "%s", err.text);
    CLEANUP_FREE char *json = json_of(dataset, 3, "bob-1");
    dataset_free(dataset);
    store_fault_set(fault,
                    &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = 1 << 30, .code = EIO});
    cr_assert_eq(open_through(fault, &dataset, &err), 0, "%s", err.text);
    cr_assert(strstr(dataset_note(dataset), "what is cached of"), "%s", dataset_note(dataset));
    cr_assert_eq(dataset_check_purged(dataset, "jane-doe-1", 10, &err), -ENOENT);
    expect_json(dataset, 3, "bob-1", json);
    dataset_free(dataset);
}

static int purge_with_fault(enum fault_kind kind, unsigned n, const char *key, bool *ret_hit,
                            struct error *err)
{
    static const struct fault_plan none = {.kind = FAULT_NONE};
    CLEANUP_FREE char *url = in("data");
    struct store *inner = NULL;
    struct dataset *dataset = NULL;
    struct dataset_purged done;
    struct dataset_options options = {.stores = stores, .cache = cache};
    cr_assert_eq(store_open(stores, url, &inner, NULL), 0);
    struct store *fault = store_fault_new(inner, &none);
    CLEANUP_STORE struct store *store = retry_new(fault);
    struct backoff *backoff = retry_backoff(store);
    backoff->base_ns = backoff->most_ns = 1000;
    cr_assert_eq(dataset_open_store(&options, store, &dataset, err), 0, "%s", err->text);
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

CHECKED_TEST(purge_faults, whichever_request_fails_it_can_be_done_again, made, removed)
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

CHECKED_TEST(purge_faults, whichever_answer_is_lost_it_succeeds, made, removed)
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
