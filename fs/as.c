// SPDX-License-Identifier: Apache-2.0
/* A node keeps no plan: the kernel keeps names for as long as it likes, and of plans there is a bounded
 * number.
 */
#include "fs/as.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/scope.h"
#include "query/view/plans.h"

/* What of the fs asks a view; the scope is closed after the last use of `ask`. */
struct asking {
    struct scope scope;
    struct view_ask ask;
    struct view_plan *plan; /* a reference, or NULL */
};

static void asking_done(struct asking *asking)
{
    view_plan_unref(asking->plan);
    scope_close(&asking->scope);
}

#define CLEANUP_ASKING CLEANUP(asking_done)

/* `dir` is `.as` itself, or below. */
static int begin(struct fs *fs, const struct node *dir, const struct catalog_patience *patience,
                 struct asking *asking, struct error *err)
{
    asking->ask = (struct view_ask){.dataset = fs->dataset,
                                    .cache = fs->cache,
                                    .version = dir->version,
                                    .purge = view_purge(fs->dataset, dir->version)};
    if (dir->as && dir->purge != asking->ask.purge)
        return -ESTALE; /* clips were purged: another tree has this name now */
    int rc = scope_open(fs, dir->version, patience, &asking->scope, err);
    asking->ask.reader = asking->scope.reader;
    asking->ask.catalog = asking->scope.catalog;
    return rc;
}

static int begin_plan(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                      struct asking *asking, struct error *err)
{
    int rc = begin(fs, node, patience, asking, err);
    return rc ? rc : view_plans_get(fs->plans, &asking->ask, node->query, node->as, &asking->plan, err);
}

/* ---- names ---- */

static void fill(const struct node *dir, enum node_kind kind, struct node *ret)
{
    ret->kind = kind;
    ret->view = dir->view;
    ret->version = dir->version;
    ret->query = query_ref(dir->query);
}

/* "/v1/arm=left/.as/lerobt: reason" */
static int within(const struct node *dir, const char *name, int rc, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    query_canonical(dir->query, &path);
    return error_within(err, rc, "/v%u%s%s/.as/%s", dir->version, path.len ? "/" : "", buf_text(&path), name);
}

/* A name in `.as` itself. */
static int find_view(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    CLEANUP_ASKING struct asking asking = {0};
    if (report_find(name, true, asked->dir->version, &ret->report) == 0) {
        fill(asked->dir, NODE_REPORT, ret);
        return 0;
    }
    if (name[0] == '.')
        return -ENOENT; /* programs try such names everywhere: not worth a reason */
    int rc = begin(asked->fs, asked->dir, asked->patience, &asking, err);
    if (rc == 0)
        rc = view_plans_get(asked->fs->plans, &asking.ask, asked->dir->query, name, &asking.plan, err);
    if (rc < 0)
        return rc == -ENOENT ? within(asked->dir, name, rc, err) : rc;
    fill(asked->dir, NODE_VIEW, ret);
    ret->as = mem_text(name);
    ret->purge = asking.ask.purge;
    return 0;
}

static void fill_entry(const struct node *dir, const struct view_entry *entry, struct node *ret)
{
    static const enum node_kind kinds[] = {
        [VIEW_DIR] = NODE_VIEW, [VIEW_CLIP_FILE] = NODE_CLIP, [VIEW_DERIVED] = NODE_DERIVED};
    fill(dir, kinds[entry->kind], ret);
    ret->as = mem_text(dir->as);
    ret->purge = dir->purge;
    ret->which = dir->which + 1;
    ret->as_id = entry->id;
    ret->file = (struct files_entry){.row = entry->place.row,
                                     .stream = entry->place.stream,
                                     .size = entry->size,
                                     .changed = entry->changed};
}

int as_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    WITH_ERROR(err);
    CLEANUP_ASKING struct asking asking = {0};
    const struct node *dir = asked->dir;
    struct view_entry entry;
    *err = (struct error){0};
    if (!dir->as)
        return find_view(asked, name, ret, err);
    if (dir->which >= VIEW_DEPTH_MAX)
        return error_set(err, EUCLEAN, "%s of v%u is damaged: it is deeper than %d directories", dir->as,
                         dir->version, VIEW_DEPTH_MAX);
    int rc = begin_plan(asked->fs, dir, asked->patience, &asking, err);
    if (rc == 0)
        rc = view_find(asking.plan, &asking.ask, dir->as_id, name, &entry, err);
    if (rc == 0)
        fill_entry(dir, &entry, ret);
    return rc == -ENOENT && err->code ? within(dir, dir->as, rc, err) : rc;
}

int as_list(const struct view_asked *asked, struct names *names, struct error *err)
{
    CLEANUP_ASKING struct asking asking = {0};
    int rc = begin(asked->fs, asked->dir, asked->patience, &asking, err);
    for (size_t i = 0; rc == 0 && i < report_name_count; i++)
        if (report_names[i].as)
            names_add(names, report_names[i].name, S_IFREG);
    for (size_t i = 0; rc == 0 && i < view_kind_count; i++) {
        bool offered = true;
        if (view_kinds[i]->offered)
            rc = view_kinds[i]->offered(&asking.ask, asked->dir->query, &offered, err);
        if (rc == 0 && offered)
            names_add(names, view_kinds[i]->name, S_IFDIR);
    }
    return rc;
}

int as_plan(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
            struct view_plan **ret, struct error *err)
{
    CLEANUP_ASKING struct asking asking = {0};
    int rc = begin_plan(fs, node, patience, &asking, err);
    if (rc == 0)
        *ret = STEAL(asking.plan);
    return rc;
}

struct passing {
    const struct as_listing *listing;
    struct catalog_reader *reader;
};

static int pass(void *ctx, const struct view_entry *entry, uint64_t next_cursor, struct error *err)
{
    const struct passing *passing = ctx;
    return passing->listing->each(passing->listing->ctx, entry, next_cursor, passing->reader, err);
}

int as_list_on(const struct view_asked *asked, const struct as_listing *listing, struct error *err)
{
    CLEANUP_ASKING struct asking asking = {0};
    int rc = begin(asked->fs, asked->dir, asked->patience, &asking, err);
    struct passing passing = {listing, asking.scope.reader};
    return rc < 0 ? rc
                  : view_list(listing->plan, &asking.ask, asked->dir->as_id, listing->cursor, pass, &passing,
                              err);
}

int as_open(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
            struct inode *inode, struct error *err)
{
    CLEANUP_ASKING struct asking asking = {0};
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    const struct view_entry entry = {
        .name = node->name, .kind = VIEW_DERIVED, .id = node->as_id, .size = node->file.size};
    int rc =
        patience->nowait ? -EAGAIN : begin_plan(fs, node, patience, &asking, err); /* work for the pool */
    if (rc == 0)
        rc = view_open(asking.plan, &asking.ask, &entry, &map, err);
    if (rc == 0)
        rc = cache_open_map(fs->cache, map, &inode->cached, err);
    if (rc == 0)
        inode->map_bytes = extent_map_memory(map);
    return rc;
}
