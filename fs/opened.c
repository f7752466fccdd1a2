// SPDX-License-Identifier: Apache-2.0
/*
 * An open finds or makes the inode and hands it to the kernel as a handle; a read without a handle does the
 * same by its number.
 */
#include "fs/opened.h"

#include <errno.h>

#include "fs/as.h"
#include "fs/inode.h"
#include "fs/open_ahead.h"
#include "fs/passthrough.h"
#include "fs/reading.h"
#include "fs/reply.h"
#include "fs/scope.h"
#include "fs/special.h"
#include "query/files.h"

static int open_stream(struct fs *fs, struct catalog_reader *reader, const struct node_clip *clip,
                       struct cache_file **ret, struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    int rc = dataset_stream_map(fs->dataset, reader, clip->row, clip->stream, &map, err);
    if (rc >= 0)
        rc = cache_open_map(fs->cache, map, ret, err);
    if (rc >= 0)
        cache_kind(*ret, clip->stream); /* mostly the same camera, in clips of the same kind */
    return rc;
}

static int open_clip(struct fs *fs, const struct catalog_patience *patience, struct inode *inode,
                     struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct node_clip clip = node_clip(inode->ino);
    int rc = scope_open(fs, clip.version, patience, &scope, err);
    if (rc == 0 && clip.stream == FILES_STREAM_JSON)
        rc = catalog_json(scope.reader, clip.row, &inode->bytes, err);
    else if (rc == 0)
        rc = open_stream(fs, scope.reader, &clip, &inode->cached, err);
    return rc;
}

static int open_special(struct fs *fs, const struct catalog_patience *patience, struct inode *inode,
                        struct error *err)
{
    const struct node *node = nodes_get(fs->nodes, inode->ino);
    if (!node)
        return -ESTALE;
    if (node->kind == NODE_DERIVED)
        return as_open(fs, node, patience, inode, err);
    if (node->kind != NODE_LIVE && node->kind != NODE_REPORT)
        return -EISDIR;
    return special_read(fs, node, patience, &inode->bytes, err);
}

/* For one user, as inodes_get(). */
static int use_inode(struct task *task, const struct catalog_patience *patience, struct inode **ret,
                     struct error *err)
{
    struct fs *fs = task->fs;
    *ret = inodes_get(fs->inodes, task->ino);
    if (*ret)
        return 0;
    struct inode *inode = MEM_NEW(struct inode);
    inode->ino = task->ino;
    int rc = node_is_clip(task->ino) ? open_clip(fs, patience, inode, err)
                                     : open_special(fs, patience, inode, err);
    if (rc < 0) {
        inode_free(inode);
        return rc == -ENOENT ? -EIO : rc; /* the name is here; what is missing lies behind it */
    }
    *ret = inodes_enter(fs->inodes, inode);
    if (node_is_clip(task->ino))
        open_ahead(task);
    return 0;
}

int opened_open(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    struct fs *fs = task->fs;
    struct inode *inode;
    int rc = use_inode(task, patience, &inode, err);
    if (rc < 0)
        return rc;
    task->fi.fh = (uintptr_t)inode;
    task->fi.keep_cache = 1;
    task->fi.noflush = 1;
    if (passthrough_reply_open(task, inode) < 0)
        inodes_put(fs->inodes, inode);
    return 0;
}

int opened_read(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    struct inode *inode;
    int rc = use_inode(task, patience, &inode, err);
    if (rc == 0)
        reading_start(task->fs, task->req, inode, (uint64_t)task->offset, task->size);
    return rc;
}

void opened_close(struct fs *fs, const struct fuse_file_info *fi)
{
    struct inode *inode = (struct inode *)(uintptr_t)fi->fh;
    if (!inode) /* opened while the kernel was being told that it need not ask */
        return;
    passthrough_closed(fs->passthrough, inode);
    if (inode->cached)
        cache_rest(inode->cached);
    inodes_put(fs->inodes, inode);
}
