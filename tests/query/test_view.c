// SPDX-License-Identifier: Apache-2.0
/* Views: plans and where they are kept, tars of a few clips, what a bad catalog or a bad kind cannot do. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/view/plans.h"
#include "query/view/tree.h"
#include "query/view/webdataset.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

struct scene {
    struct versions versions;
    struct view_ask ask;
    struct query *all;
    struct error err;
};

static void open_scene(struct scene *scene, struct changeset *set)
{
    *scene = (struct scene){0};
    versions_init(&scene->versions);
    cr_assert_eq(versions_apply(&scene->versions, set), 0, "%s", scene->versions.err.text);
    scene->ask = (struct view_ask){.reader = scene->versions.reader, .version = 1};
    scene->all = query_all();
}

static void close_scene(struct scene *scene)
{
    query_unref(scene->all);
    versions_done(&scene->versions);
    check_leaks();
}

/* Clips ep0000 ..., each with so many streams. */
static struct changeset *clips(int count, int streams)
{
    struct changeset *set = changeset_new();
    char key[16], name[16];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "ep%04d", i);
        set_clip(set, key, i);
        for (int k = 0; k < streams; k++) {
            snprintf(name, sizeof name, "s%d", k);
            set_stream(set, name, "all.bin", (uint64_t)i % 1000, 100);
        }
    }
    return set;
}

static struct view_plan *plan(struct scene *scene, const char *name)
{
    struct view_plan *plan = NULL;
    cr_assert_eq(view_plan_make(&scene->ask, scene->all, name, &plan, &scene->err), 0, "%s", scene->err.text);
    return plan;
}

static int print_entry(void *ctx, const char *path, const struct view_entry *entry, struct error *err)
{
    buf_printf(ctx, "%s %llu\n", path, (unsigned long long)entry->size);
    return 0;
}

/* What the view called so has, "NAME SIZE\n" each; or the error's text. */
static void print_view(struct scene *scene, const char *name, struct buf *buf)
{
    CLEANUP_VIEW_PLAN struct view_plan *found = NULL;
    struct view_entry entry;
    buf_clear(buf);
    int rc = view_tree_find(&scene->ask, scene->all, name, &found, &entry, &scene->err);
    if (!rc)
        rc = view_tree_each(found, &scene->ask, &entry, print_entry, buf, &scene->err);
    if (rc)
        buf_printf(buf, "%d: %s", rc, scene->err.text);
}

/* ---- tars ---- */

Test(view, a_clip_without_streams_still_has_its_json)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct scene scene;
    open_scene(&scene, clips(3, 0));
    CLEANUP_VIEW_PLAN struct view_plan *tars = plan(&scene, "webdataset");
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    struct view_entry entry;
    cr_assert_eq(view_find(tars, &scene.ask, 0, "000000.tar", &entry, &scene.err), 0);
    cr_assert_eq(entry.size, 3 * 1024 + 1024, "three headers and short texts");
    cr_assert_eq(view_open(tars, &scene.ask, &entry, &map, &scene.err), 0, "%s", scene.err.text);
    const struct extent *first = extent_map_at(map, 0);
    cr_assert_eq(first->kind, EXTENT_INLINE);
    cr_assert_str_eq((const char *)extent_map_inline(map, first), "ep0000.json");
    cr_assert_eq((char)extent_map_inline(map, first)[512], '{');
    print_view(&scene, "webdataset", &text);
    cr_assert(strstr(buf_text(&text), "000000.tar 4096\nSHARDS 2\n"), "%s", buf_text(&text));
    buf_done(&text);
    view_plan_unref(STEAL(tars));
    extent_map_unref(STEAL(map));
    close_scene(&scene);
}

Test(view, a_tar_has_at_most_ten_thousand_files)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct scene scene;
    open_scene(&scene, clips(2501, 3));
    print_view(&scene, "webdataset-1T", &text);
    cr_assert(strstr(buf_text(&text), "SHARDS 2\n") && strstr(buf_text(&text), "000001.tar "), "%s",
              buf_text(&text));
    CLEANUP_VIEW_PLAN struct view_plan *tars = plan(&scene, "webdataset-1T");
    struct view_entry first, last;
    cr_assert_eq(view_find(tars, &scene.ask, 0, "000000.tar", &first, &scene.err), 0);
    cr_assert_eq(view_find(tars, &scene.ask, 0, "000001.tar", &last, &scene.err), 0);
    cr_assert_eq(first.size, 2500 * 4 * 1024 + 1024);
    cr_assert_eq(last.size, 4 * 1024 + 1024);
    buf_done(&text);
    view_plan_unref(STEAL(tars));
    close_scene(&scene);
}

/* A stream of `len` bytes of an object that the catalog says is of that many. */
static void add_huge(struct changeset *set, const char *name, uint64_t len)
{
    struct error err = {0};
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    uint32_t object, root = changeset_root(set, "file:///recordings");
    cr_assert_eq(changeset_object(set, root, name, len, "pin", &object, &err), 0, "%s", err.text);
    slice_add_range(&slice, 0, len);
    struct changeset_stream stream = {
        .name = name, .ext = "bin", .container = "", .object = object, .slice = &slice};
    cr_assert_eq(changeset_stream(set, &stream, &err), 0, "%s", err.text);
}

Test(view, sizes_that_no_file_can_have_are_damage_and_large_ones_have_their_own_tar)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct scene scene;
    struct changeset *set = clips(2, 1);
    set_clip(set, "huge", 7);
    add_huge(set, "a", UINT64_C(1) << 60);
    set_clip(set, "small", 8);
    set_stream(set, "s0", "all.bin", 0, 100);
    open_scene(&scene, set);
    print_view(&scene, "webdataset", &text);
    cr_assert(strstr(buf_text(&text),
                     "000000.tar 5120\n000001.tar 1152921504606850560\n000002.tar 3072\nSHARDS 2\n"),
              "%s", buf_text(&text));
    close_scene(&scene);
    set = clips(2, 1);
    set_clip(set, "huge", 7);
    for (char name[2] = "a"; *name < 'e'; (*name)++)
        add_huge(set, name, UINT64_C(1) << 62);
    open_scene(&scene, set);
    print_view(&scene, "webdataset", &text);
    cr_assert(strstr(buf_text(&text), "larger than any tar can be"), "%s", buf_text(&text));
    buf_done(&text);
    close_scene(&scene);
}

Test(view, a_size_is_digits_and_a_unit_and_nothing_else)
{
    static const char *const good[] = {"webdataset", "webdataset-1", "webdataset-256M", "webdataset-1024T"};
    static const char *const bad[] = {"webdataset-",
                                      "webdataset-0",
                                      "webdataset-0M",
                                      "webdataset-01",
                                      "webdataset-M",
                                      "webdataset-1m",
                                      "webdataset-1MB",
                                      "webdataset-1025T",
                                      "webdataset-+1",
                                      "webdataset-18446744073709551617",
                                      "webdataset-1 ",
                                      "webdatasets",
                                      ""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq(view_kind_find(good[i]), &view_webdataset, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_null(view_kind_find(bad[i]), "%s", bad[i]);
}

Test(view, a_path_that_leads_nowhere_says_where_it_ends)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct scene scene;
    open_scene(&scene, clips(2, 1));
    print_view(&scene, "webdataset/000000.tar", &text);
    cr_assert_str_eq(buf_text(&text), "000000.tar 5120\n");
    print_view(&scene, "/webdataset//SHARDS", &text);
    cr_assert_str_eq(buf_text(&text), "SHARDS 2\n");
    print_view(&scene, "webdataset/SHARDS/x", &text);
    cr_assert(strstr(buf_text(&text), "'x' is behind a file"), "%s", buf_text(&text));
    print_view(&scene, "webdataset/SHARDS/", &text);
    cr_assert(strstr(buf_text(&text), "behind a file"), "%s", buf_text(&text));
    print_view(&scene, "webdataset/..", &text);
    cr_assert(strstr(buf_text(&text), "no '..' there"), "%s", buf_text(&text));
    print_view(&scene, "tars", &text);
    cr_assert(strstr(buf_text(&text), "no view 'tars'"), "%s", buf_text(&text));
    buf_done(&text);
    close_scene(&scene);
}

/* ---- where plans are kept ---- */

Test(view, plans_are_kept_by_view_and_path_and_those_used_longest_ago_go)
{
    struct scene scene;
    struct view_plan *first, *again;
    char name[32];
    open_scene(&scene, clips(3, 1));
    struct view_plans *plans = view_plans_new(1 << 20);
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &first, &scene.err), 0);
    for (int i = 1; i <= 2 * PLANS_MAX; i++) {
        struct view_plan *other;
        snprintf(name, sizeof name, "webdataset-%dK", i);
        cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, name, &other, &scene.err), 0);
        cr_assert_neq(first, other);
        view_plan_unref(other);
        if (i == PLANS_MAX - 1) {
            cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &again, &scene.err), 0);
            cr_assert_eq(first, again);
            view_plan_unref(again);
        }
    }
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &again, &scene.err), 0);
    cr_assert_neq(first, again, "it was used longest ago");
    view_plan_unref(again);
    scene.ask.purge = 1;
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &again, &scene.err), 0);
    cr_assert_eq(again->purge, 1);
    view_plan_unref(again);
    view_plan_unref(first);
    view_plans_free(plans);
    close_scene(&scene);
}

Test(view, a_plan_that_is_larger_than_all_may_be_stays_until_the_next)
{
    struct scene scene;
    struct view_plan *first, *again;
    open_scene(&scene, clips(3, 1));
    struct view_plans *plans = view_plans_new(1);
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &first, &scene.err), 0);
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &again, &scene.err), 0);
    cr_assert_eq(first, again);
    view_plan_unref(again);
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset-1K", &again, &scene.err), 0);
    view_plan_unref(again);
    cr_assert_eq(view_plans_get(plans, &scene.ask, scene.all, "webdataset", &again, &scene.err), 0);
    cr_assert_neq(first, again);
    view_plan_unref(again);
    view_plan_unref(first);
    view_plans_free(plans);
    close_scene(&scene);
}

/* ---- a kind that breaks its promises ---- */

enum bad {
    BAD_SLASH,
    BAD_DOTS,
    BAD_EMPTY,
    BAD_LONG,
    BAD_SIZE,
    BAD_VERSION,
    BAD_STREAM,
    BAD_ID,
    BAD_CURSOR,
    BAD_DEPTH,
    BAD_COUNT
};
static char long_name[257];

static void fill_bad(enum bad bad, struct view_entry *entry)
{
    static const char *const names[BAD_COUNT] = {
        [BAD_SLASH] = "../x", [BAD_DOTS] = "..", [BAD_EMPTY] = "", [BAD_LONG] = long_name};
    memset(long_name, 'n', 256);
    *entry = (struct view_entry){
        .name = names[bad] ? names[bad] : "name", .kind = VIEW_DERIVED, .id = 1, .changed = 1};
    if (bad == BAD_SIZE)
        entry->size = UINT64_C(1) << 63;
    if (bad == BAD_VERSION)
        entry->changed = 2;
    if (bad == BAD_STREAM)
        entry->kind = VIEW_CLIP_FILE, entry->place.stream = 1024;
    if (bad == BAD_ID)
        entry->id = VIEW_ID_MAX + 1;
    if (bad == BAD_DEPTH)
        entry->kind = VIEW_DIR, entry->id = 0; /* itself */
}

static int list_bad(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
                    view_entry_fn *each, void *ctx, struct error *err)
{
    enum bad bad = *(const enum bad *)plan->own;
    struct view_entry entry;
    int rc = 0;
    fill_bad(bad, &entry);
    for (uint64_t i = 1; !rc && (bad == BAD_CURSOR || i == 1); i++)
        rc = each(ctx, &entry, bad == BAD_CURSOR ? 1 : i, err);
    return rc;
}

static int find_bad(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
                    struct view_entry *ret, struct error *err)
{
    fill_bad(*(const enum bad *)plan->own, ret);
    return 0;
}

static int ignore(void *ctx, const char *path, const struct view_entry *entry, struct error *err)
{
    return 0;
}

Test(view, what_a_kind_gets_wrong_is_damage_and_every_walk_ends)
{
    const struct view_kind kind = {.name = "bad", .find = find_bad, .list = list_bad};
    for (enum bad bad = 0; bad < BAD_COUNT; bad++) {
        struct view_plan plan = {.kind = &kind, .name = (char[]){"bad"}, .version = 1, .own = &bad};
        struct view_ask ask = {.version = 1};
        struct view_entry entry = {.kind = VIEW_DIR};
        struct error err = {0};
        cr_assert_eq(view_tree_each(&plan, &ask, &entry, ignore, NULL, &err), -EUCLEAN, "%d", (int)bad);
        cr_assert(strstr(err.text, "bad of v1 is damaged"), "%s", err.text);
        if (bad >= BAD_SIZE && bad < BAD_CURSOR)
            cr_assert_eq(view_find(&plan, &ask, 0, "name", &entry, &err), -EUCLEAN, "%d", (int)bad);
    }
    check_leaks();
}
