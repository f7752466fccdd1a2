// SPDX-License-Identifier: Apache-2.0
/* What an import wants to say without failing: counted by reason, one example each. One thread at a time. */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct notes;

struct notes *notes_new(void);
void notes_free(struct notes *notes);
/* Counts one more of `reason`; the first `example` of each is kept. */
void notes_add(struct notes *notes, const char *reason, const char *example);
void notes_add_many(struct notes *notes, const char *reason, const char *example, uint64_t many);
/* "note: REASON: EXAMPLE (and 11 more)", a line each, in the order first met. */
void notes_print(const struct notes *notes, FILE *to);
