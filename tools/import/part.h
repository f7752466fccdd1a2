// SPDX-License-Identifier: Apache-2.0
/*
 * One part of an import: the recordings whose paths fall to it, by hash. A part lists all of the source and
 * looks at all clips, but reads, and copies, only its own recordings; what it has read of them it hands to
 * the merge (part_record.h), which is the import itself. So nothing that spans parts need be put together:
 * types, keys that are there twice, what is renumbered or gone, is looked at once, by the code that always
 * does.
 *
 * Values: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/store/store.h"

enum { IMPORT_PARTS_MAX = 10000 };

struct import_part {
    uint32_t number, count; /* numbers count from 1 */
};
/* "3/8". -EINVAL */
int import_part_parse(const char *text, struct import_part *ret, struct error *err);
/* Does the recording at this path fall to the part? NULL: there are no parts, it does. */
bool import_part_has(const struct import_part *part, const char *path);

/* What reading a recording of another part ends with, which no store says. */
#define IMPORT_PART_OTHER EREMOTE

/* An object as it is pinned, with its evidence: what parts tell of objects that a manifest names, and of
 * copies.
 */
void import_pinned_encode(const struct store_object *pinned, struct buf *buf);
/* Of hostile bytes; false: they are none. */
bool import_pinned_decode(const struct buf *bytes, struct store_object *ret);
