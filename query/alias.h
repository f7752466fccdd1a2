// SPDX-License-Identifier: Apache-2.0
/*
 * A path's other name, for tools whose own syntax has a meaning for '=' (Hydra, ffmpeg's filters, docker -v):
 *
 *     v12/arm=left     .q/oyytel3bojwt23dfmz2a_
 *
 * Base32 (RFC 4648, section 6, lower case, no padding) of the path with its version, in pieces of 200 letters
 * that are directories; the last one ends in '_'. Nothing is kept: it can be made and read anywhere. Any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { ALIAS_PIECE_MAX = 200, ALIAS_PATH_MAX = 1 << 20 };

/* Appends "xxx/xxx_" for the path. */
void alias_append(const char *path, size_t len, struct buf *buf);
/* Could this be a piece? *ret_last: of these the last. */
bool alias_is_piece(const char *name, size_t len, bool *ret_last);
/* Appends the path that the letters, with or without '/' between pieces and '_' behind them, stand for.
 * -ENOENT with the reason: they stand for none. */
int alias_decode(const char *letters, size_t len, struct buf *buf, struct error *err);
