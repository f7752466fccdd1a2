// SPDX-License-Identifier: Apache-2.0
/*
 * fusermount3(1), the set-user-id program that mounts and unmounts for ordinary users. Any thread. Its own
 * words become the error's text.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

/* The connection's descriptor. */
int fusermount_mount(const char *path, const char *options, int *ret_fd, struct error *err);
/* -EBUSY, or -EPERM for all else it refuses. */
int fusermount_unmount(const char *path, bool lazily, struct error *err);
