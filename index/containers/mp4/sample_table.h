// SPDX-License-Identifier: Apache-2.0
/*
 * The compact sample table of a recording: everything cutting needs, about 1.2 - 1.7 bytes a frame. The bytes
 * are described in index/FORMAT.md, "MP4 sample table". Any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/containers/mp4/movie.h"

/* Appends the packed table: head and zstd frame. */
void sample_table_pack(const struct mp4 *mp4, struct buf *ret);
/* As mp4_table_decode() in mp4.h. */
int sample_table_unpack(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err);

/* The same without head and compression, which hide everything from a fuzzer. */
void sample_table_write(const struct mp4 *mp4, struct buf *ret);
int sample_table_read(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err);
