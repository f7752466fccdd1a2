// SPDX-License-Identifier: Apache-2.0
/* Paths of objects within a store: '/'-separated, no empty, '.' or '..' component, at most 1024 bytes (S3's
 * limit of a key). Any thread. */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

enum { STORE_PATH_BYTES = 1024 };

bool store_path_valid(const char *path);
/* -EINVAL, naming `url` and the path. */
int store_path_check(const char *url, const char *path, struct error *err);
/* "", a path followed by '/', or a path whose last component is the start of a name. */
int store_prefix_check(const char *url, const char *prefix, struct error *err);
