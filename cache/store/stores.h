// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of `struct stores`: what the stores of a process share. Thread rule: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/workers.h"
#include "cache/store/store.h"

enum store_count { STORE_REQUESTS, STORE_RETRIES, STORE_ERRORS, STORE_RECEIVED, STORE_SENT, STORE_COUNTS };

bool stores_stopped(const struct stores *stores);
/* Waits until clock_now_ns() is `until_ns`; -ECANCELED as soon as the stores are stopped. */
int stores_sleep(struct stores *stores, int64_t until_ns);
void stores_count(struct stores *stores, enum store_count what, uint64_t add);
struct workers *stores_workers(struct stores *stores); /* threads that may block on local files */
