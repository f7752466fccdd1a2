// SPDX-License-Identifier: Apache-2.0
/* A job opens each file and says that it is wanted: the cache goes on when it is closed again. What cannot be
 * read is told to the program that reads it, so here nobody is. */
#include "fs/open_ahead.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/workers.h"
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

/* A large one is not even opened: the cache would count it. */
static void want(struct job *job, struct catalog_reader *reader, uint32_t row, uint32_t stream)
{
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    CLEANUP_CACHE_FILE struct cache_file *file = NULL;
    struct error err;
    if (dataset_stream_map(job->fs->dataset, reader, row, stream, &map, &err) ||
        !cache_is_small(job->fs->cache, extent_map_size(map)) ||
        cache_open_map(job->fs->cache, map, &file, &err))
        return;
    cache_kind(file, stream);
    cache_want(file);
}

static void want_all(struct job *job)
{
    CLEANUP_SCOPE struct scope scope = {0};
    struct error err;
    struct catalog_patience patience = {.cancelled = &job->cancelled,
                                        .deadline_ns = clock_now_ns() + DEADLINE_NS};
    if (scope_open(job->fs, job->version, &patience, &scope, &err))
        return;
    for (size_t i = 0; i < job->count; i++)
        for (uint32_t stream = 0; stream < UPCOMING_STREAMS && !atomic_load(&job->cancelled); stream++)
            if (job->clips[i].streams >> stream & 1)
                want(job, scope.reader, job->clips[i].row, stream);
}

static void run(void *ctx)
{
    struct job *job = ctx;
    want_all(job);
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
