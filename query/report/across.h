// SPDX-License-Identifier: Apache-2.0
/* The clips of a query in another version than the one it is bound to. Any thread (through its own reader).
 */
#pragma once

#include "cache/base/error.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

/* Attributes are meant by what they are, not by name: a renamed one is the same. One that the version lacks
 * no clip has; a value that nobody has there selects nothing. -EINVAL: a condition on an attribute of another
 * type there, and a value that cannot be one of that type. */
int across_rows(const struct query *query, struct catalog_reader *reader, struct rowset **ret,
                struct error *err);
