// SPDX-License-Identifier: Apache-2.0
/*
 * What operations.def says of an operation, put to work: its bytes in the log, and whether it may come now.
 * Private to index/commit/changeset*.c. Thread rule: that of the change set.
 */
#pragma once

#include "index/commit/changeset_log.h"

/* -EINVAL: one of the operation's needs is not met, and which. Writers check that and what they are given
 * before they append. */
int changeset_check(const struct changeset *set, enum changeset_kind kind, struct error *err);
bool changeset_allows(const struct changeset *set, enum changeset_kind kind);

enum { CHANGESET_TEXTS_MAX = 4 };
struct changeset_texts {
    size_t at[CHANGESET_TEXTS_MAX]; /* where the texts of an operation stand in the log, in their order */
};
struct changeset_texts changeset_append(struct changeset *set, const struct changeset_op *op);

/* Parses one operation of the reader's set at the cursor, structure only. False: it is none. */
bool changeset_parse(struct changeset_reader *reader, struct cursor *c, struct changeset_op *ret);
/* Of an operation that was parsed, for messages. */
const char *changeset_operation_name(enum changeset_kind kind);
