// SPDX-License-Identifier: Apache-2.0
/* Nouns and their plurals in messages. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/count.h"

Test(count, one_of_a_thing_is_singular_and_all_else_plural)
{
    cr_assert_str_eq(COUNT(0, "clip"), "0 clips");
    cr_assert_str_eq(COUNT(1, "clip"), "1 clip");
    cr_assert_str_eq(COUNT(2, "clip"), "2 clips");
    cr_assert_str_eq(COUNT(1, "copy"), "1 copy");
    cr_assert_str_eq(COUNT(3, "copy"), "3 copies");
    cr_assert_str_eq(COUNT(3, "day"), "3 days");
    cr_assert_str_eq(COUNT(UINT64_MAX, "byte"), "18446744073709551615 bytes");
}

Test(count, a_noun_that_is_too_long_is_cut)
{
    char noun[2 * COUNT_TEXT_BYTES];
    memset(noun, 'n', sizeof noun - 1);
    noun[sizeof noun - 1] = 0;
    cr_assert_eq(strlen(COUNT(7, noun)), COUNT_TEXT_BYTES - 1);
}
