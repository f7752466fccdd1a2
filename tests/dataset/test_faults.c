// SPDX-License-Identifier: Apache-2.0
/* Committing against a store that fails, loses replies or refuses, and against a faster writer. */
#include "fixture.h"

#include <stdio.h>

#include "hooked_store.h"

static struct hooked_store *hooked;

static void made(void)
{
    fixture_made();
    init_data();
    CLEANUP_FREE char *url = in("data");
    struct store *inner = NULL;
    cr_assert_eq(store_open(stores, url, &inner, NULL), 0);
    hooked = hooked_store_new(inner);
}

static void removed(void)
{
    store_unref(&STEAL(hooked)->base);
    fixture_removed();
}

static int try_open_hooked(struct dataset **ret, struct error *err)
{
    struct dataset_options options = {.stores = stores, .cache = cache};
    return dataset_open_store(&options, &hooked->base, ret, err);
}

static struct dataset *open_hooked(void)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    cr_assert_eq(try_open_hooked(&dataset, &err), 0, "%s", err.text);
    return dataset;
}

/* Another writer is faster, just before our manifest is put. */
static void other_commits(void *ctx)
{
    struct dataset *other = open_data();
    commit(other, "other", "good");
    dataset_free(other);
}

CHECKED_TEST(faults, of_two_committers_one_wins_and_the_other_may_try_again, made, removed)
{
    struct error err = {0};
    const struct manifest *second = NULL;
    uint32_t version = 0;
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/versions/";
    hooked->before = other_commits;
    cr_assert_eq(try_commit(dataset, "ours", "good", &version, &err), -EAGAIN, "%s", err.text);
    cr_assert(strstr(err.text, "v1 by ") && strstr(err.text, "came first"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 1, "the loser's pack is gone");
    cr_assert_eq(version, 0);
    cr_assert_eq(try_commit(dataset, "ours", "good", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 2);
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

CHECKED_TEST(faults, whichever_request_fails_the_commit_is_whole_or_was_not, made, removed)
{
    int failed = 0;
    hooked->base.local = true; /* a failed put stored nothing, as in a folder */
    for (int n = 1;; n++) {
        struct error err = {0};
        uint32_t version = 0;
        char key[16];
        snprintf(key, sizeof key, "ep%d", n);
        struct dataset *dataset = open_hooked();
        uint32_t head = dataset_head(dataset);
        atomic_store(&hooked->requests, 0);
        atomic_store(&hooked->fail_at, n);
        int rc = try_commit(dataset, key, "good", &version, &err);
        bool hit = atomic_load(&hooked->requests) >= n;
        atomic_store(&hooked->fail_at, 0);
        dataset_free(dataset);
        dataset = open_data();
        cr_assert_eq(dataset_head(dataset), head + (rc == 0), "request %d: %s", n, err.text);
        cr_assert_eq(objects("elidefs/packs/"), (int)dataset_head(dataset), "request %d: %s", n, err.text);
        cr_assert_eq(temporary_files(), 0);
        dataset_free(dataset);
        failed += rc < 0;
        if (!hit)
            break;
    }
    cr_assert_geq(failed, 5, "only %d requests were made", failed);
}

CHECKED_TEST(faults, a_lost_race_for_a_root_id_ends_the_commit_before_its_manifest, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    CLEANUP_BUF struct buf none = BUF_INIT;
    hooked->put_match = "elidefs/packs/"; /* after the id was chosen, before it is recorded */
    make_file("data/elidefs/roots/.keep", "");
    struct changeset *set = one_clip("ep0", "source2", "b.bin", "good");
    hooked->before = other_commits;
    int rc = dataset_commit(dataset, set, &(struct dataset_commit){0}, NULL, NULL, &err);
    changeset_free(set);
    cr_assert_eq(rc, -EAGAIN, "%s", err.text);
    cr_assert(strstr(err.text, "recorded a new root at the same time"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), 1);
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
    cr_assert_leq(atomic_load(&hooked->requests) - before, 3, "the random key is asked for once");
    cr_assert_eq(dataset_check_roots(dataset, &err), 0, "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(faults, who_may_not_read_at_all_is_told_so, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    hooked->forbidden = true;
    cr_assert_eq(try_open_hooked(&dataset, &err), -EACCES);
    cr_assert(strstr(err.text, "403 Forbidden"), "%s", err.text);
}
