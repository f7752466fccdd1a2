// SPDX-License-Identifier: Apache-2.0
/* Escaped as components are, and cut: hostile bytes must neither reach a terminal nor fill it. */
#include "query/show.h"

#include "cache/base/escape.h"

void show_append(struct buf *buf, const char *bytes, size_t len)
{
    enum { SHOWN_MAX = 120 };
    escape_append(buf, bytes, len < SHOWN_MAX ? len : SHOWN_MAX, " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~", 1);
    if (len > SHOWN_MAX)
        buf_text_append(buf, "...");
}
