// SPDX-License-Identifier: Apache-2.0
/* What stages and views of a set ask, each as one question (cold.h). */
#pragma once

#include "tests/query/cold.h"

struct cold_question {
    const char *name; /* "@sort=QUALITY": names in capitals are attributes of the data set */
    enum {
        COLD_STAGE,  /* `of` is a component: its clips in their order */
        COLD_KEYS,   /* .by/ */
        COLD_VALUES, /* .by/ATTRIBUTE/ */
        COLD_FACETS, /* .elidefs/facets/ATTRIBUTE */
        COLD_REPORT, /* of a name in .elidefs/ or .as/, */
        COLD_SIZE    /* and its size alone */
    } kind;
    const char *of;
};
/* Of the set that `path` means. */
struct cold_of {
    const char *path;
    const struct cold_question *question;
};
/* Both are cold_fn of a struct cold_of: the question, and the set alone. */
int cold_question_ask(void *ctx, struct catalog_reader *reader, struct buf *answer, struct error *err);
int cold_question_set(void *ctx, struct catalog_reader *reader, struct buf *answer, struct error *err);
