// SPDX-License-Identifier: Apache-2.0
/* The run-length and bit-packed encoding, by bytes that were written by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "index/containers/parquet/hybrid.h"

static struct hybrid of(const char *bytes, size_t len, unsigned width)
{
    return hybrid_of(cursor_of(bytes, len), width);
}

Test(hybrid, the_packed_example_of_the_format_reads_as_0_to_7)
{
    struct hybrid h = of("\x03\x88\xc6\xfa", 4, 3);
    uint32_t got[8];
    cr_assert(hybrid_read(&h, got, 8));
    for (uint32_t i = 0; i < 8; i++)
        cr_assert_eq(got[i], i);
    cr_assert_not(hybrid_read(&h, got, 1), "nothing is left");
}

Test(hybrid, runs_of_both_kinds_follow_each_other_and_may_be_read_in_parts)
{
    /* five times 300, eight packed values of 9 bits that are 0 to 7, then two times 1 */
    struct hybrid h = of("\x0a\x2c\x01\x03\x00\x02\x08\x18\x40\xa0\x80\x81\x03\x04\x01\x00", 16, 9);
    static const uint32_t want[] = {300, 300, 300, 300, 300, 0, 1, 2, 3, 4, 5, 6, 7, 1, 1};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        uint32_t got;
        cr_assert(hybrid_read(&h, &got, 1));
        cr_assert_eq(got, want[i], "value %zu is %u", i, got);
    }
}

Test(hybrid, width_0_is_all_zeros_and_needs_no_bytes)
{
    struct hybrid h = of("", 0, 0);
    uint32_t got[3] = {1, 1, 1};
    cr_assert(hybrid_read(&h, got, 3));
    cr_assert_eq(got[0] + got[1] + got[2], 0);
}

Test(hybrid, width_32_reads_whole_words)
{
    struct hybrid h = of("\x02\xff\xff\xff\xff\x03\x01\x00\x00\x80" /* the padding is left out */, 10, 32);
    uint32_t got[2];
    cr_assert(hybrid_read(&h, got, 2));
    cr_assert_eq(got[0], UINT32_MAX);
    cr_assert_eq(got[1], 0x80000001u);
    cr_assert_not(hybrid_read(&h, got, 1));
}

Test(hybrid, malformed_runs_are_refused)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
        unsigned width;
    } cases[] = {
        {"no bytes", "", 0, 1},
        {"a run of none", "\x00\x01", 2, 1},
        {"no value behind the head", "\x04", 1, 8},
        {"a value wider than it may be", "\x04\x02", 2, 1},
        {"no packed byte", "\x03", 1, 1},
        {"a head without end", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, 1},
        {"more groups than there can be", "\xff\xff\xff\xff\xff\xff\x01\x01", 8, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hybrid h = of(cases[i].bytes, cases[i].len, cases[i].width);
        uint32_t got;
        cr_assert_not(hybrid_read(&h, &got, 1), "%s", cases[i].what);
    }
}
