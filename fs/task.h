// SPDX-License-Identifier: Apache-2.0
/*
 * One request of the kernel as a restartable, cancellable task.
 *
 *     session thread: run(nowait) --replied--> done
 *                          |
 *                       -EAGAIN: a catalog page is missing
 *                          v
 *     pool thread:    run(waiting, deadline; cancelled by FUSE_INTERRUPT or by stopping) --> replied
 *
 * So no thread that reads requests ever waits for the network, and what the kernel does not want any more
 * ends. run() either replies (reply.h) and returns 0, or returns -errno without having replied: nothing else
 * it did may stay behind, for it may be called again.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "fs/fs.h"

struct task;
typedef int task_fn(struct task *task, const struct catalog_patience *patience, struct error *err);

struct task {
    struct fs *fs;
    fuse_req_t req;
    task_fn *run;
    uint64_t ino;
    const char *name; /* of LOOKUP and GETXATTR, else NULL */
    size_t size;      /* READDIR, GETXATTR, LISTXATTR: the room in the reply */
    off_t offset;     /* READDIR */
    bool plus;        /* READDIRPLUS */
    struct fuse_file_info fi;
};

/* Runs it now, or later if it has to wait; `asked` and what it points to are copied then. */
void task_start(const struct task *asked);
