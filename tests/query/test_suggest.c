// SPDX-License-Identifier: Apache-2.0
/* What may stand behind a path: attributes, then the values that leave clips. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "query/say/suggest.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static const struct world_attribute attributes[] = {
    {"arm", VALUE_TEXT, false}, {"area", VALUE_TEXT, false},   {"force", VALUE_FLOAT, false},
    {"tags", VALUE_TEXT, true}, {"joints", VALUE_LIST, false}, {0},
};

static int collect(void *ctx, const char *text, const char *what, struct error *err)
{
    buf_printf(ctx, "%s%s (%s)", ((struct buf *)ctx)->len ? ", " : "", text, what);
    return 0;
}

static void expect(struct catalog_reader *reader, const char *parent, const char *typed, const char *wanted)
{
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_BUF struct buf got = BUF_INIT;
    struct error err = {0};
    cr_assert_eq(query_parse(parent, strlen(parent), reader, &query, &err), 0, "%s", err.text);
    cr_assert_eq(suggest_components(query, typed, reader, collect, &got, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&got), wanted, "%s / %s", parent, typed);
}

Test(suggest, attributes_then_values_that_leave_clips)
{
    char lines[][60] = {"ep1 arm=left area=hall force=1.5 tags=a/b", "ep2 arm=right force=2 tags=c",
                        "ep3 arm=left"};
    struct world world = {.attributes = attributes};
    struct error err = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        world_add_line(&world, lines[i]);
    world_value(&world, &world.clips[0], "joints", "[1,2]");
    struct world_catalog open;
    world_open(&world, &open);
    struct catalog_reader *reader = open.reader;
    expect(reader, "", "ar", "area= (text), arm= (text)");
    expect(reader, "", "f", "force= (float)");
    expect(reader, "", "x", "");
    expect(reader, "arm=left", "@sh",
           "@shuffle= (SEED[.EPOCH]: in a random order), @shard= (I,N[,even]: every N-th from the I-th on (0 "
           "<= I "
           "< N))");
    expect(reader, "arm=left", "@shuffle=", "");
    expect(reader, "", "@near", "");
    expect(reader, "", "jo", "joints.null= (list)");
    expect(reader, "", "joints.", "joints.null= (1: lacks it, 0: has it)");
    expect(reader, "", "joints.null=", "joints.null=0 (has it), joints.null=1 (lacks it)");
    expect(reader, "", "arm=", "arm=left (2 clips), arm=right (1 clip)");
    expect(reader, "force=2", "arm=", "arm=right (1 clip)");
    expect(reader, "arm=left", "tags=", "tags=a%2Fb (1 clip)");
    expect(reader, "", "arm=left+fo", "arm=left+force= (float)");
    expect(reader, "", "arm=left+arm=r", "arm=left+arm=right (1 clip)");
    expect(reader, "", "force.g", "force.gt= (more than ...), force.ge= (at least ...)");
    expect(reader, "", "arm.in=left,r", "arm.in=left,right (1 clip)");
    expect(reader, "", "arm.ne=", "arm.ne=left (2 clips), arm.ne=right (1 clip)");
    expect(reader, "arm=left", "arm.ne=", "arm.ne=right (1 clip)");
    expect(reader, "", "arm.null=", "arm.null=0 (has it), arm.null=1 (lacks it)");
    expect(reader, "", "arm.null=1", "");
    CLEANUP_QUERY struct query *all = query_all();
    cr_assert_eq(suggest_components(all, "none.n", reader, collect, NULL, &err), -ENOENT);
    CLEANUP_BUF struct buf files = BUF_INIT;
    cr_assert_eq(suggest_files(all, "ep2.", reader, collect, &files, &err), 0, "%s", err.text);
    cr_assert(strstr(buf_text(&files), "ep2.json (file)") && !strstr(buf_text(&files), "ep1"), "%s",
              buf_text(&files));
    cr_assert_eq(suggest_components(all, "none=", reader, collect, NULL, &err), -ENOENT);
    world_close(&open);
    world_done(&world);
    query_unref(STEAL(all));
    buf_done(&files);
    check_leaks();
}
