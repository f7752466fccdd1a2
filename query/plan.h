// SPDX-License-Identifier: Apache-2.0
/*
 * In which order the clauses of a query are evaluated: the one expected to leave the fewest rows first, so
 * that what follows works on little and an empty set ends it. The order is decided here, never by SQL.
 *
 * A plan borrows its clauses. It belongs to one thread; making it again costs a few statistics.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/clause.h"

struct plan_step {
    const struct clause *clause;
    uint64_t estimate; /* rows expected of this clause alone */
};
struct plan {
    struct plan_step *steps; /* cheapest first, equal ones by canonical text */
    size_t count;            /* 0: every clip */
    uint64_t clips;          /* live clips of the version */
    uint64_t estimate;       /* rows expected of all together, as if clauses were independent */
    uint32_t version;        /* as is the number of its rows */
    uint32_t rows;
};

/* `window`: the rows that are evaluated first; NULL: all at once. */
int plan_make(struct clause *const *clauses, size_t count, struct catalog_reader *reader,
              const struct catalog_window *window, struct plan *ret, struct error *err);
void plan_done(struct plan *plan);
#define CLEANUP_PLAN CLEANUP(plan_done)

/* -EAGAIN from a reader that does not wait: call again, nothing is kept. */
int plan_rows(const struct plan *plan, struct catalog_reader *reader, const struct catalog_window *window,
              struct rowset **ret, struct error *err);
/* At least the `first` first, if there are so many; no more windows are evaluated than that takes. */
int plan_first(const struct plan *plan, struct catalog_reader *reader, uint64_t first, struct rowset **ret,
               struct error *err);
/* Rows are evaluated in windows where not all are needed: how many there are of so many rows, and one. */
uint32_t plan_windows(uint32_t rows);
struct catalog_window plan_window(uint32_t number);
/* Without making the last set where that can be avoided. */
int plan_count(const struct plan *plan, struct catalog_reader *reader, uint64_t *ret, struct error *err);
int plan_exists(const struct plan *plan, struct catalog_reader *reader, bool *ret, struct error *err);
