// SPDX-License-Identifier: Apache-2.0
/* Items taken in order, some twice, some never: each is run once and before it is given, a skipped one only
 * if it is taken, and not many more than are taken. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "tools/import/ahead.h"

enum { ITEMS = 2000, AHEAD_MAX = 100 };

struct world {
    atomic_uint runs[ITEMS];
    atomic_size_t last; /* the highest that was run */
    int results[ITEMS]; /* written by run(), read after it was taken */
};

static void run(void *ctx, size_t i)
{
    struct world *world = ctx;
    if (i % 7 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    world->results[i] = (int)i * 3;
    size_t last = atomic_load(&world->last);
    while (last < i && !atomic_compare_exchange_weak(&world->last, &last, i))
        ;
    atomic_fetch_add(&world->runs[i], 1);
}

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: item %zu: not so: %s\n", __FILE__, __LINE__, i, #condition);             \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

static int take_all(struct world *world, struct ahead *ahead)
{
    for (size_t i = 0; i < ITEMS; i++)
        if (i % 10 == 3)
            ahead_skip(ahead, i);
    for (size_t i = 0; i < ITEMS - AHEAD_MAX; i++) {
        if (i % 20 == 3)
            continue;
        ahead_take(ahead, i);
        CHECK(world->results[i] == (int)i * 3);
        CHECK(atomic_load(&world->last) < i + AHEAD_MAX);
        if (i % 5 == 0)
            ahead_take(ahead, i / 2 / 20 * 20);
    }
    return 0;
}

int main(void)
{
    static struct world world;
    struct ahead *ahead;
    struct error err = {0};
    if (ahead_new(ITEMS, run, &world, &ahead, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = take_all(&world, ahead);
    ahead_free(ahead);
    for (size_t i = 0; !failed && i < ITEMS - AHEAD_MAX; i++)
        CHECK(atomic_load(&world.runs[i]) == (i % 20 != 3));
    if (!failed && !ahead_new(0, run, &world, &ahead, &err)) /* nothing to do is fine */
        ahead_free(ahead);
    return failed;
}
