// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a request once without waiting, and where that is not enough once more in the pool, with a copy of
 * what it needs.
 */
#include "fs/task.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/base/workers.h"
#include "fs/reply.h"

/* Longer than any retry of the store: a bound, not a policy. */
#define DEADLINE_NS (120 * INT64_C(1000000000))

struct waiting {
    struct task task;
    struct pending pending;
    char *name;
    atomic_bool cancelled;
};

static struct waiting *of_pending(struct pending *pending)
{
    return (struct waiting *)((char *)pending - offsetof(struct waiting, pending));
}

static void cancel(struct pending *pending)
{
    atomic_store(&of_pending(pending)->cancelled, true);
}

static void on_interrupt(fuse_req_t req, void *ctx)
{
    struct waiting *waiting = ctx;
    atomic_store(&waiting->cancelled, true);
}

static uint32_t version_of(const struct task *task)
{
    const struct node *node = node_is_clip(task->ino) ? NULL : nodes_get(task->fs->nodes, task->ino);
    return node_is_clip(task->ino) ? node_clip(task->ino).version : node ? node->version : 0;
}

/* Who read in a version when it was forgotten reads on until something of it is gone: then that is why. */
static void fail(const struct task *task, int rc, struct error *err)
{
    uint32_t version = rc == -EUCLEAN || rc == -EIO ? version_of(task) : 0;
    if (version)
        dataset_check_forgotten(task->fs->dataset, version, err);
    reply_error(task->fs, task->req, rc, err);
}

static void run_waiting(void *ctx)
{
    struct waiting *waiting = ctx;
    struct fs *fs = waiting->task.fs;
    struct error err = {0};
    struct catalog_patience patience = {.cancelled = &waiting->cancelled,
                                        .deadline_ns = clock_now_ns() + DEADLINE_NS};
    int rc =
        atomic_load(&waiting->cancelled) ? -ECANCELED : waiting->task.run(&waiting->task, &patience, &err);
    if (rc < 0)
        fail(&waiting->task, rc, &err);
    pendings_remove(&fs->pendings, &waiting->pending);
    free(waiting->name);
    free(waiting);
}

/* What a slow version cannot take from others: it waits in so many threads and no more. */
static struct workers_kind kind_of(const struct task *task)
{
    enum { AT_ONCE = 4 };
    return (struct workers_kind){.key = (uint64_t)version_of(task) + 1, .most = AT_ONCE};
}

static void wait_in_pool(const struct task *asked)
{
    struct waiting *waiting = MEM_NEW(struct waiting);
    waiting->task = *asked;
    waiting->task.name = waiting->name = mem_text(asked->name);
    waiting->pending.cancel = cancel;
    atomic_fetch_add_explicit(&asked->fs->counters.waited, 1, memory_order_relaxed);
    pendings_add(&asked->fs->pendings, &waiting->pending);
    fuse_req_interrupt_func(asked->req, on_interrupt, waiting);
    workers_submit_kind(asked->fs->pool, kind_of(asked), run_waiting, waiting);
}

void task_start(const struct task *asked)
{
    struct task task = *asked;
    struct error err;
    err.code = 0;
    err.text[0] = '\0';
    int rc = task.run(&task, PATIENCE_NONE, &err);
    if (rc == -EAGAIN)
        wait_in_pool(asked);
    else if (rc < 0)
        fail(&task, rc, &err);
}
