// SPDX-License-Identifier: Apache-2.0
/*
 * Fetching clips before they are opened: what upcoming.h guesses, where it is small enough that a whole file
 * costs no more than a round trip (cache/cache.h, cache_is_small()). In the background, one job after the
 * other; a job that would be one too many is dropped. Any thread; nothing waits.
 */
#pragma once

#include "fs/task.h"

/* A program opens (or begins to read) the clip's file that `task` names. */
void open_ahead(const struct task *task);
