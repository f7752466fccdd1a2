// SPDX-License-Identifier: Apache-2.0
/* Headers of tar archives. That readers understand them is tested end to end (tests/e2e/test_webdataset.py).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "query/view/tar.h"
#include "tests/test_leaks.h"

static const char *field(const struct buf *buf, size_t block, size_t offset)
{
    return buf_text(buf) + block * TAR_BLOCK_BYTES + offset;
}

Test(tar, a_short_header_is_the_one_of_posix)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    tar_header_append(&(struct tar_member){"ep000001.json", 315, 1700000000999999999}, &buf);
    cr_assert_eq(buf.len, TAR_BLOCK_BYTES);
    cr_assert_str_eq(field(&buf, 0, 0), "ep000001.json");
    cr_assert_str_eq(field(&buf, 0, 100), "0000644");
    cr_assert_str_eq(field(&buf, 0, 108), "0000000");
    cr_assert_str_eq(field(&buf, 0, 124), "00000000473");
    cr_assert_str_eq(field(&buf, 0, 136), "14524770400");
    cr_assert(!memcmp(field(&buf, 0, 257),
                      "ustar\0"
                      "00",
                      8));
    cr_assert_eq(*field(&buf, 0, 156), '0');
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
        sum += i >= 148 && i < 156 ? ' ' : buf.data[i];
    cr_assert_eq(strtoul(field(&buf, 0, 148), NULL, 8), sum);
    buf_done(&buf);
    check_leaks();
}

/* Each "LEN KEY=VALUE\n" is LEN bytes long, and what stands behind the last is zeros. */
static size_t count_records(const struct buf *buf)
{
    size_t count = 0, len = strtoul(field(buf, 0, 124), NULL, 8), at = 0;
    cr_assert_eq(*field(buf, 0, 156), 'x');
    for (size_t record; at < len; at += record, count++) {
        record = strtoul(field(buf, 1, at), NULL, 10);
        cr_assert(record && record <= len - at, "%zu", record);
        cr_assert_eq(*field(buf, 1, at + record - 1), '\n');
    }
    for (; at % TAR_BLOCK_BYTES; at++)
        cr_assert_eq(*field(buf, 1, at), 0);
    return count;
}

Test(tar, a_header_is_as_long_as_was_said_for_names_of_every_length_whatever_the_time)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, 1700000000999999999, INT64_MAX};
    char name[256];
    for (size_t len = 1; len < sizeof name; len++)
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
            CLEANUP_BUF struct buf buf = BUF_INIT;
            memset(name, 'k', len);
            name[len] = '\0';
            struct tar_member member = {name, 5, 0};
            size_t told = tar_header_bytes(&member);
            member.time_ns = times[i];
            tar_header_append(&member, &buf);
            cr_assert_eq(buf.len, told, "%zu", len);
            cr_assert(times[i] < INT64_MAX || !strcmp(field(&buf, told / 512 - 1, 136), "77777777777"));
            cr_assert_eq(told, len <= 100 ? 512 : 3 * 512, "%zu", len);
            if (len > 100) {
                cr_assert_eq(count_records(&buf), 2);
                cr_assert(strstr(field(&buf, 1, 0), name));
            }
        }
    check_leaks();
}

Test(tar, eight_gib_and_names_not_in_ascii_are_said_by_pax)
{
    CLEANUP_BUF struct buf below = BUF_INIT, above = BUF_INIT, other = BUF_INIT;
    tar_header_append(&(struct tar_member){"a.bin", (UINT64_C(8) << 30) - 1, 0}, &below);
    tar_header_append(&(struct tar_member){"a.bin", UINT64_C(8) << 30, 0}, &above);
    tar_header_append(&(struct tar_member){"zw\xc3\xb6lf.bin", 1, 0}, &other);
    cr_assert_eq(below.len, 512);
    cr_assert_str_eq(field(&below, 0, 124), "77777777777");
    cr_assert_eq(above.len, 3 * 512);
    cr_assert_eq(count_records(&above), 2);
    cr_assert(strstr(field(&above, 1, 0), "19 size=8589934592\n"), "%s", field(&above, 1, 0));
    cr_assert_eq(count_records(&other), 2);
    cr_assert(strstr(field(&other, 1, 0), "19 path=zw\xc3\xb6lf.bin\n"), "%s", field(&other, 1, 0));
    buf_done(&below), buf_done(&above), buf_done(&other);
    check_leaks();
}

Test(tar, a_long_name_is_cut_between_characters_where_it_is_cut)
{
    CLEANUP_BUF struct buf name = BUF_INIT, buf = BUF_INIT;
    for (int i = 0; i < 60; i++)
        buf_text_append(&name, i ? "\xe6\x97\xa5" : "xx"); /* a character of three bytes ends at 98 */
    tar_header_append(&(struct tar_member){buf_text(&name), 0, 0}, &buf);
    cr_assert_eq(strnlen(field(&buf, 2, 0), 100), 98);
    buf_done(&name), buf_done(&buf);
    check_leaks();
}
