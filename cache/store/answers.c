// SPDX-License-Identifier: Apache-2.0
/*
 * A ring of atomics: whoever counts takes the next place in it. A sum that runs meanwhile may see one time
 * that is older than its neighbours.
 */
#include "cache/store/answers.h"

#include <stdlib.h>

#include "cache/base/instant.h"

enum { SERVER_FAULT = 500 };

void answers_add(struct answers *answers, int64_t ns, int status)
{
    unsigned long long at = atomic_fetch_add_explicit(&answers->count, 1, memory_order_relaxed);
    int64_t us = ns / 1000;
    atomic_store_explicit(&answers->us[at % ANSWERS_KEPT], us < UINT32_MAX ? (unsigned)us : UINT32_MAX,
                          memory_order_relaxed);
    atomic_store_explicit(status < SERVER_FAULT ? &answers->good_ns : &answers->bad_ns, clock_now_ns(),
                          memory_order_relaxed);
}

void answers_missed(struct answers *answers)
{
    atomic_store_explicit(&answers->bad_ns, clock_now_ns(), memory_order_relaxed);
}

static int by_size(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

void answers_sum(struct answers *answers, struct store_answers *ret)
{
    unsigned us[ANSWERS_KEPT];
    unsigned long long all = atomic_load_explicit(&answers->count, memory_order_relaxed);
    size_t count = all < ANSWERS_KEPT ? (size_t)all : ANSWERS_KEPT;
    for (size_t i = 0; i < count; i++)
        us[i] = atomic_load_explicit(&answers->us[i], memory_order_relaxed);
    qsort(us, count, sizeof *us, by_size);
    *ret = (struct store_answers){.count = count,
                                  .half_us = count ? us[count / 2] : 0,
                                  .most_us = count ? us[count - 1 - count / 100] : 0,
                                  .good_ns = atomic_load_explicit(&answers->good_ns, memory_order_relaxed),
                                  .bad_ns = atomic_load_explicit(&answers->bad_ns, memory_order_relaxed)};
}
