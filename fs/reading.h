// SPDX-License-Identifier: Apache-2.0
/*
 * READ: answered from the cache's callback, so that no thread of ours waits. An interrupted read ends; the
 * fetch goes on if others wait for it.
 */
#pragma once

#include "fs/inode.h"
#include "fs/task.h"

/* Takes over a use of `inode`. */
void reading_start(struct fs *fs, fuse_req_t req, struct inode *inode, uint64_t offset, size_t len);
