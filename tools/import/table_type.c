// SPDX-License-Identifier: Apache-2.0
/* Types from narrow to wide; a text that one of them refutes never brings it back, so one "n/a" makes a
 * column text, wherever it stands. It is remembered, since it is seldom what was meant. */
#include "tools/import/table_type.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_number_start(const char *text, size_t len, bool *ret_leading_zero)
{
    size_t i = len && text[0] == '-';
    if (i >= len || !isdigit((unsigned char)text[i]))
        return false;
    *ret_leading_zero = text[i] == '0' && i + 1 < len && isdigit((unsigned char)text[i + 1]);
    return true;
}

/* strcspn() for a text without a NUL behind it. */
static bool has_any(const char *text, size_t len, const char *set)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(set, text[i]))
            return true;
    return false;
}

static bool fits(enum value_type type, const char *text, size_t len)
{
    struct value value;
    bool leading_zero = false;
    int64_t limit = INT64_C(1) << 53;
    switch (type) {
    case VALUE_BOOL:
        return (len == 4 && !memcmp(text, "true", 4)) || (len == 5 && !memcmp(text, "false", 5));
    case VALUE_INT:
        return is_number_start(text, len, &leading_zero) && !leading_zero &&
               !value_parse(VALUE_INT, text, len, &value, NULL) && value.integer <= limit &&
               value.integer >= -limit;
    case VALUE_FLOAT:
        if (!is_number_start(text, len, &leading_zero) || leading_zero)
            return false;
        /* an integer that is too large for one stays text, it must not be rounded */
        return (has_any(text, len, ".eE") || fits(VALUE_INT, text, len)) &&
               !value_parse(VALUE_FLOAT, text, len, &value, NULL);
    case VALUE_TIME:
        return !value_parse(VALUE_TIME, text, len, &value, NULL);
    case VALUE_DURATION:
        return is_number_start(text, len, &leading_zero) && !leading_zero &&
               isalpha((unsigned char)text[len - 1]) && !value_parse(VALUE_DURATION, text, len, &value, NULL);
    case VALUE_TEXT:
    case VALUE_LIST:
        break;
    }
    return true;
}

static const enum value_type narrow_to_wide[] = {VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TIME,
                                                 VALUE_DURATION};
enum { NARROW_TYPES = sizeof narrow_to_wide / sizeof *narrow_to_wide };

static bool is_nan(const struct value *value)
{
    size_t sign =
        value->type == VALUE_TEXT && value->len == 4 && (value->text[0] == '-' || value->text[0] == '+');
    return value->type == VALUE_TEXT && value->len == sign + 3 && !strncasecmp(value->text + sign, "nan", 3);
}

/* What people and programs write where there is nothing. */
static bool is_blank(const struct value *value)
{
    static const char *const words[] = {"n/a", "na", "null", "none", "nil", "nat", "<na>", "-", "?", ""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == value->len && !strncasecmp(words[i], value->text, value->len))
            return true;
    return false;
}

/* 0,5 */
static bool is_comma_number(const struct value *value)
{
    const char *comma = memchr(value->text, ',', value->len);
    size_t before = comma ? (size_t)(comma - value->text) : 0, after = comma ? value->len - before - 1 : 0;
    return before && after && fits(VALUE_INT, value->text, before) &&
           strspn(comma + 1, "0123456789") >= after;
}

static void note_odd(struct table_type_odd *odd, const struct value *value, uint64_t place)
{
    if (odd->count++)
        return;
    odd->place = place;
    snprintf(odd->text, sizeof odd->text, "%.*s", (int)value->len, value->text);
}

static void see_written(struct table_type *type, const struct value *value, uint64_t place)
{
    enum { NO_NUMBERS = 1u << VALUE_BOOL | 1u << VALUE_TIME | 1u << VALUE_DURATION };
    if (is_nan(value)) {
        note_odd(&type->nan, value, place);
        type->refuted |= NO_NUMBERS;
        return;
    }
    type->seen = 1;
    if (fits(VALUE_FLOAT, value->text, value->len)) {
        type->numbers++;
    } else {
        note_odd(&type->odd, value, place);
        type->blanks += is_blank(value);
        type->commas += is_comma_number(value);
    }
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        unsigned bit = 1u << narrow_to_wide[i];
        if (!(type->refuted & bit) && !fits(narrow_to_wide[i], value->text, value->len))
            type->refuted |= bit;
    }
}

static bool is_number(enum value_type type)
{
    return type == VALUE_INT || type == VALUE_FLOAT;
}

/* "nan" says nothing where it can be told from a text. */
static bool is_none(const struct table_type *type, const struct table_value *value)
{
    if (!value->written || !is_nan(&value->value))
        return false;
    return is_number(table_type_of(type)) || (!type->forced && !type->typed && !type->seen);
}

static void see_forced(struct table_type *type, const struct table_value *value, uint64_t place)
{
    if (is_none(type, value))
        note_odd(&type->nan, &value->value, place);
    else
        type->seen = 1;
}

int table_type_see(struct table_type *type, const struct table_value *value, uint64_t place,
                   struct error *err)
{
    enum value_type is = value->value.type;
    if (type->forced) {
        see_forced(type, value, place);
        return 0;
    }
    type->seen |= !value->written;
    if (value->written) {
        see_written(type, &value->value, place);
    } else if (!type->typed || is == type->typed) {
        type->typed = is;
    } else if (is_number(is) && is_number(type->typed)) {
        type->typed = VALUE_FLOAT;
    } else {
        CLEANUP_BUF struct buf text = BUF_INIT;
        value_print(&text, &value->value);
        return error_set(err, EINVAL,
                         "'%.100s' is %s here, but before it the column is %s (--type says which)",
                         buf_text(&text), value_type_name(is), value_type_name(type->typed));
    }
    return 0;
}

void table_type_refuse(struct table_type *type, const char *what, uint64_t place)
{
    struct value shown = {.type = VALUE_TEXT, .text = what, .len = strlen(what)};
    note_odd(&type->refused, &shown, place);
}

enum value_type table_type_of(const struct table_type *type)
{
    if (type->forced)
        return type->forced;
    if (type->typed)
        return type->typed;
    for (size_t i = 0; type->seen && i < NARROW_TYPES; i++)
        if (!(type->refuted & 1u << narrow_to_wide[i]))
            return narrow_to_wide[i];
    return VALUE_TEXT;
}

bool table_type_missed(const struct table_type *type)
{
    uint64_t numbers = type->numbers + type->commas;
    if (table_type_of(type) != VALUE_TEXT || type->forced || type->typed || !numbers || !type->odd.count)
        return false;
    return type->odd.count - type->blanks - type->commas <= numbers;
}

int table_type_value(const struct table_type *type, const struct table_value *value, struct buf *scratch,
                     struct value *ret, struct error *err)
{
    enum value_type to = table_type_of(type);
    const struct value *from = &value->value;
    if (is_none(type, value))
        return 1;
    if (from->type == to) {
        *ret = *from;
        return 0;
    }
    if (from->type == VALUE_TEXT)
        return value_parse_in(scratch, to, from->text, from->len, ret, err);
    int64_t exact = INT64_C(1) << 53;
    if (from->type == VALUE_INT && to == VALUE_FLOAT && (from->integer > exact || from->integer < -exact))
        return error_set(err, EINVAL, "the integer %lld does not fit among floats", (long long)from->integer);
    buf_clear(scratch);
    value_print(scratch, from);
    return value_parse(to, buf_text(scratch), scratch->len, ret, err);
}

int table_type_parse(const char *name, enum value_type *ret, struct error *err)
{
    static const struct {
        const char *name;
        enum value_type type;
    } shorts[] = {{"bool", VALUE_BOOL}, {"int", VALUE_INT}, {"number", VALUE_FLOAT}};
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (!strcmp(name, shorts[i].name)) {
            *ret = shorts[i].type;
            return 0;
        }
    if (!value_type_parse(name, ret))
        return 0;
    return error_set(err, EINVAL,
                     "'%s' is no type: boolean, integer, float, text, timestamp, duration or list", name);
}
