// SPDX-License-Identifier: Apache-2.0
/* Texts are short and so are questions: each word that is asked for is looked for from the beginning. */
#include "index/base/words.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c > 127;
}

bool words_next(const char *text, size_t len, size_t *at, const char **ret_word, size_t *ret_len)
{
    size_t first = *at;
    while (first < len && !is_letter(text[first]))
        first++;
    size_t end = first;
    while (end < len && is_letter(text[end]))
        end++;
    *at = end;
    *ret_word = text + first;
    *ret_len = end - first;
    return end > first;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static bool is_in(const char *text, size_t len, const char *word, size_t word_len)
{
    const char *found;
    size_t at = 0, found_len;
    while (words_next(text, len, &at, &found, &found_len))
        if (found_len == word_len && equal(found, word, word_len))
            return true;
    return false;
}

bool words_all_in(const char *text, size_t len, const char *words, size_t words_len)
{
    const char *word;
    size_t at = 0, word_len;
    while (words_next(words, words_len, &at, &word, &word_len))
        if (!is_in(text, len, word, word_len))
            return false;
    return true;
}
