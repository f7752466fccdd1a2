// SPDX-License-Identifier: Apache-2.0
/*
 * One call that waits for something, made in a thread of its own while its caller goes on.
 * Thread rule: begun and ended by one thread; `run` shares with it what the two agree on.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct meanwhile {
    pthread_t thread;
    void (*run)(void *ctx);
    void *ctx;
    bool started;
};

/* Runs run(ctx); before it returns, if no thread can be had. Signals are for other threads. */
void meanwhile_begin(struct meanwhile *meanwhile, void (*run)(void *ctx), void *ctx);
void meanwhile_end(struct meanwhile *meanwhile); /* waits for it; nothing if there is none, or not any more */
