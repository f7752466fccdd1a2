// SPDX-License-Identifier: Apache-2.0
#include "fs/opened.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/buf.h"
#include "fs/passthrough.h"
#include "fs/reply.h"
#include "fs/scope.h"
#include "fs/special.h"
#include "query/files.h"

static int open_stream(struct fs *fs, struct catalog_reader *reader, const struct node_clip *clip,
                       struct opened *file, struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    int rc = dataset_stream_map(fs->dataset, reader, clip->row, clip->stream, &map, err);
    return rc < 0 ? rc : cache_open_map(fs->cache, map, &file->cached, err);
}

static int open_clip(struct task *task, const struct catalog_patience *patience, struct opened *file,
                     struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct node_clip clip = node_clip(task->ino);
    int rc = scope_open(task->fs, clip.version, patience, &scope, err);
    if (rc == 0 && clip.stream == FILES_STREAM_JSON)
        rc = catalog_json(scope.reader, clip.row, &file->bytes, err);
    else if (rc == 0)
        rc = open_stream(task->fs, scope.reader, &clip, file, err);
    return rc;
}

static int open_special(struct task *task, const struct catalog_patience *patience, struct opened *file,
                        struct error *err)
{
    const struct node *node = nodes_get(task->fs->nodes, task->ino);
    if (!node)
        return -ESTALE;
    if (node->kind != NODE_LIVE && node->kind != NODE_REPORT)
        return -EISDIR;
    task->fi.direct_io = node->kind == NODE_LIVE;
    return special_read(task->fs, node, fuse_req_ctx(task->req)->uid, patience, &file->bytes, err);
}

void opened_unref(struct opened *file)
{
    if (atomic_fetch_sub(&file->refs, 1) > 1)
        return;
    if (file->cached)
        cache_close(file->cached);
    buf_done(&file->bytes);
    free(file);
}

static void close_handle(struct handle *handle)
{
    opened_unref((struct opened *)handle);
}

int opened_open(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    struct opened *file = MEM_NEW(struct opened);
    atomic_init(&file->refs, 1);
    int rc = node_is_clip(task->ino) ? open_clip(task, patience, file, err)
                                     : open_special(task, patience, file, err);
    if (rc < 0) {
        opened_unref(file);
        return rc == -ENOENT ? -EIO : rc; /* the name is here; what is missing lies behind it */
    }
    file->handle.close = close_handle;
    handles_add(&task->fs->handles, &file->handle);
    task->fi.fh = (uintptr_t)file;
    task->fi.keep_cache = !task->fi.direct_io;
    task->fi.noflush = 1;
    struct fs *fs = task->fs;
    if (passthrough_reply_open(task, file) < 0)
        handles_close(&fs->handles, &file->handle);
    return 0;
}

void opened_close(struct fs *fs, uint64_t ino, struct fuse_file_info *fi)
{
    passthrough_closed(fs->passthrough, ino);
    handles_close(&fs->handles, &opened_of(fi)->handle);
}
