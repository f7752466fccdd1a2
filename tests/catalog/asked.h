// SPDX-License-Identifier: Apache-2.0
/* All that a reader of a catalog can be asked, and what became of it: how often it said that the catalog is
 * damaged, and what it answered, as one number that is another if any answer is. */
#pragma once

#include "index/catalog/catalog.h"

struct asked {
    uint64_t answers;
    unsigned damaged;     /* questions that ended with -EUCLEAN */
    struct error said;    /* by the first of these */
    struct error strange; /* the first failure of another kind, or an answer that contradicts another */
};
/* Of every `step`-th row. */
void ask_all(struct catalog_reader *reader, uint32_t step, struct asked *asked);
/* Opens the file for it; whatever becomes of that counts as one more question. */
void ask_path(const char *path, uint32_t step, struct asked *asked);
