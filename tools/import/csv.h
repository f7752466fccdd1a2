// SPDX-License-Identifier: Apache-2.0
/*
 * CSV (RFC 4180): header line, fields quoted or not, LF or CRLF, UTF-8, an optional byte order mark. Strict:
 * a line with another number of fields, an open quote or bad UTF-8 is an error that names file, line and
 * reason. Immutable after csv_parse().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"

enum { CSV_BYTES_MAX = 1 << 30 };

struct csv_field {
    char *text; /* NUL-terminated, unquoted; no NUL byte inside */
    size_t len;
    bool missing; /* empty and not quoted */
};

/* A table can have millions of fields: eight bytes each. */
struct csv_cell {
    uint32_t at; /* offset into csv.bytes */
    uint32_t len : 31, missing : 1;
};

struct csv {
    char *name;
    char *bytes; /* the fields point into it */
    struct csv_field *header;
    size_t columns;
    struct csv_cell *cells; /* rows * columns */
    uint32_t *lines;        /* the line each row starts on, from 1 */
    size_t rows, cell_count, cell_cap, line_cap;
};

/* -EINVAL with file, line and reason; -EFBIG over CSV_BYTES_MAX. */
int csv_parse(const char *name, const void *bytes, size_t len, struct csv **ret, struct error *err);
void csv_free(struct csv *csv);
CLEANUP_DEFINE(struct csv, csv_free, cleanup_csv)
#define CLEANUP_CSV CLEANUP(cleanup_csv)

struct csv_field csv_at(const struct csv *csv, size_t row, size_t column);
