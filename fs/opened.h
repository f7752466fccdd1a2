// SPDX-License-Identifier: Apache-2.0
/*
 * OPEN, READ and RELEASE of files. A handle is a use of an inode. Where the kernel was told that open needs
 * no answer (fs->noopen) there are no handles: each READ finds the inode by its number, or makes it.
 */
#pragma once

#include "fs/task.h"

task_fn opened_open;
task_fn opened_read;
void opened_close(struct fs *fs, const struct fuse_file_info *fi);
