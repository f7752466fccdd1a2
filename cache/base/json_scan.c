// SPDX-License-Identifier: Apache-2.0
/*
 * What may come next:
 *
 *     VALUE        a value                    FIRST_ITEM   a value or ']'
 *     FIRST_NAME   a name or '}'              NAME         a name (behind a comma)
 *     MEMBER       the value of a member      REST         ',' or the end of what is open, or of the input
 */
#include "cache/base/json_scan.h"

#include <errno.h>
#include <string.h>

#include "cache/base/decimal.h"
#include "cache/base/utf8.h"

enum state { STATE_VALUE, STATE_FIRST_ITEM, STATE_FIRST_NAME, STATE_NAME, STATE_MEMBER, STATE_REST };

void json_scan_init(struct json_scan *scan, char *text, size_t len)
{
    *scan = (struct json_scan){.start = text, .at = text, .end = text + len, .state = STATE_VALUE};
}

size_t json_scan_column(const struct json_scan *scan)
{
    return (size_t)(scan->at - scan->start) + 1;
}

static int fail(const struct json_scan *scan, struct error *err, const char *reason)
{
    return error_set(err, EINVAL, "column %zu: not valid JSON: %s", json_scan_column(scan), reason);
}

static void skip_blanks(struct json_scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool is_digit(const struct json_scan *scan, const char *at)
{
    return at < scan->end && *at >= '0' && *at <= '9';
}

/* ---- texts ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at scan->at, which moves behind them; -1 if they are none. */
static int32_t read_unit(struct json_scan *scan)
{
    int32_t unit = 0;
    if (scan->end - scan->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*scan->at++);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | code >> 6 * more);
    while (more--)
        *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return to;
}

/* Behind "\u". A character outside the first plane comes as two units (RFC 8259, section 7). */
static int read_code(struct json_scan *scan, char **to, struct error *err)
{
    int32_t unit = read_unit(scan);
    if (unit < 0)
        return fail(scan, err, "\\u without four hex digits");
    if (!unit)
        return fail(scan, err, "a text holds a NUL byte");
    uint32_t code = (uint32_t)unit;
    if (code >= 0xd800 && code < 0xe000) {
        bool pair = code < 0xdc00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u';
        scan->at += pair ? 2 : 0;
        int32_t low = pair ? read_unit(scan) : -1;
        if (low < 0xdc00 || low >= 0xe000)
            return fail(scan, err, "half a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    }
    *to = put_utf8(*to, code);
    return 0;
}

static int read_escape(struct json_scan *scan, char **to, struct error *err)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char name = scan->at + 1 < scan->end ? scan->at[1] : 0;
    const char *known = name ? strchr(names, name) : NULL;
    if (name != 'u' && !known)
        return fail(scan, err, "an escape that is none");
    scan->at += 2;
    if (!known)
        return read_code(scan, to, err);
    *(*to)++ = bytes[known - names];
    return 0;
}

/* Behind the opening quote. What is decoded is never longer than what it was. */
static int read_text(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    char *text = scan->at, *to = text;
    bool ascii = true;
    for (;;) {
        const char *from = scan->at;
        while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\' &&
               (unsigned char)*scan->at >= 0x20)
            ascii &= (unsigned char)*scan->at++ < 0x80;
        size_t plain = (size_t)(scan->at - from);
        if (to != from)
            memmove(to, from, plain);
        to += plain;
        if (scan->at == scan->end)
            return fail(scan, err, "a text is not closed");
        if ((unsigned char)*scan->at < 0x20)
            return fail(scan, err, "a control byte in a text");
        if (*scan->at == '"')
            break;
        int rc = read_escape(scan, &to, err);
        if (rc)
            return rc;
    }
    ret->text = text;
    ret->len = (size_t)(to - text);
    if (!ascii && !utf8_valid(ret->text, ret->len))
        return fail(scan, err, "a text is not UTF-8");
    scan->at++;
    return 0;
}

/* ---- numbers and words ---- */

static int read_integer(struct json_scan *scan, const char *end, int64_t *ret, struct error *err)
{
    bool negative = *scan->at == '-';
    int64_t sum = 0;
    for (const char *at = scan->at + negative; at < end; at++) {
        int digit = *at - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return fail(scan, err, "an integer beyond int64 (a text keeps it)");
    }
    *ret = sum;
    return 0;
}

static int read_number(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    char *at = scan->at + (*scan->at == '-');
    bool zero = is_digit(scan, at) && *at == '0', whole = true, digits = is_digit(scan, at);
    for (at += zero; !zero && is_digit(scan, at);)
        at++;
    if (at < scan->end && *at == '.') {
        whole = false;
        digits &= is_digit(scan, ++at);
        while (is_digit(scan, at))
            at++;
    }
    if (at < scan->end && (*at == 'e' || *at == 'E')) {
        whole = false;
        at++;
        at += at < scan->end && (*at == '+' || *at == '-');
        digits &= is_digit(scan, at);
        while (is_digit(scan, at))
            at++;
    }
    if (!digits)
        return fail(scan, err, "a number that is none");
    ret->kind = whole ? JSON_TOKEN_INTEGER : JSON_TOKEN_REAL;
    int rc = 0;
    if (whole)
        rc = read_integer(scan, at, &ret->integer, err);
    else if (decimal_parse(scan->at, (size_t)(at - scan->at), &ret->real))
        rc = fail(scan, err, "a number that is too large");
    scan->at = rc ? scan->at : at;
    return rc;
}

static bool take_word(struct json_scan *scan, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

static int read_word(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    ret->kind = JSON_TOKEN_BOOL;
    if (take_word(scan, "true"))
        ret->boolean = true;
    else if (take_word(scan, "false"))
        ret->boolean = false;
    else if (take_word(scan, "null"))
        ret->kind = JSON_TOKEN_NULL;
    else
        return fail(scan, err, "a value must stand here");
    return 0;
}

/* ---- structure ---- */

static bool in_object(const struct json_scan *scan)
{
    return scan->depth && scan->objects >> (scan->depth - 1) & 1;
}

static int open_level(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    bool object = *scan->at == '{';
    if (scan->depth == JSON_SCAN_DEPTH_MAX)
        return fail(scan, err, "nested too deeply");
    uint64_t bit = UINT64_C(1) << scan->depth++;
    scan->objects = object ? scan->objects | bit : scan->objects & ~bit;
    scan->at++;
    scan->state = object ? STATE_FIRST_NAME : STATE_FIRST_ITEM;
    ret->kind = object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
    return 0;
}

static int close_level(struct json_scan *scan, struct json_token *ret)
{
    ret->kind = in_object(scan) ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END;
    scan->depth--;
    scan->at++;
    scan->state = STATE_REST;
    return 0;
}

static int read_value(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    char c = *scan->at;
    if (c == '{' || c == '[')
        return open_level(scan, ret, err);
    scan->state = STATE_REST;
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(scan, ret, err);
    if (c != '"')
        return read_word(scan, ret, err);
    scan->at++;
    ret->kind = JSON_TOKEN_TEXT;
    return read_text(scan, ret, err);
}

static int read_name(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    if (*scan->at != '"')
        return fail(scan, err, "a name in quotes must stand here");
    scan->at++;
    ret->kind = JSON_TOKEN_NAME;
    int rc = read_text(scan, ret, err);
    if (rc)
        return rc;
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != ':')
        return fail(scan, err, "a ':' must stand here");
    scan->at++;
    scan->state = STATE_MEMBER;
    return 0;
}

/* Behind a value that is complete: 1 if there is a comma, which is passed over. */
static int read_rest(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    if (scan->at == scan->end || !scan->depth)
        return fail(scan, err, scan->depth ? "it ends too early" : "something follows the value");
    if (*scan->at == (in_object(scan) ? '}' : ']'))
        return close_level(scan, ret);
    if (*scan->at != ',')
        return fail(scan, err,
                    in_object(scan) ? "a ',' or '}' must stand here" : "a ',' or ']' must stand here");
    scan->at++;
    scan->state = in_object(scan) ? STATE_NAME : STATE_VALUE;
    return 1;
}

int json_scan_next(struct json_scan *scan, struct json_token *ret, struct error *err)
{
    skip_blanks(scan);
    if (scan->state == STATE_REST) {
        if (scan->at == scan->end && !scan->depth) {
            ret->kind = JSON_TOKEN_END;
            return 0;
        }
        int rc = read_rest(scan, ret, err);
        if (rc <= 0)
            return rc;
        skip_blanks(scan);
    }
    if (scan->at == scan->end)
        return fail(scan, err, "it ends too early");
    if ((scan->state == STATE_FIRST_ITEM && *scan->at == ']') ||
        (scan->state == STATE_FIRST_NAME && *scan->at == '}'))
        return close_level(scan, ret);
    return scan->state == STATE_NAME || scan->state == STATE_FIRST_NAME ? read_name(scan, ret, err)
                                                                        : read_value(scan, ret, err);
}
