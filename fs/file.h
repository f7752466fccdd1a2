// SPDX-License-Identifier: Apache-2.0
/* OPEN and RELEASE. A handle is a file of the cache, or bytes that were generated. file_open: a task. */
#pragma once

#include "fs/task.h"

struct file {
    struct handle handle;
    struct cache_file *cached; /* else `bytes` */
    struct buf bytes;
};

task_fn file_open;
void file_close(struct fs *fs, uint64_t ino, struct fuse_file_info *fi);
static inline struct file *file_of(const struct fuse_file_info *fi)
{
    return (struct file *)(uintptr_t)fi->fh;
}
