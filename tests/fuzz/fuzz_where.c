// SPDX-License-Identifier: Apache-2.0
/* Whatever is typed as conditions: an error, or a path without blanks and NUL bytes; and, where nothing was
 * quoted, one that gives the same path again when it is typed as conditions itself. */
#include "query/say/where.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf path = BUF_INIT, again = BUF_INIT;
    struct error err;
    if (where_parse((const char *)data, size, &path, &err))
        return path.len ? (__builtin_trap(), 1) : 0;
    if (!path.len || strlen(buf_text(&path)) != path.len || strpbrk(buf_text(&path), " \t\r\n"))
        __builtin_trap();
    if (memchr(data, '"', size) || memchr(data, '\'', size))
        return 0; /* "" stands for what must be quoted: an empty value */
    if (where_parse(buf_text(&path), path.len, &again, &err))
        __builtin_trap();
    if (path.len != again.len || memcmp(buf_text(&path), buf_text(&again), path.len) != 0)
        __builtin_trap();
    return 0;
}
