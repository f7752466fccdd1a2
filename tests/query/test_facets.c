// SPDX-License-Identifier: Apache-2.0
/* Values and their counts of any clips, against the plain model. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/facets.h"
#include "query/query.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"
#include "tests/test_rounds.h"
#include "tests/test_seed.h"

static const struct world_attribute attributes[] = {
    {"arm", VALUE_TEXT, false},   {"tags", VALUE_TEXT, true}, {"length", VALUE_INT, false},
    {"robot", VALUE_TEXT, false}, {"box", VALUE_LIST, false}, {NULL, VALUE_TEXT, false}};
static const char *const lines[] = {"a arm=left tags=x,y length=3 robot=r1 box=[1]",
                                    "b arm=left tags=x length=3 robot=r1",
                                    "c arm=right length=-7 robot=r1",
                                    "d arm=both tags=y,z length=12 robot=r1",
                                    "e arm=left tags=z robot=r1 box=[2]",
                                    "f tags=z length=3 robot=r1"};
enum { CLIPS = sizeof lines / sizeof *lines };

struct scene {
    struct world world;
    struct world_catalog open;
    struct rowset *rows;
};

static void scene_init(struct scene *scene, uint64_t first, uint64_t end)
{
    struct error err = {0};
    *scene = (struct scene){.world = {.attributes = attributes}};
    for (size_t i = 0; i < CLIPS; i++) {
        char line[128];
        snprintf(line, sizeof line, "%s", lines[i]);
        world_add_line(&scene->world, line);
    }
    world_open(&scene->world, &scene->open);
    CLEANUP_ROWSET struct rowset *live = NULL;
    cr_assert_eq(catalog_live(scene->open.reader, &live, &err), 0);
    scene->rows = rowset_copy(live);
    rowset_keep_range(scene->rows, first, end);
}

static void scene_done(struct scene *scene)
{
    rowset_unref(scene->rows);
    world_close(&scene->open);
    world_done(&scene->world);
}

static struct catalog_attribute attribute_of(const struct world_catalog *open, const char *name)
{
    struct catalog_attribute attribute;
    cr_assert_eq(catalog_attribute_find(open->reader, name, strlen(name), &attribute, NULL), 0);
    return attribute;
}

static void expect_list(const struct facets *facets, const char *expected)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < facets->count; i++) {
        buf_text_append(&text, i ? " " : "");
        value_print(&text, &facets->list[i].value);
        buf_printf(&text, ":%llu", (unsigned long long)facets->list[i].clips);
    }
    cr_assert_str_eq(buf_text(&text), expected);
}

/* By clips, and as many as `most` of the least. */
static void check(uint64_t first, uint64_t end, const char *name, const char *by_clips, size_t most,
                  const char *least)
{
    struct scene scene;
    struct error err = {0};
    CLEANUP_FACETS struct facets of = {0}, begin = {0};
    scene_init(&scene, first, end);
    struct catalog_attribute attribute = attribute_of(&scene.open, name);
    const struct facets_asked asked = {scene.open.reader, scene.rows, &attribute};
    cr_assert_eq(facets_of(&asked, 100, &of, &err), 0, "%s", err.text);
    expect_list(&of, by_clips);
    cr_assert_eq(facets_least(&asked, most, &begin, &err), of.count > most, "%s", err.text);
    expect_list(&begin, least);
    scene_done(&scene);
}

Test(facets, values_come_with_how_many_clips_have_them_the_most_frequent_or_the_least_first)
{
    check(0, CLIPS, "arm", "left:3 both:1 right:1", 2, "both:1 left:3");
    check(0, CLIPS, "tags", "z:3 x:2 y:2", 3, "x:2 y:2 z:3");
    check(0, CLIPS, "length", "3:3 -7:1 12:1", 1, "-7:1");
    check(0, CLIPS, "box", "", 1, "");
    check(0, 3, "box", "", 0, "");
    check(1, 4, "arm", "both:1 left:1 right:1", 3, "both:1 left:1 right:1");
    check(2, 3, "tags", "", 0, "");
    check(0, 2, "tags", "x:2 y:1", 0, "");
    check_leaks();
}

Test(facets, more_values_than_asked_for_are_refused)
{
    struct scene scene;
    struct error err = {0};
    CLEANUP_FACETS struct facets facets = {0};
    scene_init(&scene, 0, 4);
    struct catalog_attribute arm = attribute_of(&scene.open, "arm");
    const struct facets_asked asked = {scene.open.reader, scene.rows, &arm};
    cr_assert_eq(facets_of(&asked, 2, &facets, &err), -E2BIG);
    cr_assert_str_eq(err.text, "there are more than 2 values");
    cr_assert_eq(facets_of(&asked, 3, &facets, &err), 0);
    scene_done(&scene);
}

static int divides(uint64_t first, uint64_t end, const char *name)
{
    struct scene scene;
    struct error err = {0};
    scene_init(&scene, first, end);
    struct catalog_attribute attribute = attribute_of(&scene.open, name);
    int rc = facets_divide(&(struct facets_asked){scene.open.reader, scene.rows, &attribute}, &err);
    scene_done(&scene);
    return rc;
}

Test(facets, what_some_clips_have_and_others_lack_divides_them)
{
    cr_assert_eq(divides(0, CLIPS, "arm"), 1);
    cr_assert_eq(divides(0, CLIPS, "robot"), 0, "all have the same");
    cr_assert_eq(divides(0, 2, "arm"), 0);
    cr_assert_eq(divides(0, 2, "tags"), 1, "the first has more");
    cr_assert_eq(divides(4, CLIPS, "tags"), 0);
    cr_assert_eq(divides(3, 5, "tags"), 1);
    cr_assert_eq(divides(3, 5, "length"), 1, "one lacks it");
    cr_assert_eq(divides(2, 3, "tags"), 0, "none has any");
    cr_assert_eq(divides(0, CLIPS, "box"), 0, "lists are not asked for");
    cr_assert_eq(divides(3, 3, "arm"), 0, "there is no clip");
    check_leaks();
}

/* ---- at random ---- */

/* Two versions: labels of the second stand above those of the first. */
enum {
    MODEL = 3600, /* clips */
    FEW_ONES = 16,
    READ_ONES = 2048, /* more are not read one by one */
    WALKED_VALUES = 1000,
    PLAIN = 2600 /* of so many clips `late` has few values */
};
static const struct world_attribute random_attributes[] = {
    {"arm", VALUE_TEXT, false},     {"day", VALUE_TIME, false},    {"force", VALUE_FLOAT, false},
    {"id", VALUE_TEXT, false},      {"late", VALUE_TEXT, false},   {"length", VALUE_INT, false},
    {"marks", VALUE_INT, true},     {"ok", VALUE_BOOL, false},     {"tags", VALUE_TEXT, true},
    {"wait", VALUE_DURATION, true}, {"joints", VALUE_LIST, false}, {NULL, VALUE_TEXT, false}};

static uint64_t state;

static uint64_t below(uint64_t end)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % end;
}

struct model {
    struct world first, second; /* clips of the second are in place of those of the first */
    struct world_catalog parent, open;
    bool chosen[MODEL];
    struct rowset *rows; /* the chosen ones' */
    uint32_t row_of[MODEL];
};

static void give(struct world *world, struct world_clip *clip, const char *attribute, char *text)
{
    world_value(world, clip, attribute, text);
    free(text);
}

static void add_random(struct world *world, unsigned number)
{
    static const char *const arms[] = {"left", "right", "both"};
    CLEANUP_FREE char *key = mem_printf("ep%04u", number);
    struct world_clip *clip = world_add(world, key);
    give(world, clip, "arm", mem_text(arms[below(3)]));
    give(world, clip, "day", mem_printf("2026-03-%02u", 1 + (unsigned)below(20)));
    if (below(4))
        give(world, clip, "force",
             below(64) ? mem_printf("%u.5", (unsigned)below(3000)) : mem_text(below(2) ? "inf" : "-inf"));
    give(world, clip, "id", mem_printf("id %u", number));
    give(world, clip, "late",
         number < PLAIN ? mem_printf("l%u", number % 7) : mem_printf("late %u", number * 2));
    give(world, clip, "length", mem_printf("%d", (int)below(900) - 200));
    for (size_t i = 0; i < WORLD_VALUES_MAX; i++)
        give(world, clip, "marks", mem_printf("%u", (unsigned)below(1000000)));
    if (below(2))
        give(world, clip, "ok", mem_text(below(2) ? "true" : "false"));
    give(world, clip, "tags", mem_text("x"));
    if (number % 512 == 500)
        give(world, clip, "tags", mem_printf("t%u", (unsigned)below(5)));
    for (uint64_t i = below(3); i; i--)
        give(world, clip, "wait", mem_printf("%ums", (unsigned)below(40)));
    give(world, clip, "joints", mem_text("[1,2]"));
}

static int note_row(void *ctx, uint32_t row, struct error *err)
{
    struct model *model = ctx;
    struct catalog_clip clip;
    cr_assert_eq(catalog_clip(model->open.reader, row, &clip, err), 0, "%s", err->text);
    model->row_of[atoi(clip.key + strlen("ep"))] = row;
    return 0;
}

static void model_init(struct model *model)
{
    struct error err = {0};
    struct query *all = NULL;
    state = test_seed();
    *model = (struct model){.first = {.attributes = random_attributes},
                            .second = {.attributes = random_attributes}};
    for (unsigned i = 0; i < MODEL; i++)
        add_random(&model->first, i);
    for (unsigned i = 0; i < MODEL; i += 1 + (unsigned)below(40))
        add_random(&model->second, i);
    world_open(&model->first, &model->parent);
    world_open_next(&model->second, &model->parent, &model->open);
    for (size_t i = 0; i < model->second.count; i++)
        model->first.clips[atoi(model->second.clips[i].key + strlen("ep"))] = model->second.clips[i];
    cr_assert_eq(query_parse("", 0, model->open.reader, &all, &err), 0, "%s", err.text);
    cr_assert_eq(query_each(all, model->open.reader, note_row, model, &err), 0, "%s", err.text);
    query_unref(all);
}

static void model_done(struct model *model)
{
    rowset_unref(model->rows);
    world_close(&model->open);
    world_close(&model->parent);
    world_done(&model->first);
    world_done(&model->second);
}

/* `count` of the clips from `first` to `end`. */
static void choose(struct model *model, unsigned first, unsigned end, unsigned count)
{
    memset(model->chosen, 0, sizeof model->chosen);
    rowset_unref(model->rows);
    model->rows = rowset_new();
    while (count) {
        unsigned i = first + (unsigned)below(end - first);
        count -= !model->chosen[i];
        model->chosen[i] = true;
    }
    for (unsigned i = 0; i < MODEL; i++)
        if (model->chosen[i])
            rowset_add(model->rows, model->row_of[i]);
}

static int compare_values(const void *a, const void *b)
{
    return value_compare(a, b);
}

/* In value order. Texts are the model's. */
static void model_values(const struct model *model, size_t attribute, struct facets *ret)
{
    CLEANUP_FREE struct value *all = mem_alloc((size_t)MODEL * WORLD_VALUES_MAX * sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < MODEL; i++)
        for (size_t k = 0; model->chosen[i] && k < model->first.clips[i].values[attribute].count; k++)
            all[count++] = model->first.clips[i].values[attribute].list[k];
    if (random_attributes[attribute].type == VALUE_LIST)
        count = 0;
    qsort(all, count, sizeof *all, compare_values);
    for (size_t i = 0; i < count; i++) {
        if (i && !value_compare(&all[i], &all[i - 1])) {
            ret->list[ret->count - 1].clips++;
            continue;
        }
        mem_grow(&ret->list, &ret->cap, ret->count + 1, sizeof *ret->list);
        ret->list[ret->count++] = (struct facet){all[i], 1};
    }
}

static void expect_same(const struct facets *got, const struct facets *wanted, size_t count, const char *name)
{
    cr_assert_eq(got->count, count, "%s: %zu values of %zu", name, got->count, count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(value_compare(&got->list[i].value, &wanted->list[i].value), 0, "%s: value %zu", name, i);
        cr_assert_eq(got->list[i].clips, wanted->list[i].clips, "%s: %llu clips, not %llu", name,
                     (unsigned long long)got->list[i].clips, (unsigned long long)wanted->list[i].clips);
    }
}

/* Of as many values as there are and of one less, of all and of some. */
static void check_lists(const struct facets_asked *asked, const struct facets *model)
{
    const char *name = asked->attribute->name;
    const size_t limits[] = {SIZE_MAX, model->count, model->count - 1, model->count / 3,
                             below(model->count + 2)};
    struct facets sorted = {mem_copy(model->list, model->count * sizeof *model->list), model->count, 0};
    struct error err = {0};
    facets_sort(&sorted);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CLEANUP_FACETS struct facets least = {0}, of = {0};
        bool more = limits[i] < model->count;
        cr_assert_eq(facets_least(asked, limits[i], &least, &err), more, "%s: %s", name, err.text);
        expect_same(&least, model, more ? limits[i] : model->count, name);
        cr_assert_eq(facets_of(asked, limits[i], &of, &err), more ? -E2BIG : 0, "%s: %s", name, err.text);
        expect_same(&of, &sorted, more ? 0 : model->count, name);
    }
    free(sorted.list);
}

static struct facets_bounds model_bounds(const struct facets *model)
{
    struct facets_bounds bounds = {0};
    for (size_t i = 0; i < model->count; i++) {
        const struct value *value = &model->list[i].value;
        if (value->type == VALUE_FLOAT && isinf(value->real)) {
            *(value->real < 0 ? &bounds.minus_infinity : &bounds.infinity) = true;
            continue;
        }
        bounds.least = bounds.numbers ? bounds.least : *value;
        bounds.greatest = *value;
        bounds.numbers = true;
    }
    return bounds;
}

/* Of many values of many clips the bounds may be wider. */
static void check_bounds(const struct facets_asked *asked, const struct facets *model, bool exact)
{
    const char *name = asked->attribute->name;
    const struct facets_bounds wanted = model_bounds(model);
    struct facets_bounds got;
    struct error err = {0};
    cr_assert_eq(facets_bounds(asked, &got, &err), 0, "%s: %s", name, err.text);
    cr_assert(got.minus_infinity == wanted.minus_infinity || (!exact && got.minus_infinity), "%s", name);
    cr_assert(got.infinity == wanted.infinity || (!exact && got.infinity), "%s", name);
    cr_assert(got.numbers == wanted.numbers || (!exact && got.numbers), "%s", name);
    if (!wanted.numbers)
        return;
    int low = value_compare(&got.least, &wanted.least), high = value_compare(&got.greatest, &wanted.greatest);
    cr_assert(low == 0 || (!exact && low < 0), "%s", name);
    cr_assert(high == 0 || (!exact && high > 0), "%s", name);
}

static void check_attribute(const struct model *model, size_t i)
{
    struct facets values = {0};
    struct error err = {0};
    struct catalog_counts counts;
    uint64_t count, clips = rowset_count(model->rows);
    bool divides = false;
    struct catalog_attribute attribute = attribute_of(&model->open, random_attributes[i].name);
    const struct facets_asked asked = {model->open.reader, model->rows, &attribute};
    model_values(model, i, &values);
    check_lists(&asked, &values);
    cr_assert_eq(facets_count_values(&asked, &count, &err), 0, "%s", err.text);
    cr_assert_eq(count, values.count, "%s", attribute.name);
    cr_assert_eq(catalog_attribute_counts(asked.reader, attribute.id, &counts, &err), 0, "%s", err.text);
    if (attribute.type != VALUE_TEXT && attribute.type != VALUE_BOOL && attribute.type != VALUE_LIST)
        check_bounds(&asked, &values,
                     clips <= READ_ONES || clips == MODEL || counts.distinct <= WALKED_VALUES);
    for (size_t k = 0; k < values.count; k++)
        divides |= values.list[k].clips < clips;
    cr_assert_eq(facets_divide(&asked, &err), divides, "%s: %s", attribute.name, err.text);
    free(values.list);
}

static struct model model;

static void make_model(void)
{
    model_init(&model);
}

static void remove_model(void)
{
    model_done(&model);
}

/* `late` has few values in PLAIN clips, and more than are walked in all; `marks` more than are put in order
 * one by one. */
static void check_sets(unsigned first, unsigned end, unsigned least, unsigned most)
{
    for (int round = 0; round < test_rounds(3); round++) {
        choose(&model, first, end, least + (unsigned)below(most - least + 1));
        for (size_t i = 0; random_attributes[i].name; i++)
            check_attribute(&model, i);
    }
}

CHECKED_TEST(facets, of_all_clips_they_are_those_of_the_model, make_model, remove_model)
{
    check_sets(0, MODEL, MODEL, MODEL);
}

CHECKED_TEST(facets, of_a_few_clips_they_are_those_of_the_model, make_model, remove_model)
{
    check_sets(0, MODEL, 0, FEW_ONES);
    check_sets(0, MODEL, 2, 2);
}

CHECKED_TEST(facets, of_clips_that_are_read_one_by_one_they_are_those_of_the_model, make_model, remove_model)
{
    check_sets(0, MODEL, FEW_ONES + 1, READ_ONES);
    check_sets(0, MODEL, READ_ONES, READ_ONES);
}

CHECKED_TEST(facets, of_clips_of_which_some_are_read_they_are_those_of_the_model, make_model, remove_model)
{
    check_sets(0, MODEL, READ_ONES + 1, MODEL - 1);
    check_sets(0, MODEL, MODEL - 1, MODEL - 1);
    check_sets(0, PLAIN, READ_ONES + 1, PLAIN);
}
