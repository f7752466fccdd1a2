// SPDX-License-Identifier: Apache-2.0
/* Reads the table line by line, asks the test for each result and compares; GOLDEN_WRITE=1 writes it anew. */
#include "tests/query/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"

static void unescape(struct buf *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (from[i] != '\\' || i + 1 == len) {
            buf_u8(to, (uint8_t)from[i]);
            continue;
        }
        char c = from[++i];
        buf_u8(to, (uint8_t)(c == 't' ? '\t' : c == 'n' ? '\n' : c));
    }
}

static void escape(struct buf *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (from[i] == '\t' || from[i] == '\n' || from[i] == '\\')
            buf_printf(to, "\\%c", from[i] == '\t' ? 't' : from[i] == '\n' ? 'n' : '\\');
        else
            buf_u8(to, (uint8_t)from[i]);
}

struct golden {
    golden_fn *make;
    void *ctx;
    int lines, failed;
    struct buf rewritten;
};

static void check_line(struct golden *golden, const char *line, size_t len)
{
    const char *tab = memchr(line, '\t', len);
    if ((len && line[0] == '#') || !tab) {
        buf_append(&golden->rewritten, line, len);
        buf_u8(&golden->rewritten, '\n');
        return;
    }
    CLEANUP_BUF struct buf input = BUF_INIT, result = BUF_INIT, shown = BUF_INIT;
    unescape(&input, line, (size_t)(tab - line));
    golden->make(golden->ctx, buf_text(&input), input.len, &result);
    escape(&shown, buf_text(&result), result.len);
    size_t wanted = len - (size_t)(tab + 1 - line);
    golden->lines++;
    if (wanted != shown.len || memcmp(tab + 1, buf_text(&shown), wanted) != 0) {
        fprintf(stderr, "%.*s\n  wanted %.*s\n  got    %s\n", (int)(tab - line), line, (int)wanted, tab + 1,
                buf_text(&shown));
        golden->failed++;
    }
    buf_append(&golden->rewritten, line, (size_t)(tab + 1 - line));
    buf_append(&golden->rewritten, buf_text(&shown), shown.len);
    buf_u8(&golden->rewritten, '\n');
}

int golden_check(const char *name, golden_fn *make, void *ctx)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_FREE char *path = mem_printf("%s/%s", GOLDEN_FOLDER, name);
    if (file_read(path, 1 << 20, &text, NULL))
        return -1;
    struct golden golden = {.make = make, .ctx = ctx};
    const char *line = buf_text(&text), *end;
    for (; (end = strchr(line, '\n')); line = end + 1)
        check_line(&golden, line, (size_t)(end - line));
    if (golden.failed && getenv("GOLDEN_WRITE"))
        file_replace(path, golden.rewritten.data, golden.rewritten.len, 0644, NULL);
    buf_done(&golden.rewritten);
    return golden.lines ? golden.failed : -1;
}
