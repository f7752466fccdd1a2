// SPDX-License-Identifier: Apache-2.0
/* The head of an HTTP/1.1 request or reply: its first line, its header fields, an empty line. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "tests/proxy/stream.h"

/* Moves a head, with its empty line, from the stream into `head`. */
bool head_read(struct stream *s, struct buf *head);
/* The line of a header within `head`, or NULL; its value is copied. */
const char *head_find(const struct buf *head, const char *name, char *ret_value, size_t cap);
void head_drop(struct buf *head, const char *name);
bool head_is_chunked(const struct buf *head);
bool head_wants_close(const struct buf *head);
int64_t head_content_length(const struct buf *head); /* -1: it says none */
