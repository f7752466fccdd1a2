// SPDX-License-Identifier: Apache-2.0
/* What the kernel is asked to do for us. */
#pragma once

#include <fuse_lowlevel.h>

#include "fs/fs.h"

void settings_apply(struct fs *fs, struct fuse_conn_info *conn); /* the reply to INIT; sets fs->noopen */
/* Raises the mount's read-ahead to the size of our READs, where this process may (root). */
void settings_read_ahead(const struct attach *attach);
