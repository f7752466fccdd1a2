// SPDX-License-Identifier: Apache-2.0
/* One pass from left to right. Bare words keep the spelling of the path grammar, so what it reads is read
 * here as well; words in quotes are any bytes, and are escaped. */
#include "query/say/where.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "cache/base/escape.h"
#include "query/op/op.h"
#include "query/show.h"

struct scan {
    const char *at, *end;
    struct buf *path;
};

static const char blanks[] = " \t\r\n";

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c) != NULL;
}

static size_t span_until(const struct scan *scan, const char *set)
{
    size_t n = 0;
    while (scan->at + n < scan->end && !is_one_of(scan->at[n], set))
        n++;
    return n;
}

static void skip(struct scan *scan, const char *set)
{
    while (scan->at < scan->end && is_one_of(*scan->at, set))
        scan->at++;
}

static bool at_end(const struct scan *scan)
{
    return scan->at == scan->end;
}

/* "'what is typed from here on': reason". */
static int refuse(const struct scan *scan, const char *from, const char *reason, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, from, (size_t)(scan->end - from));
    return error_set(err, EINVAL, "'%s': %s", buf_text(&shown), reason);
}

static int refuse_end(const char *what, struct error *err)
{
    return error_set(err, EINVAL, "it ends where %s should follow", what);
}

/* Takes the word if it is the next one and whole. */
static bool take_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || strncasecmp(scan->at, word, len) != 0)
        return false;
    if (scan->at + len < scan->end && !is_one_of(scan->at[len], " \t\r\n(\"'"))
        return false;
    scan->at += len;
    return true;
}

static bool take(struct scan *scan, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, text, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* ---- values ---- */

/* Appends bytes as typed, but for blanks and what would separate here or when the path is read again. */
static void append_raw(struct buf *path, const char *bytes, size_t len, const char *separators)
{
    for (size_t i = 0; i < len; i++)
        if (is_one_of(bytes[i], separators) || is_one_of(bytes[i], blanks) || !bytes[i])
            buf_printf(path, "%%%02X", (unsigned char)bytes[i]);
        else
            buf_u8(path, (uint8_t)bytes[i]);
}

/* "pick up the cube" or 'pick up the cube': all bytes up to the same quote. */
static int take_quoted(struct scan *scan, struct error *err)
{
    const char *start = scan->at, *close = memchr(start + 1, *start, (size_t)(scan->end - start - 1));
    if (!close)
        return refuse(scan, start, "the quote is not closed", err);
    escape_append(scan->path, start + 1, (size_t)(close - start - 1), NULL, 1);
    scan->at = close + 1;
    return 0;
}

static bool at_quote(const struct scan *scan)
{
    return !at_end(scan) && is_one_of(*scan->at, "\"'");
}

static int take_value(struct scan *scan, struct error *err)
{
    skip(scan, blanks);
    if (at_end(scan))
        return refuse_end("a value (\"\" is the empty text)", err);
    if (at_quote(scan)) {
        const char *start = scan->at;
        int rc = take_quoted(scan, err);
        if (!rc && !at_end(scan) && !is_one_of(*scan->at, " \t\r\n/+"))
            return refuse(scan, start, "a blank should follow the closing quote", err);
        return rc;
    }
    size_t len = span_until(scan, " \t\r\n/+");
    if (!len)
        return refuse(scan, scan->at, "no value before it (\"\" is the empty text)", err);
    append_raw(scan->path, scan->at, len, "=");
    scan->at += len;
    return 0;
}

static int take_item(struct scan *scan, struct error *err)
{
    skip(scan, blanks);
    if (at_quote(scan)) {
        int rc = take_quoted(scan, err);
        skip(scan, blanks);
        return rc;
    }
    size_t len = span_until(scan, ",)");
    const char *from = scan->at;
    scan->at += len;
    while (len && is_one_of(from[len - 1], blanks))
        len--;
    if (!len && !at_end(scan))
        return refuse(scan, from, "no value before it (\"\" is the empty text)", err);
    append_raw(scan->path, from, len, "/+=");
    return 0;
}

/* "(left, both)", behind the bracket. */
static int take_list(struct scan *scan, struct error *err)
{
    for (;;) {
        int rc = take_item(scan, err);
        if (rc)
            return rc;
        if (take(scan, ")"))
            return 0;
        if (at_end(scan))
            return error_set(err, EINVAL, "the list ends without a ')'");
        if (!take(scan, ","))
            return refuse(scan, scan->at, "a ',' or ')' should follow a value of a list", err);
        buf_u8(scan->path, ',');
    }
}

/* Behind "in": (a, b), a,b or a..b. */
static int take_set(struct scan *scan, bool negative, struct error *err)
{
    skip(scan, blanks);
    const char *start = scan->at;
    size_t len = span_until(scan, " \t\r\n/+");
    bool range = len && *start != '(' && !at_quote(scan) && memmem(start, len, "..", 2);
    if (range && negative)
        return refuse(scan, start, "a range has no 'not in': ask for < or > of its ends", err);
    buf_text_append(scan->path, range ? ".rng=" : negative ? ".nin=" : ".in=");
    return take(scan, "(") ? take_list(scan, err) : take_value(scan, err);
}

/* ---- conditions ---- */

/* Words of other languages, and what to write. */
static const struct other_word {
    const char *word, *write;
} other_words[] = {
    {"between", "a range is written: length in 1..5"},
    {"contains", "words are asked for by: task.has=pick"},
    {"exists", "write NAME.null=0 for the clips that have a value of NAME"},
    {"is", "write NAME.null=1 for the clips without a value of NAME, NAME.null=0 for the others"},
    {"like", "beginnings and ends are asked for by: task.prefix=pick, task.suffix=cube"},
    {"not", "'not' stands only before 'in': write arm!=left, or arm not in (left, both)"},
    {"or", "either of two is written with a plus: arm=left+outcome=fail"},
};

static int refuse_other_word(struct scan *scan, const char *from, struct error *err)
{
    scan->at = from;
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
        if (take_word(scan, other_words[i].word))
            return refuse(scan, from, other_words[i].write, err);
    return 0;
}

/* Behind the key, which began at `key`. */
static int take_operation(struct scan *scan, const char *key, struct error *err)
{
    skip(scan, blanks);
    size_t len;
    const struct op *op = op_of_sign(scan->at, (size_t)(scan->end - scan->at), &len);
    if (op) {
        scan->at += len;
        buf_printf(scan->path, "%s%s=", *op->name ? "." : "", op->name);
        return take_value(scan, err);
    }
    if (take_word(scan, "in"))
        return take_set(scan, false, err);
    const char *here = scan->at;
    if (take_word(scan, "not")) {
        skip(scan, blanks);
        if (take_word(scan, "in"))
            return take_set(scan, true, err);
    }
    int rc = refuse_other_word(scan, here, err);
    if (!rc)
        rc = refuse(scan, key, "no condition: write arm=left, arm!=left, length>100 or arm in (left, both)",
                    err);
    return rc;
}

static int take_key(struct scan *scan, struct error *err)
{
    const char *key = scan->at;
    size_t before = scan->path->len;
    int rc = 0;
    if (at_quote(scan)) {
        rc = take_quoted(scan, err);
    } else {
        size_t len = span_until(scan, " \t\r\n=!<>/+(&|;,");
        append_raw(scan->path, key, len, "");
        scan->at += len;
    }
    if (!rc && scan->path->len == before)
        rc = refuse(scan, key, "an attribute's name should stand here", err);
    return rc;
}

static int take_condition(struct scan *scan, struct error *err)
{
    skip(scan, blanks);
    const char *key = scan->at;
    if (at_end(scan))
        return refuse_end("a condition", err);
    int rc = refuse_other_word(scan, key, err);
    if (!rc)
        rc = take_key(scan, err);
    return rc ? rc : take_operation(scan, key, err);
}

/* One component: conditions with '+' between them. */
static int take_component(struct scan *scan, struct error *err)
{
    for (;;) {
        int rc = take_condition(scan, err);
        if (rc)
            return rc;
        skip(scan, blanks);
        if (!take(scan, "+"))
            return 0;
        buf_u8(scan->path, '+');
    }
}

static int take_components(struct scan *scan, struct error *err)
{
    skip(scan, " \t\r\n/");
    for (;;) {
        int rc = take_component(scan, err);
        if (rc)
            return rc;
        skip(scan, " \t\r\n/");
        if (at_end(scan))
            return 0;
        if (take_word(scan, "and") || take(scan, "&&"))
            skip(scan, blanks);
        buf_u8(scan->path, '/');
    }
}

int where_parse(const char *text, size_t len, struct buf *ret_path, struct error *err)
{
    size_t start = ret_path->len;
    struct scan scan = {.at = text, .end = text + len, .path = ret_path};
    int rc = take_components(&scan, err);
    if (rc)
        buf_truncate(ret_path, start);
    return rc;
}
