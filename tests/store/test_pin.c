// SPDX-License-Identifier: Apache-2.0
/* The spelling of pins, of dates and of locations in HTTP. */
#include <criterion/criterion.h>
#include <errno.h>

#include "cache/store/http.h"
#include "cache/store/pin.h"
#include "tests/test_leaks.h"

Test(pin, of_a_web_server_is_its_strong_etag)
{
    struct pin_http pin, again;
    char text[STORE_PIN_BYTES];
    cr_assert_eq(pin_http_make("\"abc-1\"", 1772366405000000000, &pin), 0);
    pin_http_print(&pin, text);
    cr_assert_str_eq(text, "etag=\"abc-1\"");
    cr_assert_eq(pin_http_parse(text, &again), 0);
    cr_assert_str_eq(again.etag, "\"abc-1\"");
    check_leaks();
}

Test(pin, of_a_web_server_without_a_strong_etag_is_its_time_and_says_that_it_is_weak)
{
    static const char *const etags[] = {NULL, "W/\"abc\"", "abc", "\"a b\"", "\"\"", ""};
    for (size_t i = 0; i < sizeof etags / sizeof *etags; i++) {
        struct pin_http pin, again;
        char text[STORE_PIN_BYTES];
        cr_assert_eq(pin_http_make(etags[i], 1772366405123456789, &pin), 0);
        pin_http_print(&pin, text);
        cr_assert_str_eq(text, "modified=1772366405;weak", "%s", etags[i]);
        cr_assert_eq(pin_http_parse(text, &again), 0);
        cr_assert(!*again.etag && again.modified_s == 1772366405);
        cr_assert_eq(pin_http_make(etags[i], 0, &pin), -EINVAL, "%s", etags[i]);
    }
    check_leaks();
}

Test(pin, has_one_spelling_only)
{
    static const char *const wrong[] = {
        "",
        "etag=abc",
        "etag=\"a\";version=x",
        "etag=W/\"a\"",
        "modified=12",
        "modified=12;weak ",
        "modified=012;weak",
        "modified=+12;weak",
        "modified=0;weak",
        "modified=-5;weak",
        "mtime=1;inode=2",
    };
    struct pin_http pin;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(pin_http_parse(wrong[i], &pin), -EINVAL, "%s", wrong[i]);
    check_leaks();
}

Test(http_date, prints_what_it_reads)
{
    static const int64_t seconds[] = {1, 784111777, 951782400, 1772366405, 4102444799};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        char text[HTTP_DATE_BYTES];
        http_date_print(seconds[i], text);
        cr_assert_eq(http_date(text), seconds[i] * 1000000000, "%s", text);
    }
    char text[HTTP_DATE_BYTES];
    http_date_print(784111777, text);
    cr_assert_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    check_leaks();
}

Test(http_location, is_resolved_against_what_was_asked)
{
    static const struct {
        const char *location, *leads_to;
    } cases[] = {
        {"/b", "http://h:81/b"},
        {"b c", "http://h:81/a/b%20c"},
        {"//other/x", "http://other/x"},
        {"https://h:81/a", "https://h:81/a"},
        {"http://h:81.evil/", "http://h:81.evil/"},
        {"?q=1", "http://h:81/a/x?q=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *url = http_location("http://h:81/a/x", cases[i].location);
        if (url) /* what curl does not take leads nowhere */
            cr_assert_str_eq(url, cases[i].leads_to);
        else
            cr_assert_eq(i, 4, "%s", cases[i].location);
        free(url);
    }
    check_leaks();
}
