// SPDX-License-Identifier: Apache-2.0
/* libfuse's table. What is answered from memory is answered here; all else becomes a task. */
#include "fs/ops.h"

#include "fs/dir.h"
#include "fs/inode.h"
#include "fs/lookup.h"
#include "fs/opened.h"
#include "fs/reply.h"
#include "fs/settings.h"
#include "fs/task.h"
#include "fs/xattr.h"

enum { NAME_MAX_BYTES = 1023 }; /* of a path component that is a query: longer than NAME_MAX */

static struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static void count(atomic_ullong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void op_init(void *fs, struct fuse_conn_info *conn)
{
    settings_apply(fs, conn);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    count(&fs_of(req)->counters.lookups);
    task_start(
        &(struct task){.fs = fs_of(req), .req = req, .run = lookup_entry, .ino = parent, .name = name});
}

static void forget(struct fs *fs, uint64_t ino, uint64_t lookups)
{
    if (nodes_forget(fs->nodes, ino, lookups))
        inodes_forget(fs->inodes, ino);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    forget(fs_of(req), ino, lookups);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < n; i++)
        forget(fs_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    task_start(&(struct task){.fs = fs_of(req), .req = req, .run = lookup_attr, .ino = ino});
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    task_start(&(struct task){.fs = fs_of(req), .req = req, .run = lookup_link, .ino = ino});
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    if (atomic_load_explicit(&fs->noopen, memory_order_relaxed)) {
        reply_not_needed(req);
        return;
    }
    count(&fs->counters.opens);
    task_start(&(struct task){.fs = fs, .req = req, .run = opened_open, .ino = ino, .fi = *fi});
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    task_start(&(struct task){
        .fs = fs_of(req), .req = req, .run = opened_read, .ino = ino, .size = size, .offset = offset});
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    opened_close(fs_of(req), fi);
    reply_done(req);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    task_start(&(struct task){.fs = fs_of(req), .req = req, .run = dir_open, .ino = ino, .fi = *fi});
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    task_start(&(struct task){.fs = fs_of(req),
                              .req = req,
                              .run = dir_read,
                              .ino = ino,
                              .size = size,
                              .offset = offset,
                              .fi = *fi});
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
    task_start(&(struct task){.fs = fs_of(req),
                              .req = req,
                              .run = dir_read,
                              .ino = ino,
                              .size = size,
                              .offset = offset,
                              .plus = true,
                              .fi = *fi});
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    dir_close(fs_of(req), fi);
    reply_done(req);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    task_start(&(struct task){
        .fs = fs_of(req), .req = req, .run = xattr_get, .ino = ino, .name = name, .size = size});
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    task_start(&(struct task){.fs = fs_of(req), .req = req, .run = xattr_list, .ino = ino, .size = size});
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    reply_statfs(req,
                 &(struct statvfs){.f_bsize = FS_READ_BYTES, .f_frsize = 512, .f_namemax = NAME_MAX_BYTES});
}

const struct fuse_lowlevel_ops ops_table = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .readlink = op_readlink,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .statfs = op_statfs,
};
