// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes kept small: "packed" of index/FORMAT.md.
 *
 *     0 bytes...                 as they are
 *     1 varint(length) frame     one zstd frame of them
 *
 * Thread rule: a `struct packer` (the library's working memory) belongs to one thread at a time.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"

struct packer;

struct packer *packer_new(void);
void packer_free(struct packer *packer);
CLEANUP_DEFINE(struct packer, packer_free, cleanup_packer)
#define CLEANUP_PACKER CLEANUP(cleanup_packer)

enum { PACKER_SAVING_PERCENT = 12 };
/* Appends the packed form: compressed where that saves so much at least. What is read in haste asks for more.
 */
void packer_pack(struct packer *packer, const void *bytes, size_t len, unsigned saving_percent,
                 struct buf *buf);
/* Appends the bytes of a packed form. -EUCLEAN if it is none or holds more than max_bytes. */
int packer_unpack(struct packer *packer, const void *packed, size_t len, size_t max_bytes, struct buf *buf);
