// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of `struct stores`: what the stores of a process share. Thread rule: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/workers.h"
#include "cache/store/config.h"
#include "cache/store/store.h"

struct answers;
struct http;
struct timers;

enum store_count {
    STORE_REQUESTS,
    STORE_RETRIES,
    STORE_HEDGES,
    STORE_ERRORS,
    STORE_RECEIVED,
    STORE_SENT,
    STORE_COUNTS
};

bool stores_stopped(const struct stores *stores);
/* Waits until clock_now_ns() is `until_ns`; -ECANCELED as soon as the stores are stopped. */
int stores_sleep(struct stores *stores, int64_t until_ns);
void stores_count(struct stores *stores, enum store_count what, uint64_t add);
struct workers *stores_workers(struct stores *stores); /* threads that may block on local files */
/* Threads that may wait for stores, started at the first call: for what is looked for behind a read. */
int stores_settlers(struct stores *stores, struct workers **ret, struct error *err);
struct timers *stores_timers(struct stores *stores);
const struct config *stores_config(const struct stores *stores);
const struct stores_options *stores_given(const struct stores *stores); /* what stores_new() was given */
struct answers *stores_answers_kept(struct stores *stores);
int stores_http(struct stores *stores, struct http **ret, struct error *err); /* started at the first call */
