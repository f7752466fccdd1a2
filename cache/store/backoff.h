// SPDX-License-Identifier: Apache-2.0
/*
 * When to send again, and when to give up. Delays: full jitter, random in [0, base * 2^tries], at most
 * `most`; or until the server's Retry-After. A budget of tokens bounds what retries may add to a store's
 * load: each retry takes one, time gives them back; with none left the first failure is final. A store that
 * has never been reached is misspelt rather than down: whoever waits is told soon. Thread rule: locks itself;
 * a `struct try` belongs to one thread at a time.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"

struct backoff {
    int64_t base_ns, most_ns;
    unsigned tries;         /* at most */
    unsigned unreached;     /* the same, to a store that nothing has ever been sent to */
    unsigned tokens_most;   /* of the budget */
    int64_t token_every_ns; /* one comes back */
    atomic_bool reached;
    pthread_mutex_t lock; /* guards what follows */
    unsigned tokens;
    int64_t tokens_ns; /* clock_now_ns() of the last refill */
};

/* The project's defaults; change the settings before the first use. */
void backoff_init(struct backoff *backoff);
void backoff_done(struct backoff *backoff);

/* One operation with all its attempts. */
struct
try {
    unsigned done;       /* attempts that failed */
    bool renewed;        /* credentials, once */
    int64_t deadline_ns; /* clock_now_ns() */
};

/* An attempt went well. */
void backoff_went_well(struct backoff *backoff);
/* After an attempt failed with err->code: true to send again at *ret_at_ns, which is never before hold_ns.
 * False: `err` is final, its code one of store.h. */
bool backoff_again(struct backoff *backoff, struct try *try, int64_t hold_ns, int64_t *ret_at_ns,
                   struct error *err);
