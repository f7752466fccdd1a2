// SPDX-License-Identifier: Apache-2.0
/* `elidefs import --part` and what `--merge` adds to an import. One thread at a time; wait. */
#pragma once

#include "tools/import/part_take.h"
#include "tools/session.h"

/* Reads the part's recordings and hands them over. What is wrong with them is told, and for the merge to
 * judge.
 */
int import_part_run(const struct import_part *part, struct import_request *request, struct session *session,
                    bool json, struct error *err);

struct import_merge {
    const struct import_request *request;
    struct session *session;
    struct store *store; /* of the data set */
    struct part_line line;
    struct import_listing listing;
    struct part_taken taken;
    struct scan_cache *scans; /* gets what the parts have read */
    bool took;                /* it has */
    uint32_t landed;          /* the version that the parts are already; 0: none */
};
/* `request` looks for its parts when it has listed the source, and ends with -EALREADY where they have
 * landed.
 */
int import_merge_begin(struct import_request *request, struct session *session, struct import_merge *ret,
                       struct error *err);
void import_merge_done(struct import_merge *merge);
/* What was read by whom. */
void import_merge_tell(const struct import_merge *merge);
