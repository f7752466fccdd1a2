// SPDX-License-Identifier: Apache-2.0
/* Directories are walked one inside the other, at most VIEW_DEPTH_MAX: whatever a catalog says, a walk ends.
 */
#include "query/view/tree.h"

#include <errno.h>
#include <string.h>

#include "query/show.h"

static int refuse(int code, const struct view_plan *plan, const char *path, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, path, strlen(path));
    return error_set(err, code, code == ENOTDIR ? "%s: '%s' is behind a file" : "%s: no '%s' there",
                     plan->name, buf_text(&shown));
}

/* One step down; `name` is NUL-terminated. */
static int step(const struct view_plan *plan, const struct view_ask *ask, const char *name,
                struct view_entry *entry, struct error *err)
{
    if (entry->kind != VIEW_DIR)
        return refuse(ENOTDIR, plan, name, err);
    int rc = view_find(plan, ask, entry->id, name, entry, err);
    return rc == -ENOENT ? refuse(ENOENT, plan, name, err) : rc;
}

/* All steps of `path`, which is written to. */
static int descend(const struct view_plan *plan, const struct view_ask *ask, char *path,
                   struct view_entry *entry, struct error *err)
{
    char *rest = NULL;
    int rc = 0;
    for (char *name = strtok_r(path, "/", &rest); name && !rc; name = strtok_r(NULL, "/", &rest))
        rc = step(plan, ask, name, entry, err);
    return rc;
}

int view_tree_find(const struct view_ask *ask, struct query *query, const char *path,
                   struct view_plan **ret_plan, struct view_entry *ret_entry, struct error *err)
{
    CLEANUP_VIEW_PLAN struct view_plan *plan = NULL;
    CLEANUP_FREE char *below = NULL;
    path += strspn(path, "/");
    size_t len = strcspn(path, "/");
    CLEANUP_FREE char *name = mem_copy(path, len);
    struct view_entry entry = {.kind = VIEW_DIR};
    int rc = view_plan_make(ask, query, name, &plan, err);
    if (rc)
        return rc;
    below = mem_text(path + len);
    rc = descend(plan, ask, below, &entry, err);
    if (rc)
        return rc;
    const char *last = strrchr(path, '/');
    entry.name = entry.kind == VIEW_DIR ? "" : last + 1;
    if (entry.kind != VIEW_DIR && !*entry.name)
        return refuse(ENOTDIR, plan, "/", err);
    *ret_entry = entry;
    *ret_plan = STEAL(plan);
    return 0;
}

struct walk {
    const struct view_plan *plan;
    const struct view_ask *ask;
    view_tree_fn *each;
    void *ctx;
    struct buf path; /* of the directory, with a '/' behind it unless it is empty */
    unsigned depth;
};

static int walk_dir(struct walk *walk, uint64_t dir, struct error *err);

static int walk_entry(void *ctx, const struct view_entry *entry, uint64_t next_cursor, struct error *err)
{
    struct walk *walk = ctx;
    size_t len = walk->path.len;
    int rc;
    buf_text_append(&walk->path, entry->name);
    if (entry->kind == VIEW_DIR) {
        buf_u8(&walk->path, '/');
        rc = walk_dir(walk, entry->id, err);
    } else {
        rc = walk->each(walk->ctx, buf_text(&walk->path), entry, err);
    }
    buf_truncate(&walk->path, len);
    return rc;
}

static int walk_dir(struct walk *walk, uint64_t dir, struct error *err)
{
    if (walk->depth == VIEW_DEPTH_MAX)
        return error_set(err, EUCLEAN, "%s of v%u is damaged: it is deeper than %d directories",
                         walk->plan->name, walk->plan->version, VIEW_DEPTH_MAX);
    walk->depth++;
    int rc = view_list(walk->plan, walk->ask, dir, 0, walk_entry, walk, err);
    walk->depth--;
    return rc;
}

int view_tree_each(const struct view_plan *plan, const struct view_ask *ask, const struct view_entry *entry,
                   view_tree_fn *each, void *ctx, struct error *err)
{
    struct walk walk = {.plan = plan, .ask = ask, .each = each, .ctx = ctx};
    if (entry->kind != VIEW_DIR)
        return each(ctx, entry->name, entry, err);
    int rc = walk_dir(&walk, entry->id, err);
    buf_done(&walk.path);
    return rc;
}
