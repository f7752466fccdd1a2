// SPDX-License-Identifier: Apache-2.0
/* The table, a row each; and the functions of a kind behind checks, so that whoever shows a view can trust
 * what it gets: names that are names, sizes that a file can have, listings that go on and end. */
#include "query/view/view.h"

#include <errno.h>
#include <string.h>

#include "query/show.h"
#include "query/view/lerobot/lerobot.h"
#include "query/view/webdataset.h"

const struct view_kind *const view_kinds[] = {
    &view_lerobot,
    &view_lerobot_mean,
    &view_lerobot21,
    &view_webdataset,
};
const size_t view_kind_count = sizeof view_kinds / sizeof *view_kinds;

/* A larger set is planned by a thread that may take its time. */
enum { AT_ONCE_CLIPS = 20000, NAME_BYTES_MAX = 255 };
#define CURSOR_MAX (UINT64_C(1) << 61)

const struct view_kind *view_kind_find(const char *name)
{
    for (size_t i = 0; i < view_kind_count; i++)
        if (!strcmp(view_kinds[i]->name, name) || (view_kinds[i]->named && view_kinds[i]->named(name)))
            return view_kinds[i];
    return NULL;
}

uint32_t view_purge(struct dataset *dataset, uint32_t version)
{
    struct map_top top;
    return dataset_is_purged(dataset, version, &top) ? dataset_purge_seq(dataset) : 0;
}

/* ---- plans ---- */

static int refuse_name(const char *name, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    show_append(&text, name, strlen(name));
    buf_text_append(&text, "'; the views are ");
    for (size_t i = 0; i < view_kind_count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", view_kinds[i]->name);
    return error_set(err, ENOENT, "no view '%s", buf_text(&text));
}

static void free_plan(struct view_plan *plan)
{
    if (plan->set)
        set_unref(plan->set);
    query_unref(plan->query);
    free(plan->name);
    free(plan);
}

static int fill_plan(const struct view_ask *ask, struct view_plan *plan, struct error *err)
{
    int rc = query_run(plan->query, ask->reader, &plan->set, err);
    if (rc)
        return rc;
    if (catalog_reader_nowait(ask->reader) && set_count(plan->set) > AT_ONCE_CLIPS)
        return -EAGAIN;
    rc = plan->kind->plan(ask, plan, err);
    if (rc || plan->own_bytes <= VIEW_PLAN_BYTES_MAX)
        return rc;
    plan->kind->free(plan);
    return error_set(err, EFBIG, "%s: of %llu clips it would be too large; narrow the path", plan->name,
                     (unsigned long long)set_count(plan->set));
}

int view_plan_make(const struct view_ask *ask, struct query *query, const char *name, struct view_plan **ret,
                   struct error *err)
{
    const struct view_kind *kind = view_kind_find(name);
    if (!kind)
        return refuse_name(name, err);
    struct view_plan *plan = MEM_NEW(struct view_plan);
    plan->kind = kind;
    plan->query = query_ref(query);
    plan->name = mem_text(name);
    plan->version = ask->version;
    plan->purge = ask->purge;
    atomic_init(&plan->refs, 1);
    int rc = fill_plan(ask, plan, err);
    if (rc)
        free_plan(plan);
    else
        *ret = plan;
    return rc;
}

struct view_plan *view_plan_ref(struct view_plan *plan)
{
    atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
    return plan;
}

void view_plan_unref(struct view_plan *plan)
{
    if (!plan || atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) != 1)
        return;
    plan->kind->free(plan);
    free_plan(plan);
}

/* ---- what a kind returns ---- */

static bool is_name(const char *name)
{
    size_t len = strnlen(name, NAME_BYTES_MAX + 1);
    return len && len <= NAME_BYTES_MAX && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static int check_entry(const struct view_plan *plan, const struct view_entry *entry, struct error *err)
{
    bool clip = entry->kind == VIEW_CLIP_FILE;
    if (is_name(entry->name) && entry->size <= INT64_MAX && entry->changed <= plan->version &&
        (clip ? entry->place.stream <= FILES_STREAM_JSON : entry->id <= VIEW_ID_MAX))
        return 0;
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, entry->name, strlen(entry->name));
    return error_set(err, EUCLEAN, "%s of v%u is damaged: its '%s' cannot be a file", plan->name,
                     plan->version, buf_text(&shown));
}

int view_find(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
              struct view_entry *ret, struct error *err)
{
    struct view_entry entry = {0};
    int rc = is_name(name) ? plan->kind->find(plan, ask, dir, name, &entry, err) : -ENOENT;
    if (rc)
        return rc;
    entry.name = name;
    rc = check_entry(plan, &entry, err);
    if (!rc)
        *ret = entry;
    return rc;
}

struct checked {
    const struct view_plan *plan;
    uint64_t cursor;
    view_entry_fn *each;
    void *ctx;
};

static int pass_checked(void *ctx, const struct view_entry *entry, uint64_t next_cursor, struct error *err)
{
    struct checked *checked = ctx;
    int rc = check_entry(checked->plan, entry, err);
    if (rc)
        return rc;
    if (next_cursor <= checked->cursor || next_cursor > CURSOR_MAX)
        return error_set(err, EUCLEAN, "%s of v%u is damaged: its listing does not go on",
                         checked->plan->name, checked->plan->version);
    checked->cursor = next_cursor;
    return checked->each(checked->ctx, entry, next_cursor, err);
}

int view_list(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
              view_entry_fn *each, void *ctx, struct error *err)
{
    struct checked checked = {.plan = plan, .cursor = cursor, .each = each, .ctx = ctx};
    return plan->kind->list(plan, ask, dir, cursor, pass_checked, &checked, err);
}

int view_open(const struct view_plan *plan, const struct view_ask *ask, const struct view_entry *entry,
              struct extent_map **ret, struct error *err)
{
    struct extent_map *map;
    int rc = plan->kind->open(plan, ask, entry->id, &map, err);
    if (rc)
        return rc;
    if (extent_map_size(map) != entry->size) {
        rc = error_set(err, EUCLEAN, "%s/%s of v%u is damaged: it has %llu bytes where %llu were told",
                       plan->name, entry->name, plan->version, (unsigned long long)extent_map_size(map),
                       (unsigned long long)entry->size);
        extent_map_unref(map);
        return rc;
    }
    *ret = map;
    return 0;
}
