// SPDX-License-Identifier: Apache-2.0
/*
 * What was probably meant by a name or value that is not known. Reads a bounded part of the catalog. Returns
 * the error that reading the catalog gave (-EAGAIN among them) where it gave one, so that "it does not exist"
 * is never said on account of something that could not be read. Any thread (through its own reader).
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/grammar.h"

/* A component, or a path of them, was refused, as `err` says: -ENOENT with what was probably meant, too.
 *
 *     no attribute 'amr' in v1: did you mean 'arm'? (arm=left)
 *     arm has no value 'lfet': did you mean 'left'? (arm=left)
 *     length has no value '250': the nearest are 249 and 251 (length=249)
 *     length: '100..200' is not an integer: a range is asked for by (length.rng=100..200)
 */
int hint_component(const char *component, size_t len, struct catalog_reader *reader, struct error *err);
int hint_path(const char *path, size_t len, struct catalog_reader *reader, struct error *err);

struct hint_place { /* what was asked for */
    const struct grammar_component *component;
    size_t literal; /* which of its literals is wrong */
    size_t arg;     /* and which argument */
};

/* Appends " (arm=left+outcome=fail)": the component with `replacement` in the place of its literal. */
void hint_print_corrected(const struct hint_place *place, const struct grammar_literal *replacement,
                          struct buf *text);
