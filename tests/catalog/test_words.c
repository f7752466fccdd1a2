// SPDX-License-Identifier: Apache-2.0
/* What words a text has. */
#include <criterion/criterion.h>
#include <string.h>

#include "index/base/words.h"

static bool has(const char *text, const char *words)
{
    return words_all_in(text, strlen(text), words, strlen(words));
}

Test(words, are_runs_of_letters_and_digits)
{
    static const char text[] = "  pick-up the_cube2, W\xc3\xbcrfel! ";
    static const char *const expected[] = {"pick", "up", "the", "cube2", "W\xc3\xbcrfel"};
    const char *word;
    size_t at = 0, len, count = 0;
    while (words_next(text, strlen(text), &at, &word, &len)) {
        cr_assert_lt(count, 5);
        cr_assert(len == strlen(expected[count]) && !memcmp(word, expected[count], len), "%.*s", (int)len,
                  word);
        count++;
    }
    cr_assert_eq(count, 5);
    at = 0;
    cr_assert_not(words_next("", 0, &at, &word, &len));
    at = 0;
    cr_assert_not(words_next(" .,", 3, &at, &word, &len));
}

Test(words, all_are_found_in_any_order_and_case)
{
    cr_assert(has("Pick up the CUBE", "cube PICK"));
    cr_assert(has("Pick up the CUBE", "up/up"));
    cr_assert(has("anything", ""));
    cr_assert_not(has("Pick up the CUBE", "cub"), "a part of a word is none");
    cr_assert_not(has("Pick up the CUBE", "cubes"));
    cr_assert_not(has("Pick up the CUBE", "cube ball"));
    cr_assert_not(has("", "cube"));
    cr_assert(has("W\xc3\xbcrfel", "w\xc3\xbcrfel"));
}
