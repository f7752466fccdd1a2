// SPDX-License-Identifier: Apache-2.0
/* One queue, one lock, one condition: tasks here take microseconds to seconds, never nanoseconds. */
#include "cache/base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

struct task {
    struct task *next;
    void (*run)(void *ctx);
    void *ctx;
};

struct workers {
    pthread_t *threads;
    unsigned count;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    struct task *first, **last;
    bool ending;
};

static struct task *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->ending)
        pthread_cond_wait(&workers->wake, &workers->lock);
    struct task *task = workers->first;
    if (task && !(workers->first = task->next))
        workers->last = &workers->first;
    pthread_mutex_unlock(&workers->lock);
    return task;
}

static void *work(void *ctx)
{
    for (struct task *task; (task = take(ctx));) {
        task->run(task->ctx);
        free(task);
    }
    return NULL;
}

/* Signals are for the main thread. */
static int start_quietly(pthread_t *thread, void *(*run)(void *), void *ctx)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(thread, NULL, run, ctx);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int workers_new(unsigned threads, struct workers **ret, struct error *err)
{
    struct workers *workers = MEM_NEW(struct workers);
    workers->threads = mem_zero(threads * sizeof *workers->threads);
    workers->last = &workers->first;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    for (unsigned i = 0; i < threads; i++) {
        int rc = start_quietly(&workers->threads[i], work, workers);
        if (rc) {
            workers_free(workers);
            return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
        }
        workers->count++;
    }
    *ret = workers;
    return 0;
}

void workers_submit(struct workers *workers, void (*run)(void *ctx), void *ctx)
{
    struct task *task = MEM_NEW(struct task);
    task->run = run;
    task->ctx = ctx;
    pthread_mutex_lock(&workers->lock);
    *workers->last = task;
    workers->last = &task->next;
    pthread_cond_signal(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}
