// SPDX-License-Identifier: Apache-2.0
/* Garbage is collected, and somebody commits, sets a tag or collects garbage at the same time. */
#include "gc_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "index/commit/purge.h"

/* ---- copies ---- */

CHECKED_TEST(gc_writers, a_commit_keeps_a_copy_that_was_found_to_be_needed_by_none, made, removed)
{
    struct error err = {0};
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001", "0123456789");
    gc(folder_store, HOUR_NS);
    age_marks(2 * HOUR_NS);
    struct dataset *dataset = open_data();
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    CLEANUP_FREE struct mark_seen *seen = NULL;
    struct mark newest CLEANUP(mark_done) = {0};
    size_t count;
    cr_assert_eq(marks_list(&dataset->layout, &seen, &count, &err), 0, "%s", err.text);
    cr_assert_eq(count, 2, "it wrote a mark of its own");
    cr_assert_eq(mark_read(&dataset->layout, seen[1].seq, &newest, &err), 0, "%s", err.text);
    cr_assert_eq(newest.count, 0);
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_COPIES].count, 0);
    cr_assert_eq(objects("elidefs/data/"), 1);
    dataset_free(dataset);
}

CHECKED_TEST(gc_writers, a_commit_that_means_a_copy_that_is_being_freed_is_refused, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct mark claim CLEANUP(mark_done) = {.seq = 1};
    mark_add(&claim, "data/0123456789abcdef/00000000000000000000000000000001", true);
    cr_assert_eq(mark_put(&dataset->layout, &claim, &err), 0, "%s", err.text);
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), -EBUSY);
    cr_assert(strstr(err.text, "`elidefs gc` is freeing it: try again when it has ended"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS, "what it had written is taken back");
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_COPIES].count, 1, "the next run ends what one has begun");
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    dataset_free(dataset);
}

static void remove_the_copy(void *ctx)
{
    CLEANUP_FREE char *path = in("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001");
    cr_assert_eq(unlink(path), 0);
}

CHECKED_TEST(gc_writers, a_commit_whose_copy_was_freed_while_it_took_its_time_is_refused, made, removed)
{
    struct error err = {0};
    hook_data();
    struct dataset *dataset = open_hooked();
    make_file("data/elidefs/packs/00000000000000000000000000000001", "so that there is something to mark");
    gc(folder_store, HOUR_NS);
    hooked->put_match = "elidefs/series/roots/";
    hooked->before = remove_the_copy;
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), -EREMCHG);
    cr_assert(strstr(err.text, "`elidefs gc` has freed it: nothing was committed; import again"), "%s",
              err.text);
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    dataset_free(dataset);
    unhook_data();
}

/* More than are asked for one by one. */
static struct changeset *many_copies(void)
{
    enum { COPIES = 20 };
    struct error err = {0};
    struct changeset *set = changeset_new();
    CLEANUP_FREE char *url = in("data");
    CLEANUP_STORE struct store *store = NULL;
    cr_assert_eq(store_open(stores, url, &store, &err), 0, "%s", err.text);
    uint32_t root = changeset_root(set, store_url(store));
    for (int i = 0; i < COPIES; i++) {
        CLEANUP_FREE char *path = mem_printf("elidefs/data/0123456789abcdef/%032d", i);
        CLEANUP_FREE char *file = mem_printf("data/%s", path), *key = mem_printf("copy-%d", i);
        struct store_object object;
        uint32_t id;
        make_file(file, "0123456789");
        cr_assert_eq(store_head(store, path, &object, &err), 0, "%s", err.text);
        cr_assert_eq(changeset_object(set, root, path, object.size, object.pin, &id, &err), 0, "%s",
                     err.text);
        struct changeset_clip clip = {
            .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
        cr_assert_eq(changeset_clip(set, &clip, &err), 0, "%s", err.text);
    }
    return set;
}

CHECKED_TEST(gc_writers, a_commit_that_cannot_look_whether_its_copies_are_there_says_why, made, removed)
{
    struct changeset *set = many_copies();
    bool ended = false;
    make_file("data/elidefs/packs/00000000000000000000000000000001", "so that there is something to mark");
    gc(folder_store, HOUR_NS);
    for (unsigned call = 1; !ended; call++) {
        struct error err = {0};
        struct store *faulty = store_fault_new(store_ref(folder_store), &(struct fault_plan){0});
        struct dataset *dataset = open_over(faulty);
        store_fault_set(faulty,
                        &(struct fault_plan){.kind = FAULT_FAIL, .first = call, .count = 1, .code = EIO});
        int rc = dataset_commit(dataset, set, &(struct dataset_commit){.anyway = true}, NULL, NULL, &err);
        cr_assert(!rc || strstr(err.text, "a fault on purpose"), "call %u: %s", call, err.text);
        ended = store_fault_calls(faulty) < call;
        cr_assert(!ended || !rc);
        dataset_free(dataset);
        store_unref(faulty);
    }
    changeset_free(set);
}

/* ---- writers ---- */

static void gc_between(void *ctx)
{
    struct error err = {0};
    CLEANUP_FREE char *there = in("cache-there");
    struct cache *other_cache = NULL, *own = cache;
    struct cache_options options = {.folder = there, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &other_cache, &err), 0, "%s", err.text);
    cache = other_cache;
    *(struct gc_report *)ctx = gc(folder_store, HOUR_NS);
    cache = own;
    cache_free(other_cache);
}

CHECKED_TEST(gc_writers, a_commit_whose_packs_are_there_and_its_manifest_not_yet_loses_nothing, made, removed)
{
    struct error err = {0};
    struct gc_report report = {0};
    hook_data();
    struct dataset *dataset = open_hooked();
    uint32_t version = 0;
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/versions/";
    hooked->before = gc_between;
    hooked->ctx = &report;
    cr_assert_eq(try_commit(dataset, "clip-15", "good", &version, &err), 0, "%s", err.text);
    cr_assert_eq(version, 15);
    cr_assert_gt(report.freed[GC_PACKS].count, 0, "what was due went");
    cr_assert_gt(report.unneeded[GC_PACKS].count, report.freed[GC_PACKS].count,
                 "what was not named yet stays");
    dataset_free(dataset);
    age_marks(2 * HOUR_NS);
    gc(folder_store, HOUR_NS);
    check_readable(2, 13, "the new one, too");
    unhook_data();
}

static void mark_all(void *ctx)
{
    gc(folder_store, HOUR_NS);
    age_marks(2 * HOUR_NS);
}

static void free_all_that_is_new(void *ctx)
{
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_PACKS].count, 1);
}

CHECKED_TEST(gc_writers, a_commit_whose_packs_were_freed_while_it_took_its_time_makes_them_again, made,
             removed)
{
    struct error err = {0};
    hook_data();
    struct dataset *dataset = open_hooked();
    struct changeset *set = one_clip("clip-15", "source2", "b.bin", "good");
    hooked->put_match = "elidefs/series/roots/"; /* behind the packs */
    hooked->before = free_all_that_is_new;
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.upload_ns = 1}, NULL, NULL, &err), 0,
                 "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS + 1);
    changeset_free(set);
    dataset_free(dataset);
    check_readable(1, 0, "v15");
    unhook_data();
}

CHECKED_TEST(gc_writers, a_commit_that_took_long_takes_its_packs_off_the_mark_that_names_them, made, removed)
{
    struct error err = {0};
    hook_data();
    struct dataset *dataset = open_hooked();
    struct changeset *set = one_clip("clip-15", "source2", "b.bin", "good");
    hooked->put_match = "elidefs/series/roots/"; /* behind the packs */
    hooked->before = mark_all;
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.upload_ns = 1}, NULL, NULL, &err), 0,
                 "%s", err.text);
    cr_assert_eq(objects("elidefs/gc/"), 2, "it wrote a mark of its own");
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_PACKS].count, 0);
    changeset_free(set);
    dataset_free(dataset);
    check_readable(1, 0, "v15");
    unhook_data();
}

static void commit_15(void *ctx)
{
    struct dataset *other = open_data();
    commit(other, "clip-15", "good");
    dataset_free(other);
}

static void commit_16(void *ctx)
{
    struct dataset *other = open_data();
    commit(other, "clip-16", "good");
    dataset_free(other);
}

CHECKED_TEST(gc_writers, a_version_that_comes_while_it_runs_is_whole, made, removed)
{
    for (int removing = 0; removing < 2; removing++) {
        hook_data();
        forget(2, removing ? 13 : 7);
        gc(folder_store, HOUR_NS);
        age_marks(HOUR_NS);
        hooked->put_match = hooked->remove_match = removing ? "elidefs/packs/" : "elidefs/gc/";
        *(removing ? &hooked->before_remove : &hooked->before) = removing ? commit_16 : commit_15;
        cr_assert_gt(gc(&hooked->base, HOUR_NS).freed[GC_VERSIONS].count, 0);
        unhook_data();
    }
    age_marks(HOUR_NS);
    gc(folder_store, HOUR_NS);
    check_readable(2, 13, "v15 and v16");
}

static void tag_5(void *ctx)
{
    make_file("data/elidefs/series/tags/paper/1", "5\n");
}

CHECKED_TEST(gc_writers, a_tag_that_is_set_while_it_runs_keeps_its_version, made, removed)
{
    hook_data();
    struct error err = {0};
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/"; /* after it has looked */
    hooked->before = tag_5;
    struct gc_report report = gc(&hooked->base, HOUR_NS);
    cr_assert_eq(report.tagged, 1);
    cr_assert_eq(report.freed[GC_VERSIONS].count, 11);
    check_readable(2, 13, "others");
    struct dataset *dataset = open_over(folder_store);
    struct pages_check *check = dataset_check_new(dataset);
    cr_assert_eq(dataset_check_stored(dataset, check, 5, &err), 0, "%s", err.text);
    pages_check_free(check);
    dataset_free(dataset);
    unhook_data();
}

static void move(const char *from, const char *to)
{
    CLEANUP_FREE char *is = in(from), *will_be = in(to);
    cr_assert_eq(rename(is, will_be), 0);
}

static void end_the_purge(void *ctx)
{
    move("purges", "data/elidefs/series/purges");
}

/* All that a purge writes but its last version; what names its packs is put aside, as if it were yet to come.
 */
static void begin_a_purge(void)
{
    struct error err = {0};
    hook_data();
    struct dataset *dataset = open_hooked();
    struct dataset_purge purge = {.keys = (const char *const[]){"clip-2"}, .count = 1};
    struct dataset_purged done;
    hooked->put_match = "elidefs/versions/";
    hooked->stores = false;
    hooked->put_rc = -EIO;
    cr_assert_eq(dataset_purge(dataset, &purge, &done, &err), -EIO, "%s", err.text);
    cr_assert_gt(objects("elidefs/packs/"), VERSIONS);
    move("data/elidefs/series/purges", "purges");
    dataset_free(dataset);
    unhook_data();
}

CHECKED_TEST(gc_writers, what_is_purged_while_it_runs_keeps_the_packs_that_it_leaves, made, removed)
{
    begin_a_purge();
    hook_data();
    make_file("data/elidefs/packs/00000000000000000000000000000001", "of a commit that was killed");
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/"; /* after it has looked */
    hooked->before = end_the_purge;
    cr_assert_eq(gc(&hooked->base, HOUR_NS).freed[GC_PACKS].count, 2,
                 "that one, and one of the version that did not come to be");
    unhook_data();
    check_readable(2, 2, "all but what was purged");
}

static void other_gc(void *ctx)
{
    gc(folder_store, HOUR_NS);
}

CHECKED_TEST(gc_writers, of_two_that_run_at_once_one_begins_again, made, removed)
{
    hook_data();
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/";
    hooked->before = other_gc;
    cr_assert_eq(gc(&hooked->base, HOUR_NS).freed[GC_VERSIONS].count, 0, "the other one has freed all");
    check_readable(2, 13, "others");
    unhook_data();
}

/* All that is claimed is freed, and then a copy is made again, and is needed. */
static void free_and_copy_again(void *ctx)
{
    struct error err = {0};
    gc(folder_store, HOUR_NS);
    cr_assert_eq(objects("elidefs/data/"), 0);
    struct dataset *dataset = open_data();
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(gc_writers, one_that_stood_still_while_others_ended_what_it_began_frees_nothing_more, made,
             removed)
{
    hook_data();
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001", "0123456789");
    forget(2, 2);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/versions/"; /* it has claimed all, and puts a stub */
    hooked->before = free_and_copy_again;
    struct gc_report report = gc(&hooked->base, HOUR_NS);
    cr_assert_eq(objects("elidefs/data/"), 1);
    cr_assert_eq(report.freed[GC_VERSIONS].count, 1);
    unhook_data();
    check_readable(2, 2, "the new one, too");
}

static void keep_all(void *ctx)
{
    make_file("data/elidefs/gc/7", "elidefs gc 1 somebody\n");
}

CHECKED_TEST(gc_writers, one_whose_marks_are_not_the_newest_frees_nothing_by_them, made, removed)
{
    hook_data();
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/2"; /* a number that was used, and is free again */
    hooked->before = keep_all;
    struct gc_report report = gc(&hooked->base, HOUR_NS);
    cr_assert_eq(report.freed[GC_PACKS].count + report.freed[GC_VERSIONS].count, 0);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 12);
    unhook_data();
}

CHECKED_TEST(gc_writers, what_one_frees_before_it_begins_again_counts_as_unneeded, made, removed)
{
    hook_data();
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->remove_match = "elidefs/packs/";
    hooked->before_remove = keep_all;
    struct gc_report report = gc(&hooked->base, HOUR_NS);
    cr_assert_gt(report.freed[GC_PACKS].count, 0);
    cr_assert_geq(report.unneeded[GC_PACKS].count, report.freed[GC_PACKS].count);
    cr_assert_geq(report.unneeded[GC_PACKS].bytes, report.freed[GC_PACKS].bytes);
    unhook_data();
}

static void remove_the_mark(void *ctx)
{
    CLEANUP_FREE char *path = in("data/elidefs/gc/1");
    cr_assert_eq(unlink(path), 0);
}

CHECKED_TEST(gc_writers, one_whose_old_mark_another_removes_begins_again, made, removed)
{
    hook_data();
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/";
    hooked->before = remove_the_mark;
    cr_assert_eq(gc(&hooked->base, HOUR_NS).freed[GC_PACKS].count, 0);
    age_marks(HOUR_NS);
    cr_assert_gt(gc(&hooked->base, HOUR_NS).freed[GC_PACKS].count, 0);
    unhook_data();
    check_readable(2, 13, "others");
}
