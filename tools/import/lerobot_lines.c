// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks are cut at their line feeds. Python's NaN and infinities become null where a line does not parse
 * without.
 */
#include "tools/import/lerobot_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK_BYTES = 4 << 20, LINE_BYTES_MAX = 64 << 20 };

/* Copies a line with null for each NaN, Infinity and -Infinity outside of texts. False: there is none. */
static bool without_nonfinite(const char *line, size_t len, struct buf *ret)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    bool found = false, text = false;
    for (size_t i = 0, taken; i < len; i += taken) {
        taken = 1;
        for (size_t w = 0; !text && w < sizeof words / sizeof *words; w++)
            if (len - i >= strlen(words[w]) && !memcmp(line + i, words[w], strlen(words[w])))
                taken = strlen(words[w]);
        if (text && line[i] == '\\' && i + 1 < len)
            taken = 2;
        else if (line[i] == '"')
            text = !text;
        if (taken > 2) {
            buf_text_append(ret, "null");
            found = true;
        } else {
            buf_append(ret, line + i, taken);
        }
    }
    return found;
}

static int parse(size_t number, const char *line, size_t len, struct json **ret, struct error *err)
{
    struct error why = {0};
    int rc = json_parse_line(number, line, len, ret, &why);
    if (!rc)
        return 0;
    CLEANUP_BUF struct buf finite = BUF_INIT;
    if (without_nonfinite(line, len, &finite))
        return json_parse_line(number, finite.data, finite.len, ret, err);
    return error_copy(err, &why);
}

struct reading {
    const struct recording *recording;
    lerobot_line_fn *each;
    lerobot_bad_line_fn *bad;
    void *ctx;
    struct buf block; /* bytes of lines that have not ended */
    size_t number;    /* of the last line */
    bool cut;         /* it has no end: its writer is not done with it */
};

static int take_object(const struct reading *r, const char *line, size_t len, struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    int rc = parse(r->number, line, len, &json, err);
    if (rc)
        return error_prefix(err, "%s", r->recording->name);
    CLEANUP_FREE char *place = mem_printf("%s: line %zu", r->recording->name, r->number);
    if (json_kind(json) != JSON_KIND_OBJECT)
        return error_set(err, EINVAL, "%s: it is of the kind %s, not an object", place,
                         json_kind_name(json_kind(json)));
    return r->each(r->ctx, place, json, err);
}

static int take_line(struct reading *r, const char *line, size_t len, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct error why = {0};
    if (!r->number++ && len >= 3 && !memcmp(line, mark, 3))
        line += 3, len -= 3;
    size_t blank = 0;
    while (blank < len && strchr(" \t\r", line[blank]) && line[blank])
        blank++;
    if (blank == len)
        return 0;
    int rc = take_object(r, line, len, &why);
    if (rc == -EINVAL && r->cut)
        rc = error_recode(&why, ENODATA);
    if (rc && r->bad)
        rc = r->bad(r->ctx, r->number, line, len, &why);
    return rc ? error_copy(err, &why) : 0;
}

/* All lines that have ended, and at the `last` block the rest. `from`: bytes that hold no line feed. */
static int take_lines(struct reading *r, size_t from, bool last, struct error *err)
{
    const char *text = buf_text(&r->block), *end;
    size_t start = 0;
    int rc = 0;
    while (!rc && from < r->block.len && (end = memchr(text + from, '\n', r->block.len - from))) {
        from = (size_t)(end - text) + 1;
        rc = take_line(r, text + start, from - 1 - start, err);
        start = from;
    }
    r->cut = last;
    if (!rc && last && start < r->block.len)
        return take_line(r, text + start, r->block.len - start, err);
    if (rc || !start)
        return rc;
    memmove(r->block.data, r->block.data + start, r->block.len - start);
    buf_truncate(&r->block, r->block.len - start);
    return 0;
}

static int read_all(struct reading *r, struct error *err)
{
    uint64_t size = r->recording->size;
    for (uint64_t at = 0; at < size;) {
        size_t len = size - at < BLOCK_BYTES ? (size_t)(size - at) : BLOCK_BYTES, before = r->block.len;
        if (before > LINE_BYTES_MAX)
            return error_set(err, EFBIG, "%s: line %zu: more than %d MiB", r->recording->name, r->number + 1,
                             LINE_BYTES_MAX >> 20);
        int rc = recording_read(r->recording, at, len, buf_room(&r->block, len), err);
        if (rc)
            return rc;
        r->block.len += len;
        buf_room(&r->block, 0);
        at += len;
        rc = take_lines(r, before, at == size, err);
        if (rc)
            return rc;
    }
    return 0;
}

int lerobot_lines_read(const struct recording *recording, lerobot_line_fn *each, lerobot_bad_line_fn *bad,
                       void *ctx, struct error *err)
{
    struct reading r = {.recording = recording, .each = each, .bad = bad, .ctx = ctx};
    int rc = read_all(&r, err);
    buf_done(&r.block);
    return rc;
}
