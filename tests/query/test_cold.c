// SPDX-License-Identifier: Apache-2.0
/*
 * What stages and views of a set cost where nothing is here: as many rounds for clips that are spread over
 * all rows as for neighbours.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/catalog/versions.h"
#include "tests/query/cold_questions.h"
#include "tests/test_leaks.h"

enum { CLIPS = 70000, MORE = 300, LABELLED = 50, FEW = 300, SKILLS = 3000, SHIFTS = 800, TASKS = 20 };

static unsigned clips_of_test(void)
{
    return getenv("COLD_CLIPS") ? (unsigned)atoi(getenv("COLD_CLIPS")) : CLIPS;
}

static unsigned random_of(unsigned i)
{
    return (unsigned)((uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

static void add_clips(struct changeset *set, unsigned from, unsigned to)
{
    static const char *const names[] = {"arm", "task", "skill", "shift", "say", "near", "far", "half"};
    unsigned all = clips_of_test();
    char text[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        set_attribute(set, names[i], VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "quality", VALUE_FLOAT, false);
    set_attribute(set, "tags", VALUE_TEXT, true);
    for (unsigned i = from; i < to; i++) {
        unsigned random = random_of(i);
        snprintf(text, sizeof text, "ep%07u", i);
        set_clip(set, text, (int)i);
        set_value(set, "arm", VALUE_TEXT, random % 2 ? "left" : "right");
        set_value(set, "half", VALUE_TEXT, random / 2 % 2 ? "a" : "b");
        snprintf(text, sizeof text, "task%u", i / 100 % TASKS);
        set_value(set, "task", VALUE_TEXT, text);
        snprintf(text, sizeof text, "skill%u", random % SKILLS);
        set_value(set, "skill", VALUE_TEXT, text);
        snprintf(text, sizeof text, "shift%u", i / (all / SHIFTS + 1));
        set_value(set, "shift", VALUE_TEXT, text);
        snprintf(text, sizeof text, "pick the %s cube number %u", random % 3 ? "red" : "blue", random % 5000);
        set_value(set, "say", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%u", random % 10000);
        set_value(set, "length", VALUE_INT, text);
        snprintf(text, sizeof text, "%u.%u", random % 1000, i);
        set_value(set, "quality", VALUE_FLOAT, text);
        if (random % 100 == 0)
            set_value(set, "tags", VALUE_TEXT, "rare");
        if (random % 10 == 0)
            set_value(set, "tags", VALUE_TEXT, "often");
        if (i >= all / 3 && i < all / 3 + FEW)
            set_value(set, "near", VALUE_TEXT, "yes");
        if (i < all && i % (all / FEW) == random_of(i / (all / FEW)) % (all / FEW))
            set_value(set, "far", VALUE_TEXT, "yes");
    }
}

static void make(struct versions *v)
{
    const struct versions_layers layers = {
        .add = add_clips, .clips = clips_of_test(), .more = MORE, .labelled = LABELLED, .digits = 7};
    versions_init(v);
    versions_apply_layers(v, &layers);
}

enum { NEAR, FAR, HALF, SETS };
static const char *const sets[SETS] = {"near=yes", "far=yes", "half=a"};

struct priced {
    struct cold_question question;
    unsigned rounds[SETS];
};
static const struct priced questions[] = {
    {{"@sort=arm", COLD_STAGE, "@sort=arm"}, {1, 1, 1}},
    {{"@sort=-skill", COLD_STAGE, "@sort=-skill"}, {1, 1, 1}},
    {{"@sort=quality", COLD_STAGE, "@sort=quality"}, {1, 1, 1}},
    {{"@balance=arm", COLD_STAGE, "@balance=arm"}, {2, 2, 2}},
    {{"@balance=arm,left,1,right,2", COLD_STAGE, "@balance=arm,left,1,right,2"}, {2, 2, 2}},
    {{"@balance=skill", COLD_STAGE, "@balance=skill"}, {1, 2, 2}},
    {{"@split=0..50", COLD_STAGE, "@split=0..50"}, {1, 1, 1}},
    {{"@split=0..50,7,shift", COLD_STAGE, "@split=0..50,7,shift"}, {1, 1, 1}},
    {{"@split=0..50,7,skill", COLD_STAGE, "@split=0..50,7,skill"}, {1, 1, 1}},
    {{"@sample=100,7", COLD_STAGE, "@sample=100,7"}, {1, 1, 1}},
    {{"@shuffle=7", COLD_STAGE, "@shuffle=7"}, {0, 0, 0}},
    {{"@shard=1,4", COLD_STAGE, "@shard=1,4"}, {0, 0, 0}},
    {{"@text=red cube 17,20", COLD_STAGE, "@text=red cube 17,20"}, {1, 1, 1}},
    {{".by", COLD_KEYS, NULL}, {2, 2, 2}},
    {{".by/arm", COLD_VALUES, "arm"}, {1, 1, 1}},
    {{".by/skill", COLD_VALUES, "skill"}, {1, 1, 1}},
    {{".by/shift", COLD_VALUES, "shift"}, {1, 1, 1}},
    {{".by/quality", COLD_VALUES, "quality"}, {1, 1, 3}},
    {{".by/tags", COLD_VALUES, "tags"}, {1, 1, 1}},
    {{"facets/arm", COLD_FACETS, "arm"}, {1, 1, 1}},
    {{"facets/skill", COLD_FACETS, "skill"}, {1, 1, 1}},
    {{"facets/quality", COLD_FACETS, "quality"}, {1, 1, 1}},
    {{"count", COLD_REPORT, "count"}, {0, 0, 0}},
    {{"explain", COLD_REPORT, "explain"}, {0, 0, 0}},
    {{"digest", COLD_REPORT, "digest"}, {1, 1, 1}},
    {{"schema.json", COLD_REPORT, "schema.json"}, {2, 1, 1}},
    {{"manifest.jsonl", COLD_REPORT, "manifest.jsonl"}, {1, 1, 1}},
    {{"its size", COLD_SIZE, "manifest.jsonl"}, {1, 1, 1}},
    {{"manifest.csv", COLD_REPORT, "manifest.csv"}, {2, 2, 2}},
    {{"paths.txt", COLD_REPORT, "paths.txt"}, {1, 1, 1}},
    {{"index.html", COLD_REPORT, "index.html"}, {1, 1, 1}},
};
struct scene {
    struct versions versions; /* the same catalog, all here */
    struct cold cold;
};

static void begin(struct scene *s)
{
    make(&s->versions);
    CLEANUP_FREE char *path = versions_path(&s->versions, s->versions.head);
    cold_init(&s->cold, path);
}

static void end(struct scene *s)
{
    cold_done(&s->cold);
    versions_done(&s->versions);
    check_leaks();
}

/* What it costs; it tells what a catalog tells that is all here. */
static struct cold_cost price(struct scene *s, const struct cold_question *question, int set,
                              enum cold_way way)
{
    CLEANUP_BUF struct buf answer = BUF_INIT, plain = BUF_INIT;
    struct cold_of of = {sets[set], question};
    const struct cold_asked asked = {cold_question_ask, cold_question_set, &of, way};
    cr_assert_eq(cold_question_ask(&of, s->versions.reader, &plain, &s->versions.err), 0, "%s",
                 s->versions.err.text);
    struct cold_cost cost = cold_ask(&s->cold, &asked, &answer);
    cr_assert_gt(plain.len, 0, "%s of %s: the test tests nothing", question->name, sets[set]);
    cr_assert_str_eq(buf_text(&answer), buf_text(&plain), "%s of %s", question->name, sets[set]);
    return cost;
}

/* COLD_CLIPS=1000000 prints what it costs there: -EAGAIN, reads, KB; rounds of who waits. */
static void print(const struct cold_cost *cost, enum cold_way way)
{
    if (way == COLD_NOWAIT)
        printf(" | %u, %u, %llu;", cost->rounds, cost->reads, (unsigned long long)cost->bytes / 1024);
    else
        printf(" %u", cost->rounds);
}

static void expect(struct scene *s, const struct priced *priced, int set, enum cold_way way)
{
    static const char *const ways[] = {"not waiting", "waiting", "as a mount"};
    const struct cold_cost cost = price(s, &priced->question, set, way);
    if (getenv("COLD_CLIPS"))
        print(&cost, way);
    else
        cr_expect_eq(cost.rounds, priced->rounds[set], "%s of %s, %s: %u rounds", priced->question.name,
                     sets[set], ways[way], cost.rounds);
}

Test(cold, a_stage_or_view_takes_no_more_rounds_for_clips_here_and_there_than_for_neighbours)
{
    struct scene s;
    begin(&s);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (getenv("COLD_CLIPS"))
            printf("%s", questions[i].question.name);
        for (int set = 0; set < SETS; set++)
            for (int way = 0; way < COLD_WAYS; way++)
                expect(&s, &questions[i], set, (enum cold_way)way);
        if (getenv("COLD_CLIPS"))
            printf("\n");
        fflush(stdout);
    }
    end(&s);
}

Test(cold, of_few_neighbours_their_records_are_read_and_not_the_index)
{
    static const struct cold_question few[] = {{"@sort=quality", COLD_STAGE, "@sort=quality"},
                                               {".by/quality", COLD_VALUES, "quality"},
                                               {"facets/quality", COLD_FACETS, "quality"}};
    struct scene s;
    begin(&s);
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        uint64_t near = price(&s, &few[i], NEAR, COLD_NOWAIT).bytes,
                 half = price(&s, &few[i], HALF, COLD_NOWAIT).bytes;
        cr_assert_lt(near * 4, half, "%s: %llu bytes of few clips, %llu of half of all", few[i].name,
                     (unsigned long long)near, (unsigned long long)half);
    }
    end(&s);
}
