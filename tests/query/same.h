// SPDX-License-Identifier: Apache-2.0
/* Are two parsed components the same tree? */
#pragma once

#include <string.h>

#include "query/grammar.h"

static inline bool same_texts(const struct grammar_text *a, size_t a_count, const struct grammar_text *b,
                              size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = a[i].len == b[i].len && !memcmp(a[i].bytes, b[i].bytes, a[i].len);
    return same;
}

static inline bool same_literal(const struct grammar_literal *a, const struct grammar_literal *b)
{
    return a->event == b->event && a->op == b->op && same_texts(&a->key, 1, &b->key, 1) &&
           same_texts(a->args, a->arg_count, b->args, b->arg_count);
}

static inline bool same_component(const struct grammar_component *a, const struct grammar_component *b)
{
    bool same = a->kind == b->kind && a->literal_count == b->literal_count && a->stage == b->stage &&
                same_texts(a->args, a->arg_count, b->args, b->arg_count);
    for (size_t i = 0; same && i < a->literal_count; i++)
        same = same_literal(&a->literals[i], &b->literals[i]);
    return same;
}
