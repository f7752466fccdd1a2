// SPDX-License-Identifier: Apache-2.0
/* Which clips a program will open next, as opens alone tell it. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fs/upcoming.h"
#include "tests/test_leaks.h"

static struct upcoming *upcoming;
static struct upcoming_clip next[UPCOMING_ROWS + 1];

/* Rows count - 1, count - 2 ... 0. */
static struct set *downwards(uint32_t count)
{
    uint32_t *rows = mem_alloc(count * sizeof *rows);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = count - 1 - i;
    return set_new_list(rows, count);
}

static void begin(uint32_t count)
{
    upcoming = upcoming_new();
    CLEANUP_SET struct set *set = downwards(count);
    upcoming_seen(upcoming, 1, set);
    upcoming_seen(upcoming, 1, set);
}

static void end(void)
{
    upcoming_free(upcoming);
    check_leaks();
}

static size_t opens(pid_t pid, uint32_t row, uint32_t stream)
{
    return upcoming_after(
        upcoming, &(struct upcoming_opened){.pid = pid, .version = 1, .row = row, .stream = stream}, next);
}

Test(upcoming, after_the_third_clip_in_order_those_behind_it_are_told_more_of_them_each_time)
{
    begin(100);
    cr_assert_eq(opens(7, 99, 0), 0);
    cr_assert_eq(opens(7, 98, 0), 0);
    cr_assert_eq(opens(7, 97, 0), 2);
    cr_assert_eq(next[0].row, 96);
    cr_assert_eq(next[1].row, 95);
    cr_assert_eq(next[1].streams, 1);
    cr_assert_eq(opens(7, 96, 0), 3, "up to four ahead, and each is told once");
    cr_assert_eq(next[0].row, 94);
    cr_assert_eq(next[2].row, 92);
    for (uint32_t row = 95; row > 50; row--)
        cr_assert_leq(opens(7, row, 0), UPCOMING_ROWS);
    cr_assert_eq(opens(7, 50, 0), 1);
    cr_assert_eq(next[0].row, 50 - UPCOMING_ROWS);
    end();
}

Test(upcoming, clips_out_of_order_end_it_and_nothing_is_told_beyond_the_end)
{
    begin(10);
    for (uint32_t row = 9; row > 5; row--)
        opens(7, row, 0);
    cr_assert_eq(opens(7, 8, 0), 0, "back");
    cr_assert_eq(opens(7, 3, 0), 0, "on again, once");
    cr_assert_eq(opens(7, 1, 0), 1, "a clip passed over is another program's");
    cr_assert_eq(next[0].row, 0);
    cr_assert_eq(opens(7, 0, 0), 0);
    end();
}

Test(upcoming, streams_that_were_opened_together_before_are_told_of_the_next_clip)
{
    begin(10);
    cr_assert_eq(opens(7, 4, 2), 0);
    cr_assert_eq(opens(7, 4, 0), 0);
    cr_assert_eq(opens(7, 8, 2), 1, "in any order");
    cr_assert_eq(next[0].row, 8);
    cr_assert_eq(next[0].streams, 1);
    cr_assert_eq(opens(7, 8, 0), 0);
    cr_assert_eq(opens(7, 8, 2), 0, "a second window of it");
    cr_assert_eq(opens(7, 5, 3), 0, "another stream: not what it did before");
    cr_assert_eq(opens(8, 8, 2), 0, "another program");
    end();
}

Test(upcoming, programs_do_not_disturb_each_other_and_the_oldest_is_forgotten)
{
    begin(1000);
    for (uint32_t i = 0; i < 2; i++)
        for (pid_t pid = 1; pid <= UPCOMING_READERS; pid++)
            cr_assert_eq(opens(pid, (uint32_t)pid * 10 - i, 0), 0);
    cr_assert_eq(opens(1, 8, 0), 2);
    opens(UPCOMING_READERS + 1, 5, 0);
    cr_assert_eq(opens(2, 18, 0), 0, "forgotten");
    cr_assert_eq(opens(1, 7, 0), 3);
    end();
}

Test(upcoming, a_clip_of_no_set_that_is_known_or_of_another_version_tells_nothing)
{
    begin(10);
    for (uint32_t row = 100; row > 90; row--)
        cr_assert_eq(opens(7, row, 0), 0);
    for (uint32_t row = 9; row > 5; row--)
        cr_assert_eq(
            upcoming_after(upcoming, &(struct upcoming_opened){.pid = 7, .version = 2, .row = row}, next), 0);
    for (unsigned i = 0; i < UPCOMING_SETS; i++) {
        CLEANUP_SET struct set *other = downwards(3);
        upcoming_seen(upcoming, 3, other);
    }
    for (uint32_t row = 9; row > 5; row--)
        cr_assert_eq(opens(8, row, 0), 0, "the set has made room for others");
    end();
}

Test(upcoming, a_program_whose_set_has_made_room_for_others_is_told_no_more)
{
    begin(100);
    for (uint32_t row = 99; row > 97; row--)
        cr_assert_eq(opens(7, row, 0), 0);
    cr_assert_eq(opens(7, 97, 0), 2);
    for (unsigned i = 0; i < UPCOMING_SETS; i++) {
        CLEANUP_SET struct set *other = downwards(3);
        upcoming_seen(upcoming, 1, other);
    }
    for (uint32_t row = 96; row > 90; row--)
        cr_assert_eq(opens(7, row, 0), 0);
    end();
}
