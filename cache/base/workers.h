// SPDX-License-Identifier: Apache-2.0
/*
 * A fixed pool of threads that run submitted tasks in order of submission.
 * Thread rule: locks itself. A task must not wait for another task of the same pool.
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"

struct workers;

int workers_new(unsigned threads, struct workers **ret, struct error *err);
/* Queues run(ctx). Never blocks and never calls run() itself. */
void workers_submit(struct workers *workers, void (*run)(void *ctx), void *ctx);
/* The same for tasks that may all be slow for one reason, their `key`, not 0: at most `most` (> 0) with this
 * key run at once, so that the others find a thread. */
struct workers_kind {
    uint64_t key;
    unsigned most;
};
void workers_submit_kind(struct workers *workers, struct workers_kind kind, void (*run)(void *ctx),
                         void *ctx);
/* Runs what is queued, then ends the threads. NULL is fine. */
void workers_free(struct workers *workers);
