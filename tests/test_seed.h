// SPDX-License-Identifier: Apache-2.0
/* Where random tests begin: ELIDEFS_SEED, or anew each time. It is printed, so that a failure can be had
 * again. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t test_seed(void)
{
    const char *given = getenv("ELIDEFS_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    fprintf(stderr, "ELIDEFS_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
