// SPDX-License-Identifier: Apache-2.0
/*
 * %XX escapes, as paths, names and URLs use them. Canonical form: upper-case hex, and only bytes that need
 * it. And words for a shell, where a message shows a command to type. Thread rule: any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

/* Appends `text`, with every byte as %XX except [A-Za-z0-9._-], the bytes in `also_raw` (may be NULL), and,
 * when `unicode_raw`, well-formed UTF-8 from U+00A1 up. */
void escape_append(struct buf *buf, const char *text, size_t len, const char *also_raw, int unicode_raw);

/* Appends `text` as one word of a POSIX shell: as it is where that is safe, else in single quotes. */
void escape_shell(struct buf *buf, const char *text);

/* Appends `text` with each %XX replaced by its byte. A '%' without two hex digits: -EINVAL. */
int escape_decode(struct buf *buf, const char *text, size_t len, struct error *err);
