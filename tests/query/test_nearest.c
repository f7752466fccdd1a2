// SPDX-License-Identifier: Apache-2.0
/* The nearest names to a misspelt one. */
#include <criterion/criterion.h>
#include <string.h>

#include "query/say/nearest.h"
#include "tests/test_leaks.h"

static unsigned distance(const char *a, const char *b, unsigned limit)
{
    return nearest_distance(a, strlen(a), b, strlen(b), limit);
}

Test(nearest, distance_counts_inserted_deleted_replaced_and_swapped_letters)
{
    cr_assert_eq(distance("arm", "arm", 5), 0);
    cr_assert_eq(distance("amr", "arm", 5), 1);
    cr_assert_eq(distance("ar", "arm", 5), 1);
    cr_assert_eq(distance("armm", "arm", 5), 1);
    cr_assert_eq(distance("axm", "arm", 5), 1);
    cr_assert_eq(distance("ARM", "arm", 5), 0);
    cr_assert_eq(distance("kitten", "sitting", 5), 3);
    cr_assert_eq(distance("", "arm", 5), 3);
}

Test(nearest, distance_stops_counting_at_the_limit)
{
    cr_assert_eq(distance("kitten", "sitting", 2), 3);
    cr_assert_eq(distance("a", "abcdefgh", 2), 3);
    char long_name[NEAREST_NAME_MAX + 2] = {0};
    memset(long_name, 'x', sizeof long_name - 1);
    cr_assert_eq(distance(long_name, long_name, 9), 10);
}

static void check(const char *wanted, const char *const *names, const char *expected)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, wanted, strlen(wanted));
    for (; *names; names++)
        nearest_offer(&nearest, *names, strlen(*names));
    nearest_print(&nearest, "", &text);
    cr_assert_str_eq(buf_text(&text), expected, "%s: %s", wanted, buf_text(&text));
}

Test(nearest, the_closest_names_come_first_and_far_ones_not_at_all)
{
    check("lfet", (const char *const[]){"lift", "right", "left", "soft", NULL}, ": did you mean 'left'?");
    check("objects", (const char *const[]){"object_a", "object", "arm", NULL},
          ": did you mean 'object' or 'object_a'?");
    check("abcdef", (const char *const[]){"abcxyz", "abcdxy", "abcdxf", "abcdex", "abcdef1", NULL},
          ": did you mean 'abcdxf', 'abcdex' or 'abcdef1'?");
    check("x", (const char *const[]){"y", "a", NULL}, "");
    check("pick", (const char *const[]){"pick up the cube", "put it down", NULL},
          ": did you mean 'pick up the cube'?");
    check_leaks();
}
