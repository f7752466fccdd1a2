// SPDX-License-Identifier: Apache-2.0
/*
 * How the servers of a process's stores answer lately: the last ANSWERS_KEPT waits for the head of a reply,
 * and when the last good and the last bad attempt ended. Atomics only, so that counting costs a request
 * nothing. Thread rule: any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "cache/store/store.h"

enum { ANSWERS_KEPT = 256 };

struct answers { /* zeroed */
    atomic_uint us[ANSWERS_KEPT];
    atomic_ullong count;
    atomic_llong good_ns, bad_ns; /* clock_now_ns(); 0: never */
};

/* The head of a reply with this HTTP status came after `ns`. */
void answers_add(struct answers *answers, int64_t ns, int status);
/* None came, or it broke off. */
void answers_missed(struct answers *answers);
void answers_sum(struct answers *answers, struct store_answers *ret);
