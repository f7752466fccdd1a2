// SPDX-License-Identifier: Apache-2.0
/* Looks for fields in the text of a head; nothing is parsed twice or kept. */
#include "tests/proxy/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_BYTES = 65536, VALUE_BYTES = 4096 };

bool head_read(struct stream *s, struct buf *head)
{
    buf_clear(head);
    for (;;) {
        const uint8_t *start = s->in.data ? s->in.data + s->at : NULL;
        const uint8_t *end = start ? memmem(start, s->in.len - s->at, "\r\n\r\n", 4) : NULL;
        if (end) {
            buf_append(head, start, (size_t)(end + 4 - start));
            s->at += (size_t)(end + 4 - start);
            return true;
        }
        if (s->in.len - s->at > HEAD_BYTES || stream_fill(s) <= 0)
            return false;
    }
}

const char *head_find(const struct buf *head, const char *name, char *ret_value, size_t cap)
{
    size_t name_len = strlen(name);
    for (const char *line = strstr(buf_text(head), "\r\n"); line && line[2];
         line = strstr(line + 2, "\r\n")) {
        const char *text = line + 2;
        if (strncasecmp(text, name, name_len) || text[name_len] != ':')
            continue;
        text += name_len + 1;
        text += strspn(text, " \t");
        size_t len = strcspn(text, "\r\n");
        snprintf(ret_value, cap, "%.*s", (int)(len < cap ? len : cap - 1), text);
        return line + 2;
    }
    return NULL;
}

void head_drop(struct buf *head, const char *name)
{
    char value[VALUE_BYTES];
    const char *line = head_find(head, name, value, sizeof value);
    if (!line)
        return;
    size_t start = (size_t)(line - (const char *)head->data);
    size_t end = (size_t)(strstr(line, "\r\n") + 2 - (const char *)head->data);
    memmove(head->data + start, head->data + end, head->len - end + 1);
    head->len -= end - start;
}

bool head_is_chunked(const struct buf *head)
{
    char value[64];
    return head_find(head, "transfer-encoding", value, sizeof value) && strcasestr(value, "chunked");
}

bool head_wants_close(const struct buf *head)
{
    char value[64];
    return head_find(head, "connection", value, sizeof value) && !strcasecmp(value, "close");
}

int64_t head_content_length(const struct buf *head)
{
    char value[32];
    return head_find(head, "content-length", value, sizeof value) ? strtoll(value, NULL, 10) : -1;
}
