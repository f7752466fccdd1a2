// SPDX-License-Identifier: Apache-2.0
/*
 * Decimals: an integer and how many of its digits stand behind the point. Source of the format:
 * apache/parquet-format, LogicalTypes.md, DECIMAL. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

enum { DECIMAL_BYTES_MAX = 64, DECIMAL_SCALE_MAX = 1000 };

/* Appends the number exactly, "-12.50", from two's complement, the highest byte first. False where more than
 * DECIMAL_BYTES_MAX bytes of it count. `scale` is at most DECIMAL_SCALE_MAX. */
bool decimal_print(const uint8_t *bytes, size_t len, unsigned scale, struct buf *to);
