// SPDX-License-Identifier: Apache-2.0
/* Against a plain bitmap of 2^22 rows; the seed is printed and taken from ELIDEFS_SEED. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/base/file.h"
#include "index/base/rowset.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { ROWS = 1 << 20 };

static uint64_t state;

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void seed(void)
{
    state = test_seed();
}

/* Sparse, dense and runs side by side, so that all three kinds of container occur. */
static struct rowset *random_set(bool *model)
{
    struct rowset *set = rowset_new();
    memset(model, 0, ROWS * sizeof *model);
    for (int i = 0; i < 12; i++) {
        uint32_t first = (uint32_t)(random_u64() % ROWS), len = (uint32_t)(random_u64() % 70000),
                 step = 1 + (uint32_t)(random_u64() % 40);
        step = random_u64() % 3 ? step : 1;
        for (uint64_t row = first; row < (uint64_t)first + len && row < ROWS; row += step)
            rowset_add(set, (uint32_t)row), model[row] = true;
    }
    return set;
}

static void check_equal(const struct rowset *set, const bool *model)
{
    uint64_t count = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        cr_assert_eq(rowset_contains(set, row), model[row], "row %u", row);
        count += model[row];
    }
    cr_assert_eq(rowset_count(set), count);
    cr_assert_eq(rowset_empty(set), count == 0);
}

Test(rowset, set_algebra_is_that_of_a_plain_bitmap)
{
    seed();
    bool *a = calloc(ROWS, 1), *b = calloc(ROWS, 1), *c = calloc(ROWS, 1);
    for (int round = 0; round < 3; round++) {
        struct rowset *x = random_set(a), *y = random_set(b);
        struct rowset *and = rowset_copy(x), * or = rowset_copy(x), *andnot = rowset_copy(x);
        rowset_and(and, y), rowset_or(or, y), rowset_andnot(andnot, y);
        for (size_t i = 0; i < ROWS; i++)
            c[i] = a[i] && b[i];
        check_equal(and, c);
        cr_assert_eq(rowset_and_count(x, y), rowset_count(and));
        cr_assert_eq(rowset_intersects(x, y), !rowset_empty(and));
        for (size_t i = 0; i < ROWS; i++)
            c[i] = a[i] || b[i];
        check_equal(or, c);
        for (size_t i = 0; i < ROWS; i++)
            c[i] = a[i] && !b[i];
        check_equal(andnot, c);
        struct rowset *const all[] = {x, y, and, or, andnot};
        for (size_t i = 0; i < 5; i++)
            rowset_unref(all[i]);
    }
    free(a), free(b), free(c);
    check_leaks();
}

Test(rowset, rows_and_ranks_are_in_order)
{
    seed();
    bool *model = calloc(ROWS, 1);
    struct rowset *set = random_set(model);
    uint64_t from = random_u64() % ROWS, rank = 0;
    for (uint64_t row = 0; row < from; row++)
        rank += model[row];
    cr_assert_eq(rowset_rank(set, from), rank);
    uint32_t rows[1000];
    size_t count = rowset_rows(set, from, rows, 1000);
    for (size_t i = 0; i < count; i++) {
        for (; from < rows[i]; from++)
            cr_assert_not(model[from]);
        cr_assert_eq(rowset_at(set, rank + i), rows[i]);
        cr_assert(model[from++]);
    }
    cr_assert_eq(rowset_rows(set, 1ull << 32, rows, 1000), 0);
    cr_assert_eq(rowset_rank(set, 1ull << 32), rowset_count(set));
    rowset_unref(set);
    free(model);
    check_leaks();
}

Test(rowset, a_set_that_was_cut_out_of_another_takes_what_it_says_once_it_is_trimmed)
{
    struct rowset *few = rowset_new(), *many = rowset_new();
    for (uint32_t row = 0; row < ROWS; row += 3)
        rowset_add(many, row);
    for (uint32_t row = 0; row < ROWS; row += 40)
        rowset_add(few, row);
    rowset_keep_range(many, 0, ROWS / 2);
    for (uint32_t part = 0; part < ROWS; part += ROWSET_PART_ROWS)
        rowset_add(many, part);
    size_t before = mallinfo2().uordblks;
    struct rowset *cut = rowset_copy(few);
    rowset_and(cut, many);
    uint64_t count = rowset_count(cut);
    rowset_trim(cut);
    size_t takes = mallinfo2().uordblks - before;
    size_t says = rowset_bytes(cut);
    cr_expect_leq(takes, says + says / 8, "%zu bytes, and it says %zu", takes, says);
    struct rowset *shared = rowset_ref(cut);
    rowset_trim(shared); /* others may be reading it */
    cr_expect_eq(rowset_count(cut), count);
    cr_expect(rowset_contains(cut, ROWS - ROWSET_PART_ROWS) == rowset_contains(few, ROWS - ROWSET_PART_ROWS));
    rowset_unref(shared);
    rowset_unref(cut);
    rowset_unref(few);
    rowset_unref(many);
    check_leaks();
}

Test(rowset, a_set_tells_about_how_much_memory_it_takes)
{
    struct rowset *set = rowset_new();
    cr_assert_lt(rowset_bytes(set), 256);
    for (uint32_t row = 0; row < 1000; row++) /* a container each */
        rowset_add(set, row << 16);
    cr_assert(rowset_bytes(set) > 1000 * 32 && rowset_bytes(set) < 1000 * 128);
    rowset_add_range(set, 1 << 26, (1 << 26) + ROWS); /* a run in each of 16 */
    cr_assert_lt(rowset_bytes(set), 1016 * 128);
    for (uint32_t row = 0; row < ROWS; row += 2) /* a bit for each */
        rowset_add(set, (1 << 27) + row);
    cr_assert(rowset_bytes(set) > ROWS / 8 && rowset_bytes(set) < ROWS / 8 + 1032 * 128);
    rowset_unref(set);
    check_leaks();
}

Test(rowset, encoded_parts_decode_at_their_base)
{
    seed();
    bool *model = calloc(ROWS, 1);
    struct rowset *set = random_set(model), *again = rowset_new();
    struct error err = {0};
    for (uint32_t base = 0; base < ROWS; base += 4 * ROWSET_PART_ROWS) {
        struct buf bytes = BUF_INIT;
        struct rowset *part = NULL;
        rowset_encode_part(set, base, base + 4 * ROWSET_PART_ROWS, &bytes);
        cr_assert_eq(rowset_decode("part", bytes.data, bytes.len, base, &part, &err), 0, "%s", err.text);
        rowset_or(again, part);
        rowset_unref(part);
        buf_done(&bytes);
    }
    check_equal(again, model);
    rowset_unref(set), rowset_unref(again);
    free(model);
    check_leaks();
}

Test(rowset, bits_of_a_part_are_added_as_rows)
{
    seed();
    bool *model = calloc(ROWS, 1);
    struct rowset *set = random_set(model);
    for (int sparse = 0; sparse < 2; sparse++) {
        uint64_t words[ROWSET_PART_WORDS];
        uint32_t base = (uint32_t)(1 + sparse) * ROWSET_PART_ROWS;
        for (size_t i = 0; i < ROWSET_PART_WORDS; i++) {
            words[i] = sparse ? 1ull << random_u64() % 64 : random_u64();
            for (size_t bit = 0; bit < 64; bit++)
                model[base + i * 64 + bit] |= words[i] >> bit & 1;
        }
        rowset_add_words(set, base, words);
    }
    check_equal(set, model);
    rowset_unref(set);
    free(model);
    check_leaks();
}

Test(rowset, the_encoding_has_the_golden_bytes)
{
    /* RoaringFormatSpec by hand: an array {1, 5}, a run [65536, 65636), a bitset of even numbers. */
    struct rowset *set = rowset_new();
    rowset_add(set, 1), rowset_add(set, 5);
    rowset_add_range(set, 65536, 65636);
    for (uint32_t row = 131072; row < 131072 + 10000; row += 2)
        rowset_add(set, row);
    static const uint8_t golden[] = {
        0x3b, 0x30, 2, 0, 2, /* cookie 12347, 3 containers; the second has runs */
        0,    0,    1, 0, 1,  0, 99, 0, 2, 0, 0x87, 0x13, /* keys and cardinalities - 1 */
        1,    0,    5, 0,                                 /* the array */
        1,    0,    0, 0, 99, 0,                          /* one run */
        0x55, 0x55,                                       /* the bitset begins */
    };
    struct buf bytes = BUF_INIT;
    rowset_encode(set, &bytes);
    cr_assert_eq(bytes.len, sizeof golden - 2 + 8192);
    cr_assert_arr_eq(bytes.data, golden, sizeof golden);
    buf_done(&bytes);
    rowset_unref(set);
    check_leaks();
}

Test(rowset, every_damaged_byte_of_a_header_is_refused_or_harmless)
{
    bool *model = calloc(ROWS, 1);
    state = 1;
    struct rowset *set = random_set(model), *out;
    struct buf bytes = BUF_INIT;
    rowset_encode(set, &bytes);
    size_t head = bytes.len < 400 ? bytes.len : 400;
    for (size_t at = 0; at < head; at++) {
        uint8_t was = bytes.data[at];
        bytes.data[at] ^= 0x10;
        out = NULL;
        if (!rowset_decode("set", bytes.data, bytes.len, 0, &out, NULL))
            cr_assert_leq(rowset_count(out), 1ull << 32);
        rowset_unref(out);
        bytes.data[at] = was;
        out = NULL;
        cr_assert_eq(rowset_decode("set", bytes.data, at, 0, &out, NULL), -EINVAL, "cut at %zu", at);
    }
    cr_assert_eq(rowset_decode("set", bytes.data, bytes.len - 1, 0, &out, NULL), -EINVAL);
    buf_append(&bytes, "", 1);
    cr_assert_eq(rowset_decode("set", bytes.data, bytes.len, 0, &out, NULL), -EINVAL);
    buf_done(&bytes);
    rowset_unref(set);
    free(model);
    check_leaks();
}

Test(rowset, a_base_that_pushes_rows_over_32_bits_is_refused)
{
    struct rowset *set = rowset_new(), *out;
    struct error err;
    struct buf bytes = BUF_INIT;
    rowset_add(set, 70000);
    rowset_encode(set, &bytes);
    cr_assert_eq(rowset_decode("set", bytes.data, bytes.len, 0xffff0000, &out, &err), -EINVAL);
    cr_assert_eq(rowset_decode("set", bytes.data, bytes.len, 0xfffe0000, &out, &err), 0);
    cr_assert(rowset_contains(out, 0xfffe0000 + 70000));
    rowset_unref(out), rowset_unref(set);
    buf_done(&bytes);
    check_leaks();
}
