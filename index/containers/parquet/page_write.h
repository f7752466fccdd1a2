// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of data pages that we write: v1, PLAIN, levels as runs.
 *
 * Source of the format: apache/parquet-format, parquet.thrift (PageHeader) and Encodings.md. Any thread.
 */
#pragma once

#include "index/containers/parquet/encoding.h"
#include "index/containers/parquet/thrift.h"

/* A field of a Thrift struct that is an integer of this type. */
void parquet_put_integer(struct buf *buf, int16_t *last, int16_t field, enum thrift_type type,
                         uint64_t value);
/* Levels below 256, behind how many bytes they take. */
void parquet_put_levels(struct buf *page, const uint8_t *levels, uint64_t n);
/* The header of a page of `entries` that takes `bytes`, and `packed` in the file. */
void parquet_put_page_header(struct buf *out, uint64_t bytes, uint64_t packed, uint64_t entries);
