// SPDX-License-Identifier: Apache-2.0
/*
 * What a set of clips holds, in one line: SHA-256 over the ordered (key, stream, content), without a read of
 * a recording. Two sets have one digest if they have the same clips in the same order with the same bytes,
 * whichever version or path they come from.
 *
 *     digest  := SHA-256 of (text key, text name, u64 size, content) of each file, clips in listing order,
 * streams in order, the json last content := SHA-256 of the bytes of a json; of a stream: SHA-256 of u64
 * pieces (u8 kind u64 offset u64 length)*, bytes inline, u8 0 | u8 1 text path u64 size text pin text, bytes
 * := u64 length and the bytes; numbers are little endian; kinds as in index/FORMAT.md
 *
 * A recording counts by its path below its root, its size and what it is pinned to; where the root lies does
 * not. Any thread (through its own reader). -EAGAIN as query_run().
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "query/query.h"

struct digest {
    uint8_t sha256[SHA256_BYTES];
    uint64_t clips, files, bytes;
};
int digest_query(const struct query *query, struct catalog_reader *reader, struct digest *ret,
                 struct error *err);
/* The content of one file; `stream` as in query/files.h. */
int digest_file(struct catalog_reader *reader, uint32_t row, uint32_t stream, uint8_t ret[SHA256_BYTES],
                struct error *err);
