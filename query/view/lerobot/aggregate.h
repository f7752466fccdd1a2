// SPDX-License-Identifier: Apache-2.0
/*
 * Statistics of many episodes out of those of each, as lerobot's aggregate_stats() computes them
 * (lerobot/datasets/compute_stats.py, 0.4.4 and 0.6.2), bit for bit: of a feature with episodes e
 *
 *     count = sum count_e     min = min min_e     max = max max_e
 *     mean  = sum mean_e count_e / count
 *     std   = sqrt(sum (std_e^2 + (mean_e - mean)^2) count_e / count)
 *     q     = sum q_e count_e / count (0.4), or min q_e up to q50 and max q_e above (0.6.2)
 *
 * in float64, and summed as numpy does it: one after the other, but pairwise where a feature is one number.
 * A feature is left out where an episode lacks one of the first five or has it in another shape, and a
 * quantile where an episode lacks that: nothing is made up.
 *
 * Memory: 16 bytes a number of a feature and episode. One thread at a time.
 */
#pragma once

#include "query/view/lerobot/said.h"

enum lerobot_quantiles { LEROBOT_QUANTILES_ENVELOPE, LEROBOT_QUANTILES_MEAN };

struct lerobot_aggregate;

struct lerobot_aggregate *lerobot_aggregate_new(enum lerobot_quantiles quantiles);
void lerobot_aggregate_free(struct lerobot_aggregate *all);
CLEANUP_DEFINE(struct lerobot_aggregate, lerobot_aggregate_free, cleanup_lerobot_aggregate)
#define CLEANUP_LEROBOT_AGGREGATE CLEANUP(cleanup_lerobot_aggregate)

/* One more episode; `extra` is written into. -EUCLEAN; -EFBIG. */
int lerobot_aggregate_add(struct lerobot_aggregate *all, struct buf *extra, struct error *err);
/* Appends stats.json: {"action": {"min": [...], ...}, ...}, features in the order in which they came first.
 * Minima and maxima are written as what the feature is. */
typedef enum lerobot_numbers lerobot_numbers_fn(void *ctx, const char *feature);
void lerobot_aggregate_print(const struct lerobot_aggregate *all, lerobot_numbers_fn *numbers_of, void *ctx,
                             struct buf *buf);
