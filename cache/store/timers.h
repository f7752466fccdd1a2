// SPDX-License-Identifier: Apache-2.0
/* Calls at a later time, on one thread of their own. Thread rule: locks itself; fire() runs without the lock
 * and must not block. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"

struct timers;

/* Belongs to the caller; borrowed from timers_start() until fire() is called. */
struct timer {
    int64_t at_ns; /* clock_now_ns() */
    void (*fire)(struct timer *timer);
    void *ctx;
    struct timer *next; /* the list's own */
};

int timers_new(struct timers **ret, struct error *err);
void timers_stop(struct timers *timers); /* all timers, these and later ones, fire at once */
void timers_free(struct timers *timers); /* none may be waiting; NULL is fine */

void timers_start(struct timers *timers, struct timer *timer);
/* Fires now, if it has not fired yet. */
void timers_hurry(struct timers *timers, struct timer *timer);
/* It will not fire any more, and is not being fired, if nobody starts it anew. Not from its own fire(). */
void timers_take_back(struct timers *timers, struct timer *timer);
