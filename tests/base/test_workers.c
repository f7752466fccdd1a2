// SPDX-License-Identifier: Apache-2.0
/* Which task a thread of the pool takes. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "cache/base/workers.h"

enum { THREADS = 4, MOST = 2 };

struct gate {
    sem_t open;
    atomic_uint inside, most, passed;
};

static void pass(void *ctx)
{
    struct gate *gate = ctx;
    unsigned inside = atomic_fetch_add(&gate->inside, 1) + 1, most = atomic_load(&gate->most);
    while (inside > most && !atomic_compare_exchange_weak(&gate->most, &most, inside))
        ;
    sem_wait(&gate->open);
    atomic_fetch_sub(&gate->inside, 1);
    atomic_fetch_add(&gate->passed, 1);
}

static void post(void *ctx)
{
    sem_post(ctx);
}

Test(workers, tasks_that_are_all_slow_for_one_reason_leave_threads_to_the_others)
{
    struct workers *workers;
    struct gate gate = {0};
    sem_t other;
    sem_init(&gate.open, 0, 0);
    sem_init(&other, 0, 0);
    cr_assert_eq(workers_new(THREADS, &workers, NULL), 0);
    for (int i = 0; i < 100; i++)
        workers_submit_kind(workers, (struct workers_kind){.key = 7, .most = MOST}, pass, &gate);
    workers_submit_kind(workers, (struct workers_kind){.key = 8, .most = MOST}, post, &other);
    workers_submit(workers, post, &other);
    sem_wait(&other); /* though nothing of the first kind has ended */
    sem_wait(&other);
    cr_assert_eq(atomic_load(&gate.passed), 0);
    for (int i = 0; i < 100; i++)
        sem_post(&gate.open);
    workers_free(workers);
    cr_assert_eq(atomic_load(&gate.passed), 100, "what had to stand back is run, too");
    cr_assert_leq(atomic_load(&gate.most), MOST);
}
