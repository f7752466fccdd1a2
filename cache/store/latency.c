// SPDX-License-Identifier: Apache-2.0
/*
 * The last samples in a ring; the percentile is computed anew after every few of them, not at each request.
 */
#include "cache/store/latency.h"

#include <stdlib.h>
#include <string.h>

enum { PERCENTILE = 95, EVERY = 8 };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t percentile(const struct latency *latency)
{
    int64_t sorted[LATENCY_SAMPLES];
    size_t count = latency->count < LATENCY_SAMPLES ? latency->count : LATENCY_SAMPLES;
    memcpy(sorted, latency->ns, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[(count * PERCENTILE + 99) / 100 - 1]; /* nearest rank */
}

void latency_add(struct latency *latency, int64_t ns)
{
    latency->ns[latency->count++ % LATENCY_SAMPLES] = ns;
    if (latency->count >= LATENCY_ENOUGH && latency->count % EVERY == 0)
        latency->slow_ns = percentile(latency);
}
