// SPDX-License-Identifier: Apache-2.0
/*
 * A fixed pool of threads that run submitted tasks in order of submission.
 * Thread rule: locks itself. A task must not wait for another task of the same pool.
 */
#pragma once

#include "cache/base/error.h"

struct workers;

int workers_new(unsigned threads, struct workers **ret, struct error *err);
/* Queues run(ctx). Never blocks and never calls run() itself. */
void workers_submit(struct workers *workers, void (*run)(void *ctx), void *ctx);
/* Runs what is queued, then ends the threads. NULL is fine. */
void workers_free(struct workers *workers);
