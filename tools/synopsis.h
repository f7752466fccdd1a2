// SPDX-License-Identifier: Apache-2.0
/*
 * A command's synopsis, read: its forms stand between " | ", and a form may begin with verbs.
 *
 *     DATASET PATH [OPTION]...     list DATASET | set DATASET ID URL [OPTION]...     list|drop DATASET [NAME]
 *
 * Words in capitals say what stands there. Thread rule: none, it is text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Does the first argument choose what is done? */
bool synopsis_has_verbs(const char *synopsis);
bool synopsis_is_verb(const char *synopsis, const char *word);
/* Each verb of all forms, in order. */
void synopsis_each_verb(const char *synopsis, void (*each)(void *ctx, const char *verb, size_t len),
                        void *ctx);
/* What argument number `index` is ("PATH", "NEWER[/PATH]"), as long as *ret_len, in the form that begins with
 * `verb` (NULL if there is none yet). NULL: there is no such argument. */
const char *synopsis_word(const char *synopsis, const char *verb, size_t index, size_t *ret_len);
