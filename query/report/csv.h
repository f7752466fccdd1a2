// SPDX-License-Identifier: Apache-2.0
/*
 * Clips as a table for pandas, DuckDB and spreadsheets (RFC 4180, lines end in a newline):
 *
 *     key,files,<each attribute that any of the clips has, by name>
 *     ep000123,"ep000123.front.mp4,ep000123.json",left,...
 *
 * `files` are the names of the clip's files in the folder. An empty cell: the clip has no value; an empty
 * text is "". Of an attribute with several values a clip, and of lists, a cell is a JSON array. Durations are
 * in seconds, instants RFC 3339. Any thread (through its own reader). -EAGAIN: call again.
 */
#pragma once

#include <stdio.h>

#include "query/query.h"

int csv_append(const struct query *query, struct catalog_reader *reader, struct buf *buf, struct error *err);
/* The same clip by clip, as it is found. */
int csv_print(const struct query *query, struct catalog_reader *reader, FILE *to, struct error *err);
