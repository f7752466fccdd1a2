// SPDX-License-Identifier: Apache-2.0
/* The build without kernel passthrough. */
#include "fs/passthrough.h"
#include "fs/reply.h"

struct passthrough *passthrough_new(int fd)
{
    return NULL;
}

void passthrough_see_init(struct passthrough *passthrough, uint64_t unique, const struct fuse_init_in *init)
{
}

void passthrough_see_reply(struct passthrough *passthrough, uint64_t unique, struct iovec *reply)
{
}

void passthrough_free(struct passthrough *passthrough)
{
}

bool passthrough_is_offered(const struct passthrough *passthrough)
{
    return false;
}

bool passthrough_is_on(const struct passthrough *passthrough)
{
    return false;
}

int passthrough_reply_open(struct task *task, struct inode *inode)
{
    return reply_open(task->req, &task->fi);
}

void passthrough_closed(struct passthrough *passthrough, struct inode *inode)
{
}

void passthrough_give_back(struct passthrough *passthrough, int32_t backing_id)
{
}
