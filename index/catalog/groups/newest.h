// SPDX-License-Identifier: Apache-2.0
/*
 * The newest version in each of 4,096 neighbouring groups of a table, so that what changed since a version is
 * found without reading the other groups:
 *
 *     newest := varint(groups) numbers(version, 0 where there is no group)
 *
 * Bytes are hostile: 0 or -EUCLEAN. Any thread.
 */
#pragma once

#include "cache/base/buf.h"

enum { NEWEST_GROUP_BITS = 12, NEWEST_GROUPS = 1 << NEWEST_GROUP_BITS };
enum newest_table { NEWEST_SIZES, NEWEST_GROWN };

int newest_decode(const void *bytes, size_t len, uint32_t versions[NEWEST_GROUPS], uint32_t *ret_groups);
void newest_encode(const uint32_t *versions, uint32_t groups, struct buf *buf);
