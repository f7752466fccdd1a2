// SPDX-License-Identifier: Apache-2.0
/* The name of a version: v1, v12. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is this spelt as one, 'v' and digits, so that it can be nothing else? Then *ret (may be NULL) is the
 * number: 0 of what names no version ("v0", "v012"), UINT32_MAX of all that are larger. */
bool version_parse(const char *name, size_t len, uint32_t *ret);
