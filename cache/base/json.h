// SPDX-License-Identifier: Apache-2.0
/*
 * JSON (RFC 8259). Reading goes through a library behind this header; writing is ours, because the bytes
 * written are part of a version and must not change with a library. Ownership: json_free() frees a parsed
 * tree; all `const struct json *` are borrowed from it. Thread rule: a tree may be read by several threads,
 * the writer functions append to the caller's buffer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct json;

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

/* Parses `len` bytes: one value, UTF-8, no duplicate keys, nesting bounded, integers within int64. `name`
 * names the source in errors, which tell line and column. -EINVAL. */
int json_parse(const char *name, const void *text, size_t len, struct json **ret, struct error *err);
/* The same for one line of a file of many: errors tell its number, from 1, and the caller adds the file. */
int json_parse_line(uint64_t line, const void *text, size_t len, struct json **ret, struct error *err);
void json_free(struct json *json);
CLEANUP_DEFINE(struct json, json_free, cleanup_json)
#define CLEANUP_JSON CLEANUP(cleanup_json)

enum json_kind json_kind(const struct json *json); /* NULL is JSON_KIND_NULL */
const char *json_kind_name(enum json_kind kind);
const struct json *json_get(const struct json *object, const char *key); /* NULL if absent or not an object */
const struct json *json_at(const struct json *array, size_t i);          /* NULL if absent or not an array */
size_t json_count(const struct json *json);                              /* members or elements, else 0 */
/* Iterates an object's members in the order of the text: start with *iter = NULL; false at the end. */
bool json_next(const struct json *object, void **iter, const char **ret_key, const struct json **ret_value);

bool json_as_bool(const struct json *json);                       /* false if it is none */
int64_t json_as_integer(const struct json *json);                 /* 0 if it is none */
double json_as_number(const struct json *json);                   /* integer or real, else 0 */
const char *json_as_text(const struct json *json);                /* NULL if it is none or holds a NUL byte */
const char *json_get_text(const struct json *o, const char *key); /* json_as_text(json_get(o, key)) */

/* Appends a tree as it was read, on one line. */
void json_write(struct buf *buf, const struct json *json);

/* Writers: append one token. Text that is not UTF-8 is written with U+FFFD in place of each bad byte. */
void json_write_text(struct buf *buf, const char *text,
                     size_t len); /* quoted; escapes only what RFC 8259 section 7 asks for */
void json_write_real(
    struct buf *buf,
    double value); /* shortest text that reads back the same; never "-0", inf and nan as null */
