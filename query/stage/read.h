// SPDX-License-Identifier: Apache-2.0
/* What the arguments of several stages are: numbers, seeds, shares, attributes. -ENOENT with the reason. */
#pragma once

#include "index/catalog/catalog.h"
#include "query/grammar.h"
#include "query/order/keyed.h"
#include "query/refusal.h"
#include "query/stage/stage.h"

/* There are `least` to `most` arguments. */
int read_arguments(const struct stage *stage, size_t count, size_t least, size_t most, struct error *err);
/* A whole number of at most `most`; `what` it is not otherwise: "a number of clips". */
int read_number(const struct stage *stage, const struct grammar_text *arg, const char *what, uint64_t most,
                uint64_t *ret, struct error *err);
/* Digits, and maybe a dot and six digits, in millionths: "2.5" is 2500000. */
int read_decimal(const struct stage *stage, const struct grammar_text *arg, const char *what, uint64_t most,
                 uint64_t *ret, struct error *err);
void print_decimal(struct buf *buf, uint64_t millionths);
/* SEED or SEED.EPOCH. */
int read_seed(const struct stage *stage, const struct grammar_text *arg, struct keyed *ret,
              struct error *err);
void print_seed(struct buf *buf, const struct keyed *key);
/* An attribute with values that can be compared. */
int read_attribute(const struct stage *stage, const struct grammar_text *args, size_t arg,
                   struct catalog_reader *reader, struct catalog_attribute *ret, struct refusal *why,
                   struct error *err);
/* Sorts texts that are owned and frees repeated ones; how many are left. */
size_t read_sort_texts(char **list, size_t count);
int read_compare_texts(const void *a, const void *b); /* of two `char *`, for bsearch() */
