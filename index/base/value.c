// SPDX-License-Identifier: Apache-2.0
/* One table of types: a row says all that depends on a type, so a new one is a row and nothing else. */
#include "index/base/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "cache/base/decimal.h"
#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "cache/base/utf8.h"
#include "index/base/value_list.h"

/* ---- from text ---- */

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

static int parse_time(const char *text, size_t len, struct value *value)
{
    return instant_parse(text, len, &value->integer);
}

static int parse_duration(const char *text, size_t len, struct value *value)
{
    return duration_parse(text, len, &value->integer);
}

static int parse_no_list(const char *text, size_t len, struct value *value)
{
    (void)text, (void)len, (void)value;
    return -EINVAL;
}

/* ---- to text ---- */

static void print_bool(struct buf *buf, const struct value *value)
{
    buf_text_append(buf, value->boolean ? "true" : "false");
}

static void print_int(struct buf *buf, const struct value *value)
{
    if (value->integer < 0)
        buf_u8(buf, '-');
    buf_decimal(buf, value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer, 1);
}

static void print_float_json(struct buf *buf, const struct value *value)
{
    json_write_real(buf, value->real);
}

static void print_float(struct buf *buf, const struct value *value)
{
    if (isinf(value->real))
        buf_text_append(buf, value->real < 0 ? "-inf" : "inf");
    else
        print_float_json(buf, value);
}

static void print_text(struct buf *buf, const struct value *value)
{
    buf_append(buf, value->text, value->len);
}

static void print_text_json(struct buf *buf, const struct value *value)
{
    json_write_text(buf, value->text, value->len);
}

static void print_time(struct buf *buf, const struct value *value)
{
    instant_print(buf, value->integer);
}

static void print_time_json(struct buf *buf, const struct value *value)
{
    buf_u8(buf, '"');
    instant_print(buf, value->integer);
    buf_u8(buf, '"');
}

static void print_duration(struct buf *buf, const struct value *value)
{
    duration_print(buf, value->integer);
}

static void print_elements(struct buf *buf, const struct value *value, bool json)
{
    struct cursor c = cursor_of(value->text, value->len);
    struct value element;
    buf_u8(buf, '[');
    for (bool first = true; value_list_next(&c, &element); first = false) {
        if (!first)
            buf_u8(buf, ',');
        if (!element.type)
            buf_text_append(buf, "null");
        else if (json)
            value_print_json(buf, &element);
        else
            value_print(buf, &element);
    }
    buf_u8(buf, ']');
}

static void print_list(struct buf *buf, const struct value *value)
{
    print_elements(buf, value, false);
}

static void print_list_json(struct buf *buf, const struct value *value)
{
    print_elements(buf, value, true);
}

/* ---- order ---- */

static int compare_bool(const struct value *a, const struct value *b)
{
    return a->boolean - b->boolean;
}

static int compare_int(const struct value *a, const struct value *b)
{
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static int compare_float(const struct value *a, const struct value *b)
{
    return (a->real > b->real) - (a->real < b->real);
}

static int compare_text(const struct value *a, const struct value *b)
{
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->text, b->text, len) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* ---- what is one ---- */

static int check_any(const struct value *value, struct error *err)
{
    (void)value, (void)err;
    return 0;
}

static int check_float(const struct value *value, struct error *err)
{
    bool none = isnan(value->real) || (value->real == 0 && signbit(value->real));
    return none ? error_set(err, EINVAL, "%s is not a value", isnan(value->real) ? "nan" : "-0") : 0;
}

static int check_text(const struct value *value, struct error *err)
{
    struct value same;
    return parse_text(value->text, value->len, &same)
               ? error_set(err, EINVAL, "a text of %zu bytes is not UTF-8, holds a NUL or is over %d bytes",
                           value->len, VALUE_TEXT_MAX)
               : 0;
}

static int check_list(const struct value *value, struct error *err)
{
    struct cursor c = cursor_of(value->text, value->len);
    struct value element;
    size_t count = 0;
    while (value_list_next(&c, &element))
        count++;
    if (c.failed)
        return error_set(err, EINVAL, "the bytes of a list are none");
    return count > VALUE_LIST_MAX
               ? error_set(err, EINVAL, "a list of %zu numbers, more than %d", count, VALUE_LIST_MAX)
               : 0;
}

/* ---- bytes ---- */

void value_encode_signed(struct buf *buf, int64_t number)
{
    buf_varint(buf, ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0));
}

int64_t value_decode_signed(struct cursor *c)
{
    uint64_t bits = cursor_varint(c);
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

static void encode_bool(struct buf *buf, const struct value *value)
{
    buf_u8(buf, value->boolean);
}

static void decode_bool(struct cursor *c, struct value *value)
{
    uint8_t byte = cursor_u8(c);
    value->boolean = byte;
    c->failed |= byte > 1;
}

static void encode_int(struct buf *buf, const struct value *value)
{
    value_encode_signed(buf, value->integer);
}

static void decode_int(struct cursor *c, struct value *value)
{
    value->integer = value_decode_signed(c);
}

static void encode_float(struct buf *buf, const struct value *value)
{
    uint64_t bits;
    memcpy(&bits, &value->real, sizeof bits);
    buf_le64(buf, bits);
}

static void decode_float(struct cursor *c, struct value *value)
{
    uint64_t bits = cursor_le64(c);
    memcpy(&value->real, &bits, sizeof bits);
}

static void encode_text(struct buf *buf, const struct value *value)
{
    buf_varint(buf, value->len);
    buf_append(buf, value->text, value->len);
    buf_u8(buf, 0);
}

static void decode_text(struct cursor *c, struct value *value)
{
    uint64_t len = cursor_varint(c);
    value->text = (const char *)cursor_bytes(c, len);
    value->len = len;
    if (cursor_u8(c))
        c->failed = true;
}

static void encode_list(struct buf *buf, const struct value *value)
{
    buf_varint(buf, value->len);
    buf_append(buf, value->text, value->len);
}

static void decode_list(struct cursor *c, struct value *value)
{
    uint64_t len = cursor_varint(c);
    value->text = (const char *)cursor_bytes(c, len);
    value->len = len;
}

/* ---- the types ---- */

static const struct type_row {
    const char *name;
    const char *article; /* what a text of it is */
    int (*parse)(const char *text, size_t len, struct value *value);
    void (*print)(struct buf *buf, const struct value *value);
    void (*print_json)(struct buf *buf, const struct value *value);
    int (*compare)(const struct value *a, const struct value *b);
    int (*check)(const struct value *value, struct error *err);
    void (*encode)(struct buf *buf, const struct value *value);
    void (*decode)(struct cursor *c, struct value *value);
} types[] = {
    [VALUE_BOOL] = {"boolean", "true or false", parse_bool, print_bool, print_bool, compare_bool, check_any,
                    encode_bool, decode_bool},
    [VALUE_INT] = {"integer", "an integer", parse_int, print_int, print_int, compare_int, check_any,
                   encode_int, decode_int},
    [VALUE_FLOAT] = {"float", "a number", parse_float, print_float, print_float_json, compare_float,
                     check_float, encode_float, decode_float},
    [VALUE_TEXT] = {"text", "text (UTF-8, at most 64 KiB, no NUL)", parse_text, print_text, print_text_json,
                    compare_text, check_text, encode_text, decode_text},
    [VALUE_TIME] = {"timestamp", "a timestamp (RFC 3339)", parse_time, print_time, print_time_json,
                    compare_int, check_any, encode_int, decode_int},
    [VALUE_DURATION] = {"duration", "a duration (a number and ms, s, min or h)", parse_duration,
                        print_duration, print_duration, compare_int, check_any, encode_int, decode_int},
    [VALUE_LIST] = {"list", "a list of numbers, such as [1,2.5]", parse_no_list, print_list, print_list_json,
                    compare_text, check_list, encode_list, decode_list},
};

bool value_type_known(enum value_type type)
{
    return (unsigned)type < sizeof types / sizeof *types && types[type].name;
}

const char *value_type_name(enum value_type type)
{
    return value_type_known(type) ? types[type].name : "unknown";
}

int value_type_parse(const char *name, enum value_type *ret)
{
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        if (types[type].name && !strcmp(name, types[type].name)) {
            *ret = (enum value_type)type;
            return 0;
        }
    return -EINVAL;
}

int value_parse(enum value_type type, const char *text, size_t len, struct value *ret, struct error *err)
{
    struct value value = {.type = type};
    int rc = types[type].parse(text, len, &value);
    int shown = len < 100 ? (int)len : 100;
    if (rc == -ERANGE)
        return error_set(err, EINVAL, "'%.*s' is out of range for %s %s", shown, text,
                         type == VALUE_INT ? "an" : "a", value_type_name(type));
    if (rc)
        return error_set(err, EINVAL, "'%.*s' is not %s", shown, text, types[type].article);
    *ret = value;
    return 0;
}

int value_parse_in(struct buf *room, enum value_type type, const char *text, size_t len, struct value *ret,
                   struct error *err)
{
    return type == VALUE_LIST && !value_list_parse(text, len, room, ret)
               ? 0
               : value_parse(type, text, len, ret, err);
}

void value_print(struct buf *buf, const struct value *value)
{
    types[value->type].print(buf, value);
}

void value_print_json(struct buf *buf, const struct value *value)
{
    types[value->type].print_json(buf, value);
}

int value_compare(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return types[a->type].compare(a, b);
}

int value_check(const struct value *value, struct error *err)
{
    return value_type_known(value->type)
               ? types[value->type].check(value, err)
               : error_set(err, EINVAL, "%d is no type of a value", (int)value->type);
}

void value_encode(struct buf *buf, const struct value *value)
{
    types[value->type].encode(buf, value);
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
    *ret = (struct value){.type = type};
    types[type].decode(c, ret);
    if (c->failed)
        *ret = (struct value){.type = type, .text = ""};
}
