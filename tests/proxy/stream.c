// SPDX-License-Identifier: Apache-2.0
/* Reads come through a buffer, writes go straight out. */
#include "tests/proxy/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

ssize_t stream_fill(struct stream *s)
{
    if (s->at == s->in.len) {
        buf_clear(&s->in);
        s->at = 0;
    }
    uint8_t *to = buf_room(&s->in, PIECE_BYTES);
    ssize_t got;
    do
        got = recv(s->fd, to, PIECE_BYTES, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        s->in.len += (size_t)got;
    return got;
}

void stream_close(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    buf_clear(&s->in);
    s->at = 0;
}

static bool send_all(int fd, const void *bytes, size_t len, int flags)
{
    for (const char *from = bytes; len;) {
        ssize_t n = send(fd, from, len, MSG_NOSIGNAL | flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        from += n;
        len -= (size_t)n;
    }
    return true;
}

bool stream_send(int fd, const void *bytes, size_t len)
{
    return send_all(fd, bytes, len, 0);
}

bool stream_send_part(int fd, const void *bytes, size_t len)
{
    return send_all(fd, bytes, len, MSG_MORE);
}
