// SPDX-License-Identifier: Apache-2.0
/* JSON Lines as Python writes them, a line at a time: such files grow with the data set. One thread. */
#pragma once

#include "cache/base/error.h"
#include "cache/base/json.h"
#include "index/containers/recording.h"

/* `place`: "FILE: line 3". Non-zero ends the reading. */
typedef int lerobot_line_fn(void *ctx, const char *place, const struct json *object, struct error *err);

/* A line that each() failed at, or that is no object: `why` says so, with its place. 0: go on without it. */
typedef int lerobot_bad_line_fn(void *ctx, size_t number, const char *line, size_t len, struct error *why);

/* Calls each() for every line; blank ones are passed over. NaN and Infinity, which Python writes and JSON
 * does not know, are null. Where `bad` is NULL, the first bad line ends the reading: -EINVAL: it is no
 * object. -EFBIG: one is longer than 64 MiB. */
int lerobot_lines_read(const struct recording *recording, lerobot_line_fn *each, lerobot_bad_line_fn *bad,
                       void *ctx, struct error *err);
