// SPDX-License-Identifier: Apache-2.0
/*
 * Attribute values: typed, totally ordered within a type, with one text form for paths and one for JSON.
 * Instants and durations are int64 nanoseconds (cache/base/instant.h). Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "cache/base/error.h"

/* The numbers are part of catalogs and change sets. */
enum value_type {
    VALUE_BOOL = 1,
    VALUE_INT = 2,
    VALUE_FLOAT = 3, /* never NaN, no -0; infinities are "inf" and "-inf", in JSON null */
    VALUE_TEXT = 4,  /* UTF-8, no NUL, at most VALUE_TEXT_MAX bytes */
    VALUE_TIME = 5,  /* ns since 1970 UTC */
    VALUE_DURATION = 6,
    VALUE_LIST = 7, /* of numbers, in their order: value_list.h */
};
enum { VALUE_TEXT_MAX = 65536 };

struct value {
    enum value_type type;
    union {
        bool boolean;
        int64_t integer; /* INT, TIME, DURATION */
        double real;
        struct {              /* TEXT, LIST */
            const char *text; /* borrowed, not necessarily NUL-terminated; a list's bytes */
            size_t len;
        };
    };
};

bool value_type_known(enum value_type type);
const char *value_type_name(
    enum value_type type); /* "boolean", "integer", "float", "text", "timestamp", "duration", "list" */
int value_type_parse(const char *name, enum value_type *ret); /* -EINVAL */
/* Does the value borrow bytes: `text` and `len`? */
static inline bool value_borrows(const struct value *value)
{
    return value->type == VALUE_TEXT || value->type == VALUE_LIST;
}

/* `text` as a value of `type`: what a path or a table says ("true", "True" or "TRUE", "3", "inf", "2.5s",
 * "2026-03-01"). -EINVAL, message "'abc' is not an integer". Of all types but lists, which need room. */
int value_parse(enum value_type type, const char *text, size_t len, struct value *ret, struct error *err);
/* The same of every type; a list's bytes are put into `room`, which must not hold the text. */
int value_parse_in(struct buf *room, enum value_type type, const char *text, size_t len, struct value *ret,
                   struct error *err);
void value_print(struct buf *buf,
                 const struct value *value); /* canonical text; value_parse() gives the value back */
void value_print_json(struct buf *buf,
                      const struct value *value); /* durations in seconds, instants as RFC 3339 text */

/* <0, 0, >0. Of different types none are equal: by type. Text: by bytes. false < true. Lists: 0 if they are
 * equal. */
int value_compare(const struct value *a, const struct value *b);

/* Is it a value as catalogs and change sets hold it: a known type, no NaN, no -0, good text? -EINVAL. */
int value_check(const struct value *value, struct error *err);

/* The bytes of a value in change sets and catalogs, its type aside (index/FORMAT.md, "value"). Decoding
 * borrows a text (NUL-terminated) and fails the cursor on what value_check() refuses. */
void value_encode(struct buf *buf, const struct value *value);
void value_decode(struct cursor *c, enum value_type type, struct value *ret);
/* The same of bytes whose values were checked when they were written, or are yet to be: structure only. */
void value_decode_unchecked(struct cursor *c, enum value_type type, struct value *ret);
/* "signed" of index/FORMAT.md. */
void value_encode_signed(struct buf *buf, int64_t number);
int64_t value_decode_signed(struct cursor *c);
