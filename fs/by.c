// SPDX-License-Identifier: Apache-2.0
/* Two directories deep: `.by` itself, and one for each key, which its node's name tells. Below are queries.
 */
#include "fs/by.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/scope.h"
#include "query/say/browse.h"

enum { BY_KEYS, BY_VALUES };

/* "/v1/arm=left/.by/outcome/fial: reason" */
static int within(const struct node *dir, const char *name, int rc, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    query_canonical(dir->query, &path);
    return error_within(err, rc, "/v%u%s%s/.by%s%s/%s", dir->version, path.len ? "/" : "", buf_text(&path),
                        dir->which == BY_VALUES ? "/" : "", dir->which == BY_VALUES ? dir->name : "", name);
}

int by_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct catalog_attribute key;
    const struct node *dir = asked->dir;
    if (name[0] == '.' || (dir->which == BY_KEYS && strchr(name, '.')))
        return -ENOENT; /* programs try such names everywhere: not worth a reason */
    int rc = scope_open(asked->fs, dir->version, asked->patience, &scope, err);
    ret->version = dir->version;
    ret->counted = true;
    if (dir->which == BY_VALUES) {
        ret->kind = NODE_QUERY;
        rc = rc ? rc : browse_extend(dir->query, dir->name, name, scope.reader, &ret->query, err);
    } else {
        ret->kind = NODE_VIEW;
        ret->view = dir->view;
        ret->which = BY_VALUES;
        ret->query = query_ref(dir->query);
        rc = rc ? rc : browse_find_key(name, scope.reader, &key, err);
    }
    return rc == -ENOENT ? within(dir, name, rc, err) : rc;
}

static int add(void *ctx, const char *name, struct error *err)
{
    names_add(ctx, name, S_IFDIR);
    return 0;
}

int by_list(const struct view_asked *asked, struct names *names, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    const struct node *dir = asked->dir;
    int rc = scope_open(asked->fs, dir->version, asked->patience, &scope, err);
    if (rc < 0)
        return rc;
    return dir->which == BY_VALUES ? browse_values(dir->query, dir->name, scope.reader, add, names, err)
                                   : browse_keys(dir->query, scope.reader, add, names, err);
}

static int count(void *ctx, const char *name, struct error *err)
{
    ++*(uint64_t *)ctx;
    return 0;
}

int by_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience, uint64_t *ret,
            struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    uint64_t found = 0;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc < 0)
        return rc;
    rc = node->kind == NODE_QUERY ? query_count(node->query, scope.reader, &found, err)
                                  : browse_values(node->query, node->name, scope.reader, count, &found, err);
    *ret = rc ? 0 : found;
    return rc == -EFBIG ? 0 : rc; /* its listing says why */
}
