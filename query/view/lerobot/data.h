// SPDX-License-Identifier: Apache-2.0
/* The files of data/: rows of many clips as one Parquet file, by range (index/containers/parquet/join.h). Any
 * thread. */
#pragma once

#include "query/view/lerobot/set.h"

/* The size of the file of the episodes [first, end), and its sealed map, both made of the same. -EAGAIN, also
 * where a footer must be read out of a recording and the reader does not wait. */
int lerobot_data_size(const struct lerobot_set *set, const struct view_ask *ask, uint32_t first, uint32_t end,
                      uint64_t *ret, struct error *err);
int lerobot_data_map(const struct lerobot_set *set, const struct view_ask *ask, uint32_t first, uint32_t end,
                     struct extent_map **ret, struct error *err);
