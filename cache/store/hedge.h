// SPDX-License-Identifier: Apache-2.0
/*
 * A read that may be asked for twice. When its request is slower than nearly all before it, or stands still
 * in the middle, what is missing is asked for once more, over another connection; what moves first is handed
 * out and the other request cancelled (J. Dean, L. A. Barroso: The Tail at Scale, CACM 56(2), 2013).
 *
 * Slow: no byte after twice the 95th percentile of the last times to a first byte (latency.h), and after
 * `least_ns`. Still: no further byte for `still_ns`. A read has one second request at most; all reads
 * together have `percent` as many as there are reads, and none while the server asks not to be asked.
 *
 * Thread rule: locks itself. Lock order: the caller's, this one, then those of timers and the inner store.
 * The caller is never called under it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "cache/store/latency.h"
#include "cache/store/ops.h"
#include "cache/store/timers.h"

struct hedged;

struct hedge {
    struct store *inner; /* borrowed */
    int64_t least_ns, still_ns;
    unsigned percent;
    pthread_mutex_t lock; /* guards what follows, and each step of the reads */
    struct hedged *running;
    struct timer timer;
    bool armed;
    unsigned credit; /* hundredths of a second request */
    struct latency first_byte;
};

/* The project's defaults; change the settings before the first read. */
void hedge_init(struct hedge *hedge, struct store *inner);
void hedge_done(struct hedge *hedge); /* when all reads have ended */

/* As the inner store's own. */
void hedge_get_start(struct hedge *hedge, struct store_get *get);
void hedge_get_cancel(struct hedge *hedge, struct store_get *get);
