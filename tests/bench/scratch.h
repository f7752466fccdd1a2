// SPDX-License-Identifier: Apache-2.0
/* A data set in a temporary folder, for benchmarks: what fails ends the program with the reason. One thread.
 */
#pragma once

#include "index/dataset/dataset.h"

struct scratch {
    char *folder; /* owned, as all below it */
    struct stores *stores;
    struct cache *cache;
    struct dataset *dataset; /* empty */
    struct error err;        /* for scratch_must() */
};

/* `parent`: where the folder is made; NULL: as for all temporary files. */
void scratch_open(struct scratch *scratch, const char *parent, const char *name);
void scratch_close(struct scratch *scratch);
void scratch_must(const struct scratch *scratch, int rc);

struct value scratch_text(const char *text); /* borrowed */
