// SPDX-License-Identifier: Apache-2.0
/* How long a clip is, as far as the data set says: events must lie in it. One thread at a time. */
#pragma once

#include "index/catalog/catalog.h"

struct label_length {
    int64_t length_ns; /* -1: not known */
    int64_t frame_ns;  /* by how much an event may be longer: times are rounded */
};

struct label_lengths { /* the attributes that tell it */
    uint32_t ids[2];
    size_t count;
};
/* `duration`, where it is one, and `fps`. */
int label_lengths_find(struct catalog_reader *reader, struct label_lengths *ret, struct error *err);
/* A clip that is not there has no length. */
int label_length_of(struct catalog_reader *reader, const struct label_lengths *lengths, const char *key,
                    struct label_length *ret, struct error *err);
