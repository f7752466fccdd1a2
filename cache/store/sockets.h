// SPDX-License-Identifier: Apache-2.0
/*
 * Which of many sockets can be read or written: what a wait costs depends on how many are ready, not on how
 * many there are (epoll).
 * Thread rule: one thread; any thread may call sockets_wake().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"

struct sockets;

enum { SOCKETS_IN = 1, SOCKETS_OUT = 2, SOCKETS_ERROR = 4 };

int sockets_new(struct sockets **ret, struct error *err);
void sockets_free(struct sockets *sockets); /* NULL is fine */

/* From now on waits for `events` of `fd`: SOCKETS_IN, SOCKETS_OUT, both, or 0: no longer, and before it is
 * closed. `known`: it is waited for already. -errno. */
int sockets_watch(struct sockets *sockets, int fd, int events, bool known);

struct sockets_ready {
    int fd;
    int events; /* the above, or'ed */
};

/* Waits until one is ready, sockets_wake() was called since the last wait began to sleep, or the time is
 * over. At most `cap` of them; the others are told next time. */
size_t sockets_wait(struct sockets *sockets, int timeout_ms, struct sockets_ready *ret, size_t cap);
void sockets_wake(struct sockets *sockets);
