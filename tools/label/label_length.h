// SPDX-License-Identifier: Apache-2.0
/* How long a clip is, as far as the data set says: events must lie in it. One thread at a time. */
#pragma once

#include "index/catalog/catalog.h"

struct label_length {
    int64_t length_ns; /* -1: not known */
    int64_t frame_ns;  /* by how much an event may be longer: times are rounded */
};

/* From the clip's attributes `duration` and `fps`. A clip that is not there has no length. */
int label_length_of(struct catalog_reader *reader, const char *key, struct label_length *ret,
                    struct error *err);
