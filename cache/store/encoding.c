// SPDX-License-Identifier: Apache-2.0
/* A pin is of what is kept: whatever else is sent is not that object, however good its ETag looks. */
#include "cache/store/encoding.h"

#include <errno.h>
#include <string.h>

bool encoding_is_undone(const struct http_reply *reply)
{
    char text[64];
    if (http_reply_header(reply, "content-encoding", text, sizeof text) && strcmp(text, "identity"))
        return false;
    if (http_reply_header(reply, "x-goog-stored-content-encoding", text, sizeof text))
        return strcmp(text, "identity") != 0;
    return http_reply_header(reply, "warning", text, sizeof text) && !strncmp(text, "214 ", 4);
}

int encoding_check_none(const struct http_reply *reply, struct error *err)
{
    char text[64];
    if (http_reply_header(reply, "content-encoding", text, sizeof text) && strcmp(text, "identity"))
        return error_set(
            err, EBADMSG,
            "it is sent with the encoding '%s', though it was asked for as it is: either it is kept "
            "so, or the server compresses",
            text);
    if (encoding_is_undone(reply))
        return error_set(err, EBADMSG, "it is kept gzip-encoded, and the server unpacks it on the way");
    return 0;
}
