// SPDX-License-Identifier: Apache-2.0
/* Conditions as people type them: a table of golden lines. */
#include <criterion/criterion.h>
#include <errno.h>

#include "query/say/where.h"
#include "tests/query/golden.h"
#include "tests/test_leaks.h"

static void parse(void *ctx, const char *input, size_t len, struct buf *result)
{
    struct error err;
    if (where_parse(input, len, result, &err))
        buf_text_append(result, err.text);
}

Test(where, conditions_become_paths_as_the_table_says)
{
    cr_assert_eq(golden_check("where.txt", parse, NULL), 0);
    check_leaks();
}

Test(where, a_failure_leaves_what_was_in_the_buffer)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct error err;
    buf_text_append(&path, "v1/");
    cr_assert_eq(where_parse("arm=left length>", 16, &path, &err), -EINVAL);
    cr_assert_str_eq(buf_text(&path), "v1/");
    cr_assert_eq(where_parse("arm=left", 8, &path, &err), 0);
    cr_assert_str_eq(buf_text(&path), "v1/arm=left");
    buf_done(&path);
    check_leaks();
}

Test(where, a_nul_byte_is_a_byte_of_a_value_and_never_of_the_path)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct error err;
    cr_assert_eq(where_parse("arm=a\0b", 7, &path, &err), 0);
    cr_assert_str_eq(buf_text(&path), "arm=a%00b");
    buf_done(&path);
    check_leaks();
}
