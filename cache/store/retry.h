// SPDX-License-Identifier: Apache-2.0
/*
 * The decorator that sends again what may go well the second time, and reads twice what hangs (hedge.h). A
 * read goes on behind the last byte it has handed out, pinned to the object that gave it. Thread rule: any
 * thread.
 */
#pragma once

#include "cache/store/backoff.h"
#include "cache/store/hedge.h"
#include "cache/store/ops.h"

/* Takes `inner`. */
struct store *retry_new(struct store *inner);
/* Its settings, to be changed before the first request. */
struct backoff *retry_backoff(struct store *retry);
struct hedge *retry_hedge(struct store *retry);

/* ---- shared by the files of this decorator ---- */

struct retry {
    struct store base;
    struct store *inner;
    struct backoff backoff;
    struct hedge hedge;
};

static inline struct retry *retry_of(struct store *store)
{
    return (struct retry *)store;
}

void retry_get_start(struct store *store, struct store_get *get);
void retry_get_cancel(struct store *store, struct store_get *get);
