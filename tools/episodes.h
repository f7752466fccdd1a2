// SPDX-License-Identifier: Apache-2.0
/*
 * The clips of a query as episode numbers, for what opens the LeRobot data set they came from itself
 * (`LeRobotDataset(..., episodes=[0, 4, 7])`). One thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/dataset/dataset.h"
#include "query/query.h"

/* Appends "[0,4,7]" and a newline, ascending. -EINVAL with the reason where a clip is no episode of a LeRobot
 * data set, or they are of several. Waits for the store. */
int episodes_append(struct dataset *dataset, const struct query *query, struct catalog_reader *reader,
                    struct buf *buf, struct error *err);
