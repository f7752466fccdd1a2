// SPDX-License-Identifier: Apache-2.0
/* What the pieces above say is read from their nodes when the last one is looked up. */
#include "fs/letters.h"

#include <errno.h>
#include <string.h>

#include "fs/scope.h"
#include "fs/top.h"
#include "query/alias.h"
#include "query/say/hint.h"

/* The letters of the pieces down to `dir`, which may be `.q` itself, that has none. */
static void append_pieces(struct fs *fs, const struct node *dir, struct buf *letters)
{
    if (!dir || dir->parent == NODE_ROOT_ID)
        return;
    append_pieces(fs, nodes_get(fs->nodes, dir->parent), letters);
    buf_text_append(letters, dir->name);
}

/* The query of a path behind its version. */
static int narrow(const struct view_asked *asked, const char *path, struct node *ret, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct query *narrowed = NULL;
    path += strspn(path, "/");
    if (!*path)
        return 0;
    int rc = scope_open(asked->fs, ret->version, asked->patience, &scope, err);
    if (!rc)
        rc = query_narrow(ret->query, path, strlen(path), scope.reader, &narrowed, err);
    if (rc == -ENOENT && scope.reader)
        rc = hint_path(path, strlen(path), scope.reader, err);
    if (rc)
        return rc;
    query_unref(ret->query);
    ret->query = narrowed;
    return 0;
}

static int find_query(const struct view_asked *asked, const struct buf *letters, struct node *ret,
                      struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    int rc = alias_decode(buf_text(letters), letters->len, &path, err);
    if (rc)
        return rc;
    const char *text = buf_text(&path);
    CLEANUP_FREE char *version = mem_copy(text, strcspn(text, "/") + 1);
    version[strcspn(text, "/")] = 0;
    rc = top_find_version(asked->fs, version, asked->patience, ret, err);
    if (!rc)
        rc = narrow(asked, text + strlen(version), ret, err);
    return rc == -ENOENT ? error_within(err, rc, "/.q (%s)", text) : rc;
}

int letters_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err)
{
    CLEANUP_BUF struct buf letters = BUF_INIT;
    bool last;
    if (!alias_is_piece(name, strlen(name), &last))
        return -ENOENT;
    append_pieces(asked->fs, asked->dir, &letters);
    buf_text_append(&letters, name);
    if (letters.len > ALIAS_PATH_MAX)
        return -ENOENT;
    if (last)
        return find_query(asked, &letters, ret, err);
    ret->kind = NODE_VIEW;
    ret->view = asked->dir->view;
    return 0;
}

int letters_list(const struct view_asked *asked, struct names *names, struct error *err)
{
    return 0;
}
