// SPDX-License-Identifier: Apache-2.0
/* `.elidefs/errors`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fs/errors.h"
#include "tests/test_leaks.h"

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    return n;
}

Test(errors, a_user_sees_only_the_own_ones)
{
    struct errors *errors = errors_new();
    CLEANUP_BUF struct buf buf = BUF_INIT;
    errors_add(errors, 1000, "mine");
    errors_add(errors, 1001, "another's");
    errors_append(errors, 1000, 65536, &buf);
    cr_assert_not_null(strstr(buf_text(&buf), " mine\n"));
    cr_assert_null(strstr(buf_text(&buf), "another's"));
    errors_free(errors);
    buf_done(&buf);
    check_leaks();
}

Test(errors, the_same_text_again_stays_one_line_and_moves_to_the_end)
{
    struct errors *errors = errors_new();
    CLEANUP_BUF struct buf buf = BUF_INIT;
    errors_add(errors, 1, "first");
    errors_add(errors, 1, "second");
    errors_add(errors, 1, "first");
    errors_append(errors, 1, 65536, &buf);
    cr_assert_eq(count(buf_text(&buf), "first"), 1);
    cr_assert_lt(strstr(buf_text(&buf), "second"), strstr(buf_text(&buf), "first"));
    errors_free(errors);
    buf_done(&buf);
    check_leaks();
}

Test(errors, when_there_are_too_many_the_oldest_go)
{
    struct errors *errors = errors_new();
    CLEANUP_BUF struct buf buf = BUF_INIT;
    char text[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "error %d.", i);
        errors_add(errors, 1, text);
    }
    errors_append(errors, 1, 65536, &buf);
    cr_assert_null(strstr(buf_text(&buf), "error 0."));
    cr_assert_not_null(strstr(buf_text(&buf), "error 1999."));
    errors_free(errors);
    buf_done(&buf);
    check_leaks();
}

Test(errors, no_more_bytes_are_given_than_asked_for_and_the_newest_stay)
{
    struct errors *errors = errors_new();
    CLEANUP_BUF struct buf buf = BUF_INIT;
    char text[64];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "a line of some length with number %d.", i);
        errors_add(errors, 1, text);
    }
    errors_append(errors, 1, 500, &buf);
    cr_assert_leq(buf.len, 500);
    cr_assert_not_null(strstr(buf_text(&buf), "number 99."));
    errors_free(errors);
    buf_done(&buf);
    check_leaks();
}
