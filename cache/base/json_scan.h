// SPDX-License-Identifier: Apache-2.0
/*
 * JSON (RFC 8259) token by token, without a tree: for many small texts, such as the lines of a file. As
 * strict as json.h, but that a name may come twice in an object, which the caller sees. Texts with escapes
 * are decoded in place. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"

enum { JSON_SCAN_DEPTH_MAX = 64 };

enum json_token_kind {
    JSON_TOKEN_END, /* of the input */
    JSON_TOKEN_OBJECT,
    JSON_TOKEN_OBJECT_END,
    JSON_TOKEN_ARRAY,
    JSON_TOKEN_ARRAY_END,
    JSON_TOKEN_NAME, /* of the member whose value follows */
    JSON_TOKEN_TEXT,
    JSON_TOKEN_INTEGER, /* a number without point and exponent, within int64 */
    JSON_TOKEN_REAL,
    JSON_TOKEN_BOOL,
    JSON_TOKEN_NULL,
};

struct json_token {
    enum json_token_kind kind;
    const char *text; /* NAME, TEXT: UTF-8 without a NUL byte, in the scanned bytes, nothing behind it */
    size_t len;
    union {
        int64_t integer;
        double real;
        bool boolean;
    };
};

struct json_scan { /* private */
    char *start, *at, *end;
    unsigned depth;
    uint64_t objects; /* a bit for each level: it is an object */
    int state;
};

/* Over `len` bytes, which are written into. */
void json_scan_init(struct json_scan *scan, char *text, size_t len);
/* -EINVAL: "column 7: not valid JSON: reason"; columns are bytes, from 1. Not to be called again then. */
int json_scan_next(struct json_scan *scan, struct json_token *ret, struct error *err);
/* The column of what comes next. */
size_t json_scan_column(const struct json_scan *scan);
