// SPDX-License-Identifier: Apache-2.0
/* A job opens each file and says that it is wanted: the cache goes on when it is closed again. What cannot be
 * read is told to the program that reads it, so here nobody is. */
#include "fs/open_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/workers.h"
#include "fs/opened.h"
#include "fs/scope.h"
#include "fs/upcoming.h"
#include "query/files.h"

enum { JOBS_MAX = 8 };
#define DEADLINE_NS (30 * INT64_C(1000000000))

struct job {
    struct fs *fs;
    struct pending pending;
    atomic_bool cancelled;
    uint32_t version;
    size_t count;
    struct upcoming_clip clips[UPCOMING_ROWS + 1];
};

static void cancel(struct pending *pending)
{
    atomic_store(&((struct job *)((char *)pending - offsetof(struct job, pending)))->cancelled, true);
}

static int want(struct job *job, struct catalog_reader *reader, uint32_t row, uint32_t stream)
{
    CLEANUP_CACHE_FILE struct cache_file *file = NULL;
    struct error err;
    struct node_clip clip = {.version = job->version, .row = row, .stream = stream};
    int rc = opened_stream(job->fs, reader, &clip, &file, &err);
    if (rc == 0 && cache_is_small(file))
        cache_want(file);
    return rc;
}

static void run(void *ctx)
{
    struct job *job = ctx;
    CLEANUP_SCOPE struct scope scope = {0};
    struct error err;
    struct catalog_patience patience = {.cancelled = &job->cancelled,
                                        .deadline_ns = clock_now_ns() + DEADLINE_NS};
    int rc = scope_open(job->fs, job->version, &patience, &scope, &err);
    for (size_t i = 0; !rc && i < job->count; i++)
        for (uint32_t stream = 0; stream < UPCOMING_STREAMS; stream++)
            if (job->clips[i].streams >> stream & 1 && want(job, scope.reader, job->clips[i].row, stream) &&
                atomic_load(&job->cancelled))
                rc = -ECANCELED;
    pendings_remove(&job->fs->pendings, &job->pending);
    atomic_fetch_sub(&job->fs->jobs_ahead, 1);
    free(job);
}

void open_ahead(const struct task *task)
{
    struct fs *fs = task->fs;
    struct node_clip clip = node_clip(task->ino);
    if (clip.stream == FILES_STREAM_JSON)
        return;
    struct upcoming_opened opened = {
        .pid = fuse_req_ctx(task->req)->pid, .version = clip.version, .row = clip.row, .stream = clip.stream};
    struct upcoming_clip clips[UPCOMING_ROWS + 1];
    size_t count = upcoming_after(fs->upcoming, &opened, clips);
    if (!count)
        return;
    if (atomic_fetch_add(&fs->jobs_ahead, 1) >= JOBS_MAX) {
        atomic_fetch_sub(&fs->jobs_ahead, 1);
        return;
    }
    struct job *job = MEM_NEW(struct job);
    *job = (struct job){.fs = fs, .pending.cancel = cancel, .version = clip.version, .count = count};
    memcpy(job->clips, clips, count * sizeof *clips);
    pendings_add(&fs->pendings, &job->pending);
    workers_submit_kind(fs->pool, (struct workers_kind){.key = UINT64_MAX, .most = 1}, run, job);
}
