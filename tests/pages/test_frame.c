// SPDX-License-Identifier: Apache-2.0
/* What becomes of a page in a pack. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/pages/frame.h"
#include "tests/test_leaks.h"

enum { PAGE = 8192, CELLS = 700, CELL = 7, HEAD = 12 };

/* As SQLite fills the page above leaves that come one after the other: pointers to the cells from the start,
 * cells from the end, each a page's number and an id of three bytes. */
static void fill_interior(uint8_t page[PAGE], size_t header)
{
    memset(page, 0, PAGE);
    if (header)
        memcpy(page, "SQLite format 3", 16);
    page[header] = 5;
    for (uint32_t i = 0; i < CELLS; i++) {
        uint32_t at = PAGE - (i + 1) * CELL, child = 70000 + i, id = 0x4000 + i * 9 + i % 3;
        page[header + HEAD + 2 * i] = (uint8_t)(at >> 8);
        page[header + HEAD + 2 * i + 1] = (uint8_t)at;
        for (int k = 0; k < 4; k++)
            page[at + (uint32_t)k] = (uint8_t)(child >> (24 - 8 * k));
        page[at + 4] = (uint8_t)(id >> 14 | 128);
        page[at + 5] = (uint8_t)((id >> 7 & 127) | 128);
        page[at + 6] = id & 127;
    }
}

static size_t round_trip(const uint8_t page[PAGE])
{
    CLEANUP_FRAMER struct framer *framer = framer_new();
    CLEANUP_BUF struct buf frame = BUF_INIT;
    struct error err;
    uint8_t back[PAGE];
    buf_text_append(&frame, "what is before stays");
    size_t before = frame.len;
    framer_pack(framer, page, PAGE, &frame);
    cr_assert(!memcmp(frame.data, "what is before stays", before));
    cr_assert_eq(framer_unpack(framer, frame.data + before, frame.len - before, PAGE, back, &err), 0, "%s",
                 err.text);
    cr_assert(!memcmp(back, page, PAGE), "it is another page");
    return frame.len - before;
}

Test(frame, a_page_above_the_leaves_takes_a_fifth_of_its_cells_wherever_it_lies)
{
    uint8_t page[PAGE];
    fill_interior(page, 0);
    cr_assert_lt(round_trip(page), CELLS * (CELL + 2) / 5);
    fill_interior(page, 100);
    cr_assert_lt(round_trip(page), CELLS * (CELL + 2) / 5);
    page[100] = 13;
    cr_assert_gt(round_trip(page), CELLS * (CELL + 2) / 2, "a leaf is packed as it is");
    check_leaks();
}

Test(frame, whatever_stands_in_a_page_comes_back)
{
    uint8_t page[PAGE];
    for (unsigned seed = 0; seed < 64; seed++) {
        uint32_t random = seed * 2654435761u + 1;
        for (size_t i = 0; i < PAGE; i++) {
            random = random * 1664525 + 1013904223;
            page[i] = (uint8_t)(random >> (seed % 4 ? 24 : 30));
        }
        page[0] = seed % 2 ? 5 : 13;
        cr_assert_leq(round_trip(page), PAGE);
    }
    check_leaks();
}

Test(frame, a_frame_that_is_cut_or_says_another_step_is_no_page)
{
    CLEANUP_FRAMER struct framer *framer = framer_new();
    CLEANUP_BUF struct buf frame = BUF_INIT;
    struct error err;
    uint8_t page[PAGE], differences[PAGE + 1] = {0};
    fill_interior(page, 0);
    framer_pack(framer, page, PAGE, &frame);
    for (size_t len = 0; len < frame.len; len++)
        cr_assert_eq(framer_unpack(framer, frame.data, len, PAGE, page, &err), -EUCLEAN);
    static const struct {
        uint8_t step;
        int rc;
    } steps[] = {{0, -EUCLEAN}, {4, -EUCLEAN}, {5, 0}, {13, 0}, {14, -EUCLEAN}, {255, -EUCLEAN}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        differences[PAGE] = steps[i].step;
        buf_clear(&frame);
        framer_pack(framer, differences, PAGE + 1, &frame);
        cr_assert_eq(framer_unpack(framer, frame.data, frame.len, PAGE, page, &err), steps[i].rc, "step %u",
                     steps[i].step);
    }
    framer_free(STEAL(framer));
    buf_done(&frame);
    check_leaks();
}
