// SPDX-License-Identifier: Apache-2.0
/* What no version needs is freed, after a grace by the store's clock; nothing else ever is, whatever fails.
 */
#include "gc_fixture.h"

/* ---- the grace ---- */

CHECKED_TEST(gc, what_no_version_needs_is_freed_after_the_grace_by_the_stores_clock, made, removed)
{
    static const int64_t clocks[] = {0, HOUR_NS, -HOUR_NS};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        uint32_t first = (uint32_t)(3 * i) + 2, last = first + 2;
        hook_data();
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
        unhook_data();
    }
    forget(11, 13);
    age_marks(90 * MINUTE_NS);
    gc(folder_store, 0);
    cr_assert_lt(objects("elidefs/packs/"), VERSIONS, "and there was something to free");
    check_readable(2, 13, "in the end");
}

CHECKED_TEST(gc, a_pack_that_was_needed_in_between_begins_its_grace_anew, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    forget(2, 13);
    gc(folder_store, HOUR_NS);
    age_marks(59 * MINUTE_NS);
    cr_assert_eq(dataset_tag_put(dataset, "paper", 5, &err), -ENOENT, "%s", err.text);
    make_file("data/elidefs/series/tags/paper/1", "5\n"); /* as at the moment when it was forgotten */
    struct gc_report report = gc(folder_store, HOUR_NS);
    cr_assert_eq(report.tagged, 1);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 11);
    age_marks(59 * MINUTE_NS);
    cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0, "%s", err.text);
    report = gc(folder_store, HOUR_NS);
    cr_assert_eq(report.unneeded[GC_VERSIONS].count, 12);
    cr_assert_eq(report.freed[GC_VERSIONS].count, 11, "v5 was not in all marks of the last hour");
    dataset_free(dataset);
    check_readable(2, 13, "v1 and the newest");
    empty_the_cache();
    struct dataset *other = open_over(folder_store);
    struct pages_check *check = dataset_check_new(other);
    cr_assert_eq(dataset_check_stored(other, check, 5, &err), 0, "%s", err.text);
    pages_check_free(check);
    dataset_free(other);
}

CHECKED_TEST(gc, where_a_tag_cannot_be_read_nothing_is_freed_that_it_may_keep, made, removed)
{
    struct error err = {0};
    struct gc_report report;
    make_file("data/elidefs/series/tags/paper/1", "of a newer program\n");
    gc(folder_store, HOUR_NS); /* nothing is forgotten */
    CLEANUP_FREE char *tags = in("data/elidefs/series/tags");
    cr_assert_eq(file_remove_tree(tags, NULL), 0);
    forget(2, 5);
    gc(folder_store, HOUR_NS);
    age_marks(2 * HOUR_NS);
    make_file("data/elidefs/series/tags/paper/1", "of a newer program\n");
    cr_assert_eq(try_gc(folder_store, HOUR_NS, &report, &err), -EUCLEAN, "%s", err.text);
    cr_assert(strstr(err.text, "nothing is freed: ") && strstr(err.text, "the tag 'paper' is damaged"), "%s",
              err.text);
    check_readable(2, 5, "others");
    cr_assert_eq(objects("elidefs/packs/"), VERSIONS);
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0, "%s", err.text);
    dataset_free(dataset);
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_VERSIONS].count, 4);
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
    gc(folder_store, HOUR_NS);
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
    make_file("data/elidefs/packs/a\n!packs/b", "no mark can name it");
    make_file("data/elidefs/packs/.a", "nor this");
    gc(folder_store, HOUR_NS);
    age_marks(HOUR_NS);
    make_file("data/elidefs/parts/a1/2", "this import is still going on");
    struct gc_report report = gc(folder_store, HOUR_NS);
    cr_assert_eq(report.freed[GC_PACKS].count, 1);
    cr_assert_eq(report.freed[GC_COPIES].count, 1);
    cr_assert_eq(report.freed[GC_PARTS].count, 1);
    cr_assert_eq(objects("elidefs/parts/a1/"), 3);
    cr_assert_eq(objects("elidefs/parts/b2/"), 0);
    age_marks(HOUR_NS);
    cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_PARTS].count, 3);
    cr_assert_eq(objects("other/"), 1);
    check_readable(1, 0, "all versions");
}

CHECKED_TEST(gc, a_copy_that_any_version_names_stays, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    cr_assert_eq(commit_copy(dataset, "clip-15", &err), 0, "%s", err.text);
    commit(dataset, "clip-16", "good");
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000002", "0123456789");
    forget(2, 13);
    struct gc_report report = gc(folder_store, 0);
    cr_assert_eq(report.freed[GC_COPIES].count, 1);
    cr_assert_eq(objects("elidefs/data/"), 1);
    dataset_free(dataset);
}

/* ---- readers ---- */

CHECKED_TEST(gc, who_reads_in_a_version_is_told_that_it_was_forgotten_and_others_never_notice, made, removed)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    forget(2, 13);
    gc(folder_store, 0);
    empty_the_cache();
    struct dataset *after = open_over(folder_store);
    cr_assert_eq(dataset_catalog(after, 5, PATIENCE_ENDLESS, &catalog, &err), -ENOENT);
    cr_assert(strstr(err.text, "v5 was forgotten on"), "%s", err.text);
    CLEANUP_FREE char *series = in("data/elidefs/series/forgotten");
    cr_assert_eq(file_remove_tree(series, NULL), 0);
    dataset_free(after);
    after = open_over(folder_store);
    cr_assert_eq(dataset_catalog(after, 5, PATIENCE_ENDLESS, &catalog, &err), -ENOENT,
                 "its stub says so, too");
    cr_assert(strstr(err.text, "v5 was forgotten on") && strstr(err.text, "by lena@lab: old"), "%s",
              err.text);
    dataset_free(after);
}

CHECKED_TEST(gc, what_was_committed_once_is_known_to_have_been_when_its_version_is_gone, made, removed)
{
    static const char id[] = "00112233445566778899aabbccddeeff";
    struct error err = {0};
    uint32_t version = 0;
    struct dataset *dataset = open_data();
    struct changeset *set = one_clip("clip-15", "source", "a.bin", "good");
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.id = id}, NULL, NULL, &err), 0, "%s",
                 err.text);
    changeset_free(set);
    commit(dataset, "clip-16", "good");
    dataset_free(dataset);
    forget(15, 15);
    gc(folder_store, 0);
    empty_the_cache();
    dataset = open_data();
    cr_assert_eq(dataset_find_commit(dataset, id, 3, &version, &err), 1, "%s", err.text);
    cr_assert_eq(version, 15);
    dataset_free(dataset);
}

CHECKED_TEST(gc, a_set_that_was_made_before_a_forgotten_version_says_so, made, removed)
{
    struct error err = {0};
    forget(2, 13);
    gc(folder_store, 0);
    struct dataset *dataset = open_data();
    struct changeset *set = one_clip("clip-20", "source", "a.bin", "good");
    struct dataset_commit options = {.based = true, .base = 3};
    cr_assert_eq(dataset_commit(dataset, set, &options, NULL, NULL, &err), -EREMCHG);
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
    cr_assert_eq(try_gc(folder_store, 0, &report, &err), -EUCLEAN);
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
        cr_assert_eq(gc(folder_store, HOUR_NS).freed[GC_PACKS].count, 0, "%s", texts[i]);
    }
    age_marks(HOUR_NS);
    cr_assert_gt(gc(folder_store, HOUR_NS).freed[GC_PACKS].count, 0);
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
    gc(folder_store, HOUR_NS);
    for (unsigned call = 1; !ended[0] || !ended[1] || !ended[2]; call++) {
        cr_assert_lt(call, 300);
        for (int kind = 0; kind < PLANS; kind++) {
            struct fault_plan plan = plans[kind];
            struct error err = {0};
            struct gc_report report;
            plan.first = call;
            age_marks(HOUR_NS);
            empty_the_cache();
            struct store *faulty = store_fault_new(store_ref(folder_store), &plan);
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
    gc(folder_store, HOUR_NS);
    struct gc_report report = gc(folder_store, HOUR_NS);
    cr_assert_eq(report.unneeded[GC_PACKS].count + report.unneeded[GC_VERSIONS].count, 0);
    check_readable(2, 13, "in the end");
}
