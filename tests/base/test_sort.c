// SPDX-License-Identifier: Apache-2.0
/* Numbers that are drawn, against qsort. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/sort.h"
#include "tests/test_leaks.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state;
}

Test(sort, numbers_come_in_the_order_that_comparing_gives)
{
    static const unsigned shifts[] = {0, 1, 17, 40, 56, 63};
    uint64_t state = 7;
    for (size_t count = 0; count < 300; count += 1 + count / 3)
        for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
            int64_t list[300] = {0}, same[300];
            for (size_t i = 0; i < count; i++)
                list[i] = (int64_t)next_number(&state) >> shifts[s];
            memcpy(same, list, sizeof same);
            sort_numbers(list, count);
            qsort(same, count, sizeof *same, compare);
            cr_assert(!count || !memcmp(list, same, count * sizeof *list), "%zu numbers, shift %u", count,
                      shifts[s]);
        }
    check_leaks();
}

Test(sort, the_lowest_and_the_highest_are_numbers_like_others)
{
    int64_t list[] = {0, INT64_MAX, -1, INT64_MIN, 1, INT64_MAX, INT64_MIN};
    sort_numbers(list, sizeof list / sizeof *list);
    static const int64_t sorted[] = {INT64_MIN, INT64_MIN, -1, 0, 1, INT64_MAX, INT64_MAX};
    cr_assert_eq(memcmp(list, sorted, sizeof list), 0);
    check_leaks();
}

struct record {
    int64_t number;
    uint64_t place;
};

static int compare_records(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

Test(sort, records_of_one_number_stay_in_their_order)
{
    enum { COUNT = 5000, NUMBERS = 700 };
    struct record list[COUNT], same[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        list[i] = same[i] =
            (struct record){(int64_t)(i * 7919 % NUMBERS - NUMBERS / 2) * INT64_C(70000000001), i};
    sort_records(list, COUNT);
    qsort(same, COUNT, sizeof *same, compare_records);
    cr_assert_arr_eq(list, same, sizeof list);
}
