// SPDX-License-Identifier: Apache-2.0
/* Buffers, cursors and errors: what goes in comes out, and nothing is read or written past an end. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "cache/base/error.h"
#include "tests/test_leaks.h"

Test(buf, what_is_appended_is_read_back_by_a_cursor)
{
    struct buf b = BUF_INIT;
    buf_u8(&b, 7), buf_be16(&b, 0x1234), buf_be32(&b, 0xdeadbeef), buf_be64(&b, 0x0102030405060708ULL);
    buf_le16(&b, 0x1234), buf_le32(&b, 0xdeadbeef), buf_le64(&b, 0x0102030405060708ULL);
    buf_varint(&b, 0), buf_varint(&b, 300), buf_varint(&b, UINT64_MAX);
    struct cursor c = cursor_of(b.data, b.len);
    cr_assert_eq(cursor_u8(&c), 7);
    cr_assert_eq(cursor_be16(&c), 0x1234);
    cr_assert_eq(cursor_be32(&c), 0xdeadbeef);
    cr_assert_eq(cursor_be64(&c), 0x0102030405060708ULL);
    cr_assert_eq(cursor_le16(&c), 0x1234);
    cr_assert_eq(cursor_le32(&c), 0xdeadbeef);
    cr_assert_eq(cursor_le64(&c), 0x0102030405060708ULL);
    cr_assert_eq(cursor_varint(&c), 0);
    cr_assert_eq(cursor_varint(&c), 300);
    cr_assert_eq(cursor_varint(&c), UINT64_MAX);
    cr_assert(!c.failed && cursor_left(&c) == 0);
    buf_done(&b);
    check_leaks();
}

Test(buf, numbers_are_printed_in_decimal)
{
    struct buf b = BUF_INIT;
    buf_decimal(&b, 0, 0), buf_u8(&b, ' '), buf_decimal(&b, 0, 1), buf_u8(&b, ' '), buf_decimal(&b, 42, 5);
    buf_u8(&b, ' '), buf_decimal(&b, 12345, 2), buf_u8(&b, ' '), buf_decimal(&b, UINT64_MAX, 1);
    cr_assert_str_eq(buf_text(&b), " 0 00042 12345 18446744073709551615");
    buf_done(&b);
    check_leaks();
}

Test(buf, appending_fills_the_room_to_the_last_byte)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < 100; i++) {
        cr_assert(b.len == i && (!b.data || (b.cap > b.len && !b.data[b.len])), "after %zu bytes", i);
        if (i % 2)
            buf_u8(&b, (uint8_t)i);
        else
            buf_append(&b, &(uint8_t){(uint8_t)i}, 1);
    }
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(b.data[i], i);
    buf_append(&b, NULL, 0);
    cr_assert_eq(b.len, 100);
    buf_done(&b);
    check_leaks();
}

Test(buf, a_read_past_the_end_fails_and_stays_failed)
{
    struct cursor c = cursor_of("abc", 3);
    cr_assert_eq(cursor_be32(&c), 0);
    cr_assert(c.failed);
    cr_assert_null(cursor_bytes(&c, 1));
    struct cursor big = cursor_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
    cursor_varint(&big);
    cr_assert(big.failed, "a varint of more than 64 bits is refused");
}

Test(buf, a_stolen_empty_buffer_is_an_empty_text)
{
    struct buf b = BUF_INIT;
    char *text = (char *)buf_steal(&b);
    cr_assert_str_eq(text, "");
    free(text);
    check_leaks();
}

Test(buf, error_text_is_utf8_whatever_it_quotes)
{
    struct error err = {0};
    error_set(&err, 22, "'%s' and '%s'", "\xff\xc2\x85l\xc3\xa9", "\xe2\x82");
    cr_assert_str_eq(err.text, "'?\?\?l\xc3\xa9' and '?\?'");
    check_leaks();
}

Test(buf, error_text_is_cut_and_shows_no_control_bytes)
{
    struct error err = {0};
    char big[2000];
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = 0;
    cr_assert_eq(error_set(&err, 22, "a\nb\x1b[0m %s", big), -22);
    cr_assert_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    cr_assert_eq(strncmp(err.text, "a?b?[0m ", 8), 0);
    cr_assert_eq(error_prefix(&err, "ctx"), -22);
    cr_assert_eq(strncmp(err.text, "ctx: a?b", 8), 0);
}

Test(buf, a_truncated_buffer_ends_in_nul_and_never_grows)
{
    struct buf b = BUF_INIT;
    buf_truncate(&b, 0);
    buf_text_append(&b, "left,right");
    buf_truncate(&b, 4);
    cr_assert_str_eq(buf_text(&b), "left");
    buf_truncate(&b, 9);
    cr_assert_eq(b.len, 4);
    buf_done(&b);
    check_leaks();
}

Test(buf, a_failure_keeps_its_code_where_nobody_wants_its_text)
{
    struct error err = {0};
    cr_assert_eq(error_set(&err, 2, "no such file"), -2);
    cr_assert_eq(error_within(&err, -2, "clip %d", 7), -2);
    cr_assert_str_eq(err.text, "clip 7: no such file");
    cr_assert_eq(error_recode(&err, 117), -117);
    cr_assert_eq(err.code, 117);
    cr_assert_str_eq(err.text, "clip 7: no such file");
    cr_assert_eq(error_within(NULL, -2, "clip %d", 7), -2);
    cr_assert_eq(error_recode(NULL, 117), -117);
    cr_assert_eq(error_copy(NULL, &err), -117);
    check_leaks();
}

/* As a function does that looks at what its callee recorded. */
static int looks(struct error *err)
{
    WITH_ERROR(err);
    error_set(err, 13, "forbidden");
    return err->code == 13 ? error_prefix(err, "here") : 0;
}

Test(buf, with_error_stands_in_for_a_caller_that_has_none)
{
    struct error err = {0};
    cr_assert_eq(looks(NULL), -13);
    cr_assert_eq(looks(&err), -13);
    cr_assert_str_eq(err.text, "here: forbidden");
    check_leaks();
}
