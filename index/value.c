// SPDX-License-Identifier: Apache-2.0
/* One table of types; everything that depends on a type is a switch over it, so that the compiler names what
 * a new type forgets. */
#include "index/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "cache/base/decimal.h"
#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "cache/base/utf8.h"

static const char *const type_names[] = {
    [VALUE_BOOL] = "boolean", [VALUE_INT] = "integer",    [VALUE_FLOAT] = "float",
    [VALUE_TEXT] = "text",    [VALUE_TIME] = "timestamp", [VALUE_DURATION] = "duration",
};
enum { TYPES = sizeof type_names / sizeof *type_names };

const char *value_type_name(enum value_type type)
{
    return (unsigned)type < TYPES && type_names[type] ? type_names[type] : "unknown";
}

int value_type_parse(const char *name, enum value_type *ret)
{
    for (int type = VALUE_BOOL; type < TYPES; type++)
        if (!strcmp(name, type_names[type])) {
            *ret = (enum value_type)type;
            return 0;
        }
    return -EINVAL;
}

static bool text_is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(text, word, len);
}

/* As JSON, Python and spreadsheets spell them. */
static int parse_bool(const char *text, size_t len, struct value *value)
{
    static const char *const spelled[][2] = {{"false", "true"}, {"False", "True"}, {"FALSE", "TRUE"}};
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++)
        for (size_t k = 0; k < 2; k++)
            if (text_is(text, len, spelled[i][k])) {
                value->boolean = k;
                return 0;
            }
    return -EINVAL;
}

static int parse_int(const char *text, size_t len, struct value *value)
{
    bool negative = len && *text == '-';
    size_t i = negative;
    int64_t sum = 0;
    if (i == len)
        return -EINVAL;
    for (; i < len; i++) {
        int digit = text[i] - '0';
        if (digit < 0 || digit > 9)
            return -EINVAL;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return -ERANGE;
    }
    value->integer = sum;
    return 0;
}

/* -?digits[.digits][e[+-]digits], as decimal_parse() wants it. */
static bool is_decimal(const char *text, size_t len)
{
    size_t i = len && *text == '-', digits = 0;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        digits++;
    if (i < len && text[i] == '.')
        for (i++; i < len && text[i] >= '0' && text[i] <= '9'; i++)
            digits++;
    if (!digits)
        return false;
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        i += i < len && (text[i] == '+' || text[i] == '-');
        size_t exponent = i;
        for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
            ;
        if (i == exponent)
            return false;
    }
    return i == len;
}

/* inf, Infinity, in any case, with a sign. */
static bool is_infinite(const char *text, size_t len)
{
    size_t sign = len && (*text == '-' || *text == '+');
    return (len == sign + 3 && !strncasecmp(text + sign, "inf", 3)) ||
           (len == sign + 8 && !strncasecmp(text + sign, "infinity", 8));
}

static int parse_float(const char *text, size_t len, struct value *value)
{
    enum { DIGITS_MAX = 1100 }; /* the exact decimal form of any double is shorter */
    bool infinite = is_infinite(text, len);
    if (len > DIGITS_MAX || !(infinite || is_decimal(text, len)))
        return -EINVAL;
    double real = *text == '-' ? -HUGE_VAL : HUGE_VAL;
    if (!infinite && decimal_parse(text, len, &real))
        return -ERANGE;
    value->real = real == 0 ? 0 : real; /* no -0 */
    return 0;
}

static int parse_text(const char *text, size_t len, struct value *value)
{
    if (len > VALUE_TEXT_MAX || !utf8_valid(text, len) || (len && memchr(text, 0, len)))
        return -EINVAL;
    value->text = text;
    value->len = len;
    return 0;
}

static int parse(enum value_type type, const char *text, size_t len, struct value *value)
{
    switch (type) {
    case VALUE_BOOL:
        return parse_bool(text, len, value);
    case VALUE_INT:
        return parse_int(text, len, value);
    case VALUE_FLOAT:
        return parse_float(text, len, value);
    case VALUE_TEXT:
        return parse_text(text, len, value);
    case VALUE_TIME:
        return instant_parse(text, len, &value->integer);
    case VALUE_DURATION:
        return duration_parse(text, len, &value->integer);
    }
    return -EINVAL;
}

int value_parse(enum value_type type, const char *text, size_t len, struct value *ret, struct error *err)
{
    static const char *const articles[] = {
        [VALUE_BOOL] = "true or false",
        [VALUE_INT] = "an integer",
        [VALUE_FLOAT] = "a number",
        [VALUE_TEXT] = "text (UTF-8, at most 64 KiB, no NUL)",
        [VALUE_TIME] = "a timestamp (RFC 3339)",
        [VALUE_DURATION] = "a duration (a number and ms, s, min or h)",
    };
    struct value value = {.type = type};
    int rc = parse(type, text, len, &value);
    int shown = len < 100 ? (int)len : 100;
    if (rc == -ERANGE)
        return error_set(err, EINVAL, "'%.*s' is out of range for %s %s", shown, text,
                         type == VALUE_INT ? "an" : "a", value_type_name(type));
    if (rc)
        return error_set(err, EINVAL, "'%.*s' is not %s", shown, text, articles[type]);
    *ret = value;
    return 0;
}

void value_print(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_BOOL:
        buf_text_append(buf, value->boolean ? "true" : "false");
        break;
    case VALUE_INT:
        if (value->integer < 0)
            buf_u8(buf, '-');
        buf_decimal(buf, value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer, 1);
        break;
    case VALUE_FLOAT:
        if (isinf(value->real))
            buf_text_append(buf, value->real < 0 ? "-inf" : "inf");
        else
            json_write_real(buf, value->real);
        break;
    case VALUE_TEXT:
        buf_append(buf, value->text, value->len);
        break;
    case VALUE_TIME:
        instant_print(buf, value->integer);
        break;
    case VALUE_DURATION:
        duration_print(buf, value->integer);
        break;
    }
}

void value_print_json(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_TEXT:
        json_write_text(buf, value->text, value->len);
        break;
    case VALUE_FLOAT:
        json_write_real(buf, value->real);
        break;
    case VALUE_TIME:
        buf_u8(buf, '"');
        instant_print(buf, value->integer);
        buf_u8(buf, '"');
        break;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DURATION:
        value_print(buf, value);
        break;
    }
}

int value_compare(const struct value *a, const struct value *b)
{
    switch (a->type) {
    case VALUE_BOOL:
        return a->boolean - b->boolean;
    case VALUE_FLOAT:
        return (a->real > b->real) - (a->real < b->real);
    case VALUE_TEXT: {
        size_t len = a->len < b->len ? a->len : b->len;
        int order = len ? memcmp(a->text, b->text, len) : 0;
        return order ? order : (a->len > b->len) - (a->len < b->len);
    }
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        break;
    }
    return (a->integer > b->integer) - (a->integer < b->integer);
}

int value_check(const struct value *value, struct error *err)
{
    if (value->type < VALUE_BOOL || value->type > VALUE_DURATION)
        return error_set(err, EINVAL, "%d is no type of a value", (int)value->type);
    if (value->type == VALUE_FLOAT && (isnan(value->real) || (value->real == 0 && signbit(value->real))))
        return error_set(err, EINVAL, "%s is not a value", isnan(value->real) ? "nan" : "-0");
    struct value same;
    if (value->type == VALUE_TEXT && parse_text(value->text, value->len, &same))
        return error_set(err, EINVAL, "a text of %zu bytes is not UTF-8, holds a NUL or is over %d bytes",
                         value->len, VALUE_TEXT_MAX);
    return 0;
}

void value_encode_signed(struct buf *buf, int64_t number)
{
    buf_varint(buf, ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0));
}

int64_t value_decode_signed(struct cursor *c)
{
    uint64_t bits = cursor_varint(c);
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

void value_encode(struct buf *buf, const struct value *value)
{
    uint64_t bits;
    switch (value->type) {
    case VALUE_BOOL:
        buf_u8(buf, value->boolean);
        break;
    case VALUE_FLOAT:
        memcpy(&bits, &value->real, sizeof bits);
        buf_le64(buf, bits);
        break;
    case VALUE_TEXT:
        buf_varint(buf, value->len);
        buf_append(buf, value->text, value->len);
        buf_u8(buf, 0);
        break;
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        value_encode_signed(buf, value->integer);
        break;
    }
}

static void decode_text(struct cursor *c, struct value *value)
{
    uint64_t len = cursor_varint(c);
    value->text = (const char *)cursor_bytes(c, len);
    value->len = len;
    if (cursor_u8(c))
        c->failed = true;
}

void value_decode(struct cursor *c, enum value_type type, struct value *ret)
{
    value_decode_unchecked(c, type, ret);
    if (!c->failed && !value_check(ret, NULL))
        return;
    c->failed = true;
    *ret = (struct value){.type = type, .text = ""};
}

void value_decode_unchecked(struct cursor *c, enum value_type type, struct value *ret)
{
    uint64_t bits;
    *ret = (struct value){.type = type};
    switch (type) {
    case VALUE_BOOL:
        bits = cursor_u8(c);
        ret->boolean = bits;
        c->failed |= bits > 1;
        break;
    case VALUE_FLOAT:
        bits = cursor_le64(c);
        memcpy(&ret->real, &bits, sizeof bits);
        break;
    case VALUE_TEXT:
        decode_text(c, ret);
        break;
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        ret->integer = value_decode_signed(c);
        break;
    }
    if (c->failed)
        *ret = (struct value){.type = type, .text = ""};
}
