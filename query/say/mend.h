// SPDX-License-Identifier: Apache-2.0
/*
 * A literal that means nothing, rewritten as what other languages and shells would make of it, or with its
 * name and value in the right place; a rewriting is offered only if it means something in this version.
 *
 *     arm==left     : one '=' is enough (arm=left)
 *     length>=100   : an operator stands behind a dot (length.ge=100)
 *     outcome=left  : 'left' is a value of 'arm' (arm=left)
 *
 * Bounded work. Any thread (through its own reader).
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/say/hint.h"

/* Appends ": why (component)" and returns 1; 0 if nothing fits; -errno, -EAGAIN among them. */
int mend_key(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
             struct error *err);
int mend_value(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
               struct error *err);
