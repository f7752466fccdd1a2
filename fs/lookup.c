// SPDX-License-Identifier: Apache-2.0
/*
 * A name is first told apart by its spelling: a condition, a clip's file, a view (fs/view.h). Then the
 * one thing that it can be is looked for, and what is not there is explained.
 */
#include "fs/lookup.h"

#include <errno.h>
#include <string.h>

#include "cache/base/buf.h"
#include "fs/attr.h"
#include "fs/by.h"
#include "fs/inode.h"
#include "fs/reply.h"
#include "fs/scope.h"
#include "fs/special.h"
#include "fs/top.h"
#include "fs/upcoming.h"
#include "fs/view.h"
#include "index/base/name.h"
#include "query/files.h"
#include "query/say/absent.h"
#include "query/say/hint.h"
#include "query/say/place.h"

/* "/v1/arm=left/NAME: reason", and whether another version has it. -ENOENT, or -EAGAIN. */
static int place_reason(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                        struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    query_canonical(dir->query, &path);
    buf_printf(&path, "%s%s", path.len ? "/" : "", task->name);
    int rc = place_hint_version(task->fs->dataset, dir->version, buf_text(&path), patience, err);
    return rc == -ENOENT ? error_within(err, rc, "/v%u/%s", dir->version, buf_text(&path)) : rc;
}

/* Programs try names all the time: only where something near is there a reason is kept. */
static int explain_absence(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                           struct catalog_reader *reader, struct error *err)
{
    bool telling = false;
    *err = (struct error){0};
    if (!errors_may_explain(task->fs->errors))
        return -ENOENT;
    int rc = absent_file(dir->query, reader, task->name, strlen(task->name), &telling, err);
    telling |= dataset_check_purged(task->fs->dataset, task->name, strcspn(task->name, "."), NULL) < 0;
    if (rc == -ENOENT && telling)
        return place_reason(task, dir, patience, err);
    if (rc == -ENOENT)
        *err = (struct error){0};
    return rc;
}

/* Replies with a clip's file. -ENOENT: the set has none of that name. */
static int find_file(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                     struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_SET struct set *result = NULL;
    struct fs *fs = task->fs;
    const struct query_asked asked = {
        .version = dir->version, .purge = dataset_purge_seq(fs->dataset), .query = dir->query};
    struct files_entry file;
    struct fuse_entry_param entry = {.attr_timeout = FS_FOREVER, .entry_timeout = FS_FOREVER};
    uint32_t row, stream;
    int rc = scope_open(fs, dir->version, patience, &scope, err);
    if (rc == 0)
        rc = files_find(scope.reader, task->name, strlen(task->name), &row, &stream, err);
    if (rc == 0)
        rc = query_results_get_around(fs->results, &asked, row, scope.reader, &result, err);
    if (rc == 0)
        rc = files_check(result, row, task->name, strlen(task->name), err);
    if (rc == 0)
        rc = files_check_shown(dir->query, scope.reader, &(struct files_place){row, stream}, task->name,
                               strlen(task->name), err);
    if (rc == -ENOENT)
        rc = explain_absence(task, dir, patience, scope.reader, err);
    if (rc == 0)
        rc = files_entry(scope.reader, row, stream, NULL, &file, err);
    if (rc == 0)
        upcoming_seen(fs->upcoming, dir->version, result);
    if (rc == 0)
        rc = attr_of_file(fs, scope.reader, dir->version, &file, &entry.attr, err);
    if (rc < 0)
        return rc;
    entry.ino = entry.attr.st_ino;
    reply_entry(task->req, &entry);
    return 0;
}

/* Fills ret's query with the directory's, narrowed by the component. */
static int extend(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                  struct query **ret, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    int rc = scope_open(task->fs, dir->version, patience, &scope, err);
    if (rc == 0)
        rc = query_extend(dir->query, task->name, strlen(task->name), scope.reader, ret, err);
    if (rc == -ENOENT && scope.reader)
        rc = hint_component(task->name, strlen(task->name), scope.reader, err);
    if (rc == -EINVAL)
        rc = -ENOENT; /* a component that cannot be parsed is no name of anything */
    if (rc == -ENOENT)
        rc = place_reason(task, dir, patience, err);
    return rc;
}

/* Fills kind, version and query (a reference) of `ret`; or replies itself and returns 1. */
static int find_in_query(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                         struct node *ret, struct error *err)
{
    ret->kind = NODE_QUERY;
    ret->version = dir->version;
    switch (name_kind(task->name, strlen(task->name))) {
    case NAME_COMPONENT:
    case NAME_STAGE:
        return extend(task, dir, patience, &ret->query, err);
    case NAME_HIDDEN:
        ret->query = query_ref(dir->query);
        return view_enter(VIEW_IN_QUERY, task->name, ret);
    default: {
        int rc = find_file(task, dir, patience, err);
        return rc < 0 ? rc : 1;
    }
    }
}

static int find(struct task *task, const struct node *dir, const struct catalog_patience *patience,
                struct node *ret, struct error *err)
{
    const struct view_asked asked = {
        .fs = task->fs, .dir = dir, .patience = patience, .uid = fuse_req_ctx(task->req)->uid};
    switch (dir->kind) {
    case NODE_ROOT:
        return top_find(task->fs, task->name, patience, ret, err);
    case NODE_QUERY:
        return find_in_query(task, dir, patience, ret, err);
    case NODE_VIEW:
        return dir->view->find(&asked, task->name, ret, err);
    default:
        return -ENOTDIR;
    }
}

static void free_wanted(struct node *wanted)
{
    if (wanted->query)
        query_unref(wanted->query);
    free(wanted->as);
    buf_done(&wanted->bytes);
    if (wanted->made)
        inode_free(wanted->made);
}

/* A clip's file, found in a view under another name. */
static int reply_clip(struct task *task, const struct node *wanted, const struct catalog_patience *patience,
                      struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct fuse_entry_param entry = {.attr_timeout = FS_FOREVER, .entry_timeout = FS_FOREVER};
    int rc = scope_open(task->fs, wanted->version, patience, &scope, err);
    if (rc == 0)
        rc = attr_of_file(task->fs, scope.reader, wanted->version, &wanted->file, &entry.attr, err);
    if (rc < 0)
        return rc;
    entry.ino = entry.attr.st_ino;
    reply_entry(task->req, &entry);
    return 1;
}

static void enter(struct task *task, struct node *wanted, struct fuse_entry_param *entry)
{
    struct inodes *inodes = task->fs->inodes;
    const struct node *node = nodes_enter(task->fs->nodes, wanted);
    if (wanted->made) { /* before the kernel can ask for it */
        wanted->made->ino = node->id;
        inodes_put(inodes, inodes_enter(inodes, STEAL(wanted->made)));
    }
    entry->ino = node->id;
    entry->attr.st_ino = attr_number(node);
    if (reply_entry(task->req, entry) < 0)
        nodes_forget(task->fs->nodes, entry->ino, 1);
}

int lookup_entry(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    const struct node *dir = node_is_clip(task->ino) ? NULL : nodes_get(task->fs->nodes, task->ino);
    if (!dir)
        return -ENOTDIR;
    struct node wanted = {.parent = dir->id, .name = (char *)task->name};
    struct fuse_entry_param entry = {0};
    int rc = find(task, dir, patience, &wanted, err);
    if (rc == 0 && wanted.kind == NODE_CLIP)
        rc = reply_clip(task, &wanted, patience, err);
    if (rc == 0)
        rc = special_make(task->fs, patience, &wanted, err);
    if (rc == 0) {
        /* a version's own entry never changes; what moves is below a name without a version, and the way to a
         * version may be another one after a purge */
        rc = attr_of_node(task->fs, &wanted, patience, &entry.attr, &entry.attr_timeout, err);
        entry.entry_timeout = wanted.query && !dir->query ? FS_WHILE : entry.attr_timeout;
        entry.attr_timeout = wanted.counted ? FS_NOT : entry.attr_timeout; /* to count is for who asks */
    }
    if (rc == 0)
        enter(task, &wanted, &entry);
    free_wanted(&wanted);
    if (rc != -ENOENT)
        return rc < 0 ? rc : 0;
    reply_reason(task->fs, task->req, err);
    reply_no_entry(task->req, dir->query ? FS_FOREVER : FS_NOT);
    return 0;
}

static int attr_of_clip(struct task *task, const struct catalog_patience *patience, struct stat *ret,
                        struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct node_clip clip = node_clip(task->ino);
    struct files_entry file;
    int rc = scope_open(task->fs, clip.version, patience, &scope, err);
    if (rc == 0)
        rc = files_entry(scope.reader, clip.row, clip.stream, NULL, &file, err);
    return rc < 0 ? rc : attr_of_file(task->fs, scope.reader, clip.version, &file, ret, err);
}

int lookup_attr(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    struct stat st;
    double timeout = FS_FOREVER;
    int rc = -ESTALE;
    uint64_t size = 0;
    const struct node *node = NULL;
    if (node_is_clip(task->ino))
        rc = attr_of_clip(task, patience, &st, err);
    else if ((node = nodes_get(task->fs->nodes, task->ino)))
        rc = attr_of_node(task->fs, node, patience, &st, &timeout, err);
    if (rc == 0 && node && node->counted) {
        rc = by_size(task->fs, node, patience, &size, err);
        st.st_size = (off_t)size;
    }
    if (rc == 0)
        reply_attr(task->req, &st, timeout);
    return rc;
}

int lookup_link(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_BUF struct buf target = BUF_INIT;
    const struct node *node = nodes_get(task->fs->nodes, task->ino);
    int rc = node && node->kind == NODE_LINK ? top_link(task->fs, node, &target, err) : -EINVAL;
    if (rc == 0)
        reply_link(task->req, buf_text(&target));
    return rc;
}
