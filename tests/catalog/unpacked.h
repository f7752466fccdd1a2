// SPDX-License-Identifier: Apache-2.0
/* All that a catalog holds, in the open, so that it can be searched for what it must not hold. */
#pragma once

#include "cache/base/buf.h"

/* Appends the file as it is, and then everything in it that is packed, cut into pieces, or laid out so that
 * its bytes do not stand side by side: rows of packed tables, runs, keys of clips, texts of the index. */
void unpack_all(const char *path, struct buf *ret);
