// SPDX-License-Identifier: Apache-2.0
/*
 * Page compression. Source of the format: apache/parquet-format, Compression.md and parquet.thrift
 * (CompressionCodec). Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

/* Why chunks of this codec cannot be unpacked, or NULL. */
const char *parquet_codec_unread(int codec);

/* Packs `from` with the codec PARQUET_CODEC_PACKED. Appends. -EIO. */
enum { PARQUET_CODEC_PACKED = 6 };
int parquet_codec_pack(const void *from, size_t len, struct buf *out, struct error *err);

/* Unpacks `from` into exactly `to_len` bytes. -EINVAL if it is damaged or gives another length, -ENOTSUP for
 * an unknown codec. The caller has capped `to_len`. */
int parquet_codec_unpack(int codec, const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len,
                         struct error *err);
