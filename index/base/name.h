// SPDX-License-Identifier: Apache-2.0
/*
 * Names of clips, streams and attributes.
 *
 *     file := KEY '.' STREAM '.' EXT | KEY '.' EXT          ep000123.front.mp4   a.mcap   ep000123.json
 *
 * A key holds no dot, so all before the first dot is the key. In keys, stream names and extensions '.', '/',
 * '=', ',', '%', control bytes, bytes that are not UTF-8 and a leading '@' or '_' stand as %XX: what a name
 * in a query directory is can be told by its spelling alone. Attribute names: '/' and '.' become '_'. Any
 * thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { NAME_FILE_MAX = 255 };

/* Appends the escaped form of a raw key, stream name or extension. */
void name_escape(struct buf *buf, const char *raw, size_t len);
/* Is this an escaped key, stream name or extension in canonical form? -EINVAL with the reason; empty is none.
 */
int name_check(const char *name, size_t len, struct error *err);
/* Appends "key.stream.ext", or "key.ext" for an empty stream name; -ENAMETOOLONG over NAME_FILE_MAX. An empty
 * ext leaves its dot out. */
int name_file(struct buf *buf, const char *key, const char *stream, const char *ext, struct error *err);

enum name_kind {
    NAME_STAGE,     /* starts with '@' */
    NAME_HIDDEN,    /* else starts with '.' */
    NAME_COMPONENT, /* else has a '=' */
    NAME_FILE,      /* else */
};
enum name_kind name_kind(const char *name, size_t len);

/* Appends the attribute name a source's column becomes; -EINVAL for an empty one, one over 200 bytes, one
 * with control bytes or not in UTF-8, and "event" (a prefix in paths), "key" and "files" (members of a clip's
 * JSON). */
int name_attribute(struct buf *buf, const char *column, size_t len, struct error *err);
