// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel passthrough (Linux 6.9, CAP_SYS_ADMIN): reads and mappings of a clip whose bytes are all in the
 * cache and checked go from the kernel straight to the cache's file. Everything works without it, slower.
 * Locks itself.
 */
#pragma once

#include <sys/uio.h>

#include "fs/inode.h"
#include "fs/task.h"

struct fuse_init_in;

/* Of the connection `fd`. NULL where this process may not. */
struct passthrough *passthrough_new(int fd);
void passthrough_free(struct passthrough *passthrough);

/* What wire.c sees pass: INIT with all it holds, then replies with something in them, which are filled in.
 * NULL is fine. */
void passthrough_see_init(struct passthrough *passthrough, uint64_t unique, const struct fuse_init_in *init);
void passthrough_see_reply(struct passthrough *passthrough, uint64_t unique, struct iovec *reply);

/* While INIT is being answered: the kernel can do it. */
bool passthrough_is_offered(const struct passthrough *passthrough);
/* From then on: it was agreed. Both false for NULL. */
bool passthrough_is_on(const struct passthrough *passthrough);
/* Replies to OPEN with task->fi; through the kernel if the file can be had that way. As reply_open(). */
int passthrough_reply_open(struct task *task, struct inode *inode);
/* RELEASE of a file whose OPEN was replied to that way. NULL is fine. */
void passthrough_closed(struct passthrough *passthrough, struct inode *inode);
void passthrough_give_back(struct passthrough *passthrough, int32_t backing_id);
