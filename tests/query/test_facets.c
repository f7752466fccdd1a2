// SPDX-License-Identifier: Apache-2.0
/* Values and their counts of any clips, against the plain model. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/facets.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

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

static uint32_t id_of(const struct scene *scene, const char *name)
{
    struct catalog_attribute attribute;
    cr_assert_eq(catalog_attribute_find(scene->open.reader, name, strlen(name), &attribute, NULL), 0);
    return attribute.id;
}

static void check(uint64_t first, uint64_t end, const char *name, const char *expected)
{
    struct scene scene;
    struct error err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_FACETS struct facets facets = {0};
    scene_init(&scene, first, end);
    cr_assert_eq(facets_of(scene.open.reader, scene.rows, id_of(&scene, name), 100, &facets, &err), 0, "%s",
                 err.text);
    for (size_t i = 0; i < facets.count; i++) {
        buf_text_append(&text, i ? " " : "");
        value_print(&text, &facets.list[i].value);
        buf_printf(&text, ":%llu", (unsigned long long)facets.list[i].clips);
    }
    cr_assert_str_eq(buf_text(&text), expected);
    scene_done(&scene);
}

Test(facets, values_come_with_how_many_clips_have_them_the_most_frequent_first)
{
    check(0, CLIPS, "arm", "left:3 both:1 right:1");
    check(0, CLIPS, "tags", "z:3 x:2 y:2");
    check(0, CLIPS, "length", "3:3 -7:1 12:1");
    check(0, CLIPS, "box", "");
    check(1, 4, "arm", "both:1 left:1 right:1");
    check(2, 3, "tags", "");
    check(0, 2, "tags", "x:2 y:1");
}

Test(facets, more_values_than_asked_for_are_refused)
{
    struct scene scene;
    struct error err = {0};
    struct facets facets;
    scene_init(&scene, 0, 4);
    cr_assert_eq(facets_of(scene.open.reader, scene.rows, id_of(&scene, "arm"), 2, &facets, &err), -E2BIG);
    cr_assert_str_eq(err.text, "there are more than 2 values");
    cr_assert_eq(facets_of(scene.open.reader, scene.rows, id_of(&scene, "arm"), 3, &facets, &err), 0);
    facets_done(&facets);
    scene_done(&scene);
}

static int divides(uint64_t first, uint64_t end, const char *name)
{
    struct scene scene;
    struct error err = {0};
    scene_init(&scene, first, end);
    int rc = facets_divide(scene.open.reader, scene.rows, id_of(&scene, name), &err);
    scene_done(&scene);
    return rc;
}

Test(facets, what_some_clips_have_and_others_lack_divides_them)
{
    cr_assert_eq(divides(0, CLIPS, "arm"), 1);
    cr_assert_eq(divides(0, CLIPS, "robot"), 0, "all have the same");
    cr_assert_eq(divides(0, 2, "arm"), 0);
    cr_assert_eq(divides(0, 2, "tags"), 1);
    cr_assert_eq(divides(3, 5, "length"), 1, "one lacks it");
    cr_assert_eq(divides(2, 3, "tags"), 0, "none has any");
    cr_assert_eq(divides(0, CLIPS, "box"), 0, "lists are not asked for");
    cr_assert_eq(divides(3, 3, "arm"), 0, "there is no clip");
}

Test(facets, a_summary_has_the_least_and_the_greatest_value)
{
    struct scene scene;
    struct error err = {0};
    scene_init(&scene, 0, CLIPS);
    CLEANUP_FACETS_SUMMARY struct facets_summary numbers = {0}, texts = {0}, none = {0};
    cr_assert_eq(facets_summarise(scene.open.reader, scene.rows, id_of(&scene, "length"), &numbers, &err), 0);
    cr_assert_eq(facets_summarise(scene.open.reader, scene.rows, id_of(&scene, "tags"), &texts, &err), 0);
    cr_assert_eq(facets_summarise(scene.open.reader, scene.rows, id_of(&scene, "box"), &none, &err), 0);
    cr_assert_eq(numbers.values, 3);
    cr_assert_eq(numbers.least.integer, -7);
    cr_assert_eq(numbers.greatest.integer, 12);
    cr_assert_eq(texts.values, 3);
    cr_assert_str_eq(texts.least.text, "x");
    cr_assert_str_eq(texts.greatest.text, "z");
    cr_assert_eq(none.values, 0);
    scene_done(&scene);
}
