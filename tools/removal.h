// SPDX-License-Identifier: Apache-2.0
/*
 * Hiding the clips that a path means from the next version on. What the path means is asked again whenever
 * another commit comes in between, so no clip is removed that is not the one that was meant. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/commit/commit.h"

struct removal {
    const char *path; /* query/say/place.h */
    bool all;         /* it may mean every clip */
    const char *message;
};
/* -EALREADY: there is nothing to remove. -ESTALE: the path names an older version, and clips have been
 * replaced since. -EINVAL: every clip, and not `all`. -EREMCHG: others commit faster than this can. Waits. */
int removal_commit(struct dataset *dataset, const struct removal *removal, uint32_t *ret_version,
                   struct apply_counts *ret_counts, struct error *err);
