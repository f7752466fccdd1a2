// SPDX-License-Identifier: Apache-2.0
/* One form of each number, so that comparing bytes is enough, and what was printed reads back as the same. */
#include "index/base/value_list.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum element { ELEMENT_NULL, ELEMENT_INTEGER, ELEMENT_REAL };

/* From here on JSON prints an exponent. */
static const double integers_end = 1e17;

static bool is_integer(double number)
{
    return fabs(number) < integers_end && trunc(number) == number;
}

void value_list_add_null(struct buf *list)
{
    buf_u8(list, ELEMENT_NULL);
}

void value_list_add_integer(struct buf *list, int64_t number)
{
    buf_u8(list, ELEMENT_INTEGER);
    value_encode_signed(list, number);
}

void value_list_add_real(struct buf *list, double number)
{
    if (isnan(number)) {
        value_list_add_null(list);
    } else if (is_integer(number)) {
        value_list_add_integer(list, (int64_t)number);
    } else {
        buf_u8(list, ELEMENT_REAL);
        value_encode(list, &(struct value){.type = VALUE_FLOAT, .real = number});
    }
}

struct value value_list_of(const struct buf *list)
{
    return (struct value){.type = VALUE_LIST, .text = buf_text(list), .len = list->len};
}

bool value_list_next(struct cursor *c, struct value *ret)
{
    if (!cursor_left(c))
        return false;
    *ret = (struct value){0};
    switch (cursor_u8(c)) {
    case ELEMENT_NULL:
        break;
    case ELEMENT_INTEGER:
        value_decode(c, VALUE_INT, ret);
        break;
    case ELEMENT_REAL:
        value_decode(c, VALUE_FLOAT, ret);
        c->failed |= is_integer(ret->real);
        break;
    default:
        c->failed = true;
    }
    return !c->failed;
}

/* ---- from text ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(text, word, len);
}

static int parse_element(const char *text, size_t len, struct buf *list)
{
    struct value value;
    if (is_word(text, len, "null") || is_word(text, len, "nan") || is_word(text, len, "NaN"))
        value_list_add_null(list);
    else if (!value_parse(VALUE_INT, text, len, &value, NULL))
        value_list_add_integer(list, value.integer);
    else if (!value_parse(VALUE_FLOAT, text, len, &value, NULL))
        value_list_add_real(list, value.real);
    else
        return -EINVAL;
    return 0;
}

/* What stands between the brackets. */
static int parse_elements(const char *at, const char *end, struct buf *list)
{
    for (size_t count = 0;; count++) {
        while (at < end && is_blank(*at))
            at++;
        if (at == end && !count)
            return 0;
        const char *comma = memchr(at, ',', (size_t)(end - at)), *behind = comma ? comma : end;
        while (behind > at && is_blank(behind[-1]))
            behind--;
        if (count == VALUE_LIST_MAX || parse_element(at, (size_t)(behind - at), list))
            return -EINVAL;
        if (!comma)
            return 0;
        at = comma + 1;
    }
}

int value_list_parse(const char *text, size_t len, struct buf *list, struct value *ret)
{
    const char *end = text + len;
    while (text < end && is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    buf_clear(list);
    if (end - text < 2 || *text != '[' || end[-1] != ']' || parse_elements(text + 1, end - 1, list))
        return -EINVAL;
    *ret = value_list_of(list);
    return 0;
}
