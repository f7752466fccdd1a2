// SPDX-License-Identifier: Apache-2.0
/*
 * What some clips of a version have of an attribute: its values, and how many of the clips each has. `rows`
 * are live rows of the reader's version. Any thread (through its own reader). -EAGAIN from a reader that does
 * not wait: call again.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog.h"

struct facet {
    struct value value; /* a text is owned by the facets */
    uint64_t clips;
};
struct facets {
    struct facet *list; /* most clips first, of equal ones by value */
    size_t count, cap;
    uint64_t clips; /* values summed: clips with several count with each */
};
/* -E2BIG: there are more than `most` values. */
int facets_of(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute, size_t most,
              struct facets *ret, struct error *err);
void facets_add(struct facets *facets, const struct value *value, uint64_t clips); /* a copy */
void facets_print(const struct facets *facets, struct buf *buf);                   /* lines "    123 left" */
void facets_done(struct facets *facets);
#define CLEANUP_FACETS CLEANUP(facets_done)

/* 1: some of the clips have a value that others lack, so asking for it leaves fewer; 0: none has, or all have
 * the same. Lists never divide. Ends with the first value that does. */
int facets_divide(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                  struct error *err);

struct facets_summary {
    uint64_t values;              /* different ones */
    struct value least, greatest; /* if there are any; texts are owned */
};
int facets_summarise(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                     struct facets_summary *ret, struct error *err);
void facets_summary_done(struct facets_summary *summary);
#define CLEANUP_FACETS_SUMMARY CLEANUP(facets_summary_done)
