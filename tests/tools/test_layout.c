// SPDX-License-Identifier: Apache-2.0
/* Patterns of paths, and the key, stream and extension that each gives. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/layout.h"

struct matching {
    const char *layout, *path, *expected; /* "key|stream|ext"; NULL: no match */
};

static void check(const struct matching *c)
{
    struct error err = {0};
    CLEANUP_LAYOUT struct layout *layout = NULL;
    CLEANUP_LAYOUT_MATCH struct layout_match match = {0};
    cr_assert_eq(layout_parse(c->layout, &layout, &err), 0, "%s: %s", c->layout, err.text);
    bool matched = layout_match(layout, c->path, &match);
    cr_expect_eq(matched, c->expected != NULL, "%s on %s", c->layout, c->path);
    if (!matched || !c->expected)
        return;
    CLEANUP_FREE char *got = mem_printf("%s|%s|%s", match.key, match.stream, match.ext);
    cr_expect_str_eq(got, c->expected, "%s on %s: %s, not %s", c->layout, c->path, got, c->expected);
}

Test(layout, a_path_gives_key_stream_and_extension)
{
    static const struct matching cases[] = {
        {"{key}/{stream}.{ext}", "run1/front.mp4", "run1|front|mp4"},
        {"{key}/{stream}.{ext}", "run1/front.left.mp4", "run1|front.left|mp4"},
        {"{stream}/{key}.{ext}", "front/ep1.mp4", "ep1|front|mp4"},
        {"{key}.{ext}", "a.mcap", "a||mcap"},
        {"{key}.bin", "a.bin", "a||"},
        {"raw/{key}_{stream}.{ext}", "raw/ep_1_front.mp4", "ep_1|front|mp4"},
        {"{key}/{stream}.{ext}", "run1/sub/front.mp4", NULL},
        {"{key}/{stream}.{ext}", "front.mp4", NULL},
        {"{key}.bin", "aXbin", NULL},
        {"{key}.{ext}", "a._b", NULL},
        {"a+(b)[c]^$|\\*?/{key}", "a+(b)[c]^$|\\*?/k", "k||"},
        {"{key}.{ext}", "\xff\xfe.bin", "\xff\xfe||bin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
    check_leaks();
}

Test(layout, what_cannot_be_meant_is_refused_with_the_reason)
{
    static const char *const cases[][2] = {
        {"{stream}.{ext}", "no {key}"},    {"", "no {key}"},
        {"{key}/{key}", "twice"},          {"{key}{stream}", "between two fields"},
        {"{name}", "{name} is not known"}, {"{key", "not closed"},
        {"{}", "{} is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct layout *layout = NULL;
        cr_expect_eq(layout_parse(cases[i][0], &layout, &err), -EINVAL, "%s", cases[i][0]);
        cr_expect(strstr(err.text, cases[i][1]) && strstr(err.text, "--layout"), "%s: %s", cases[i][0],
                  err.text);
    }
    check_leaks();
}
