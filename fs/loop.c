// SPDX-License-Identifier: Apache-2.0
/*
 * Not libfuse's own loop: that one can be stopped from outside only by a signal to the right thread at the
 * right moment. Here the caller sleeps on an eventfd, which fs_stop() and the last thread write to; threads
 * blocked in a read of the connection are cancelled there, and only there.
 */
#include "fs/loop.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/memory.h"

struct server {
    struct loop *loop;
    pthread_t thread;
    struct fuse_buf request; /* outlives the thread: it may be cancelled while this is filled */
};

struct loop {
    struct fuse_session *session;
    int stop_fd;
    atomic_int rc;
};

static int receive(struct server *server)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    int n = fuse_session_receive_buf(server->loop->session, &server->request);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return n;
}

static void *serve(void *ctx)
{
    struct server *server = ctx;
    struct loop *loop = server->loop;
    int old, n = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    while (!fuse_session_exited(loop->session)) {
        n = receive(server);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0)
            break;
        fuse_session_process_buf(loop->session, &server->request);
    }
    if (n < 0)
        atomic_store(&loop->rc, n);
    fuse_session_exit(loop->session);
    uint64_t one = 1;
    if (write(loop->stop_fd, &one, sizeof one) < 0) /* full: it is readable already */
        n = 0;
    return NULL;
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
    sigset_t all, old;
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (; started < threads && rc == 0; started += rc == 0) {
        servers[started].loop = &loop;
        rc = pthread_create(&servers[started].thread, NULL, serve, &servers[started]);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started > 0) /* fewer threads serve as well */
        wait_for_stop(stop_fd);
    fuse_session_exit(session);
    for (unsigned i = 0; i < started; i++)
        pthread_cancel(servers[i].thread);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(servers[i].thread, NULL);
        free(servers[i].request.mem);
    }
    if (started == 0)
        return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
    rc = atomic_load(&loop.rc);
    return rc < 0 ? error_set(err, -rc, "the connection to the kernel broke: %s", strerror(-rc)) : 0;
}
