// SPDX-License-Identifier: Apache-2.0
/* A query's plan as text for people. Stable: its lines are golden in tests. Any thread. */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

/* Appends:
 *
 *     arm=left/outcome=fail
 *     about 6 of 48 clips of v1 (estimated)
 *
 *     order      clips  condition
 *         1         12  outcome=fail
 *         2         24  arm=left
 *
 *     warning: 40 of 48 clips lack 'force': force.lt=3 leaves them out
 *
 *     empty: outcome=fail is met by none of the 24 clips of arm=left
 */
int explain_append(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                   struct error *err);
