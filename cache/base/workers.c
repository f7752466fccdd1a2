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
    struct workers_kind kind;
    void (*run)(void *ctx);
    void *ctx;
};

struct thread {
    struct workers *workers;
    pthread_t id;
    uint64_t busy_with; /* key of its task; 0: none. Guarded by the lock */
};

struct workers {
    struct thread *threads;
    unsigned count;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    struct task *first, **last;
    bool ending;
};

static bool may_run_locked(const struct workers *workers, const struct workers_kind *kind)
{
    unsigned running = 0;
    for (unsigned i = 0; kind->key && i < workers->count; i++)
        running += workers->threads[i].busy_with == kind->key;
    return !kind->key || running < kind->most;
}

/* The first that may run. Whoever ends a task comes here next, so one that had to stand back is seen. */
static struct task *take_locked(struct workers *workers)
{
    for (struct task **at = &workers->first; *at; at = &(*at)->next) {
        struct task *task = *at;
        if (!may_run_locked(workers, &task->kind))
            continue;
        *at = task->next;
        if (workers->last == &task->next)
            workers->last = at;
        return task;
    }
    return NULL;
}

static struct task *take(struct thread *thread)
{
    struct workers *workers = thread->workers;
    struct task *task;
    pthread_mutex_lock(&workers->lock);
    thread->busy_with = 0;
    while (!(task = take_locked(workers)) && !(workers->ending && !workers->first))
        pthread_cond_wait(&workers->wake, &workers->lock);
    thread->busy_with = task ? task->kind.key : 0;
    if (workers->ending)
        pthread_cond_broadcast(&workers->wake); /* for those that wait for the last to be taken */
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
        struct thread *thread = &workers->threads[i];
        thread->workers = workers;
        int rc = start_quietly(&thread->id, work, thread);
        if (rc) {
            workers_free(workers);
            return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
        }
        pthread_mutex_lock(&workers->lock);
        workers->count++;
        pthread_mutex_unlock(&workers->lock);
    }
    *ret = workers;
    return 0;
}

void workers_submit(struct workers *workers, void (*run)(void *ctx), void *ctx)
{
    workers_submit_kind(workers, (struct workers_kind){0}, run, ctx);
}

void workers_submit_kind(struct workers *workers, struct workers_kind kind, void (*run)(void *ctx), void *ctx)
{
    struct task *task = MEM_NEW(struct task);
    task->kind = kind;
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
        pthread_join(workers->threads[i].id, NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}
