// SPDX-License-Identifier: Apache-2.0
/*
 * Instants and durations: int64 nanoseconds; instants since 1970-01-01T00:00:00Z, no leap seconds. Any
 * thread. Text: RFC 3339 (a missing zone is UTC); durations are a number and one of ns us ms s min h, or bare
 * seconds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

/* Parses all of `text`: "2026-03-01T12:00:05.25Z", "2026-03-01T12:00", "2026-03-01 12:00:05+01:00",
 * "2026-03-01". -EINVAL if it is none, -ERANGE outside 1677..2262. */
int instant_parse(const char *text, size_t len, int64_t *ret_ns);
/* "2026-03-01T12:00:05Z"; fraction digits only as needed. */
void instant_print(struct buf *buf, int64_t ns);

int duration_parse(const char *text, size_t len, int64_t *ret_ns);
/* As seconds, shortest exact decimal: 3266666667 -> "3.266666667". */
void duration_print(struct buf *buf, int64_t ns);

int64_t instant_now(void);   /* wall clock */
int64_t clock_now_ns(void);  /* monotonic */
int64_t clock_boot_ns(void); /* the same, which goes on while the machine sleeps */
