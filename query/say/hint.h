// SPDX-License-Identifier: Apache-2.0
/*
 * Why a name or value is not known, and what was probably meant. Reads a bounded part of the catalog. All
 * return -ENOENT with the sentence, or the error that reading the catalog gave (-EAGAIN among them), so that
 * "it does not exist" is never said on account of something that could not be read. Any thread (through its
 * own reader).
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/grammar.h"

struct hint_place { /* what was asked for */
    const struct grammar_component *component;
    size_t literal; /* which of its literals is wrong */
    size_t arg;     /* and which argument, for hint_value() */
};

/* Appends " (arm=left+outcome=fail)": the component with `replacement` in the place of its literal. */
void hint_print_corrected(const struct hint_place *place, const struct grammar_literal *replacement,
                          struct buf *text);

/* "no attribute 'amr' in v1: did you mean 'arm'? (arm=left)" */
int hint_attribute(const struct hint_place *place, struct catalog_reader *reader, struct error *err);
/* "arm has no value 'lfet': did you mean 'left'? (arm=left)", "length has no value 250: the nearest are 249
 * and 251 (length=249)". `value` is the argument, typed. */
int hint_value(const struct hint_place *place, const struct catalog_attribute *attribute,
               const struct value *value, struct catalog_reader *reader, struct error *err);
/* "length: '100..200' is not an integer: a range is asked for by (length.rng=100..200)". `why` is what stands
 * before the second colon. */
int hint_type(const struct hint_place *place, const char *why, struct catalog_reader *reader,
              struct error *err);
