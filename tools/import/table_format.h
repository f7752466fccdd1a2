// SPDX-License-Identifier: Apache-2.0
/* What a table's format gives its reader: table_csv.c, table_jsonl.c, table_parquet.c. One thread at a time.
 */
#pragma once

#include "tools/import/table_cells.h"
#include "tools/import/table_input.h"
#include "tools/import/table_reader.h"

struct table_format {
    /* 1 with the next row filled in (begun, not ended), 0 at the end; errors name the place, but not the
     * table. */
    int (*next)(void *state, struct table_cells *cells, struct error *err);
    void (*free)(void *state);
    void *state;
    const char *place_name; /* what rows are counted by: "line", "row" */
    uint64_t header;        /* the place that names the columns; 0: there is none */
};

/* Each reads what it needs to know the columns there are at first; `input` and `cells` are borrowed until
 * .free(). Errors name the place, but not the table. */
/* `separator`: between fields; 0: the header tells, a comma, else semicolons or tabs. */
int table_csv_open(struct table_input *input, struct table_cells *cells, char separator,
                   struct table_format *ret, struct error *err);
/* `nested`: an object within the line's object is columns too, "front": {"url": ...} is `front.url`. */
int table_jsonl_open(struct table_input *input, bool nested, struct table_format *ret);
int table_parquet_open(struct table_input *input, const struct table_options *options,
                       struct table_cells *cells, struct table_format *ret, struct error *err);
