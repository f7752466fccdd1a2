// SPDX-License-Identifier: Apache-2.0
/*
 * What objects are pinned by at one place of a root, where that differs from what catalogs say: a mirror
 * gives other ETags, a copy other times. JSON Lines {"path","was","now","sha256"} in
 * elidefs/series/roots/<id>/<random>.pins (index/FORMAT.md, "Roots and tags"). Files' pins stand there
 * without inodes, which belong to one machine: a reader looks at evidence, and at the hash of all bytes where
 * the line has it.
 *
 * Immutable once parsed; any thread. Reference counts are atomic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/store/store.h"

enum { ROOT_PINS_BYTES_MAX = 64 << 20 };

struct root_pins;
/* `name` stands in errors. -EUCLEAN with the line that is wrong. */
int root_pins_parse(const char *name, const void *bytes, size_t len, struct root_pins **ret,
                    struct error *err);
struct root_pins *root_pins_ref(struct root_pins *pins);
void root_pins_unref(struct root_pins *pins); /* NULL is fine */
/* Puts into `was` what the object that catalogs pin so is pinned by here, and its whole hash where that is
 * known. false: nothing is known. `pins` may be NULL. */
bool root_pins_find(const struct root_pins *pins, const char *path, struct store_object *was);
/* Appends a line, unless it would say nothing. */
void root_pins_print(struct buf *buf, const char *path, const char *was, const struct store_object *now);
