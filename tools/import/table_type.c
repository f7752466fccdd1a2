// SPDX-License-Identifier: Apache-2.0
/* Types from narrow to wide; a text that one of them refutes never brings it back, so one "n/a" makes a
 * column text, wherever it stands. It is remembered, since it is seldom what was meant. */
#include "tools/import/table_type.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_number(enum value_type type)
{
    return type == VALUE_INT || type == VALUE_FLOAT;
}

/* 007, -00.5: as a number it would be another serial. */
static bool has_leading_zero(const char *text, size_t len)
{
    size_t i = len && text[0] == '-';
    return i + 1 < len && text[i] == '0' && isdigit((unsigned char)text[i + 1]);
}

static bool starts_as_number(const char *text, size_t len)
{
    size_t i = len && text[0] == '-';
    return i < len && isdigit((unsigned char)text[i]) && !has_leading_zero(text, len);
}

/* An integer that a float would round. */
static bool is_inexact(const char *text, size_t len)
{
    const int64_t exact = INT64_C(1) << 53;
    size_t sign = len && text[0] == '-';
    struct value value;
    for (size_t i = sign; i < len; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return len > sign && (value_parse(VALUE_INT, text, len, &value, NULL) || value.integer > exact ||
                          value.integer < -exact);
}

static bool fits(enum value_type type, const char *text, size_t len)
{
    struct value value;
    bool parses = !value_parse(type, text, len, &value, NULL);
    switch (type) {
    case VALUE_INT:
        return parses && starts_as_number(text, len);
    case VALUE_FLOAT:
        return parses && (starts_as_number(text, len) ? !is_inexact(text, len) : isinf(value.real));
    case VALUE_DURATION:
        return parses && starts_as_number(text, len) && isalpha((unsigned char)text[len - 1]);
    case VALUE_BOOL:
    case VALUE_TIME:
    case VALUE_TEXT:
    case VALUE_LIST:
        break;
    }
    return parses;
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

static void see_number(struct table_type *type, const struct value *value, uint64_t place)
{
    bool integer = fits(VALUE_INT, value->text, value->len);
    if (!integer && fits(VALUE_FLOAT, value->text, value->len)) {
        type->numbers++;
        type->reals = true;
    } else if (is_inexact(value->text, value->len) && !has_leading_zero(value->text, value->len)) {
        note_odd(&type->big, value, place);
    } else if (integer) {
        type->numbers++;
    } else {
        note_odd(&type->odd, value, place);
        type->blanks += is_blank(value);
        type->commas += is_comma_number(value);
    }
}

static void see_written(struct table_type *type, const struct value *value, uint64_t place)
{
    if (is_nan(value)) {
        note_odd(&type->nan, value, place);
        return;
    }
    type->seen = true;
    see_number(type, value, place);
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        unsigned bit = 1u << narrow_to_wide[i];
        if (!(type->refuted & bit) && !fits(narrow_to_wide[i], value->text, value->len))
            type->refuted |= bit;
    }
}

/* "nan" says nothing but where it is one text among others. */
bool table_type_nan_is_none(const struct table_type *type)
{
    bool is_said = type->forced || type->known || type->typed || type->seen;
    return table_type_of(type) != VALUE_TEXT || !is_said;
}

static bool is_none(const struct table_type *type, const struct table_value *value)
{
    return value->written && is_nan(&value->value) && table_type_nan_is_none(type);
}

static void see_forced(struct table_type *type, const struct table_value *value, uint64_t place)
{
    if (is_none(type, value))
        note_odd(&type->nan, &value->value, place);
    else
        type->seen = true;
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
    bool widens = type->known == VALUE_INT && (type->typed == VALUE_FLOAT || type->reals);
    if (type->forced)
        return type->forced;
    if (type->known)
        return widens ? VALUE_FLOAT : type->known;
    if (type->typed)
        return type->typed;
    for (size_t i = 0; type->seen && i < NARROW_TYPES; i++)
        if (!(type->refuted & 1u << narrow_to_wide[i]))
            return narrow_to_wide[i];
    return VALUE_TEXT;
}

static bool is_inferred_text(const struct table_type *type)
{
    return table_type_of(type) == VALUE_TEXT && !type->forced && !type->known && !type->typed;
}

bool table_type_missed(const struct table_type *type)
{
    uint64_t numbers = type->numbers + type->commas + type->big.count;
    if (!is_inferred_text(type) || !numbers || !type->odd.count)
        return false;
    return type->odd.count - type->blanks - type->commas <= numbers;
}

bool table_type_too_big(const struct table_type *type)
{
    return is_inferred_text(type) && type->big.count && !type->odd.count;
}

/* What --type asks for is done; what is only likely must lose nothing. */
static int parse_text(const struct table_type *type, const struct value *from, struct buf *room,
                      struct value *ret, struct error *err)
{
    enum value_type to = table_type_of(type);
    int shown = from->len < 100 ? (int)from->len : 100;
    if (is_number(to) && !type->forced && has_leading_zero(from->text, from->len))
        return error_set(err, EINVAL, "'%.*s' has leading zeros, which are no part of %s", shown, from->text,
                         to == VALUE_INT ? "an integer" : "a number");
    if (to == VALUE_FLOAT && is_inexact(from->text, from->len))
        return error_set(err, EINVAL, "the integer %.*s does not fit among floats", shown, from->text);
    return value_parse_in(room, to, from->text, from->len, ret, err);
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
        return parse_text(type, from, scratch, ret, err);
    buf_clear(scratch);
    value_print(scratch, from);
    bool widens = from->type == VALUE_INT && to == VALUE_FLOAT;
    if ((!type->forced && !widens) || to == VALUE_LIST)
        return error_set(err, EINVAL, "'%.100s' is %s", buf_text(scratch), value_type_name(from->type));
    struct value text = {.type = VALUE_TEXT, .text = buf_text(scratch), .len = scratch->len};
    return parse_text(type, &text, scratch, ret, err);
}

int table_type_explain(const struct table_type *type, const char *attribute, struct error *err)
{
    CLEANUP_FREE char *why = mem_text(err ? err->text : "");
    CLEANUP_FREE char *known = type->known ? mem_printf("the data set's attribute '%s' is %s; ", attribute,
                                                        value_type_name(type->known))
                                           : mem_text("");
    if (type->forced)
        return -EINVAL;
    return error_set(err, EINVAL, "%s (%s--type '%s=text' %s)", why, known, attribute,
                     type->known == VALUE_TEXT ? "takes it as text" : "makes texts of all in it");
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
