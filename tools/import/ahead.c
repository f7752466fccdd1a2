// SPDX-License-Identifier: Apache-2.0
/* A window over the items slides along as they are taken; a pool works on what lies in it. */
#include "tools/import/ahead.h"

#include <pthread.h>
#include <stdbool.h>

#include "cache/base/workers.h"

/* A scan is a few round trips, one after the other. */
enum { THREADS = 48, ITEMS_AHEAD = 96 };

struct job {
    struct ahead *ahead;
    bool skip;  /* as below */
    bool begun; /* of the calling thread */
    bool done;  /* guarded by lock */
};

struct ahead {
    struct job *jobs;
    size_t count;
    ahead_fn *run;
    void *ctx;
    struct workers *workers;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    const struct job *awaited; /* guarded by lock */
};

int ahead_new(size_t count, ahead_fn *run, void *ctx, struct ahead **ret, struct error *err)
{
    struct workers *workers = NULL;
    int rc = workers_new(count < THREADS ? (unsigned)(count ? count : 1) : THREADS, &workers, err);
    if (rc < 0)
        return rc;
    struct ahead *ahead = MEM_NEW(struct ahead);
    *ahead = (struct ahead){.jobs = mem_zero(count * sizeof *ahead->jobs),
                            .count = count,
                            .run = run,
                            .ctx = ctx,
                            .workers = workers};
    for (size_t i = 0; i < count; i++)
        ahead->jobs[i].ahead = ahead;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->finished, NULL);
    *ret = ahead;
    return 0;
}

void ahead_free(struct ahead *ahead)
{
    workers_free(ahead->workers);
    pthread_cond_destroy(&ahead->finished);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->jobs);
    free(ahead);
}

static void run_job(void *ctx)
{
    struct job *job = ctx;
    struct ahead *ahead = job->ahead;
    ahead->run(ahead->ctx, (size_t)(job - ahead->jobs));
    pthread_mutex_lock(&ahead->lock);
    job->done = true;
    bool awaited = ahead->awaited == job;
    pthread_mutex_unlock(&ahead->lock);
    if (awaited)
        pthread_cond_signal(&ahead->finished);
}

void ahead_skip(struct ahead *ahead, size_t i)
{
    ahead->jobs[i].skip = true;
}

void ahead_take(struct ahead *ahead, size_t i)
{
    for (size_t next = i; next < ahead->count && next - i < ITEMS_AHEAD; next++)
        if (!ahead->jobs[next].begun && (next == i || !ahead->jobs[next].skip)) {
            ahead->jobs[next].begun = true;
            workers_submit(ahead->workers, run_job, &ahead->jobs[next]);
        }
    pthread_mutex_lock(&ahead->lock);
    ahead->awaited = &ahead->jobs[i];
    while (!ahead->jobs[i].done)
        pthread_cond_wait(&ahead->finished, &ahead->lock);
    ahead->awaited = NULL;
    pthread_mutex_unlock(&ahead->lock);
}
