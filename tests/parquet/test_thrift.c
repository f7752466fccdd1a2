// SPDX-License-Identifier: Apache-2.0
/* The compact protocol as a tree: read, changed, written, refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/parquet/thrift.h"
#include "tests/test_leaks.h"

/* One field of each type: true, false, i8, i16, i32, i64, double, binary, list, set, map, struct, uuid; and
 * field 300 in the long form. */
static const char EACH[] = "\x11\x12\x13\xfe\x14\x03\x15\x80\x01\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                           "\x17\x00\x00\x00\x00\x00\x00\xf0\x3f\x18\x03"
                           "abc"
                           "\x19\x25\x02\x04\x1a\x22\x01\x02\x1b\x01\x85\x01k\x0a\x1c\x15\x02\x00"
                           "\x1d"
                           "0123456789abcdef"
                           "\x05\xd8\x04\x07\x00";

static int parse(struct thrift *tree, const char *bytes, size_t len, thrift_id *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    return thrift_parse(tree, &c, ret, err);
}

Test(thrift, every_type_is_read_and_written_back_as_it_was)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct error err = {0};
    thrift_id root = 0;
    cr_assert_eq(parse(&tree, EACH, sizeof EACH - 1, &root, &err), 0, "%s", err.text);
    cr_assert_eq(thrift_integer_or(&tree, root, 1, -1), 1);
    cr_assert_eq(thrift_integer_or(&tree, root, 2, -1), 0);
    cr_assert_eq(thrift_integer_or(&tree, root, 3, 0), -2);
    cr_assert_eq(thrift_integer_or(&tree, root, 4, 0), -2);
    cr_assert_eq(thrift_integer_or(&tree, root, 5, 0), 64);
    cr_assert_eq(thrift_integer_or(&tree, root, 6, 0), INT64_MIN);
    const uint8_t *bytes;
    size_t len;
    cr_assert(thrift_binary(&tree, thrift_field(&tree, root, 8), &bytes, &len));
    cr_assert(len == 3 && !memcmp(bytes, "abc", 3));
    cr_assert_eq(thrift_count(&tree, thrift_field(&tree, root, 9)), 2);
    cr_assert_eq(thrift_integer_or(&tree, thrift_field(&tree, root, 12), 1, 0), 1);
    cr_assert_eq(thrift_integer_or(&tree, root, 300, 0), -4);
    thrift_write(&tree, root, &out);
    cr_assert_eq(out.len, sizeof EACH - 1);
    cr_assert_eq(memcmp(out.data, EACH, out.len), 0);
    check_leaks();
}

Test(thrift, absent_fields_answer_as_none_at_every_step)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id root = 0;
    cr_assert_eq(parse(&tree, EACH, sizeof EACH - 1, &root, NULL), 0);
    int64_t value;
    const uint8_t *bytes;
    size_t len;
    cr_assert_eq(thrift_path(&tree, root, 12, 1, 7, 0), 0);
    cr_assert_eq(thrift_field(&tree, 0, 1), 0);
    cr_assert_eq(thrift_first(&tree, root), 0, "a struct has no elements");
    cr_assert_eq(thrift_count(&tree, 0), 0);
    cr_assert_not(thrift_integer(&tree, thrift_field(&tree, root, 8), &value), "a text is no integer");
    cr_assert_not(thrift_binary(&tree, thrift_field(&tree, root, 1), &bytes, &len));
    thrift_set_integer(&tree, 0, 5);
    thrift_remove(&tree, root, 99);
    check_leaks();
}

Test(thrift, changed_and_removed_fields_are_written)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    CLEANUP_BUF struct buf out = BUF_INIT;
    thrift_id root = 0;
    cr_assert_eq(parse(&tree, "\x15\x02\x15\x04\x15\x06\x00", 7, &root, NULL), 0);
    thrift_set_integer(&tree, thrift_field(&tree, root, 1), -300);
    thrift_remove(&tree, root, 2);
    cr_assert_eq(thrift_field(&tree, root, 2), 0);
    thrift_write(&tree, root, &out);
    cr_assert_eq(out.len, 6);
    cr_assert_eq(memcmp(out.data, "\x15\xd7\x04\x25\x06\x00", 6), 0);
    check_leaks();
}

Test(thrift, a_byte_that_is_set_to_more_than_it_holds_becomes_wider)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    CLEANUP_BUF struct buf out = BUF_INIT;
    thrift_id root = 0;
    cr_assert_eq(parse(&tree, "\x13\x02\x13\x02\x00", 5, &root, NULL), 0);
    thrift_set_integer(&tree, thrift_field(&tree, root, 1), 127);
    thrift_set_integer(&tree, thrift_field(&tree, root, 2), 300);
    thrift_write(&tree, root, &out);
    cr_assert_eq(out.len, 6);
    cr_assert_eq(memcmp(out.data, "\x13\x7f\x14\xd8\x04\x00", 6), 0);
    check_leaks();
}

Test(thrift, long_lists_have_their_count_behind_the_head)
{
    CLEANUP_BUF struct buf in = BUF_INIT;
    CLEANUP_BUF struct buf out = BUF_INIT;
    buf_append(&in, "\x19\xf5\x14", 3);
    for (int i = 0; i < 20; i++)
        buf_u8(&in, (uint8_t)(2 * i));
    buf_u8(&in, 0);
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id root = 0;
    cr_assert_eq(parse(&tree, (const char *)in.data, in.len, &root, NULL), 0);
    int64_t value = -1, sum = 0;
    for (thrift_id one = thrift_first(&tree, thrift_field(&tree, root, 1)); one;
         one = thrift_next(&tree, one))
        sum += thrift_integer(&tree, one, &value) ? value : 1000;
    cr_assert_eq(sum, 190);
    thrift_write(&tree, root, &out);
    cr_assert(out.len == in.len && !memcmp(out.data, in.data, in.len));
    check_leaks();
}

Test(thrift, malformed_bytes_are_refused_with_place_and_reason)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *reason;
    } cases[] = {
        {"", 0, "offset 0: the bytes end in the middle of a value"},
        {"\x15", 1, "the bytes end"},
        {"\x15\x02", 2, "the bytes end"},
        {"\x18\x05"
         "ab",
         4, "the bytes end"},
        {"\x19\xf5\xff\xff\xff\x7f", 6, "the bytes end"},
        {"\x1b\xff\x7f\x55", 4, "a map is longer than what is left"},
        {"\x1e\x00", 2, "the bytes end"},
        {"\x15\x02\x05\x02\x02\x00", 6, "offset 4: a field is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
        struct error err = {0};
        thrift_id root = 7;
        int rc = parse(&tree, cases[i].bytes, cases[i].len, &root, &err);
        cr_assert_eq(rc, -EINVAL, "case %zu", i);
        cr_assert(strstr(err.text, cases[i].reason), "case %zu: %s", i, err.text);
        cr_assert_eq(root, 7, "what is returned stays untouched");
    }
    check_leaks();
}

Test(thrift, nesting_is_bounded)
{
    char deep[200];
    memset(deep, 0x1c, sizeof deep);
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    struct error err = {0};
    thrift_id root;
    cr_assert_eq(parse(&tree, deep, sizeof deep, &root, &err), -EINVAL);
    cr_assert(strstr(err.text, "nested too deep"), "%s", err.text);
    check_leaks();
}

Test(thrift, a_struct_of_very_many_fields_is_refused)
{
    CLEANUP_BUF struct buf in = BUF_INIT;
    for (int i = 0; i < 200; i++)
        buf_u8(&in, 0x11);
    buf_u8(&in, 0);
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    struct error err = {0};
    thrift_id root;
    cr_assert_eq(parse(&tree, (const char *)in.data, in.len, &root, &err), -EINVAL);
    cr_assert(strstr(err.text, "too many fields"), "%s", err.text);
    check_leaks();
}

Test(thrift, skipping_moves_behind_one_value)
{
    struct cursor c = cursor_of(EACH + 35, sizeof EACH - 1 - 35);
    cr_assert_eq(thrift_skip(&c, THRIFT_LIST), true);
    cr_assert_eq(c.at, 3, "%zu", c.at);
    struct cursor cut = cursor_of(EACH + 35, 2);
    cr_assert_not(thrift_skip(&cut, THRIFT_LIST));
}
