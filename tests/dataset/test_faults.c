// SPDX-License-Identifier: Apache-2.0
/* Committing against a store that fails, loses replies or refuses, and against a faster writer. */
#include "fixture.h"

#include <stdio.h>

#include "index/commit/commit.h"

static void made(void)
{
    fixture_made();
    init_data();
    hook_data();
}

static void removed(void)
{
    unhook_data();
    fixture_removed();
}

/* A writer on another machine, which has a cache of its own, is faster, just before our manifest is put. */
static void other_commits(void *ctx)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data"), *folder_there = in("cache-there");
    struct cache *there = NULL;
    struct dataset *other = NULL;
    struct cache_options options = {.folder = folder_there, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &there, &err), 0, "%s", err.text);
    struct dataset_options with = {.stores = stores, .cache = there};
    cr_assert_eq(dataset_open(&with, url, &other, &err), 0, "%s", err.text);
    commit(other, "other", "good");
    dataset_free(other);
    cache_free(there);
}

CHECKED_TEST(faults, of_two_committers_one_wins_and_the_other_lands_behind_it, made, removed)
{
    struct error err = {0};
    const struct manifest *second = NULL;
    uint32_t version = 0;
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/versions/";
    hooked->before = other_commits;
    cr_assert_eq(try_commit(dataset, "ours", "good", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 2);
    cr_assert_eq(objects("elidefs/packs/"), 2, "the pack that was for v1 is gone");
    cr_assert_eq(dataset_manifest(dataset, 2, &second, &err), 0);
    cr_assert_eq(second->clips, 2, "nothing of the winner is lost");
    dataset_free(dataset);
}

CHECKED_TEST(faults, a_reply_that_was_lost_is_resolved_by_reading_back, made, removed)
{
    static const int codes[] = {-EEXIST, -ETIMEDOUT, -EIO};
    struct dataset *dataset = open_hooked();
    for (uint32_t i = 0; i < 3; i++) {
        struct error err = {0};
        uint32_t version = 0;
        char key[16];
        snprintf(key, sizeof key, "ep%u", i);
        hooked->put_match = "elidefs/versions/";
        hooked->put_rc = codes[i];
        cr_assert_eq(try_commit(dataset, key, "good", &version, &err), 0, "%s", err.text);
        cr_assert_eq(version, i + 1);
        cr_assert_eq(dataset_head(dataset), i + 1);
    }
    dataset_free(dataset);
}

CHECKED_TEST(faults, a_commit_whose_fate_is_not_known_keeps_its_pack, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/versions/";
    hooked->stores = false;
    hooked->put_rc = -ETIMEDOUT;
    cr_assert_eq(try_commit(dataset, "ep0", "good", NULL, &err), -ETIMEDOUT);
    cr_assert(strstr(err.text, "it is not known whether v1 was committed"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 1);
    dataset_free(dataset);
}

CHECKED_TEST(faults, a_refused_commit_takes_its_pack_back, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/versions/";
    hooked->stores = false;
    hooked->put_rc = -EACCES;
    cr_assert_eq(try_commit(dataset, "ep0", "good", NULL, &err), -EACCES);
    cr_assert_eq(objects("elidefs/packs/"), 0);
    cr_assert_eq(dataset_head(dataset), 0);
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

/* Commits `key` while the n-th call of the store is hit; true while there was an n-th call. */
static bool commit_with_fault(enum fault_kind kind, unsigned n, const char *key, int *ret_rc,
                              struct error *err)
{
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = faulty_data(&fault);
    struct dataset *dataset = open_over(store);
    struct fault_plan plan = {.kind = kind, .first = n, .count = 1, .code = EIO};
    store_fault_set(fault, &plan);
    *ret_rc = try_commit(dataset, key, "good", NULL, err);
    bool hit = store_fault_calls(fault) >= n;
    dataset_free(dataset);
    return hit;
}

/* Versions and packs as another process sees them. */
static void check_whole(uint32_t head, unsigned n, const struct error *err)
{
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_head(dataset), head, "request %u: %s", n, err->text);
    cr_assert_eq(objects("elidefs/packs/"), (int)head, "request %u: %s", n, err->text);
    cr_assert_eq(temporary_files(), 0);
    dataset_free(dataset);
}

CHECKED_TEST(faults, whichever_request_fails_the_commit_is_whole_or_was_not, made, removed)
{
    unsigned failed = 0, n = 0;
    uint32_t head = 0;
    for (bool hit = true; hit;) {
        struct error err = {0};
        char key[16];
        int rc;
        snprintf(key, sizeof key, "ep%u", ++n);
        hit = commit_with_fault(FAULT_FAIL, n, key, &rc, &err);
        head += rc == 0;
        failed += rc < 0;
        check_whole(head, n, &err);
    }
    cr_assert_geq(failed, 5, "only %u of %u requests mattered", failed, n);
}

CHECKED_TEST(faults, whichever_answer_is_lost_the_commit_succeeds, made, removed)
{
    unsigned n = 0;
    for (bool hit = true; hit;) {
        struct error err = {0};
        char key[16];
        int rc;
        snprintf(key, sizeof key, "ep%u", ++n);
        hit = commit_with_fault(FAULT_LOST, n, key, &rc, &err);
        cr_assert_eq(rc, 0, "request %u: %s", n, err.text);
        check_whole(n, n, &err);
    }
    cr_assert_geq(n, 8, "only %u requests", n);
}

/* ---- commits of many packs ---- */

enum { PACK_BYTES = 1000, CLIPS_EACH = 20 };

static struct changeset *some_clips(unsigned n)
{
    struct error err = {0};
    struct changeset *set = one_clip("first", "source", "a.bin", "good");
    for (unsigned i = 0; i < CLIPS_EACH; i++) {
        char key[32], text[4 * SHA256_HEX_BYTES];
        uint8_t noise[SHA256_BYTES];
        snprintf(key, sizeof key, "ep%u-%u", n, i);
        struct changeset_clip clip = {
            .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
        sha256_of(key, strlen(key), clip.fingerprint);
        cr_assert_eq(changeset_clip(set, &clip, &err), 0, "%s", err.text);
        random_bytes(noise, sizeof noise); /* what does not pack well, so that there are many packs */
        hex_print(noise, sizeof noise, text);
        struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
        cr_assert_eq(changeset_value(set, "label", &value, &err), 0, "%s", err.text);
    }
    return set;
}

/* Each version is whole in the store, and the newest is read with nothing of it in a cache. */
static void check_readable(uint32_t head, const char *when)
{
    struct error err = {0};
    CLEANUP_FREE char *cold = in("cold"), *url = in("data");
    struct cache *empty = NULL;
    struct dataset *dataset = NULL;
    struct catalog *catalog = NULL;
    struct catalog_reader *reader = NULL;
    struct catalog_info info;
    const struct manifest *manifest;
    file_remove_tree(cold, NULL);
    struct cache_options cached = {.folder = cold, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&cached, &empty, &err), 0, "%s", err.text);
    struct dataset_options options = {.stores = stores, .cache = empty};
    cr_assert_eq(dataset_open(&options, url, &dataset, &err), 0, "%s: %s", when, err.text);
    cr_assert_eq(dataset_head(dataset), head, "%s: v%u instead of v%u", when, dataset_head(dataset), head);
    struct pages_check *check = dataset_check_new(dataset);
    for (uint32_t version = 1; version <= head; version++)
        cr_assert_eq(dataset_check_stored(dataset, check, version, &err), 0, "%s: %s", when, err.text);
    pages_check_free(check);
    cr_assert_eq(dataset_catalog(dataset, head, PATIENCE_ENDLESS, &catalog, &err), 0, "%s: %s", when,
                 err.text);
    cr_assert_eq(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), 0, "%s: %s", when,
                 err.text);
    cr_assert_eq(catalog_info(reader, &info, &err), 0, "%s: %s", when, err.text);
    cr_assert_eq(info.clips, 1 + CLIPS_EACH * head, "%s", when);
    for (uint32_t row = 0; row < info.rows; row++) {
        CLEANUP_BUF struct buf json = BUF_INIT;
        cr_assert_eq(catalog_json(reader, row, &json, &err), 0, "%s: %s", when, err.text);
    }
    cr_assert_eq(dataset_manifest(dataset, head, &manifest, &err), 0, "%s: %s", when, err.text);
    cr_assert_eq(manifest->clips, info.clips);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    dataset_free(dataset);
    cache_free(empty);
}

/* A commit during which the store behaves as planned, and, where it did not succeed, once more as it should.
 * Sets *ret_hit while there was an n-th request, *ret_packs to the packs of a commit that succeeds. */
static void commit_in_spite(struct fault_plan plan, uint32_t head, bool *ret_hit, int *ret_packs)
{
    struct error err = {0};
    struct store *fault = NULL;
    uint32_t version = 0;
    char when[200];
    struct changeset *set = some_clips(head + 1);
    const struct dataset_commit options = {.pack_bytes = PACK_BYTES};
    struct store *store = faulty_data(&fault);
    struct dataset *dataset = open_over(store);
    store_fault_set(fault, &plan);
    int rc = dataset_commit(dataset, set, &options, &version, NULL, &err);
    *ret_hit = store_fault_calls(fault) >= plan.first;
    snprintf(when, sizeof when, "kind %d, %u requests from %u on: %.120s", plan.kind, plan.count, plan.first,
             rc ? err.text : "committed");
    store_fault_set(fault, &(struct fault_plan){.kind = FAULT_NONE});
    dataset_free(dataset);
    dataset = open_data(); /* as somebody else sees it */
    bool there = dataset_head(dataset) == head + 1;
    cr_assert(there || rc, "%s", when);
    cr_assert(there || dataset_head(dataset) == head, "%s", when);
    if (head || there)
        check_readable(head + there, when);
    int before = objects("elidefs/packs/");
    if (rc) {
        int again = dataset_commit(dataset, set, &options, &version, NULL, &err);
        cr_assert(again == (there ? -EALREADY : 0), "%s; and then: %s", when, err.text);
        *ret_packs = there ? *ret_packs : objects("elidefs/packs/") - before;
        check_readable(head + 1, when);
    }
    dataset_free(dataset);
    changeset_free(set);
    store_unref(store);
}

/* One request fails, one answer is lost, or the store is gone from the n-th request on. */
static void fail_each(enum fault_kind kind, unsigned count, int code)
{
    bool hit = true;
    unsigned n = 0;
    int packs = 0;
    for (uint32_t head = 0; hit; head++) {
        struct fault_plan plan = {.kind = kind, .first = ++n, .count = count, .code = code};
        commit_in_spite(plan, head, &hit, &packs);
    }
    cr_assert_geq(n, 8, "only %u requests", n);
    cr_assert(packs > 2 || kind != FAULT_FAIL, "only %d packs", packs);
}

CHECKED_TEST(faults, whichever_request_fails_a_commit_of_many_packs_can_be_repeated, made, removed)
{
    fail_each(FAULT_FAIL, 1, EIO);
}

CHECKED_TEST(faults, whenever_the_store_is_gone_a_commit_of_many_packs_can_be_repeated, made, removed)
{
    fail_each(FAULT_FAIL, UINT32_MAX, EAGAIN);
}

CHECKED_TEST(faults, whichever_answer_is_lost_a_commit_of_many_packs_is_whole, made, removed)
{
    fail_each(FAULT_LOST, 1, 0);
}

CHECKED_TEST(faults, whenever_all_answers_are_lost_a_commit_of_many_packs_can_be_repeated, made, removed)
{
    fail_each(FAULT_LOST, UINT32_MAX, 0);
}

/* As long as it takes to put the manifest and to ask for it in vain; packs could be removed again then. */
CHECKED_TEST(faults, whenever_the_store_is_gone_for_a_while_a_commit_of_many_packs_can_be_repeated, made,
             removed)
{
    fail_each(FAULT_TRUNCATE, 12, 0);
}

CHECKED_TEST(faults, whichever_answer_is_lost_init_succeeds, made, removed)
{
    bool hit = true;
    for (unsigned n = 1; hit; n++) {
        struct error err = {0};
        struct store *fault = NULL;
        CLEANUP_FREE char *path = in("data");
        CLEANUP_STORE struct store *store = faulty_data(&fault);
        struct fault_plan plan = {.kind = FAULT_LOST, .first = n, .count = 1};
        cr_assert_eq(file_remove_tree(path, NULL), 0);
        store_fault_set(fault, &plan);
        cr_assert_eq(dataset_init_store(store, &err), 0, "request %u: %s", n, err.text);
        hit = store_fault_calls(fault) >= n;
        cr_assert_eq(objects(""), 1);
    }
}

CHECKED_TEST(faults, whichever_answer_is_lost_a_tag_is_put, made, removed)
{
    bool hit = true;
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = faulty_data(&fault);
    struct dataset *dataset = open_over(store);
    commit(dataset, "ep0", "good");
    for (unsigned n = 1; hit; n++) {
        struct error err = {0};
        char name[16];
        struct fault_plan plan = {.kind = FAULT_LOST, .first = n, .count = 1};
        snprintf(name, sizeof name, "t%u", n);
        store_fault_set(fault, &plan);
        cr_assert_eq(dataset_tag_put(dataset, name, 1, &err), 0, "request %u: %s", n, err.text);
        hit = store_fault_calls(fault) >= n;
        cr_assert_eq(dataset_tag(dataset, name), 1);
    }
    dataset_free(dataset);
}

CHECKED_TEST(faults, who_does_not_wait_is_told_who_came_first, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    struct changeset *set = one_clip("ours", "source", "a.bin", "good");
    hooked->put_match = "elidefs/versions/";
    hooked->before = other_commits;
    struct dataset_commit hasty = {.patience_ns = 1};
    cr_assert_eq(dataset_commit(dataset, set, &hasty, NULL, NULL, &err), -EBUSY, "%s", err.text);
    cr_assert(strstr(err.text, "v1 by ") && strstr(err.text, "came first"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 1, "the loser's pack is gone");
    struct dataset_commit exact = {.based = true, .exact = true};
    cr_assert_eq(dataset_commit(dataset, set, &exact, NULL, NULL, &err), -EREMCHG, "%s", err.text);
    cr_assert(strstr(err.text, "v1 by ") && strstr(err.text, "came first"), "%s", err.text);
    changeset_free(set);
    dataset_free(dataset);
}

/* A lost race would be tried again until patience ends. */
static int commit_to_busy_store(const char *where, struct error *err)
{
    struct dataset *dataset = open_hooked();
    struct changeset *set = one_clip("ep0", "source", "a.bin", "good");
    enum { SECONDS = 1 };
    struct dataset_commit brief = {.based = true, .patience_ns = SECONDS * INT64_C(1000000000)};
    hooked->put_match = where;
    hooked->stores = false;
    hooked->put_rc = -EAGAIN;
    int rc = dataset_commit(dataset, set, &brief, NULL, NULL, err);
    changeset_free(set);
    dataset_free(dataset);
    return rc;
}

CHECKED_TEST(faults, a_busy_store_is_no_lost_race_and_no_set_that_must_be_made_anew, made, removed)
{
    static const char *const places[] = {"elidefs/packs/", "elidefs/series/roots/", "elidefs/versions/"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct error err = {0};
        int rc = commit_to_busy_store(places[i], &err);
        cr_assert_eq(rc, -EAGAIN, "%s: %d, %s", places[i], rc, err.text);
    }
}

/* ---- a commit whose id says what it is of ---- */

#define MERGED "00112233445566778899aabbccddeeff"

/* The n-th request fails; 0: none does. */
static int commit_merged(unsigned n, uint32_t *ret_version, struct error *err)
{
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = faulty_data(&fault);
    struct dataset *dataset = open_over(store);
    struct fault_plan plan = {.kind = n ? FAULT_FAIL : FAULT_NONE, .first = n, .count = 1, .code = EIO};
    store_fault_set(fault, &plan);
    struct changeset *set = one_clip("ep0", "source", "a.bin", "good");
    struct dataset_commit merged = {.id = MERGED};
    int rc = dataset_commit(dataset, set, &merged, ret_version, NULL, err);
    changeset_free(set);
    dataset_free(dataset);
    return rc;
}

CHECKED_TEST(faults, what_is_committed_under_one_id_lands_once_whichever_request_fails, made, removed)
{
    unsigned n = 0;
    uint32_t version = 0;
    struct error err = {0};
    for (int rc = -1; rc < 0;)
        rc = commit_merged(++n, &version, &err);
    cr_assert_geq(n, 5, "only %u requests", n);
    cr_assert_eq(version, 1);
    struct dataset *dataset = open_data();
    commit(dataset, "other", "good");
    dataset_free(dataset);
    cr_assert_eq(commit_merged(0, &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 1, "what has landed is not committed again");
    check_whole(2, n, &err);
}

static void other_merges(void *ctx)
{
    struct error err = {0};
    uint32_t version = 0;
    (void)ctx;
    cr_assert_eq(commit_merged(0, &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 1);
}

CHECKED_TEST(faults, of_two_that_merge_the_same_at_once_both_say_what_landed_and_nothing_is_left, made,
             removed)
{
    struct error err = {0};
    uint32_t version = 0;
    struct dataset *dataset = open_hooked();
    struct changeset *set = one_clip("ep0", "source", "a.bin", "good");
    hooked->put_match = "elidefs/versions/";
    hooked->before = other_merges;
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.id = MERGED}, &version, NULL, &err),
                 0, "%s", err.text);
    cr_assert_eq(version, 1);
    changeset_free(set);
    dataset_free(dataset);
    check_whole(1, 0, &err);
}

CHECKED_TEST(faults, roots_that_are_new_at_the_same_time_get_numbers_of_their_own, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/packs/"; /* after the id was chosen, before it is recorded */
    struct changeset *set = one_clip("ep0", "source2", "b.bin", "good");
    hooked->before = other_commits;
    int rc = dataset_commit(dataset, set, &(struct dataset_commit){0}, NULL, NULL, &err);
    changeset_free(set);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 2);
    cr_assert_eq(objects("elidefs/series/roots/"), 2, "of each import one");
    dataset_free(dataset);
}

/* ---- who may not list ---- */

CHECKED_TEST(faults, forbidden_means_missing_where_a_random_key_is_forbidden_too, made, removed)
{
    struct error err = {0};
    uint32_t version = 0, head = 9;
    hooked->blind = true;
    struct dataset *dataset = open_hooked();
    cr_assert_eq(dataset_head(dataset), 0);
    cr_assert_eq(try_commit(dataset, "ep0", "good", &version, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(dataset, "best", 1, &err), 0, "%s", err.text);
    cr_assert_eq(try_commit(dataset, "ep1", "good", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 2);
    dataset_free(dataset);
    dataset = open_hooked();
    cr_assert_eq(dataset_head(dataset), 2);
    cr_assert_eq(dataset_tag(dataset, "best"), 1, "from the newest manifest");
    int before = atomic_load(&hooked->requests);
    cr_assert_eq(dataset_refresh(dataset, &head, &err), 0, "%s", err.text);
    cr_assert_eq(head, 2);
    cr_assert_eq(atomic_load(&hooked->requests) - before, 4,
                 "the next manifest, the tag's next object, what is forgotten, what was purged");
    cr_assert_eq(dataset_check_roots(dataset, &err), 0, "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(faults, who_may_not_read_at_all_is_told_so, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    hooked->forbidden = true;
    cr_assert_eq(try_open_over(&hooked->base, &dataset, &err), -EACCES);
    cr_assert(strstr(err.text, "403 Forbidden"), "%s", err.text);
}
