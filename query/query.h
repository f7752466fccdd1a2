// SPDX-License-Identifier: Apache-2.0
/*
 * What a path below a version means: a set of clips. Grammar: query/GRAMMAR.md.
 *
 *     "arm=left/outcome.in=fail,drop"  --query_extend()-->  struct query  --query_run()-->  struct set
 *
 * A query is bound: every attribute and value it names exists in that version (else -ENOENT with the
 * reason; query/say/hint.h adds what was probably meant). A result may well be empty.
 *
 * Thread rule: queries and sets are immutable and shared by reference count (atomic). All functions that
 * take a reader return -EAGAIN where the reader does not wait and a page is missing, and can simply be called
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "index/catalog/catalog.h"
#include "query/set.h"

struct query;

struct query *query_all(void); /* every clip of a version: the query of "" */
struct query *query_ref(struct query *query);
void query_unref(struct query *query);
CLEANUP_DEFINE(struct query, query_unref, cleanup_query)
#define CLEANUP_QUERY CLEANUP(cleanup_query)

enum { QUERY_CLAUSES_MAX = 1000 }; /* components that differ; more are -E2BIG */

/* `parent` narrowed or reshaped by one path component ("arm=left+outcome=fail"). -ENOENT with the reason. */
int query_extend(const struct query *parent, const char *component, size_t len, struct catalog_reader *reader,
                 struct query **ret, struct error *err);
/* The same by all components of a path; empty ones are skipped. */
int query_narrow(struct query *parent, const char *path, size_t len, struct catalog_reader *reader,
                 struct query **ret, struct error *err);
/* query_narrow() of all clips. */
int query_parse(const char *path, size_t len, struct catalog_reader *reader, struct query **ret,
                struct error *err);

/* The canonical path, without leading '/': "" for all. Equal sets spelled differently give equal text where
 * the grammar's normalisation says so; query_parse() of it gives the same query. */
void query_canonical(const struct query *query, struct buf *buf);

/* Are files of this stream name ("" for a plain one) and extension listed? All are, but for @streams. */
bool query_shows(const struct query *query, const char *name, const char *ext);

/* The components, in canonical order. Borrowed. */
struct clause;
struct clause *const *query_clauses(const struct query *query, size_t *ret_count);

/* The same clips in any order: the query without the stages that only put them in order (query/lean.h). A
 * reference, maybe to the same one. Clips are looked for in it, since it is made with less, and window by
 * window where the order alone stands against that. */
struct query *query_unordered(const struct query *query);

/* Five questions, none of which does the work of another: is there any clip, which are the first, how many
 * are there, which ones are they, in listing order, and which ones in no order. */
int query_exists(const struct query *query, struct catalog_reader *reader, bool *ret, struct error *err);
int query_first(const struct query *query, uint64_t most, struct catalog_reader *reader, struct set **ret,
                struct error *err);
int query_count(const struct query *query, struct catalog_reader *reader, uint64_t *ret, struct error *err);
int query_run(const struct query *query, struct catalog_reader *reader, struct set **ret, struct error *err);
int query_rows(const struct query *query, struct catalog_reader *reader, struct rowset **ret,
               struct error *err);
/* The clips that the first so many of query_clauses() leave, in any order. */
int query_run_through(const struct query *query, size_t clauses, struct catalog_reader *reader,
                      struct set **ret, struct error *err);
/* A query is evaluated in windows, so that who wants the first clips, or one, need not wait for all: how many
 * windows there are, the set of one, which one a row is in, which one a cursor of the whole set is in, and
 * the cursor that ends one. One whose order is not that of rows is in one window. */
int query_windows(const struct query *query, struct catalog_reader *reader, uint32_t *ret, struct error *err);
int query_run_window(const struct query *query, struct catalog_reader *reader, uint32_t window,
                     struct set **ret, struct error *err);
uint32_t query_window_of_row(const struct query *query, uint32_t row);
uint32_t query_window(const struct query *query, uint64_t cursor);
uint64_t query_window_end(const struct query *query, uint32_t window);
/* Calls `each` for every row in order, window by window, each evaluated when the one before is done; non-zero
 * from it ends that and is returned. */
int query_each(const struct query *query, struct catalog_reader *reader, set_row_fn *each, void *ctx,
               struct error *err);
/* The same where `what` is then asked of each clip: what of it is not here is asked for of many at once. */
int query_each_clip(const struct query *query, struct catalog_reader *reader, enum catalog_coming_what what,
                    set_row_fn *each, void *ctx, struct error *err);

/* A bounded set of recent results, keyed by version, canonical form and window. Locks itself; runs nothing
 * under its lock. */
struct query_results;
struct query_results *query_results_new(size_t max_bytes);
void query_results_free(struct query_results *results);
struct query_asked {
    uint32_t version, window;
    uint32_t purge; /* dataset_purge_seq() before the reader was acquired: clips that are purged are in no
                       result */
    const struct query *query;
};
int query_results_get(struct query_results *results, const struct query_asked *asked,
                      struct catalog_reader *reader, struct set **ret, struct error *err);
/* What the row is looked for in: the set itself if it is kept, else query_unordered()'s. The window asked for
 * makes no difference. */
int query_results_get_around(struct query_results *results, const struct query_asked *asked, uint32_t row,
                             struct catalog_reader *reader, struct set **ret, struct error *err);
