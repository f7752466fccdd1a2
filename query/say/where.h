// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions as people type them, made into a path; syntax only, no catalog is asked (query/GRAMMAR.md,
 * "Conditions in one line").
 *
 *     arm=left outcome!=ok                  arm=left/outcome.ne=ok
 *     length > 100 and task="put it down"   length.gt=100/task=put%20it%20down
 *     arm in (left, both) force in 1..2.5   arm.in=left,both/force.rng=1..2.5
 *
 * What is typed is hostile. Any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

/* Appends the path, for query_parse(); it may still name what does not exist. -EINVAL with the place and what
 * to write instead; then nothing is appended. */
int where_parse(const char *text, size_t len, struct buf *ret_path, struct error *err);
