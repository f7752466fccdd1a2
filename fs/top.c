// SPDX-License-Identifier: Apache-2.0
/*
 * Names of versions and tags are links to what does not move; a condition is a link into the newest version.
 */
#include "fs/top.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/buf.h"
#include "fs/refresh.h"
#include "fs/scope.h"
#include "index/base/name.h"
#include "index/base/version.h"
#include "query/say/hint.h"
#include "query/say/place.h"

enum { LISTED_VERSIONS = 20 };

static int find_version(struct fs *fs, const char *name, uint32_t version,
                        const struct catalog_patience *patience, struct node *ret, struct error *err)
{
    uint32_t head = dataset_head(fs->dataset);
    struct map_top unused;
    if (version > head) { /* perhaps it was committed a second ago */
        if (patience->nowait)
            return -EAGAIN;
        int rc = refresh_now(fs->refresh, patience, err);
        if (rc < 0)
            return rc;
        head = dataset_head(fs->dataset);
    }
    if (version > head)
        return error_set(err, ENOENT, "no %s: the newest version is v%u", name, head);
    if (version > NODE_VERSION_MAX)
        return error_set(err, EOVERFLOW, "%s: a mount shows versions up to v%d", name, NODE_VERSION_MAX);
    int rc = dataset_check_forgotten(fs->dataset, version, err);
    if (rc < 0)
        return rc;
    ret->kind = NODE_QUERY;
    ret->version = version;
    ret->purge = dataset_is_purged(fs->dataset, version, &unused) ? dataset_purge_seq(fs->dataset) : 0;
    ret->query = query_all();
    return 0;
}

/* Is this a component that the newest version understands? */
static int check_component(struct fs *fs, const char *name, const struct catalog_patience *patience,
                           struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_QUERY struct query *all = query_all(), *query = NULL;
    uint32_t head = dataset_head(fs->dataset);
    if (head == 0)
        return error_set(err, ENOENT, "%s: the data set has no version yet", name);
    int rc = scope_open(fs, head, patience, &scope, err);
    if (rc == 0)
        rc = query_extend(all, name, strlen(name), scope.reader, &query, err);
    if (rc == -ENOENT && scope.reader)
        rc = hint_component(name, strlen(name), scope.reader, err);
    return rc;
}

/* Desktops try names such as "autorun.inf", and we ourselves whether a folder is a data set ("elidefs"): not
 * worth a reason. */
static int refuse_link(struct fs *fs, const char *name, struct error *err)
{
    bool probe = strchr(name, '.') || strcmp(name, "elidefs") == 0;
    return probe ? -ENOENT : place_no_version(fs->dataset, name, err);
}

static int find_link(struct fs *fs, const char *name, struct node *ret, struct error *err)
{
    if (strcmp(name, "latest") == 0 ? dataset_head(fs->dataset) == 0 : dataset_tag(fs->dataset, name) == 0)
        return refuse_link(fs, name, err);
    ret->kind = NODE_LINK;
    return 0;
}

int top_find_tag(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    return strcmp(name, "latest") == 0 ? -ENOENT : find_link(asked->fs, name, ret, err);
}

int top_find_version(struct fs *fs, const char *name, const struct catalog_patience *patience,
                     struct node *ret, struct error *err)
{
    uint32_t version;
    return version_parse(name, strlen(name), &version) && version
               ? find_version(fs, name, version, patience, ret, err)
               : error_set(err, ENOENT, "'%s' is not the number of a version", name);
}

int top_find(struct fs *fs, const char *name, const struct catalog_patience *patience, struct node *ret,
             struct error *err)
{
    uint32_t version;
    if (version_parse(name, strlen(name), &version) && version)
        return find_version(fs, name, version, patience, ret, err);
    enum name_kind kind = name_kind(name, strlen(name));
    if (kind == NAME_COMPONENT || kind == NAME_STAGE) {
        ret->kind = NODE_LINK;
        return check_component(fs, name, patience, err);
    }
    int rc = view_enter(VIEW_IN_ROOT, name, ret);
    return rc == -ENOENT && kind != NAME_HIDDEN ? find_link(fs, name, ret, err) : rc;
}

int top_link(struct fs *fs, const struct node *link, struct buf *buf, struct error *err)
{
    enum name_kind kind = name_kind(link->name, strlen(link->name));
    bool component = kind == NAME_COMPONENT || kind == NAME_STAGE;
    bool latest = component || strcmp(link->name, "latest") == 0;
    uint32_t version = latest ? dataset_head(fs->dataset) : dataset_tag(fs->dataset, link->name);
    if (version == 0)
        return error_set(err, ENOENT, "%s: leads to no version", link->name);
    buf_printf(buf, "%sv%u", link->parent == NODE_ROOT_ID ? "" : "../", version);
    if (component)
        buf_printf(buf, "/%s", link->name);
    return 0;
}

static int add_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    names_add(ctx, name, S_IFLNK);
    return 0;
}

static int add_tags(struct fs *fs, struct names *names, struct error *err)
{
    int rc = dataset_tags(fs->dataset, add_tag, names, err);
    return rc < 0 ? rc : 0;
}

int top_list_tags(const struct view_asked *asked, struct names *names, struct error *err)
{
    return add_tags(asked->fs, names, err);
}

int top_names(struct fs *fs, struct names *names, struct error *err)
{
    uint32_t head = dataset_head(fs->dataset);
    for (uint32_t version = head, listed = 0; listed < LISTED_VERSIONS && version; version--) {
        char name[16];
        if (dataset_is_forgotten(fs->dataset, version))
            continue;
        snprintf(name, sizeof name, "v%u", version);
        names_add(names, name, S_IFDIR);
        listed++;
    }
    view_names(VIEW_IN_ROOT, names);
    if (head > 0)
        names_add(names, "latest", S_IFLNK);
    return add_tags(fs, names, err);
}
