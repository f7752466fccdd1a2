// SPDX-License-Identifier: Apache-2.0
/* Taking mounts away. Any thread. */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

/* What lies on top at the absolute `path`: directly, or with fusermount3 where this process may not.
 * `lazily`: the name goes now, the rest when nobody uses it. -EBUSY. */
int unmount_path(const char *path, bool lazily, struct error *err);
/* If a dead elidefs mount lies at the absolute `path`, takes it away: 1 if it did, 0 if there is none. */
int unmount_dead(const char *path, struct error *err);
