// SPDX-License-Identifier: Apache-2.0
/* `.elidefs/stats`: one "name value" a line. Any thread. */
#pragma once

#include "cache/base/buf.h"
#include "fs/fs.h"

void stats_append(struct fs *fs, struct buf *buf);
