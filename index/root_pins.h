// SPDX-License-Identifier: Apache-2.0
/*
 * What objects are pinned by at a root's new place, where that differs from what catalogs say: a mirror gives
 * other ETags. JSON Lines {"path","was","now"} in elidefs/roots/<id>/<random>.pins (index/FORMAT.md, "Roots
 * and tags").
 *
 * Immutable once parsed; any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { ROOT_PINS_BYTES_MAX = 64 << 20 };

struct root_pins;
/* `name` stands in errors. -EUCLEAN with the line that is wrong. */
int root_pins_parse(const char *name, const void *bytes, size_t len, struct root_pins **ret,
                    struct error *err);
void root_pins_free(struct root_pins *pins);
/* What the object that catalogs pin by `was` is pinned by now, or NULL: no other pin is known. */
const char *root_pins_find(const struct root_pins *pins, const char *path, const char *was);
void root_pins_print(struct buf *buf, const char *path, const char *was,
                     const char *now); /* appends a line */
