// SPDX-License-Identifier: Apache-2.0
/* Three clips, a table, and what each has then. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tests/tools/scanned.h"

/* Three clips a, b and d-_c; a has arm=left of its own. */
struct joining {
    const char *table, *set, *set_too, *multi;
    const char *expected; /* what is found, or the end of the message */
};

static void check(const struct joining *c)
{
    struct scanned s;
    scanned_init(&s);
    scanned_put(&s, "a.bin", "x");
    scanned_put(&s, "a.json", "{\"arm\":\"left\"}");
    scanned_put(&s, "b.bin", "x");
    scanned_put(&s, "d/_c.bin", "x");
    scanned_put(&s, "d/_c.txt", "x");
    scanned_put(&s, "d/.x", "x");
    CLEANUP_FREE char *table = c->table ? scanned_table(&s, c->table) : NULL;
    const char *const tables[] = {table}, *const sets[] = {c->set, c->set_too}, *const multi[] = {c->multi};
    char *got =
        scanned_import(&s, (struct import_request){.tables = tables,
                                                   .table_count = table != NULL,
                                                   .sets = sets,
                                                   .set_count = (c->set != NULL) + (c->set_too != NULL),
                                                   .multi = multi,
                                                   .multi_count = c->multi != NULL});
    const char *what = c->table ? c->table : c->set ? c->set : c->multi;
    if (got)
        cr_expect_str_eq(got, c->expected, "%s: %s, not %s", what, got, c->expected);
    else
        cr_expect(strstr(s.err.text, c->expected), "%s: %s, not %s", what, s.err.text, c->expected);
    free(got);
    scanned_done(&s);
}
#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct joining cases[] = {__VA_ARGS__};                                                 \
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)                                            \
            check(&cases[i]);                                                                                \
        check_leaks();                                                                                       \
    } while (0)

#define CLIPS(a, b, c) "a: a.bin" a "\nb: b.bin" b "\nd-_c: d-_c.bin d-_c.txt" c "\n"

Test(join, rows_find_their_clip_by_key_and_clips_without_a_row_lack_the_attributes)
{
    CHECK({"key,grip\nd-_c,hard\na,soft\n", .expected = CLIPS(" arm=left grip=soft", "", " grip=hard")},
          {"grip,key\n,a\n\"\",b\n", .expected = CLIPS(" arm=left", " grip=", "")},
          {"key,episode_index,n\nb,7,1\n", .expected = CLIPS(" arm=left", " n=1", "")},
          {"key\nb\n", .expected = CLIPS(" arm=left", "", "")});
}

Test(join, a_column_replaces_the_importers_attribute_for_all_clips)
{
    CHECK({"key,arm\nb,right\n", .expected = CLIPS("", " arm=right", "")},
          {.set = "arm=both", .expected = CLIPS(" arm=both", " arm=both", " arm=both")},
          {"key,arm\nb,right\n", .set = "arm=both", .expected = CLIPS("", " arm=right", "")},
          {"key,arm\nb,5\n", .expected = CLIPS("", " arm=5", "")});
}

Test(join, multi_splits_at_semicolons)
{
    CHECK({"key,t\na,x;y\nb,x\n", .multi = "t", .expected = CLIPS(" arm=left t=x t=y", " t=x", "")},
          {"key,t\na,;1;;2;\n", .multi = "t", .expected = CLIPS(" arm=left t=1 t=2", "", "")},
          {"key,t\na,x;y\n", .expected = CLIPS(" arm=left t=x;y", "", "")},
          {.set = "t=x;y", .multi = "t", .expected = CLIPS(" arm=left t=x t=y", " t=x t=y", " t=x t=y")},
          {"key,t\na,x\n", .multi = "tt",
           .expected = "--multi 'tt': neither a table nor --set has this column"});
}

Test(join, what_does_not_fit_is_refused_with_file_line_and_reason)
{
    CHECK(
        {"key,n\nz,1\n", .expected = "table.csv: line 2: there is no clip 'z' in this import"},
        {"key,n\n,1\n", .expected = "table.csv: line 2: there is no clip '' in this import"},
        {"key,n\na,1\n\"a\",2\n",
         .expected = "table.csv: line 3: the clip 'a' stands there a second time, first on line 2"},
        {"n,m\n1,2\n",
         .expected = "table.csv: line 1: there is neither a column 'key' nor 'episode_index', but 'n', 'm'"},
        {"episode_index,n\n0,1\n", .expected = "table.csv: line 1: episode_index is ambiguous here"},
        {"key,a/b,a.b\na,1,2\n", .expected = "'a/b' and 'a.b' would both become the attribute 'a_b'"},
        {"key,event\na,1\n", .expected = "table.csv: line 1: column 'event': 'event' is no name"},
        {.set = "=x", .expected = "--set '=x': expected NAME=VALUE"},
        {.set = "x", .expected = "--set 'x': expected NAME=VALUE"},
        {.set = "x=1", .set_too = "x=2", .expected = "--set 'x=2': 'x' is set twice"});
}
