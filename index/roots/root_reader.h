// SPDX-License-Identifier: Apache-2.0
/*
 * A root as a store: its trusted places behind cache/store/places.h, with what was recorded beside the root
 * and what this user has learnt. It lives on its own, as readers outlive the data set's tables.
 */
#pragma once

#include "cache/store/places.h"
#include "index/roots/learnt.h"
#include "index/roots/root_pins.h"

struct root_reader_place {
    struct store_place at;
    char *url;              /* as recorded */
    struct root_pins *pins; /* may be NULL */
};
struct root_reader_options {
    uint32_t root;
    const struct root_reader_place *places; /* at least one */
    size_t count;
    struct learnt *learnt;
    const char *dataset, *uuid; /* its URL; what it is called for ever */
    const char *left_out;       /* why other places are not looked into; may be NULL */
};
/* Everything is borrowed; references are taken and texts copied. */
struct store *root_reader_new(struct stores *stores, const struct root_reader_options *options);
