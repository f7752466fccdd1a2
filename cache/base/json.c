// SPDX-License-Identifier: Apache-2.0
/* `struct json` is jansson's json_t under another name: no copy, no second tree. */
#include "cache/base/json.h"

#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/utf8.h"

static json_t *tree(const struct json *json)
{
    return (json_t *)(uintptr_t)json;
}

static json_t *load(const void *text, size_t len, json_error_t *ret_why)
{
    return json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                      ret_why);
}

int json_parse(const char *name, const void *text, size_t len, struct json **ret, struct error *err)
{
    json_error_t why;
    json_t *json = load(text, len, &why);
    if (!json)
        return error_set(err, EINVAL, "%s: line %d, column %d: not valid JSON: %s", name, why.line,
                         why.column, why.text);
    *ret = (struct json *)json;
    return 0;
}

int json_parse_line(uint64_t line, const void *text, size_t len, struct json **ret, struct error *err)
{
    json_error_t why;
    json_t *json = load(text, len, &why);
    if (!json)
        return error_set(err, EINVAL, "line %llu, column %d: not valid JSON: %s", (unsigned long long)line,
                         why.column, why.text);
    *ret = (struct json *)json;
    return 0;
}

void json_free(struct json *json)
{
    json_decref(tree(json));
}

enum json_kind json_kind(const struct json *json)
{
    if (!json)
        return JSON_KIND_NULL;
    switch (json_typeof(tree(json))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_TEXT;
    case JSON_INTEGER:
        return JSON_KIND_INTEGER;
    case JSON_REAL:
        return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null",     [JSON_KIND_BOOL] = "boolean", [JSON_KIND_INTEGER] = "integer",
        [JSON_KIND_REAL] = "number",   [JSON_KIND_TEXT] = "text",    [JSON_KIND_ARRAY] = "array",
        [JSON_KIND_OBJECT] = "object",
    };
    return names[kind];
}

const struct json *json_get(const struct json *object, const char *key)
{
    return (const struct json *)json_object_get(tree(object), key);
}

const struct json *json_at(const struct json *array, size_t i)
{
    return (const struct json *)json_array_get(tree(array), i);
}

size_t json_count(const struct json *json)
{
    return json_is_array(tree(json)) ? json_array_size(tree(json)) : json_object_size(tree(json));
}

bool json_next(const struct json *object, void **iter, const char **ret_key, const struct json **ret_value)
{
    *iter = *iter ? json_object_iter_next(tree(object), *iter) : json_object_iter(tree(object));
    if (!*iter)
        return false;
    *ret_key = json_object_iter_key(*iter);
    *ret_value = (const struct json *)json_object_iter_value(*iter);
    return true;
}

bool json_as_bool(const struct json *json)
{
    return json && json_is_true(tree(json));
}

int64_t json_as_integer(const struct json *json)
{
    return json_integer_value(tree(json));
}

double json_as_number(const struct json *json)
{
    return json_number_value(tree(json));
}

const char *json_as_text(const struct json *json)
{
    const char *text = json_string_value(tree(json));
    return text && strlen(text) == json_string_length(tree(json)) ? text : NULL;
}

const char *json_get_text(const struct json *object, const char *key)
{
    return json_as_text(json_get(object, key));
}

/* The character at the start of what is left: its length if it is written as it is, else 0. */
static size_t char_plain(const char *at, size_t len)
{
    unsigned char c = (unsigned char)*at;
    return c < 0x20 || c == '"' || c == '\\' ? 0 : utf8_char(at, len);
}

/* Are eight bytes surely written as they are, all of them ASCII? */
static bool word_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = word ^ ones * '"',
             slash = word ^ ones * '\\'; /* a byte that is one of these, or below */
    return !((word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & high);
}

static uint64_t word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* How many bytes at the start are: eight at a time, the last eight once more, fewer with spaces behind. */
static size_t plain_run(const char *text, size_t len)
{
    enum { WORD = sizeof(uint64_t) };
    char few[WORD] = "        ";
    size_t i = 0;
    for (; i + WORD <= len; i += WORD)
        if (!word_plain(word_at(text + i)))
            return i;
    if (i == len)
        return len;
    for (size_t k = 0; len < WORD && k < len; k++)
        few[k] = text[k];
    return word_plain(len < WORD ? word_at(few) : word_at(text + len - WORD)) ? len : i;
}

static size_t write_escaped(struct buf *buf, const char *at, size_t len)
{
    unsigned char c = (unsigned char)*at;
    static const char *const short_form[] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (c == '"' || c == '\\')
        buf_printf(buf, "\\%c", c);
    else if (c < sizeof short_form / sizeof *short_form && short_form[c])
        buf_text_append(buf, short_form[c]);
    else if (c < 0x20)
        buf_printf(buf, "\\u%04x", c);
    else
        buf_text_append(buf, "\xef\xbf\xbd");
    return 1;
}

void json_write_text(struct buf *buf, const char *text, size_t len)
{
    size_t plain = plain_run(text, len);
    uint8_t *to = buf_room(buf, len + 2);
    *to++ = '"';
    if (plain == len) { /* nearly all are */
        if (len)
            memcpy(to, text, len);
        to[len] = '"';
        buf->len += len + 2;
        buf->data[buf->len] = 0;
        return;
    }
    buf->len++;
    for (size_t i = 0, n; i < len;) {
        size_t start = i;
        i += plain_run(text + i, len - i);
        while (i < len && (n = char_plain(text + i, len - i)))
            i += n;
        buf_append(buf, text + start, i - start);
        if (i < len)
            i += write_escaped(buf, text + i, len - i);
    }
    buf_u8(buf, '"');
}

/* Prints `value` with the fewest digits that read back the same, in scientific form; how many follow the
 * point. Any decimal of up to DBL_DIG digits survives being a double (not a subnormal one), so if that many
 * suffice, the fewest are what is left without zeros at the end. */
static int print_shortest(double value, char *text, size_t size)
{
    int digits = fabs(value) >= DBL_MIN ? DBL_DIG - 1 : 0;
    bool whole = digits > 0;
    for (; digits < DBL_DECIMAL_DIG; digits++, whole = false) {
        snprintf(text, size, "%.*e", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    while (whole && digits && text[digits + 1 + (*text == '-')] == '0')
        digits--;
    return digits;
}

/* What people and sensors mostly write: a few digits behind the point. If m / 10^k is the value, m has the
 * fewest digits there are: no other decimal of up to DBL_DIG digits is the same double. */
static bool write_few_digits(struct buf *buf, double value)
{
    enum { PLACES = 6, LIMIT = 1000000000 };
    static const double power[PLACES + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    char text[32], *at = text + sizeof text;
    double size = fabs(value);
    uint64_t digits = 0;
    int places = 0;
    if (size >= LIMIT)
        return false;
    for (; places <= PLACES; places++) {
        digits = (uint64_t)(size * power[places] + 0.5);
        if ((double)digits / power[places] == size)
            break;
    }
    if (places > PLACES)
        return false;
    for (int i = 0; i <= places || digits; i++, digits /= 10) {
        if (places && i == places)
            *--at = '.';
        *--at = (char)('0' + digits % 10);
    }
    if (value < 0)
        *--at = '-';
    buf_append(buf, at, (size_t)(text + sizeof text - at));
    return true;
}

void json_write_real(struct buf *buf, double value)
{
    if (!isfinite(value)) {
        buf_text_append(buf, "null");
        return;
    }
    char text[400];
    value += 0.0; /* -0 becomes 0 */
    if (write_few_digits(buf, value))
        return;
    int digits = print_shortest(value, text, sizeof text);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -5 && exponent < 17) /* plain notation of the same digits */
        snprintf(text, sizeof text, "%.*f", digits > exponent ? digits - exponent : 0, value);
    else
        snprintf(text, sizeof text, "%.*e", digits, value);
    buf_text_append(buf, text);
}

/* ---- a tree ---- */

static void write_members(struct buf *buf, const struct json *object)
{
    const struct json *value;
    const char *key;
    void *iter = NULL;
    bool first = true;
    buf_u8(buf, '{');
    while (json_next(object, &iter, &key, &value)) {
        buf_text_append(buf, first ? "" : ", ");
        json_write_text(buf, key, strlen(key));
        buf_text_append(buf, ": ");
        json_write(buf, value);
        first = false;
    }
    buf_u8(buf, '}');
}

static void write_elements(struct buf *buf, const struct json *array)
{
    buf_u8(buf, '[');
    for (size_t i = 0; i < json_count(array); i++) {
        buf_text_append(buf, i ? ", " : "");
        json_write(buf, json_at(array, i));
    }
    buf_u8(buf, ']');
}

/* The nesting was bounded when it was parsed. */
void json_write(struct buf *buf, const struct json *json)
{
    const char *text = json_as_text(json);
    switch (json_kind(json)) {
    case JSON_KIND_NULL:
        buf_text_append(buf, "null");
        break;
    case JSON_KIND_BOOL:
        buf_text_append(buf, json_as_bool(json) ? "true" : "false");
        break;
    case JSON_KIND_INTEGER:
        buf_printf(buf, "%lld", (long long)json_as_integer(json));
        break;
    case JSON_KIND_REAL:
        json_write_real(buf, json_as_number(json));
        break;
    case JSON_KIND_TEXT: /* one with a NUL byte is no text to us */
        json_write_text(buf, text ? text : "", text ? strlen(text) : 0);
        break;
    case JSON_KIND_ARRAY:
        write_elements(buf, json);
        break;
    case JSON_KIND_OBJECT:
        write_members(buf, json);
        break;
    }
}
