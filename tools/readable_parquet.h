// SPDX-License-Identifier: Apache-2.0
/* Whether the pages of a recording that is a Parquet file can be decoded: rows that clips share by range are
 * looked at by nobody else. Any thread. */
#pragma once

#include "cache/base/error.h"
#include "index/dataset/dataset.h"

/* 0: they can, or it is no Parquet file, or one that is not read (encrypted). -EINVAL with file, row group,
 * column, page and reason. */
int readable_parquet(const struct dataset_object *object, struct error *err);
