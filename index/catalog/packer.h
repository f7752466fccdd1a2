// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes kept small: "packed" of index/FORMAT.md.
 *
 *     0 bytes...                 as they are
 *     1 varint(length) frame     one zstd frame of them
 *     2 varint(length) frame     one that was made with a dictionary
 *
 * A dictionary is what many short pieces have in common: one is made from some of them, and kept.
 *
 * Thread rule: a `struct packer` (the library's working memory) belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
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
/* The same with the packer's dictionary; as above where it has none. */
void packer_pack_short(struct packer *packer, const void *bytes, size_t len, unsigned saving_percent,
                       struct buf *buf);
/* Appends a dictionary of at most PACKER_DICTIONARY_BYTES for what is like these samples, one behind the
 * other. -EINVAL: they are too few, or too much alike. */
enum { PACKER_DICTIONARY_BYTES = 8000 };
int packer_learn(const struct buf *samples, const size_t *sizes, size_t count, struct buf *ret);
/* Once. -EUCLEAN: it is none. */
int packer_take_dictionary(struct packer *packer, const void *bytes, size_t len);
/* Can it be expanded only with a dictionary that the packer has not got yet? */
bool packer_lacks_dictionary(const struct packer *packer, const void *packed, size_t len);
/* Appends the bytes of a packed form. -EUCLEAN if it is none or holds more than max_bytes. */
int packer_unpack(struct packer *packer, const void *packed, size_t len, size_t max_bytes, struct buf *buf);
