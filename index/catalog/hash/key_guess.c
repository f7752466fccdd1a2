// SPDX-License-Identifier: Apache-2.0
/* Nothing is stored for it: neighbours in a recording session are numbered by whoever records. */
#include "index/catalog/hash/key_guess.h"

#include <string.h>

enum { DIGITS_MAX = 18, RIGHT_MAX = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t number_of(const char *digits, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (digits[i] - '0');
    return number;
}

bool key_guess_row(const struct key_guess *guess, const char *key, size_t len, uint32_t rows, uint32_t *ret)
{
    size_t first = 0, last = len;
    if (guess->wrong > 0 || strlen(guess->key) != len)
        return false;
    while (first < len && key[first] == guess->key[first])
        first++;
    while (last > first && key[last - 1] == guess->key[last - 1])
        last--;
    while (first && is_digit(key[first - 1]))
        first--;
    while (last < len && is_digit(key[last]))
        last++;
    bool number = last > first && last - first <= DIGITS_MAX;
    for (size_t i = first; number && i < last; i++)
        number = is_digit(key[i]) && is_digit(guess->key[i]);
    if (!number)
        return false;
    int64_t row =
        guess->row + number_of(key + first, last - first) - number_of(guess->key + first, last - first);
    if (row < 0 || row >= rows)
        return false;
    *ret = (uint32_t)row;
    return true;
}

void key_guess_learn(struct key_guess *guess, const char *key, size_t len, uint32_t row)
{
    if (len >= sizeof guess->key)
        return;
    memcpy(guess->key, key, len);
    guess->key[len] = 0;
    guess->row = row;
}

void key_guess_judge(struct key_guess *guess, bool right)
{
    guess->wrong += right ? -(guess->wrong > -RIGHT_MAX) : 1;
}
