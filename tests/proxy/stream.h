// SPDX-License-Identifier: Apache-2.0
/* One end of a connection, buffered. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cache/base/buf.h"

/* Bytes that were read and not yet used are data[at, len). */
struct stream {
    int fd;
    struct buf in;
    size_t at;
};

/* Waits for more bytes: how many came, 0 at the end, -1 with errno. */
ssize_t stream_fill(struct stream *s);
void stream_close(struct stream *s);
bool stream_send(int fd, const void *bytes, size_t len); /* all of them; false: the connection is gone */
/* The same; they may wait for those that are sent next. */
bool stream_send_part(int fd, const void *bytes, size_t len);
