// SPDX-License-Identifier: Apache-2.0
/*
 * `.elidefs/errors`: the recent errors that the kernel's errno cannot tell ("unknown attribute 'armm'; did
 * you mean 'arm'?"), each shown only to the user who met it. Bounded; the oldest go first. Locks itself.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cache/base/buf.h"

struct errors;

struct errors *errors_new(void);
void errors_free(struct errors *errors);

/* May a reason be looked for now that costs some reads? Some times a second: programs try names in thousands.
 */
bool errors_may_explain(struct errors *errors);
/* One line; the same text again only renews its time. */
void errors_add(struct errors *errors, uid_t uid, const char *text);
/* Appends that user's lines, oldest first, each with its time; at most max_bytes, leaving out the oldest. */
void errors_append(struct errors *errors, uid_t uid, size_t max_bytes, struct buf *buf);
