// SPDX-License-Identifier: Apache-2.0
/*
 * Clips as robot data sets have them, made up: 20 attributes (categories of 2 to 10,000 values, some
 * clustered along the recording order, sparse ones, numbers, times). The same clip always has the same
 * values.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "index/base/value.h"

enum {
    GENERATED_ATTRIBUTES = 20,
    GENERATED_CATEGORIES = 17,
    GENERATED_TEXT_BYTES = 32,
    GENERATED_KEY_BYTES = 32
};

struct generated_shape {
    const char *name;
    enum value_type type;
    uint32_t values;  /* categories */
    uint32_t cluster; /* as many neighbours share a value */
    uint32_t percent; /* of clips that have it */
};
extern const struct generated_shape generated_shapes[GENERATED_ATTRIBUTES];

/* The value of attribute `a` of clip `clip`; false: it has none. Low categories are the frequent ones. A text
 * is borrowed from `text`. */
bool generated_value(int a, uint64_t clip, struct value *value, char text[GENERATED_TEXT_BYTES]);
/* A number that looks random, the same for the same x. */
uint64_t generated_mix(uint64_t x);
/* The clip's key: in the order of clips, or spread over all keys. */
void generated_key(uint64_t clip, bool spread, char key[GENERATED_KEY_BYTES]);
