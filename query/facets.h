// SPDX-License-Identifier: Apache-2.0
/*
 * What some clips of a version have of an attribute: its values, how many of the clips each, and whether they
 * divide the clips. Lists have no values. Any thread (through its own reader). -EAGAIN from a reader that
 * does not wait: call again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/buf.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog.h"

struct facets_asked { /* all borrowed */
    struct catalog_reader *reader;
    const struct rowset *rows; /* live ones of the reader's version */
    const struct catalog_attribute *attribute;
};

struct facet {
    struct value value; /* a text is owned by the facets */
    uint64_t clips;     /* one or more; clips with several values count with each */
};
struct facets {
    struct facet *list;
    size_t count, cap;
};
/* All, those of most clips first, of equal ones the least. -E2BIG: there are more than `most`. */
int facets_of(const struct facets_asked *asked, size_t most, struct facets *ret, struct error *err);
/* The least, in value order, no more than `most`. 1: there are others. */
int facets_least(const struct facets_asked *asked, size_t most, struct facets *ret, struct error *err);
void facets_sort(struct facets *facets);                         /* as facets_of() gives them */
void facets_print(const struct facets *facets, struct buf *buf); /* lines "    123 left" */
/* Appends the value and a newline; those within a text are %0A, as in paths. */
void facets_print_value(const struct value *value, struct buf *buf);
void facets_done(struct facets *facets);
#define CLEANUP_FACETS CLEANUP(facets_done)

int facets_count_values(const struct facets_asked *asked, uint64_t *ret, struct error *err);
/* How many of the rows the condition leaves. */
int facets_count_clips(struct catalog_reader *reader, const struct rowset *rows,
                       const struct catalog_literal *literal, uint64_t *ret, struct error *err);

struct facets_bounds {
    bool numbers; /* there are finite ones: from `least` to `greatest` */
    bool minus_infinity, infinity;
    struct value least, greatest;
};
/* Of numbers. Where values and clips are many, those of all clips of the version are told, which takes less
 * to read. */
int facets_bounds(const struct facets_asked *asked, struct facets_bounds *ret, struct error *err);

/* Starts to fetch what tells which of these clips have each of the attributes, and how many values there are;
 * and then, once that is here, their values: so that who asks for one attribute after the other waits once.
 * `again`: though that was done lately, for something was missed. */
struct facets_attributes {
    struct catalog_reader *reader;
    const struct rowset *rows;
    const struct catalog_attribute *list;
    size_t count;
};
void facets_has_ahead(const struct facets_attributes *of, bool again);
void facets_values_ahead(const struct facets_attributes *of, bool again);
/* The same of facets_divide(), for facets_has_ahead(): what the first of the clips has. */
void facets_divide_ahead(const struct facets_attributes *of, bool again);

/* 1: some of the clips have a value that others of them lack, so that asking for it leaves fewer; 0: none
 * has, or all have the same. */
int facets_divide(const struct facets_asked *asked, struct error *err);
