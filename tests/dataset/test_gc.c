// SPDX-License-Identifier: Apache-2.0
/* What no version needs is freed, after a grace by the store's clock; nothing else ever is, whatever fails
 * and whoever writes or reads meanwhile. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/store/fault.h"
#include "hooked_store.h"
#include "index/base/marks.h"
#include "index/house/gc.h"

#define MINUTE_NS (60 * INT64_C(1000000000))
#define HOUR_NS   (60 * MINUTE_NS)

enum { VERSIONS = 14 };

static struct store *inner;

/* v1 to v14 of a clip each. */
static void made(void)
{
    fixture_made();
    init_data();
    CLEANUP_FREE char *url = in("data");
    cr_assert_eq(store_open(stores, url, &inner, NULL), 0);
    struct dataset *dataset = open_data();
    for (int i = 1; i <= VERSIONS; i++) {
        CLEANUP_FREE char *key = mem_printf("clip-%d", i);
        commit(dataset, key, "good");
    }
    dataset_free(dataset);
}

static void removed(void)
{
    store_unref(STEAL(inner));
    fixture_removed();
}

static struct dataset *open_over(struct store *store)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    struct dataset_options options = {.stores = stores, .cache = cache};
    cr_assert_eq(dataset_open_store(&options, store, &dataset, &err), 0, "%s", err.text);
    return dataset;
}

/* Another machine's: it has nothing in its cache. */
static void empty_the_cache(void)
{
    static int number;
    CLEANUP_FREE char *name = mem_printf("cache-%d", number++), *path = in(name);
    struct cache_options options = {.folder = path, .size_bytes = 1 << 30};
    struct error err = {0};
    cache_free(STEAL(cache));
    cr_assert_eq(cache_new(&options, &cache, &err), 0, "%s", err.text);
}

static void forget(uint32_t first, uint32_t last)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_range range = {first, last};
    cr_assert_eq(dataset_forget(dataset, &(struct dataset_forget){&range, 1, "lena@lab", "old"}, &err), 0,
                 "%s", err.text);
    dataset_free(dataset);
}

static int try_gc(struct store *store, int64_t grace_ns, struct gc_report *ret, struct error *err)
{
    struct dataset *dataset = NULL;
    struct gc_options options = {.grace_ns = grace_ns, .nobody_writes = grace_ns < HOUR_NS};
    struct dataset_options with = {.stores = stores, .cache = cache};
    *ret = (struct gc_report){0};
    int rc = dataset_open_store(&with, store, &dataset, err);
    if (!rc)
        rc = gc_run(dataset, &options, ret, err);
    dataset_free(dataset);
    return rc;
}

static struct gc_report gc(struct store *store, int64_t grace_ns)
{
    struct gc_report report;
    struct error err = {0};
    cr_assert_eq(try_gc(store, grace_ns, &report, &err), 0, "%s", err.text);
    return report;
}

/* All that is there becomes so much older. */
static void age_marks(int64_t ns)
{
    for (int seq = 1; seq < 100; seq++) {
        CLEANUP_FREE char *name = mem_printf("data/elidefs/gc/%d", seq), *path = in(name);
        struct stat st;
        if (stat(path, &st))
            continue;
        int64_t at = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec - ns;
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};
        cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    }
}

/* Each version but v`first` to v`last`, from a store and an empty cache: its clips, and each page. */
static void check_readable(uint32_t first, uint32_t last, const char *why)
{
    empty_the_cache();
    struct dataset *dataset = open_over(inner);
    struct pages_check *check = dataset_check_new(dataset);
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        CLEANUP_CATALOG struct catalog *catalog = NULL;
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        struct error err = {0};
        uint32_t row;
        const struct manifest *manifest;
        cr_assert_eq(dataset_manifest(dataset, version, &manifest, &err), 0, "%s: the chain: %s", why,
                     err.text);
        if (version >= first && version <= last)
            continue;
        cr_assert_eq(dataset_check_stored(dataset, check, version, &err), 0, "%s: v%u: %s", why, version,
                     err.text);
        cr_assert_eq(dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
        cr_assert_eq(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), 0, "%s", err.text);
        CLEANUP_FREE char *key = mem_printf("clip-%u", version);
        cr_assert_eq(catalog_clip_find(reader, key, strlen(key), &row, &err), 0, "%s: v%u: %s", why, version,
                     err.text);
    }
    pages_check_free(check);
    dataset_free(dataset);
}

/* ---- the grace ---- */

CHECKED_TEST(gc, what_no_version_needs_is_freed_after_the_grace_by_the_stores_clock, made, removed)
{
    static const int64_t clocks[] = {0, HOUR_NS, -HOUR_NS};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        uint32_t first = (uint32_t)(3 * i) + 2, last = first + 2;
        struct hooked_store *hooked = hooked_store_new(store_ref(inner));
        struct gc_report report;
        hooked->clock_ns = clocks[i];
        int packs = objects("elidefs/packs/");
        forget(first, last);
        report = gc(&hooked->base, 90 * MINUTE_NS);
        cr_assert_eq(report.unneeded[GC_VERSIONS].count, 3);
        cr_assert_eq(report.freed[GC_VERSIONS].count, 0,
                     "nothing is freed by the first run, however old it is");
        age_marks(89 * MINUTE_NS);
        report = gc(&hooked->base, 90 * MINUTE_NS);
        cr_assert_eq(report.freed[GC_VERSIONS].count, 0, "a minute is missing");
        cr_assert_eq(objects("elidefs/packs/"), packs);
        check_readable(2, first - 1,
                       "before the grace has ended a forgotten version can be read by who has it open");
        age_marks(MINUTE_NS);
        report = gc(&hooked->base, 90 * MINUTE_NS);
        cr_assert_eq(report.freed[GC_VERSIONS].count, 3);
        cr_assert_eq((int)report.freed[GC_PACKS].count, packs - objects("elidefs/packs/"));
        check_readable(2, last, "all others");
        report = gc(&hooked->base, 90 * MINUTE_NS);
        cr_assert_eq(report.unneeded[GC_VERSIONS].count + report.unneeded[GC_PACKS].count, 0);
        store_unref(&hooked->base);
    }
    forget(11, 13);
    age_marks(90 * MINUTE_NS);
    gc(inner, 0);
    cr_assert_lt(objects("elidefs/packs/"), VERSIONS, "and there was something to free");
    check_readable(2, 13, "in the end");
}

CHECKED_TEST(gc, a_pack_that_was_needed_in_between_begins_its_grace_anew, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    forget(2, 13);
    gc(inner, HOUR_NS);
    age_marks(59 * MINUTE_NS);
    cr_assert_eq(dataset_tag_put(dataset, "paper", 5, &err), -ENOENT, "%s", err.text);
    make_file("data/elidefs/tags/paper/1", "5\n"); /* as at the moment when it was forgotten */
    struct gc_report report = gc(inner, HOUR_NS);
    cr_assert_eq(report.tagged, 1);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 11);
    age_marks(59 * MINUTE_NS);
    cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0, "%s", err.text);
    report = gc(inner, HOUR_NS);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 12);
    cr_assert_eq(report.freed[GC_VERSIONS].count, 11, "v5 was not in all marks of the last hour");
    dataset_free(dataset);
    check_readable(2, 13, "v1 and the newest");
    empty_the_cache();
    struct dataset *other = open_over(inner);
    struct pages_check *check = dataset_check_new(other);
    cr_assert_eq(dataset_check_stored(other, check, 5, &err), 0, "%s", err.text);
    pages_check_free(check);
    dataset_free(other);
}

CHECKED_TEST(gc, too_short_a_grace_is_refused_unless_nobody_writes, made, removed)
{
    struct error err = {0};
    struct gc_report report;
    struct dataset *dataset = open_data();
    struct gc_options options = {.grace_ns = HOUR_NS - 1};
    cr_assert_eq(gc_run(dataset, &options, &report, &err), -EINVAL);
    options.nobody_writes = true;
    cr_assert_eq(gc_run(dataset, &options, &report, &err), 0, "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(gc, who_only_asks_changes_nothing, made, removed)
{
    struct error err = {0};
    struct gc_report report;
    struct gc_options options = {.grace_ns = 0, .nobody_writes = true, .dry = true};
    forget(2, 13);
    struct dataset *dataset = open_data();
    int before = objects("");
    cr_assert_eq(gc_run(dataset, &options, &report, &err), 0, "%s", err.text);
    cr_assert_eq(objects(""), before);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 12);
    cr_assert_gt(report.unneeded[GC_PACKS].count, 0);
    cr_assert_gt(report.unneeded[GC_PACKS].bytes, 0);
    cr_assert_eq(report.marked_ns, 0);
    gc(inner, HOUR_NS);
    cr_assert_eq(gc_run(dataset, &options, &report, &err), 0, "%s", err.text);
    cr_assert_eq(report.marked[GC_PACKS].count, report.unneeded[GC_PACKS].count);
    cr_assert_neq(report.marked_ns, 0);
    dataset_free(dataset);
    check_readable(1, 0, "nothing is gone");
}

/* ---- what is left behind, copies, parts ---- */

CHECKED_TEST(gc, packs_and_copies_that_nothing_names_go_and_an_imports_parts_go_together, made, removed)
{
    make_file("data/elidefs/packs/00000000000000000000000000000001", "of a commit that was killed");
    make_file("data/elidefs/data/0123456789abcdef/0123456789abcdef0123456789abcdef", "of an import that was");
    make_file("data/elidefs/parts/a1/0", "1");
    make_file("data/elidefs/parts/a1/1", "1");
    make_file("data/elidefs/parts/b2/0", "1");
    make_file("data/other/file", "not ours");
    gc(inner, HOUR_NS);
    age_marks(HOUR_NS);
    make_file("data/elidefs/parts/a1/2", "this import is still going on");
    struct gc_report report = gc(inner, HOUR_NS);
    cr_assert_eq(report.freed[GC_PACKS].count, 1);
    cr_assert_eq(report.freed[GC_COPIES].count, 1);
    cr_assert_eq(report.freed[GC_PARTS].count, 1);
    cr_assert_eq(objects("elidefs/parts/a1/"), 3);
    cr_assert_eq(objects("elidefs/parts/b2/"), 0);
    age_marks(HOUR_NS);
    cr_assert_eq(gc(inner, HOUR_NS).freed[GC_PARTS].count, 3);
    cr_assert_eq(objects("other/"), 1);
    check_readable(1, 0, "all versions");
}

/* A clip whose bytes are a copy in the data set. */
static int commit_copy(struct dataset *dataset, const char *key, struct error *err)
{
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001", "0123456789");
    struct changeset *set =
        one_clip(key, "data", "elidefs/data/0123456789abcdef/00000000000000000000000000000001", "good");
    int rc = dataset_commit(dataset, set, &(struct dataset_commit){.message = key}, NULL, NULL, err);
    changeset_free(set);
    return rc;
}

CHECKED_TEST(gc, a_copy_that_any_version_names_stays, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    commit(dataset, "clip-16", "good");
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000002", "0123456789");
    forget(2, 13);
    struct gc_report report = gc(inner, 0);
    cr_assert_eq(report.freed[GC_COPIES].count, 1);
    cr_assert_eq(objects("elidefs/data/"), 1);
    dataset_free(dataset);
}

CHECKED_TEST(gc, a_commit_keeps_a_copy_that_was_found_to_be_needed_by_none, made, removed)
{
    struct error err = {0};
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001", "0123456789");
    gc(inner, HOUR_NS);
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
    cr_assert_eq(gc(inner, HOUR_NS).freed[GC_COPIES].count, 0);
    cr_assert_eq(objects("elidefs/data/"), 1);
    dataset_free(dataset);
}

CHECKED_TEST(gc, a_commit_that_means_a_copy_that_is_being_freed_is_refused, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct mark claim CLEANUP(mark_done) = {.seq = 1};
    mark_add(&claim, "data/0123456789abcdef/00000000000000000000000000000001", true);
    cr_assert_eq(mark_put(&dataset->layout, &claim, &err), 0, "%s", err.text);
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), -EBUSY);
    cr_assert(strstr(err.text, "`elidefs gc` is freeing it: try again when it has ended"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS, "what it had written is taken back");
    cr_assert_eq(gc(inner, HOUR_NS).freed[GC_COPIES].count, 1, "the next run ends what one has begun");
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    dataset_free(dataset);
}

static void remove_the_copy(void *ctx)
{
    CLEANUP_FREE char *path = in("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001");
    cr_assert_eq(unlink(path), 0);
}

CHECKED_TEST(gc, a_commit_whose_copy_was_freed_while_it_took_its_time_is_refused, made, removed)
{
    struct error err = {0};
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    struct dataset *dataset = open_over(&hooked->base);
    make_file("data/elidefs/packs/00000000000000000000000000000001", "so that there is something to mark");
    gc(inner, HOUR_NS);
    hooked->put_match = "elidefs/roots/";
    hooked->before = remove_the_copy;
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), -EAGAIN);
    cr_assert(strstr(err.text, "`elidefs gc` has freed it: nothing was committed; import again"), "%s", err.text);
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    dataset_free(dataset);
    store_unref(&hooked->base);
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
    *(struct gc_report *)ctx = gc(inner, HOUR_NS);
    cache = own;
    cache_free(other_cache);
}

CHECKED_TEST(gc, a_commit_whose_packs_are_there_and_its_manifest_not_yet_loses_nothing, made, removed)
{
    struct error err = {0};
    struct gc_report report = {0};
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    struct dataset *dataset = open_over(&hooked->base);
    uint32_t version = 0;
    forget(2, 13);
    gc(inner, HOUR_NS);
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
    gc(inner, HOUR_NS);
    check_readable(2, 13, "the new one, too");
    store_unref(&hooked->base);
}

static void mark_all(void *ctx)
{
    gc(inner, HOUR_NS);
    age_marks(2 * HOUR_NS);
}

static void free_all_that_is_new(void *ctx)
{
    gc(inner, HOUR_NS);
    age_marks(HOUR_NS);
    cr_assert_eq(gc(inner, HOUR_NS).freed[GC_PACKS].count, 1);
}

CHECKED_TEST(gc, a_commit_whose_packs_were_freed_while_it_took_its_time_makes_them_again, made, removed)
{
    struct error err = {0};
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    struct dataset *dataset = open_over(&hooked->base);
    struct changeset *set = one_clip("clip-15", "source2", "b.bin", "good");
    hooked->put_match = "elidefs/roots/"; /* behind the packs */
    hooked->before = free_all_that_is_new;
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.upload_ns = 1}, NULL, NULL, &err), 0,
                 "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS + 1);
    changeset_free(set);
    dataset_free(dataset);
    check_readable(1, 0, "v15");
    store_unref(&hooked->base);
}

CHECKED_TEST(gc, a_commit_that_took_long_takes_its_packs_off_the_mark_that_names_them, made, removed)
{
    struct error err = {0};
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    struct dataset *dataset = open_over(&hooked->base);
    struct changeset *set = one_clip("clip-15", "source2", "b.bin", "good");
    hooked->put_match = "elidefs/roots/"; /* behind the packs */
    hooked->before = mark_all;
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.upload_ns = 1}, NULL, NULL, &err), 0,
                 "%s", err.text);
    cr_assert_eq(objects("elidefs/gc/"), 2, "it wrote a mark of its own");
    cr_assert_eq(gc(inner, HOUR_NS).freed[GC_PACKS].count, 0);
    changeset_free(set);
    dataset_free(dataset);
    check_readable(1, 0, "v15");
    store_unref(&hooked->base);
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

CHECKED_TEST(gc, a_version_that_comes_while_it_runs_is_whole, made, removed)
{
    for (int removing = 0; removing < 2; removing++) {
        struct hooked_store *hooked = hooked_store_new(store_ref(inner));
        forget(2, removing ? 13 : 7);
        gc(inner, HOUR_NS);
        age_marks(HOUR_NS);
        hooked->put_match = hooked->remove_match = removing ? "elidefs/packs/" : "elidefs/gc/";
        *(removing ? &hooked->before_remove : &hooked->before) = removing ? commit_16 : commit_15;
        cr_assert_gt(gc(&hooked->base, HOUR_NS).freed[GC_VERSIONS].count, 0);
        store_unref(&hooked->base);
    }
    age_marks(HOUR_NS);
    gc(inner, HOUR_NS);
    check_readable(2, 13, "v15 and v16");
}

static void tag_5(void *ctx)
{
    make_file("data/elidefs/tags/paper/1", "5\n");
}

CHECKED_TEST(gc, a_tag_that_is_set_while_it_runs_keeps_its_version, made, removed)
{
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    struct error err = {0};
    forget(2, 13);
    gc(inner, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/"; /* after it has looked */
    hooked->before = tag_5;
    struct gc_report report = gc(&hooked->base, HOUR_NS);
    cr_assert_eq(report.tagged, 1);
    cr_assert_eq(report.freed[GC_VERSIONS].count, 11);
    check_readable(2, 13, "others");
    struct dataset *dataset = open_over(inner);
    struct pages_check *check = dataset_check_new(dataset);
    cr_assert_eq(dataset_check_stored(dataset, check, 5, &err), 0, "%s", err.text);
    pages_check_free(check);
    dataset_free(dataset);
    store_unref(&hooked->base);
}

static void other_gc(void *ctx)
{
    gc(inner, HOUR_NS);
}

CHECKED_TEST(gc, of_two_that_run_at_once_one_begins_again, made, removed)
{
    struct hooked_store *hooked = hooked_store_new(store_ref(inner));
    forget(2, 13);
    gc(inner, HOUR_NS);
    age_marks(HOUR_NS);
    hooked->put_match = "elidefs/gc/";
    hooked->before = other_gc;
    cr_assert_eq(gc(&hooked->base, HOUR_NS).freed[GC_VERSIONS].count, 0, "the other one has freed all");
    check_readable(2, 13, "others");
    store_unref(&hooked->base);
}

/* ---- readers ---- */

CHECKED_TEST(gc, who_reads_in_a_version_is_told_that_it_was_forgotten_and_others_never_notice, made, removed)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    forget(2, 13);
    gc(inner, 0);
    empty_the_cache();
    struct dataset *after = open_over(inner);
    cr_assert_eq(dataset_catalog(after, 5, PATIENCE_ENDLESS, &catalog, &err), -ENOENT);
    cr_assert(strstr(err.text, "v5 was forgotten on"), "%s", err.text);
    CLEANUP_FREE char *series = in("data/elidefs/forgotten");
    cr_assert_eq(file_remove_tree(series, NULL), 0);
    dataset_free(after);
    after = open_over(inner);
    cr_assert_eq(dataset_catalog(after, 5, PATIENCE_ENDLESS, &catalog, &err), -ENOENT,
                 "its stub says so, too");
    cr_assert(strstr(err.text, "v5 was forgotten on") && strstr(err.text, "by lena@lab: old"), "%s",
              err.text);
    dataset_free(after);
}

CHECKED_TEST(gc, a_set_that_was_made_before_a_forgotten_version_says_so, made, removed)
{
    struct error err = {0};
    forget(2, 13);
    gc(inner, 0);
    struct dataset *dataset = open_data();
    struct changeset *set = one_clip("clip-20", "source", "a.bin", "good");
    struct dataset_commit options = {.based = true, .base = 3};
    cr_assert_eq(dataset_commit(dataset, set, &options, NULL, NULL, &err), -EAGAIN);
    cr_assert(strstr(err.text, "has been forgotten, so it is not known what has changed"), "%s", err.text);
    options.base = 14;
    cr_assert_eq(dataset_commit(dataset, set, &options, NULL, NULL, &err), 0, "%s", err.text);
    changeset_free(set);
    dataset_free(dataset);
}

/* ---- what fails ---- */

CHECKED_TEST(gc, a_version_that_cannot_be_read_stops_it, made, removed)
{
    struct error err = {0};
    struct gc_report report;
    forget(2, 13);
    empty_the_cache();
    make_file("data/elidefs/versions/00000001.json", "{}");
    cr_assert_eq(try_gc(inner, 0, &report, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "00000001.json"), "%s", err.text);
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS);
    cr_assert_eq(objects("elidefs/gc/"), 0);
}

CHECKED_TEST(gc, a_damaged_mark_frees_nothing_and_is_overcome, made, removed)
{
    static const char *const texts[] = {"",
                                        "elidefs gc 1 x",
                                        "elidefs gc 1 x\nversions/1\n",
                                        "elidefs gc 1 x\n!packs/../../other\n",
                                        "elidefs gc 1 x\n!other/file\n",
                                        "elidefs gc 1 x\n!packs/b\n!packs/a\n",
                                        "elidefs gc 1 x\n!packs//a\n"};
    make_file("data/other/file", "not ours");
    make_file("data/other2", "not ours");
    forget(2, 13);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dataset *dataset = open_data();
        struct error err = {0};
        CLEANUP_FREE char *name = mem_printf("data/elidefs/gc/%zu", 10 * i + 1);
        make_file(name, texts[i]);
        cr_assert_eq(commit_copy(dataset, "clip-15", &err), -EUCLEAN, "%s", texts[i]);
        dataset_free(dataset);
        age_marks(2 * HOUR_NS);
        cr_assert_eq(gc(inner, HOUR_NS).freed[GC_PACKS].count, 0, "%s", texts[i]);
    }
    age_marks(HOUR_NS);
    cr_assert_gt(gc(inner, HOUR_NS).freed[GC_PACKS].count, 0);
    cr_assert_eq(objects("other"), 2);
    check_readable(2, 13, "after all of them");
}

CHECKED_TEST(gc, whichever_call_fails_nothing_that_is_needed_goes_and_the_next_run_ends_it, made, removed)
{
    static const struct fault_plan plans[] = {
        {.kind = FAULT_FAIL, .count = 1, .code = EIO},
        {.kind = FAULT_LOST, .count = 1},
        {.kind = FAULT_FAIL, .count = UINT32_MAX, .code = EIO}, /* to the store that is a kill -9 */
    };
    enum { PLANS = sizeof plans / sizeof *plans };
    bool ended[PLANS] = {false};
    uint64_t freed = 0;
    forget(2, 13);
    make_file("data/elidefs/packs/00000000000000000000000000000001", "of a commit that was killed");
    gc(inner, HOUR_NS);
    for (unsigned call = 1; !ended[0] || !ended[1] || !ended[2]; call++) {
        cr_assert_lt(call, 300);
        for (int kind = 0; kind < PLANS; kind++) {
            struct fault_plan plan = plans[kind];
            struct error err = {0};
            struct gc_report report;
            plan.first = call;
            age_marks(HOUR_NS);
            empty_the_cache();
            struct store *faulty = store_fault_new(store_ref(inner), &plan);
            int rc = try_gc(faulty, HOUR_NS, &report, &err);
            ended[kind] = store_fault_calls(faulty) < call;
            cr_assert(rc == 0 || *err.text, "call %u", call);
            freed += report.freed[GC_PACKS].count;
            store_unref(faulty);
            if (call % 5 == 0)
                check_readable(2, 13, "after a failure");
        }
    }
    cr_assert_gt(freed, 0);
    age_marks(HOUR_NS);
    gc(inner, HOUR_NS);
    struct gc_report report = gc(inner, HOUR_NS);
    cr_assert_eq(report.unneeded[GC_PACKS].count + report.unneeded[GC_VERSIONS].count, 0);
    check_readable(2, 13, "in the end");
}
