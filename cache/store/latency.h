// SPDX-License-Identifier: Apache-2.0
/*
 * How long a store's last requests took, and from when on one is slow: above the 95th percentile of the last
 * LATENCY_SAMPLES. Nanoseconds. Thread rule: the owner locks.
 */
#pragma once

#include <stdint.h>

enum { LATENCY_SAMPLES = 64, LATENCY_ENOUGH = 16 };

struct latency {
    int64_t ns[LATENCY_SAMPLES]; /* a ring */
    uint64_t count;              /* all that were ever added */
    int64_t slow_ns;             /* the percentile; 0: fewer than LATENCY_ENOUGH are known */
};

void latency_add(struct latency *latency, int64_t ns);
