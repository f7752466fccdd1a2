// SPDX-License-Identifier: Apache-2.0
/*
 * The names in `.elidefs/`, and the bytes of each: made at the look-up where they are live, else
 * when their size or their bytes are asked for first, and kept for the read that follows.
 */
#include "fs/special.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/instant.h"
#include "fs/inode.h"
#include "fs/scope.h"
#include "fs/stats.h"
#include "query/say/browse.h"

enum { ERRORS_MAX_BYTES = 65536 };

enum live_file { LIVE_ERRORS, LIVE_STATS, LIVE_COUNT };
static const char *const live_names[LIVE_COUNT] = {[LIVE_ERRORS] = "errors", [LIVE_STATS] = "stats"};

static void take_live(struct fs *fs, uid_t uid, struct node *node)
{
    node->time_ns = instant_now();
    if (node->which == LIVE_ERRORS)
        errors_append(fs->errors, uid, ERRORS_MAX_BYTES, &node->bytes);
    else
        stats_append(fs, &node->bytes);
}

int special_find_live(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    for (unsigned i = 0; i < LIVE_COUNT; i++)
        if (strcmp(live_names[i], name) == 0) {
            ret->kind = NODE_LIVE;
            ret->which = i;
            take_live(asked->fs, asked->uid, ret);
            return 0;
        }
    return -ENOENT;
}

int special_list_live(const struct view_asked *asked, struct names *names, struct error *err)
{
    for (size_t i = 0; i < LIVE_COUNT; i++)
        names_add(names, live_names[i], S_IFREG);
    return 0;
}

/* ---- reports ---- */

enum { IN_ELIDEFS, IN_FACETS }; /* node.which */
static const char facets_name[] = "facets";

static void fill(const struct view_asked *asked, enum node_kind kind, struct node *ret)
{
    ret->kind = kind;
    ret->version = asked->dir->version;
    if (!ret->query)
        ret->query = query_ref(asked->dir->query);
}

/* A name in facets/ is an attribute's, as in .by/. */
static int find_facets(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct catalog_attribute attribute;
    if (name[0] == '.' || strchr(name, '.'))
        return -ENOENT; /* programs try such names everywhere: not worth a reason */
    int rc = scope_open(asked->fs, asked->dir->version, asked->patience, &scope, err);
    if (!rc)
        rc = browse_find_key(name, scope.reader, &attribute, err);
    query_canonical(asked->dir->query, &path);
    if (rc)
        return rc == -ENOENT ? error_within(err, rc, "/v%u%s%s/.elidefs/facets/%s", asked->dir->version,
                                            path.len ? "/" : "", buf_text(&path), name)
                             : rc;
    fill(asked, NODE_REPORT, ret);
    ret->report = (struct report){.kind = REPORT_FACETS, .attribute = attribute.id};
    return 0;
}

int special_find_report(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    if (asked->dir->which == IN_FACETS)
        return find_facets(asked, name, ret, err);
    if (strcmp(name, live_names[LIVE_ERRORS]) == 0)
        return special_find_live(asked, name, ret, err);
    if (strcmp(name, facets_name) == 0) {
        fill(asked, NODE_VIEW, ret);
        ret->view = asked->dir->view;
        ret->which = IN_FACETS;
        return 0;
    }
    int rc = report_find(name, false, asked->dir->version, &ret->report);
    if (!rc)
        fill(asked, NODE_REPORT, ret);
    return rc;
}

static int list_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    browse_print_key(attribute, &name);
    if (attribute->type != VALUE_LIST)
        names_add(ctx, buf_text(&name), S_IFREG);
    return 0;
}

static int list_facets(const struct view_asked *asked, struct names *names, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    int rc = scope_open(asked->fs, asked->dir->version, asked->patience, &scope, err);
    return rc ? rc : catalog_attributes(scope.reader, list_attribute, names, err);
}

static void list_reports(struct names *names)
{
    for (size_t i = 0; i < report_name_count; i++)
        if (!report_names[i].as)
            names_add(names, report_names[i].name, S_IFREG);
}

int special_list_reports(const struct view_asked *asked, struct names *names, struct error *err)
{
    if (asked->dir->which == IN_FACETS)
        return list_facets(asked, names, err);
    list_reports(names);
    names_add(names, facets_name, S_IFDIR);
    names_add(names, live_names[LIVE_ERRORS], S_IFREG);
    return 0;
}

static void count_made(struct fs *fs)
{
    atomic_fetch_add_explicit(&fs->counters.reports_made, 1, memory_order_relaxed);
}

int special_make(struct fs *fs, const struct catalog_patience *patience, struct node *node, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    if (node->kind != NODE_REPORT || report_size_is_told(&node->report))
        return 0;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc < 0)
        return rc;
    node->made = MEM_NEW(struct inode);
    count_made(fs);
    rc = report_file_append(&node->report, node->query, scope.reader, &node->made->bytes, err);
    return rc == -ENOENT ? -EIO : rc; /* the name is here; what is missing lies behind it */
}

/* Is it here, from the look-up or from an open? */
static bool find_size(struct fs *fs, const struct node *node, uint64_t *ret)
{
    if (node->kind == NODE_LIVE || node->made) {
        *ret = node->made ? node->made->bytes.len : node->bytes.len;
        return true;
    }
    struct inode *inode = inodes_get(fs->inodes, node->id);
    if (!inode)
        return false;
    *ret = inode->bytes.len;
    inodes_put(fs->inodes, inode);
    return true;
}

int special_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 uint64_t *ret, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    if (find_size(fs, node, ret))
        return 0;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    return rc < 0 ? rc : report_file_size(&node->report, node->query, scope.reader, ret, err);
}

int special_read(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 struct buf *buf, struct error *err)
{
    if (node->kind == NODE_LIVE) {
        buf_append(buf, node->bytes.data, node->bytes.len);
        return 0;
    }
    CLEANUP_SCOPE struct scope scope = {0};
    const struct report *report = &node->report;
    uint64_t size = 0;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc == 0 && report_size_is_told(report))
        rc = report_file_size(report, node->query, scope.reader, &size, err);
    if (rc < 0)
        return rc;
    if (size > REPORT_BYTES_MAX)
        return error_set(err, EFBIG, "%s: of this many clips it would be %llu bytes; narrow the path",
                         node->name, (unsigned long long)size);
    count_made(fs);
    return report_file_append(report, node->query, scope.reader, buf, err);
}
