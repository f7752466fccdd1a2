// SPDX-License-Identifier: Apache-2.0
/* Which row a key may have. */
#include <criterion/criterion.h>
#include <string.h>

#include "index/catalog/hash/key_guess.h"

enum { ROWS = 5000, NONE = -1 };

static long guess(const struct key_guess *known, const char *key)
{
    uint32_t row;
    return key_guess_row(known, key, strlen(key), ROWS, &row) ? (long)row : NONE;
}

Test(key_guess, a_key_with_another_number_is_as_many_rows_away)
{
    static const struct {
        const char *known, *key;
        long row; /* `known` has row 1000 */
    } cases[] = {{"ep000100", "ep000101", 1001},
                 {"ep000100", "ep000099", 999},
                 {"ep000999", "ep001000", 1001},
                 {"ep001000", "ep000000", 0},
                 {"ep001001", "ep000000", NONE},
                 {"ep000000", "ep003999", 4999},
                 {"ep000000", "ep004000", NONE},
                 {"a12_left", "a13_left", 1001},
                 {"day1-ep07", "day1-ep09", 1002},
                 {"day1-ep07", "day2-ep09", NONE},
                 {"ep000100", "ep00101", NONE},
                 {"ep000100", "eq000101", NONE},
                 {"ep000100", "ep00010a", NONE},
                 {"ep000100", "ep000100", 1000},
                 {"abc", "abd", NONE},
                 {"x0000000000000000000000", "x9999999999999999999999", NONE},
                 {"", "", NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_guess known = {0};
        key_guess_learn(&known, cases[i].known, strlen(cases[i].known), 1000);
        cr_assert_eq(guess(&known, cases[i].key), cases[i].row, "%s after %s: %ld", cases[i].key,
                     cases[i].known, guess(&known, cases[i].key));
    }
}

Test(key_guess, who_was_wrong_too_often_guesses_no_more_and_who_was_right_may_be_wrong_again)
{
    struct key_guess known = {0};
    key_guess_learn(&known, "ep000100", 8, 1000);
    for (int i = 0; i < 100; i++)
        key_guess_judge(&known, true);
    for (int i = 0; i < 3; i++)
        key_guess_judge(&known, false);
    cr_assert_eq(guess(&known, "ep000101"), 1001);
    key_guess_judge(&known, false);
    cr_assert_eq(guess(&known, "ep000101"), NONE);
    key_guess_judge(&known, true);
    cr_assert_eq(guess(&known, "ep000101"), 1001);
}
