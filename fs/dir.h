// SPDX-License-Identifier: Apache-2.0
/*
 * OPENDIR, READDIR, READDIRPLUS, RELEASEDIR. Of a query directory a handle keeps a reference to its result
 * and nothing else: the offset of an entry says where its clip stands in the result and which file of it
 * comes next,
 *
 *     offset = 2 + (cursor << 10 | stream),
 *
 * so seekdir() is exact however long a program waits. dir_open, dir_read: tasks.
 */
#pragma once

#include "fs/task.h"

task_fn dir_open, dir_read;
void dir_close(struct fs *fs, struct fuse_file_info *fi);
