// SPDX-License-Identifier: Apache-2.0
/* Paths in a folder, and the clips that are made of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tests/tools/scanned.h"

enum { PATHS_MAX = 8 };

struct grouping {
    const char *paths[PATHS_MAX];
    const char *expected;
    const char *layout, *prefix;
};

static void check(const struct grouping *c)
{
    struct scanned s;
    scanned_init(&s);
    for (size_t i = 0; i < PATHS_MAX && c->paths[i]; i++)
        scanned_put(&s, c->paths[i], "x");
    char *got = scanned_import(&s, (struct import_request){.layout = c->layout, .prefix = c->prefix});
    cr_expect_str_eq(got ? got : s.err.text, c->expected, "%s ...: %s, not %s", c->paths[0],
                     got ? got : s.err.text, c->expected);
    free(got);
    scanned_done(&s);
}
#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct grouping cases[] = {__VA_ARGS__};                                                \
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)                                            \
            check(&cases[i]);                                                                                \
        check_leaks();                                                                                       \
    } while (0)

Test(files, those_directly_in_the_source_are_one_clip_a_stem)
{
    CHECK({{"a.bin", "a.mcap", "b.bin"}, "a: a.bin a.mcap\nb: b.bin\n"},
          {{"a.b.mcap", "a.b.h5"}, "a%2Eb: a%2Eb.h5 a%2Eb.mcap\n"}, {{"plain"}, "plain: plain\n"},
          {{"x.a b"}, "x%2Ea b: x%2Ea b\n"}, {{"x._z"}, "x%2E_z: x%2E_z\n"});
}

Test(files, a_folder_is_one_clip_unless_a_stem_repeats_in_it)
{
    CHECK(
        {{"run17/front.bin", "run17/log.mcap"}, "run17: run17.front.bin run17.log.mcap\n"},
        {{"day1/a.bin", "day1/a.mcap", "day1/b.bin"}, "day1-a: day1-a.bin day1-a.mcap\nday1-b: day1-b.bin\n"},
        {{"x/y/r1/f.bin", "x/y/r2/f.bin"}, "x-y-r1: x-y-r1.f.bin\nx-y-r2: x-y-r2.f.bin\n"},
        {{"r/f.bin", "r/sub/g.bin"}, "r: r.f.bin\nr-sub: r-sub.g.bin\n"});
}

Test(files, names_are_escaped_where_the_whole_key_needs_it)
{
    CHECK({{"_a.bin"}, "%5Fa: %5Fa.bin\n"}, {{"d/_a.bin", "d/_a.txt"}, "d-_a: d-_a.bin d-_a.txt\n"},
          {{"@d/_a.bin"}, "%40d: %40d.%5Fa.bin\n"}, {{"_a.bin"}, "P-_a: P-_a.bin\n", NULL, "P"},
          {{"a.bin"}, "%5FP-a: %5FP-a.bin\n", NULL, "_P"}, {{"a.bin"}, "a: a.bin\n", NULL, ""},
          {{"k=v,w.bin"}, "k%3Dv%2Cw: k%3Dv%2Cw.bin\n"}, {{"\xff.bin"}, "%FF: %FF.bin\n"});
}

Test(files, hidden_ones_are_left_out)
{
    CHECK({{"a.bin", ".git/x", "d/.y"}, "a: a.bin\n"},
          {{".x"}, "SRC: there is no file to import (names that start with '.' are left out)"});
}

Test(files, a_data_sets_own_objects_are_no_recordings)
{
    CHECK(
        {{"elidefs/versions/00000001.json", "elidefs/packs/x", "elidefs/head", "sub/elidefs/series/tags/a/1",
          "elidefs/gc/1", "elidefs/data/a/b", "elidefs/parts/a/b/1-of-2.json", "a.bin"},
         "a: a.bin\n"},
        {{"elidefs/other/a.bin"}, "elidefs-other: elidefs-other.a.bin\n"});
}

Test(files, two_equal_keys_are_refused_and_both_are_named)
{
    CHECK({{"a-b/x.bin", "a/b/x.bin"}, "two clips would be called 'a-b': from SRC/a-b/ and from SRC/a/b/"},
          {{"a-b/x.bin", "a-b.bin"}, "two clips would be called 'a-b': from SRC/a-b and from SRC/a-b/"},
          {{"a-b.bin", "a/b.bin", "a/b.txt"},
           "two clips would be called 'a-b': from SRC/a-b and from SRC/a/b"});
}

Test(files, a_layout_decides_alone)
{
    CHECK({{"front/e1.bin", "wrist/e1.bin", "readme"},
           "e1: e1.front.bin e1.wrist.bin\n",
           "{stream}/{key}.{ext}"},
          {{"a.bin"}, "no file matches --layout '{key}/{stream}'", "{key}/{stream}"},
          {{"x/_k.bin"}, "%5Fk: %5Fk.bin\n", "x/{key}.{ext}"},
          {{"x/_k.bin"}, "Q-_k: Q-_k.bin\n", "x/{key}.{ext}", "Q"},
          {{"a.bin"},
           "--layout '{nonsense}': {nonsense} is not known: fields are {key}, {stream} and {ext}",
           "{nonsense}"});
}

Test(files, a_flat_json_gives_attributes_and_any_other_is_a_stream)
{
    struct scanned s;
    scanned_init(&s);
    scanned_put(&s, "a.bin", "x");
    scanned_put(&s, "a.json", "{\"key\":\"a\",\"arm\":\"left\",\"n\":3,\"f\":2.5,\"ok\":true,\"no\":null}");
    scanned_put(&s, "b.json", "{\"deep\":{\"x\":1}}");
    scanned_put(&s, "c.json", "not json");
    scanned_put(&s, "d.json", "{\"n\":1.5}");
    char *got = scanned_import(&s, (struct import_request){0});
    cr_assert_not_null(got, "%s", s.err.text);
    cr_expect_str_eq(got,
                     "a: a.bin arm=left n=3 f=2.5 ok=true\nb: b.source.json\nc: c.source.json\nd: n=1.5\n");
    free(got);
    scanned_done(&s);
    check_leaks();
}

Test(files, members_that_become_one_attribute_or_another_type_are_refused)
{
    static const char *const cases[][2] = {
        {"{\"a/b\":1,\"a.b\":2}", "both become the attribute 'a_b'"},
        {"{\"arm\":5}", "attribute 'arm' is integer here ('5') and text elsewhere"},
        {"{\"event\":1}", "'event' is no name for an attribute"},
    };
    struct scanned s;
    scanned_init(&s);
    scanned_put(&s, "a.json", "{\"arm\":\"left\"}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scanned_put(&s, "b.json", cases[i][0]);
        cr_expect_null(scanned_import(&s, (struct import_request){0}));
        cr_expect(strstr(s.err.text, cases[i][1]) && strstr(s.err.text, "SRC/b.json"), "%s", s.err.text);
    }
    scanned_done(&s);
    check_leaks();
}

Test(files, a_folder_with_more_files_than_a_clip_has_streams_names_the_way_out)
{
    struct scanned s;
    scanned_init(&s);
    for (int i = 0; i <= CLIP_STREAMS_MAX; i++) {
        char path[32];
        snprintf(path, sizeof path, "d/f%d.bin", i);
        scanned_put(&s, path, "x");
    }
    cr_expect_null(scanned_import(&s, (struct import_request){0}));
    cr_expect(strstr(s.err.text, "SRC/d/: 1001 files") && strstr(s.err.text, "--layout"), "%s", s.err.text);
    scanned_done(&s);
    check_leaks();
}
