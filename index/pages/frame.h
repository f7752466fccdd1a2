// SPDX-License-Identifier: Apache-2.0
/*
 * A page as it lies in a pack: one zstd frame (RFC 8878) that unpacks to exactly the page, or to one byte
 * more where bytes of the page are differences (frame.c), or the page itself where that is not shorter. Its
 * hash is of the stored bytes and is compared before zstd sees them. Thread rule: one thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct framer;
struct framer *framer_new(void);
void framer_free(struct framer *framer);
CLEANUP_DEFINE(struct framer, framer_free, cleanup_framer)
#define CLEANUP_FRAMER CLEANUP(cleanup_framer)

/* Appends the frame of a page. */
void framer_pack(struct framer *framer, const void *page, uint32_t page_bytes, struct buf *buf);
/* -EUCLEAN with the reason unless `bytes` are exactly one frame of exactly one page. */
int framer_unpack(struct framer *framer, const void *bytes, size_t len, uint32_t page_bytes, void *to,
                  struct error *err);
