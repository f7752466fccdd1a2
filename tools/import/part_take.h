// SPDX-License-Identifier: Apache-2.0
/*
 * The merge takes what all parts have read into its own scan cache; what it imports then is what a plain
 * import would, with no recording read. One thread at a time; waits.
 */
#pragma once

#include "index/dataset/dataset.h"
#include "tools/import/part_record.h"
#include "tools/import/scan_cache.h"

struct part_taking {
    struct store *store; /* of the data set */
    const struct part_line *line;
    const struct import_listing *listing;
};
struct part_taken {
    char commit[LAYOUT_ID_BYTES]; /* id of the commit, which follows from the parts */
    uint32_t count;               /* of parts */
    uint32_t base;                /* the oldest version that one of them was begun after */
    uint64_t files, bad;
    struct part_record *records; /* by number - 1 */
};
void part_taken_done(struct part_taken *taken);
/* Looks for the parts. -ENOENT: some are missing; says which, how to run them, and what is there in their
 * place: parts with other options, of another listing, of another format. -EUCLEAN. */
int part_find(const struct part_taking *taking, struct part_taken *ret, struct error *err);
/* What they have read. -EUCLEAN: it is not what a part has put there. */
int part_take(const struct part_taking *taking, const struct part_taken *taken, struct scan_cache *scans,
              struct error *err);
/* Is this part complete? 1, 0 or -errno. */
int part_is_there(const struct part_taking *taking, const struct import_part *part, struct error *err);
