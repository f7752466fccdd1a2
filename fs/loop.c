// SPDX-License-Identifier: Apache-2.0
/*
 * Not libfuse's own loop: that one can be stopped from outside only by a signal to the right thread at the
 * right moment. Here the caller sleeps on an eventfd, which fs_stop() and the last thread write to. Threads
 * that are blocked in a read of the connection are then interrupted with SIGURG until they have noticed: by
 * default it is ignored, so the handler that does nothing may stay. (Cancelled threads would not unwind under
 * AddressSanitizer.)
 */
#include "fs/loop.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/memory.h"

enum { SIGNAL_AGAIN_MS = 2 };

struct server {
    struct loop *loop;
    pthread_t thread;
    atomic_bool receiving; /* it may be interrupted */
};

struct loop {
    struct fuse_session *session;
    int stop_fd;
    atomic_int rc;
};

static int receive(struct server *server, struct fuse_buf *request)
{
    atomic_store(&server->receiving, true);
    int n = fuse_session_receive_buf(server->loop->session, request);
    atomic_store(&server->receiving, false);
    return n;
}

static void *serve(void *ctx)
{
    struct server *server = ctx;
    struct loop *loop = server->loop;
    struct fuse_buf request = {0};
    int n = 0;
    while (!fuse_session_exited(loop->session)) {
        n = receive(server, &request);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0)
            break;
        fuse_session_process_buf(loop->session, &request);
    }
    free(request.mem);
    if (n < 0 && n != -EINTR && n != -EAGAIN)
        atomic_store(&loop->rc, n);
    fuse_session_exit(loop->session);
    uint64_t one = 1;
    if (write(loop->stop_fd, &one, sizeof one) < 0) /* full: it is readable already */
        n = 0;
    return NULL;
}

static void do_nothing(int number)
{
}

/* Signals are for the main thread, but this one for those that are to stop. */
static int start(struct server *server)
{
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGURG);
    sigaction(SIGURG, &(struct sigaction){.sa_handler = do_nothing}, NULL);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&server->thread, NULL, serve, server);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static void stop(struct server *server)
{
    struct timespec until;
    do {
        if (atomic_load(&server->receiving))
            pthread_kill(server->thread, SIGURG);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SIGNAL_AGAIN_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } while (pthread_timedjoin_np(server->thread, NULL, &until) == ETIMEDOUT);
}

static void wait_for_stop(int stop_fd)
{
    struct pollfd poll_fd = {.fd = stop_fd, .events = POLLIN};
    while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
        ;
}

int loop_run(struct fuse_session *session, unsigned threads, int stop_fd, struct error *err)
{
    struct loop loop = {.session = session, .stop_fd = stop_fd};
    CLEANUP_FREE struct server *servers = mem_zero(threads * sizeof *servers);
    unsigned started = 0;
    int rc = 0;
    for (; started < threads && rc == 0; started += rc == 0) {
        servers[started].loop = &loop;
        rc = start(&servers[started]);
    }
    if (started == 0) /* fewer threads than asked for serve as well */
        return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
    wait_for_stop(stop_fd);
    fuse_session_exit(session);
    for (unsigned i = 0; i < started; i++)
        stop(&servers[i]);
    rc = atomic_load(&loop.rc);
    return rc < 0 ? error_set(err, -rc, "the connection to the kernel broke: %s", strerror(-rc)) : 0;
}
