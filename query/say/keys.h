// SPDX-License-Identifier: Apache-2.0
/* The key that was probably meant by a misspelt one. Any thread (through its own reader). */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/say/nearest.h"

/* "ep3" and "3" for "ep000003": appends the key, 1, if there is such a clip; 0 if not. */
int keys_pad(struct catalog_reader *reader, const char *typed, size_t len, struct buf *ret,
             struct error *err);
/* Offers the keys that `typed`, which is none, may stand for: of the clip whose file it names, of its number,
 * and those spelt nearly so among the first clips of the version. */
int keys_offer(struct catalog_reader *reader, const char *typed, size_t len, struct nearest *nearest,
               struct error *err);
