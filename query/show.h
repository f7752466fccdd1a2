// SPDX-License-Identifier: Apache-2.0
/* Bytes out of a path or a catalog, shown in a message. Any thread. */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"

/* Appends them as a person would type them; controls and ill-formed UTF-8 as %XX; cut with "..." after
 * 120 bytes. */
void show_append(struct buf *buf, const char *bytes, size_t len);
