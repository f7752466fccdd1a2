// SPDX-License-Identifier: Apache-2.0
/* The lines in which the pins of a root's objects are kept. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/roots/root_pins.h"
#include "tests/test_leaks.h"

static void check_found(const struct root_pins *pins, const char *path, const char *was, const char *now)
{
    struct store_object object = {0};
    strcpy(object.pin, was);
    cr_assert_eq(root_pins_find(pins, path, &object), now != NULL, "%s", path);
    cr_assert_str_eq(object.pin, now ? now : was);
}

Test(root_pins, what_is_printed_is_found_again)
{
    struct buf text = BUF_INIT;
    struct root_pins *pins;
    struct error err = {0};
    root_pins_print(&text, "a \"b\"/c.mp4", "etag=\"1\"", &(struct store_object){.pin = "etag=\"2\""});
    root_pins_print(&text, "d", "etag=\"1\"", &(struct store_object){.pin = "mtime=1;ctime=3;inode=2"});
    root_pins_print(&text, "d", "mtime=1;ctime=2;inode=1",
                    &(struct store_object){.pin = "mtime=1;ctime=3;inode=2"}); /* says nothing new */
    root_pins_print(&text, "w", "mtime=1;ctime=2;inode=1",
                    &(struct store_object){.pin = "mtime=9;ctime=9;inode=2",
                                           .evidence = {.whole = true, .sha256 = {0xab}}});
    static const char first[] =
        "{\"path\": \"a \\\"b\\\"/c.mp4\", \"was\": \"etag=\\\"1\\\"\", \"now\": \"etag=\\\"2\\\"\"}\n";
    cr_assert_eq(strncmp(buf_text(&text), first, strlen(first)), 0, "%s", buf_text(&text));
    cr_assert_eq(root_pins_parse("pins", text.data, text.len, &pins, &err), 0, "%s", err.text);
    check_found(pins, "a \"b\"/c.mp4", "etag=\"1\"", "etag=\"2\"");
    check_found(pins, "d", "etag=\"1\"", "mtime=1"); /* inodes belong to one machine */
    check_found(pins, "d", "mtime=1;ctime=2;inode=1", NULL);
    check_found(pins, "d", "etag=\"3\"", NULL);
    check_found(pins, "e", "etag=\"1\"", NULL);
    struct store_object was = {.pin = "mtime=1;ctime=2;inode=1"};
    cr_assert(root_pins_find(pins, "w", &was) && was.evidence.whole && was.evidence.sha256[0] == 0xab);
    cr_assert_str_eq(was.pin, "mtime=9");
    root_pins_unref(pins);
    buf_done(&text);
    check_leaks();
}

Test(root_pins, a_line_that_is_wrong_is_named)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "x",
        "{\"path\": \"a\", \"was\": \"b\"}",
        "{\"path\": \"a\", \"was\": \"b\", \"now\": \"\"}",
        "{\"path\": \"a\", \"was\": \"b\", \"now\": 3}",
        "{\"path\": \"a\", \"was\": \"b\", \"now\": \"c\", \"sha256\": \"12\"}",
        "{\"path\": \"a\\u0000\", \"was\": \"b\", \"now\": \"c\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CLEANUP_FREE char *text =
            mem_printf("{\"path\": \"a\", \"was\": \"b\", \"now\": \"c\"}\n%s\n", wrong[i]);
        struct root_pins *pins = NULL;
        struct error err = {0};
        cr_assert_eq(root_pins_parse("pins", text, strlen(text), &pins, &err), -EUCLEAN, "%s", wrong[i]);
        cr_assert_eq(strncmp(err.text, "pins: line 2: ", 14), 0, "%s", err.text);
    }
    check_leaks();
}
