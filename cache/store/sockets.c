// SPDX-License-Identifier: Apache-2.0
/* A counter (eventfd) among the sockets wakes whoever waits; it stays readable until it was seen. */
#include "cache/store/sockets.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cache/base/memory.h"

enum { READY_MAX = 64 };

struct sockets {
    int epoll, waker;
};

static int open_both(struct sockets *sockets)
{
    struct epoll_event event = {.events = EPOLLIN};
    sockets->epoll = epoll_create1(EPOLL_CLOEXEC);
    sockets->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sockets->epoll < 0 || sockets->waker < 0)
        return -errno;
    event.data.fd = sockets->waker;
    return epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, sockets->waker, &event) ? -errno : 0;
}

int sockets_new(struct sockets **ret, struct error *err)
{
    struct sockets *sockets = MEM_NEW(struct sockets);
    *sockets = (struct sockets){.epoll = -1, .waker = -1};
    int rc = open_both(sockets);
    if (rc < 0) {
        sockets_free(sockets);
        return error_set(err, -rc, "cannot wait for sockets: %s", strerror(-rc));
    }
    *ret = sockets;
    return 0;
}

void sockets_free(struct sockets *sockets)
{
    if (!sockets)
        return;
    cleanup_close(&sockets->epoll);
    cleanup_close(&sockets->waker);
    free(sockets);
}

int sockets_watch(struct sockets *sockets, int fd, int events, bool known)
{
    struct epoll_event event = {.data.fd = fd};
    event.events |= events & SOCKETS_IN ? EPOLLIN : 0U;
    event.events |= events & SOCKETS_OUT ? EPOLLOUT : 0U;
    int how = !events ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    return epoll_ctl(sockets->epoll, how, fd, &event) ? -errno : 0;
}

static int events_of(uint32_t events)
{
    return (events & EPOLLIN ? SOCKETS_IN : 0) | (events & EPOLLOUT ? SOCKETS_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? SOCKETS_ERROR : 0);
}

size_t sockets_wait(struct sockets *sockets, int timeout_ms, struct sockets_ready *ret, size_t cap)
{
    struct epoll_event events[READY_MAX];
    uint64_t woken;
    size_t count = 0;
    int got = epoll_wait(sockets->epoll, events, cap < READY_MAX ? (int)cap : READY_MAX, timeout_ms);
    for (int i = 0; i < got; i++) {
        if (events[i].data.fd != sockets->waker)
            ret[count++] = (struct sockets_ready){events[i].data.fd, events_of(events[i].events)};
        else if (read(sockets->waker, &woken, sizeof woken) < 0)
            continue; /* it was not, after all */
    }
    return count;
}

void sockets_wake(struct sockets *sockets)
{
    uint64_t one = 1;
    ssize_t done;
    do
        done = write(sockets->waker, &one, sizeof one);
    while (done < 0 && errno == EINTR); /* EAGAIN: it has been woken often enough */
}
