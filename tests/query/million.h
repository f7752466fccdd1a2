// SPDX-License-Identifier: Apache-2.0
/*
 * A little more than 2^20 clips, and what stages make of them, written anew from query/GRAMMAR.md and the
 * headers of query/order/: a list of rows that each component changes. Row i is clip "ep%07u" of i.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "tests/catalog/versions.h"

enum { MILLION_CLIPS = (1 << 20) + 1, MILLION_WORDS = 12, MILLION_SESSION = 3000 };

struct million {
    struct versions versions;   /* v2 is v1 with labels here and there */
    int8_t word[MILLION_CLIPS]; /* in million_words; -1: none */
    int16_t session[MILLION_CLIPS];
    uint16_t marks[MILLION_CLIPS];  /* a bit a number that the clip has */
    uint8_t changed[MILLION_CLIPS]; /* 1: since v1; 2: its word is another one */
    uint32_t hashes[MILLION_CLIPS]; /* of the keys */
    double scores[MILLION_WORDS + 1]
                 [2]; /* for "cube pick", by word (none: the last) and whether it has a session */
};
extern const char *const million_words[MILLION_WORDS];
struct million *million_new(uint64_t seed);
void million_free(struct million *million);

struct million_list {
    const struct million *of;
    uint32_t *rows;
    size_t count;
};

/* A stage with arguments drawn anew is appended to the path, and does its work on the list. */
typedef void million_fn(struct million_list *list, struct buf *path);
struct million_stage {
    const char *name;
    million_fn *apply;
};
enum { MILLION_STAGES = 12 };
extern const struct million_stage million_stages[MILLION_STAGES];
size_t million_draw(size_t below);

/* The clips whose share is in a part of a hundred; `whole`: with all clips of a session. */
void million_split(struct million_list *list, const uint32_t part[2], bool whole, struct buf *path);
