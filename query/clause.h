// SPDX-License-Identifier: Apache-2.0
/*
 * One path component bound to a version: any of its conditions. A query is an AND of clauses. Immutable,
 * shared by reference count (atomic); any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog.h"
#include "query/literal.h"
#include "query/set.h"
#include "query/stage/stage.h"

struct clause {
    atomic_uint refs;
    struct literal *literals;  /* sorted by canonical text, no two equal */
    size_t count;              /* one or more; 0: a stage */
    const struct stage *stage; /* not NULL: it instead of literals, and what it is bound to */
    void *bound;
    char *text; /* canonical: "arm=left+outcome=fail" */
};

/* Takes the literals (an array from mem_alloc) and what they own. */
struct clause *clause_new(struct literal *literals, size_t count);
struct clause *clause_new_stage(const struct stage *stage, void *bound); /* takes what is bound */
struct clause *clause_ref(struct clause *clause);
void clause_unref(struct clause *clause);

/* Rows expected, from statistics; at most `clips`. */
int clause_estimate(const struct clause *clause, struct catalog_reader *reader,
                    const struct catalog_window *window, uint64_t clips, uint64_t *ret, struct error *err);
/* Not a condition: what stands before it in a path comes before it. */
bool clause_is_barrier(const struct clause *clause);
/* The live rows of the window (NULL: all) for which any condition holds; maybe shared: copy before changing
 * it. */
int clause_select(const struct clause *clause, struct catalog_reader *reader,
                  const struct catalog_window *window, struct rowset **ret, struct error *err);
/* Of the rows those that the stage leaves; it is no barrier. Maybe shared. */
int clause_narrow(const struct clause *clause, struct catalog_reader *reader, struct rowset *rows,
                  struct rowset **ret, struct error *err);
/* The live rows of the window; maybe shared. */
int clause_live(struct catalog_reader *reader, const struct catalog_window *window, struct rowset **ret,
                struct error *err);
