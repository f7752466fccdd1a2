// SPDX-License-Identifier: Apache-2.0
/* OPEN and RELEASE. A handle is a file of the cache, or bytes that were generated. opened_open: a task. */
#pragma once

#include "fs/task.h"

struct opened {
    struct handle handle;
    atomic_uint refs;          /* the handle's, and one for each READ that is being answered from `bytes` */
    struct cache_file *cached; /* else `bytes` */
    struct buf bytes;
};

task_fn opened_open;
void opened_close(struct fs *fs, uint64_t ino, struct fuse_file_info *fi);
void opened_unref(struct opened *opened);
static inline struct opened *opened_of(const struct fuse_file_info *fi)
{
    return (struct opened *)(uintptr_t)fi->fh;
}
