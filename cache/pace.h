// SPDX-License-Identifier: Apache-2.0
/*
 * How far away the bytes are: how long a request takes until its first byte, and how fast bytes come then,
 * as seen lately. Their product is what a round trip is worth: so many bytes more in a request cost about as
 * much time as one request more.
 * Any thread; races lose a sample at most. Private to cache/.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct pace {
    atomic_uint_fast64_t wait_ns, ns_per_mib; /* 0: not seen yet */
};

/* A request's first byte came after wait_ns; from then on `bytes` came in `ns`, to this cache in all. */
void pace_note(struct pace *pace, uint64_t wait_ns, uint64_t bytes, uint64_t ns);
/* Between PACE_ROUND_MIN and PACE_ROUND_MAX; PACE_ROUND_GUESS before anything was seen. */
enum { PACE_ROUND_MIN = 64 << 10, PACE_ROUND_GUESS = 512 << 10, PACE_ROUND_MAX = 4 << 20 };
uint64_t pace_round_bytes(const struct pace *pace);
