// SPDX-License-Identifier: Apache-2.0
/*
 * Clips by how much their texts say of some words: BM25 (Robertson and Zaragoza, "The Probabilistic Relevance
 * Framework: BM25 and Beyond", 2009), k1 = 1.2, b = 0.75. A clip's text are the values of all its attributes
 * of type text; how rare a word is and how long texts are is of all clips of the version, so a clip's score
 * is the same in whichever set it stands. Of equal ones the lower row comes first.
 *
 * The same on every machine: sums, products and quotients of IEEE doubles, in the order of the words, and
 * logarithms by integers. Memory: 4 bytes a row of the version, and 12 a clip and word that it has. Any
 * thread (through its own reader). -EAGAIN from a reader that does not wait: call again.
 */
#pragma once

#include <stddef.h>

#include "index/base/rowset.h"
#include "index/catalog/catalog.h"

enum { RANK_WORDS_MAX = 32 };
struct rank_words { /* in lower case, sorted, no two equal */
    char *list[RANK_WORDS_MAX];
    size_t count;
};
/* Those of a text; false: there is none, or more than may be. */
bool rank_words_read(const char *text, size_t len, struct rank_words *ret);
void rank_words_done(struct rank_words *words);

/* The `most` best of `rows` (live ones) that have any of the words, best first; *ret is to be freed. */
/* Starts to fetch what both rank_rows() and a look-up of its words read of texts; `again`: though that was
 * done. */
void rank_ahead(struct catalog_reader *reader, bool again);
int rank_rows(struct catalog_reader *reader, const struct rowset *rows, const struct rank_words *words,
              size_t most, uint32_t **ret, size_t *ret_count, struct error *err);

/* The logarithm to base 2 of a number from 1 on, in 2^-32. */
uint64_t rank_log2(uint64_t number);
