// SPDX-License-Identifier: Apache-2.0
/*
 * Two running means. Slow samples say little of the link (this machine was busy, others shared it), fast ones
 * what it can do: so the speed follows these quickly, and those slowly.
 */
#include "cache/pace.h"

enum { PACE_SAMPLE_BYTES = 128 << 10 }; /* fewer come in one piece, and tell nothing of the speed */

/* By a part of the way, one for larger and one for smaller samples. */
static void move(atomic_uint_fast64_t *mean, uint64_t sample, unsigned up, unsigned down)
{
    uint64_t was = atomic_load_explicit(mean, memory_order_relaxed);
    uint64_t now = !was ? sample : sample > was ? was + (sample - was) / up : was - (was - sample) / down;
    atomic_store_explicit(mean, now ? now : 1, memory_order_relaxed);
}

void pace_note(struct pace *pace, uint64_t wait_ns, uint64_t bytes, uint64_t ns)
{
    move(&pace->wait_ns, wait_ns, 8, 8);
    if (bytes >= PACE_SAMPLE_BYTES)
        move(&pace->ns_per_mib, (uint64_t)((double)ns * (1 << 20) / (double)bytes), 32, 2);
}

uint64_t pace_round_bytes(const struct pace *pace)
{
    uint64_t wait_ns = atomic_load_explicit(&pace->wait_ns, memory_order_relaxed),
             ns_per_mib = atomic_load_explicit(&pace->ns_per_mib, memory_order_relaxed);
    if (!wait_ns || !ns_per_mib)
        return PACE_ROUND_GUESS;
    double bytes = (double)wait_ns * (1 << 20) / (double)ns_per_mib;
    return bytes < PACE_ROUND_MIN   ? PACE_ROUND_MIN
           : bytes > PACE_ROUND_MAX ? PACE_ROUND_MAX
                                    : (uint64_t)bytes;
}
