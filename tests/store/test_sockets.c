// SPDX-License-Identifier: Apache-2.0
/* Waiting for sockets. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/store/sockets.h"
#include "tests/test_leaks.h"

enum { LONG_MS = 60000 }; /* never slept through: the test would time out */

struct pair {
    struct sockets *sockets;
    int ends[2];
};

static struct pair pair_new(void)
{
    struct pair pair;
    struct error err = {0};
    cr_assert_eq(sockets_new(&pair.sockets, &err), 0, "%s", err.text);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.ends), 0);
    return pair;
}

static void pair_done(struct pair *pair)
{
    sockets_free(pair->sockets);
    close(pair->ends[0]);
    close(pair->ends[1]);
    check_leaks();
}

Test(sockets, a_wake_before_the_wait_ends_it_once)
{
    struct pair pair = pair_new();
    struct sockets_ready ready[4];
    sockets_wake(pair.sockets);
    sockets_wake(pair.sockets);
    cr_assert_eq(sockets_wait(pair.sockets, LONG_MS, ready, 4), 0);
    cr_assert_eq(sockets_wait(pair.sockets, 0, ready, 4), 0);
    pair_done(&pair);
}

Test(sockets, what_is_watched_is_told_when_ready_and_not_afterwards)
{
    struct pair pair = pair_new();
    struct sockets_ready ready[4];
    int fd = pair.ends[0];
    cr_assert_eq(sockets_watch(pair.sockets, fd, SOCKETS_IN, false), 0);
    cr_assert_eq(sockets_wait(pair.sockets, 0, ready, 4), 0);
    cr_assert_eq(write(pair.ends[1], "x", 1), 1);
    cr_assert_eq(sockets_wait(pair.sockets, LONG_MS, ready, 4), 1);
    cr_assert(ready[0].fd == fd && ready[0].events == SOCKETS_IN);
    cr_assert_eq(sockets_watch(pair.sockets, fd, SOCKETS_IN | SOCKETS_OUT, true), 0);
    cr_assert_eq(sockets_wait(pair.sockets, LONG_MS, ready, 4), 1);
    cr_assert_eq(ready[0].events, SOCKETS_IN | SOCKETS_OUT);
    cr_assert_eq(sockets_watch(pair.sockets, fd, 0, true), 0);
    cr_assert_eq(sockets_wait(pair.sockets, 0, ready, 4), 0);
    pair_done(&pair);
}

Test(sockets, the_end_of_a_connection_is_told)
{
    struct pair pair = pair_new();
    struct sockets_ready ready[4];
    cr_assert_eq(sockets_watch(pair.sockets, pair.ends[0], SOCKETS_IN, false), 0);
    shutdown(pair.ends[1], SHUT_RDWR);
    cr_assert_eq(sockets_wait(pair.sockets, LONG_MS, ready, 4), 1);
    cr_assert(ready[0].events & SOCKETS_ERROR);
    pair_done(&pair);
}
