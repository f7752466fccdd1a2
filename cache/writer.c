// SPDX-License-Identifier: Apache-2.0
/* The only file that sees liburing. A thread sleeps on the queue while nothing is in flight and on its ring
 * otherwise: a local write ends soon enough for the jobs that came meanwhile. */
#include "cache/writer.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/memory.h"

enum { RING_DEPTH = 32, WRITE_PARTS = 2 };

struct writer_thread {
    pthread_t id;
    struct writer *writer;
    struct io_uring ring; /* touched by this thread only */
    bool has_ring;
    unsigned flying;
};

struct writer {
    struct writer_thread *threads;
    unsigned count;
    bool use_ring;
    atomic_bool ring_works;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    struct write_job *first, **last;
    bool ending;
};

/* The next job; NULL if there is none and `wait` is false, or none will come. */
static struct write_job *take(struct writer *writer, bool wait)
{
    pthread_mutex_lock(&writer->lock);
    while (wait && !writer->first && !writer->ending)
        pthread_cond_wait(&writer->wake, &writer->lock);
    struct write_job *job = writer->first;
    if (job && !(writer->first = job->next))
        writer->last = &writer->first;
    pthread_mutex_unlock(&writer->lock);
    return job;
}

/* Takes over that the current part's next `n` bytes are written; true if the whole job is. */
static bool advance(struct write_job *job, size_t n)
{
    struct write_part *part = &job->part[job->at];
    part->bytes += n;
    part->offset += n;
    part->len -= n;
    while (job->at < WRITE_PARTS && !job->part[job->at].len)
        job->at++;
    return job->at == WRITE_PARTS;
}

/* ---- plain calls ---- */

static int write_plainly(struct write_job *job)
{
    for (bool all = advance(job, 0); !all;) {
        struct write_part *part = &job->part[job->at];
        ssize_t put = pwrite(part->fd, part->bytes, part->len, (off_t)part->offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put ? -errno : -ENOSPC;
        all = advance(job, (size_t)put);
    }
    return 0;
}

/* ---- the ring ---- */

static void queue_part(struct writer_thread *thread, struct write_job *job)
{
    struct write_part *part = &job->part[job->at];
    struct io_uring_sqe *sqe = io_uring_get_sqe(&thread->ring); /* never more than RING_DEPTH in flight */
    io_uring_prep_write(sqe, part->fd, part->bytes, (unsigned)part->len, part->offset);
    io_uring_sqe_set_data(sqe, job);
    thread->flying++;
}

static void complete(struct writer_thread *thread, struct write_job *job, int result)
{
    thread->flying--;
    if (result == -EINTR || result == -EAGAIN || (result > 0 && !advance(job, (size_t)result))) {
        queue_part(thread, job);
        return;
    }
    if (result == -EINVAL || result == -EOPNOTSUPP) /* a file system or kernel without it */
        result = write_plainly(job);
    job->done(job, result > 0 ? 0 : result ? result : job->at == WRITE_PARTS ? 0 : -ENOSPC);
}

static void reap(struct writer_thread *thread)
{
    struct io_uring_cqe *cqe;
    int rc = io_uring_submit_and_wait(&thread->ring, 1);
    if (rc < 0 && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
        sched_yield(); /* completions still drain below; the submissions stay queued */
    while (!io_uring_peek_cqe(&thread->ring, &cqe)) {
        struct write_job *job = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&thread->ring, cqe);
        complete(thread, job, result);
    }
}

static void begin(struct writer_thread *thread, struct write_job *job)
{
    job->at = 0;
    int rc = job->prepare(job);
    if (rc || !thread->has_ring)
        job->done(job, rc ? rc : write_plainly(job));
    else if (advance(job, 0))
        job->done(job, 0);
    else
        queue_part(thread, job);
}

static void *write_all(void *ctx)
{
    struct writer_thread *thread = ctx;
    thread->has_ring = thread->writer->use_ring && !io_uring_queue_init(RING_DEPTH, &thread->ring, 0);
    if (thread->has_ring)
        atomic_store(&thread->writer->ring_works, true);
    for (;;) {
        struct write_job *job = NULL;
        while (thread->flying < RING_DEPTH && (job = take(thread->writer, !thread->flying)))
            begin(thread, job);
        if (!thread->flying && !job)
            break; /* ending and nothing queued */
        if (thread->flying)
            reap(thread);
    }
    if (thread->has_ring)
        io_uring_queue_exit(&thread->ring);
    return NULL;
}

/* ---- outside ---- */

static int start_thread(struct writer *writer, struct writer_thread *thread)
{
    sigset_t all, old;
    thread->writer = writer;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&thread->id, NULL, write_all, thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int writer_new(unsigned threads, bool use_ring, struct writer **ret, struct error *err)
{
    struct writer *writer = MEM_NEW(struct writer);
    writer->threads = mem_zero(threads * sizeof *writer->threads);
    writer->last = &writer->first;
    writer->use_ring = use_ring;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->wake, NULL);
    for (; writer->count < threads; writer->count++) {
        int rc = start_thread(writer, &writer->threads[writer->count]);
        if (rc) {
            writer_free(writer);
            return error_set(err, rc, "cannot start an I/O thread: %s", strerror(rc));
        }
    }
    *ret = writer;
    return 0;
}

void writer_submit(struct writer *writer, struct write_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&writer->lock);
    *writer->last = job;
    writer->last = &job->next;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->ending = true;
    pthread_cond_broadcast(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    for (unsigned i = 0; i < writer->count; i++)
        pthread_join(writer->threads[i].id, NULL);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
    free(writer->threads);
    free(writer);
}

bool writer_has_ring(struct writer *writer)
{
    return atomic_load(&writer->ring_works);
}
