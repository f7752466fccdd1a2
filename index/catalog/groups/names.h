// SPDX-License-Identifier: Apache-2.0
/*
 * The names of clips and of their streams, 256 rows together:
 *
 *     names    := varint(rows) numbers(template) numbers(length) keys
 *     keys     := u8[length][rows]      all as long as the first: all first bytes, all second bytes, ...
 *               | (key NUL){rows}       else
 *     template := (name NUL ext NUL)*   the streams of a clip, by number; most clips have those of another
 *
 * Bytes are hostile: 0 or -EUCLEAN. Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/base/name.h"
#include "index/catalog/catalog.h"
#include "index/catalog/groups/numbers.h"

enum { NAMES_ROW_BITS = 8, NAMES_ROWS = 1 << NAMES_ROW_BITS };

struct names {
    uint32_t rows;
    struct numbers templates, lengths;
    const uint8_t *keys; /* borrowed */
    size_t keys_len;
    uint32_t next; /* the row behind the one asked for last, and where its key is */
    size_t next_at;
    char key[NAME_FILE_MAX + 1];
};
int names_decode(const void *bytes, size_t len, struct names *ret);
/* The key of row i < rows, in names->key. */
int names_key(struct names *names, uint32_t i);
static inline int64_t names_template(const struct names *names, uint32_t i)
{
    return numbers_at(&names->templates, i);
}

struct names_row {
    const char *key;
    uint32_t template;
};
void names_encode(const struct names_row *list, uint32_t rows, struct buf *buf);

struct names_template {
    uint32_t id;
    struct buf bytes;           /* what `files` borrows */
    struct catalog_file *files; /* sizes and versions 0 */
    uint32_t count;
    size_t longest; /* that much the longest file name is longer than its key */
};
/* Names go to the kernel as they are: they are checked, and none is that of the clip's json. */
int names_template_decode(const void *bytes, size_t len, struct names_template *ret);
void names_template_add(struct buf *buf, const char *name, const char *ext);
void names_template_done(struct names_template *template);
