// SPDX-License-Identifier: Apache-2.0
/* clip.files: what a listing needs of a clip's streams, by stream number. Any thread.
 *
 *     files := file*      file := name NUL ext NUL varint(size) varint(changed) */
#pragma once

#include "index/catalog/catalog.h"

/* Fills `files` (CLIP_STREAMS_MAX of them) with names borrowed from `bytes`; *ret_count of them.
 * Escapes, lengths and that names differ from the clip's json are checked: -EUCLEAN. */
int files_decode(const char *key, const void *bytes, size_t len, struct catalog_file *files,
                 uint32_t *ret_count);
/* The version that last changed any of them, names unread: -EUCLEAN. */
int files_newest(const void *bytes, size_t len, uint32_t *ret);
void files_encode(struct buf *buf, const struct catalog_file *file);
