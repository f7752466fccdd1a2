// SPDX-License-Identifier: Apache-2.0
/*
 * The words of a text: runs of letters and digits, ASCII letters in any case. Bytes above 127 are letters, so
 * "Würfel" is a word. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The next word from *at on, which moves behind it; false: there is none. The word is borrowed. */
bool words_next(const char *text, size_t len, size_t *at, const char **ret_word, size_t *ret_len);
/* Is each of the words in the text? */
bool words_all_in(const char *text, size_t len, const char *words, size_t words_len);
