// SPDX-License-Identifier: Apache-2.0
/*
 * The Thrift compact protocol as a tree that can be changed and written again, unknown fields included.
 *
 * Source of the format: apache/thrift, doc/specs/thrift-compact-protocol.md. Bytes are hostile: nesting,
 * nodes and counts are capped, and a struct that names a field twice is refused, because readers disagree on
 * which of the two counts. Writing gives the shortest form of each header and number, so equal trees give
 * equal bytes.
 *
 * A node is named by a number, 0 being "none"; functions given 0 answer as for an absent field, so lookups
 * chain without a check at each step. Thread rule: one thread at a time; reading alone may be shared.
 * Ownership: a tree borrows the bytes it was parsed from until thrift_done().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "cache/base/error.h"

enum thrift_type {
    THRIFT_NONE = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2, /* also the type of boolean elements */
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13,
};

typedef uint32_t thrift_id; /* a node of a tree; 0: none */

struct thrift_node;
struct thrift {
    const uint8_t *data; /* what offsets in nodes count from */
    struct thrift_node *nodes;
    size_t count, cap;
};

#define THRIFT_INIT    ((struct thrift){0})
#define CLEANUP_THRIFT CLEANUP(thrift_done)

void thrift_done(struct thrift *tree);

/* Forgets what the tree held and parses one struct at the cursor, which moves behind it. All structs of one
 * tree lie in the cursor's bytes, below 4 GiB. -EINVAL with "offset N: reason". */
int thrift_parse(struct thrift *tree, struct cursor *c, thrift_id *ret_root, struct error *err);

thrift_id thrift_field(const struct thrift *tree, thrift_id record, int field);
/* Follows fields from `record`, a list ended by 0: thrift_path(tree, root, 3, 12, 0). */
thrift_id thrift_path(const struct thrift *tree, thrift_id record, ...);
thrift_id thrift_first(const struct thrift *tree, thrift_id list); /* first element of a list or set */
thrift_id thrift_next(const struct thrift *tree, thrift_id element);
size_t thrift_count(const struct thrift *tree, thrift_id list); /* elements of a list or set, else 0 */

/* The value of an integer or boolean; false if the node is none. */
bool thrift_integer(const struct thrift *tree, thrift_id node, int64_t *ret);
int64_t thrift_integer_or(const struct thrift *tree, thrift_id record, int field, int64_t otherwise);
/* The bytes of a binary; false if the node is none. Borrowed from the parsed bytes, no NUL behind them. */
bool thrift_binary(const struct thrift *tree, thrift_id node, const uint8_t **ret, size_t *ret_len);
size_t thrift_offset(const struct thrift *tree, thrift_id record); /* of a struct in the parsed bytes */

void thrift_set_integer(struct thrift *tree, thrift_id node, int64_t value); /* of an integer node, or 0 */
void thrift_remove(struct thrift *tree, thrift_id record, int field);
void thrift_write(const struct thrift *tree, thrift_id record, struct buf *buf);

/* The pieces, for who walks a struct field by field. *last_field starts at 0. The reader gives THRIFT_NONE at
 * the end of the struct, and after a failure. */
enum thrift_type thrift_read_field(struct cursor *c, int16_t *last_field);
enum thrift_type thrift_read_list(struct cursor *c, uint32_t *ret_count);
/* Moves behind one value of this type; false if it is malformed. */
bool thrift_skip(struct cursor *c, enum thrift_type type);
void thrift_write_field(struct buf *buf, int16_t *last_field, int16_t field, enum thrift_type type);
void thrift_write_list(struct buf *buf, enum thrift_type element, uint32_t count);
void thrift_write_integer(struct buf *buf, int64_t value);
