// SPDX-License-Identifier: Apache-2.0
/*
 * All runs of an attribute at once, newest above oldest, as questions need them: by row, and by value.
 * Thread rule: immutable once it is made; shared by reference count.
 */
#pragma once

#include <stdatomic.h>

#include "index/base/rowset.h"
#include "index/catalog/cells/patch.h"

struct patch_index_term { /* a value that some cell has, or had beneath */
    struct value value;
    int64_t clips;         /* as many live clips more have it than beneath */
    uint32_t first, count; /* patch_index.term_codes: the codes of sets that it is in */
};

struct patch_index {
    atomic_uint refs;
    struct patch patch;             /* settled */
    struct rowset *rows, *has;      /* all of its rows; those whose clip has the attribute now */
    uint32_t *code_rows;            /* rows by what they have: those of code c are */
    uint32_t *code_at;              /* code_rows[code_at[c] .. code_at[c + 1]) */
    struct rowset **code_sets;      /* the same of codes that many rows have; else NULL */
    struct patch_index_term *terms; /* in value order; of lists none */
    uint32_t *term_codes;
    int64_t *term_below; /* clips of all terms before each, and of all */
    size_t term_count;
    uint32_t *ranks; /* of what each cell has among the terms, UINT32_MAX: nothing; NULL: some have several */
    int64_t clips;   /* as many live clips more have the attribute than beneath */
    size_t bytes;    /* of memory, about */
};

/* Of a settled patch, which it takes. */
struct patch_index *patch_index_new(struct patch *patch);
struct patch_index *patch_index_ref(struct patch_index *patch_index);
void patch_index_unref(struct patch_index *patch_index);
CLEANUP_DEFINE(struct patch_index, patch_index_unref, cleanup_patch_index)
#define CLEANUP_PATCH_INDEX CLEANUP(cleanup_patch_index)

/* Index of the first term that is not below `value`, or, `behind`, that is above it; term_count if there is
 * none. */
size_t patch_index_term_at(const struct patch_index *patch_index, const struct value *value, bool behind);
/* As many live clips more have this value than beneath. */
int64_t patch_index_clips(const struct patch_index *patch_index, const struct value *value);
/* Adds the rows of live clips that have one of the terms [from, to). */
void patch_index_add_rows(const struct patch_index *patch_index, size_t from, size_t to, struct rowset *rows);
