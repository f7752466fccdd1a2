// SPDX-License-Identifier: Apache-2.0
/* The build without kernel passthrough. */
#include "fs/passthrough.h"
#include "fs/reply.h"

struct passthrough *passthrough_new(struct fuse_session *session, int fd)
{
    return NULL;
}

void passthrough_free(struct passthrough *passthrough)
{
}

bool passthrough_is_on(const struct passthrough *passthrough)
{
    return false;
}

int passthrough_reply_open(struct task *task, struct opened *file)
{
    return reply_open(task->req, &task->fi);
}

void passthrough_closed(struct passthrough *passthrough, uint64_t ino)
{
}
