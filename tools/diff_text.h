// SPDX-License-Identifier: Apache-2.0
/* Differences between versions, for people. One thread. */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "index/dataset/dataset.h"
#include "query/report/diff.h"

/* A line each, on standard output, with who changed it; *ret_count lines (may be NULL). Waits for manifests.
 */
int diff_text_print(struct dataset *dataset, const struct diff *diff, uint64_t *ret_count, struct error *err);
/* The counts alone: clips, attributes, and how many clips have other values of each. */
int diff_text_stat(const struct diff *diff, struct error *err);
