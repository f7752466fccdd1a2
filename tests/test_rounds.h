// SPDX-License-Identifier: Apache-2.0
/* How often a test repeats what it draws: as often as a run of all tests has time for, or LONG times that,
 * where LONG stands in the environment (tools/dev/long). */
#pragma once

#include <stdlib.h>

static inline int test_rounds(int usual)
{
    const char *text = getenv("LONG");
    int times = text ? atoi(text) : 1;
    return usual * (times > 0 ? times : 1);
}
