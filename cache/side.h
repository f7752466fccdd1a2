// SPDX-License-Identifier: Apache-2.0
/*
 * The side file of a cached file: which blocks of the data file are valid, and their CRC32Cs. Format, version
 * 1: cache/FORMAT.md. Pure: bytes in, bytes out; whatever is on disk is untrusted. Private to cache/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/block.h"

enum { SIDE_HEADER_BYTES = 64, SIDE_RECORD_BYTES = 5, SIDE_VERSION = 1 };

void side_header(uint8_t ret[SIDE_HEADER_BYTES], const uint8_t key[SHA256_BYTES],
                 const struct blocks *blocks);
/* 0 if `bytes` are the header of this very file; -EINVAL with the difference otherwise. */
int side_header_check(const uint8_t *bytes, size_t len, const uint8_t key[SHA256_BYTES],
                      const struct blocks *blocks, struct error *err);

uint64_t side_record_offset(uint64_t block); /* in the side file */
void side_record(uint8_t ret[SIDE_RECORD_BYTES], uint32_t crc);
uint32_t side_record_crc(const uint8_t record[SIDE_RECORD_BYTES]);
/* Takes over the records of the blocks [first, ...) that `bytes` hold: an ABSENT block with a valid record
 * becomes DISK, unless its bytes had that CRC32C and were wrong; the others keep their state. Returns the
 * number of records that are neither valid nor empty. A last record cut short and records behind the last
 * block are ignored. */
uint64_t side_records_load(const uint8_t *bytes, size_t len, uint64_t first, struct blocks *blocks);
