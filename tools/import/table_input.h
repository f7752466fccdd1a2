// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of a table: a local file or pipe, "-" (standard input), or an object named by a URL. Either line
 * by line, in memory for one line at a time, or by range, for a format that is read from its end. One thread
 * at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "cache/store/store.h"
#include "index/containers/recording.h"

enum { TABLE_LINE_MAX = 16 << 20 }; /* bytes */

struct table_input;

int table_input_open(struct stores *stores, const char *file, struct table_input **ret, struct error *err);
/* Bytes in memory, copied. */
struct table_input *table_input_of_memory(const char *name, const void *bytes, size_t len);
void table_input_free(struct table_input *input);
CLEANUP_DEFINE(struct table_input, table_input_free, cleanup_table_input)
#define CLEANUP_TABLE_INPUT CLEANUP(cleanup_table_input)

const char *table_input_name(const struct table_input *input); /* "standard input" for "-" */
/* From then on waiting for a pipe ends with -ETIMEDOUT at this clock_now_ns(), with nothing lost; 0: never.
 */
void table_input_deadline(struct table_input *input, int64_t deadline_ns);

/* The first bytes that are not read yet, which stay unread: at least `len` of them unless the input is
 * shorter. Their number, and *ret_bytes, valid until the next call. */
int table_input_peek(struct table_input *input, size_t len, const char **ret_bytes, struct error *err);

struct table_line {
    char *text;      /* with its '\n', if it has one; the caller may write into it, up to text[len] */
    size_t len;      /* bytes, at most TABLE_LINE_MAX */
    uint64_t number; /* of the line it starts on, from 1 */
    bool cut;        /* longer than TABLE_LINE_MAX: this is its start */
};
/* 1 with the next line, valid until the next call; 0 at the end. `quoted`: a line feed between double quotes
 * does not end a line. A byte order mark at the start is passed over. */
int table_input_line(struct table_input *input, bool quoted, struct table_line *ret, struct error *err);

/* All of it as a recording, valid until table_input_free(). A pipe is copied into a temporary file first.
 * Not after table_input_line(). */
int table_input_recording(struct table_input *input, const struct recording **ret, struct error *err);
