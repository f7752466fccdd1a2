// SPDX-License-Identifier: Apache-2.0
/* Clips that go, come back, and change their keys. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/catalog_known.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

static bool has_clip(struct versions *v, const char *key)
{
    uint32_t row;
    struct error err = {0};
    int rc = catalog_clip_find(v->reader, key, strlen(key), &row, &err);
    cr_assert(!rc || rc == -ENOENT, "%s", err.text);
    return !rc;
}

static uint32_t row_of(struct versions *v, const char *key)
{
    uint32_t row;
    struct error err = {0};
    cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &err), 0, "%s: %s", key, err.text);
    return row;
}

static void expect_json(struct versions *v, const char *key, const char *json)
{
    struct buf is = BUF_INIT;
    struct error err = {0};
    struct catalog_clip clip;
    uint32_t row = row_of(v, key);
    cr_assert_eq(catalog_json(v->reader, row, &is, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&is), json);
    cr_assert_eq(catalog_clip(v->reader, row, &clip, &err), 0, "%s", err.text);
    cr_assert_eq(clip.json_size, is.len);
    buf_done(&is);
}

static struct catalog_attribute attribute_of(struct versions *v, const char *name)
{
    struct catalog_attribute attribute;
    struct error err = {0};
    cr_assert_eq(catalog_attribute_find(v->reader, name, strlen(name), &attribute, &err), 0, "%s", err.text);
    return attribute;
}

static uint64_t count_of(struct versions *v, const char *name, enum value_type type, const char *text)
{
    struct value value = value_of(type, text);
    struct catalog_literal literal = {
        .attribute = attribute_of(v, name).id, .op = CATALOG_EQ, .values = &value, .count = 1};
    struct rowset *rows;
    struct error err = {0};
    cr_assert_eq(catalog_select(v->reader, &literal, &rows, &err), 0, "%s", err.text);
    uint64_t count = rowset_count(rows);
    rowset_unref(rows);
    return count;
}

/* ep1, ep2, ep3 hold the contents 1, 2, 3; the importer says their length, somebody else their grade. */
static void make_graded(struct versions *v)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    for (int i = 1; i <= 3; i++) {
        char key[16], length[16];
        snprintf(key, sizeof key, "ep%d", i);
        snprintf(length, sizeof length, "%d0", i);
        set_clip(set, key, i);
        set_value(set, "length", VALUE_INT, length);
        set_stream(set, "front", "a.mp4", (uint64_t)i * 100, 100);
        changeset_extra(set, key, 3);
    }
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
    set = changeset_new();
    set_attribute(set, "grade", VALUE_TEXT, false);
    for (int i = 1; i <= 3; i++) {
        char key[16], grade[2] = {(char)('a' + i - 1), 0};
        snprintf(key, sizeof key, "ep%d", i);
        set_clip(set, key, i);
        set_value(set, "grade", VALUE_TEXT, grade);
        set_stream(set, "front", "a.mp4", (uint64_t)i * 100, 100);
        changeset_extra(set, key, 3);
    }
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
    expect_json(v, "ep3", "{\"key\":\"ep3\",\"grade\":\"c\",\"length\":30}\n");
}

static void give(struct changeset *set, const char *key, int content, const char *labels_of)
{
    char length[16];
    struct error err = {0};
    snprintf(length, sizeof length, "%d0", content);
    set_clip(set, key, content);
    set_value(set, "length", VALUE_INT, length);
    set_stream(set, "front", "a.mp4", (uint64_t)content * 100, 100);
    if (labels_of)
        cr_assert_eq(changeset_labels_of(set, labels_of, &err), 0, "%s", err.text);
}

static void drop(struct changeset *set, const char *key)
{
    struct error err = {0};
    cr_assert_eq(changeset_remove(set, key, &err), 0, "%s", err.text);
}

Test(growth, a_removed_clip_is_gone_with_its_values_and_the_others_stay)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    struct changeset *set = changeset_new();
    drop(set, "ep2");
    drop(set, "nobody");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_removed == 1 && v.counts.clips == 2 && v.counts.rows == 3);
    cr_assert(!has_clip(&v, "ep2") && has_clip(&v, "ep1") && has_clip(&v, "ep3"));
    cr_assert_eq(count_of(&v, "grade", VALUE_TEXT, "b"), 0);
    cr_assert_eq(count_of(&v, "grade", VALUE_TEXT, "c"), 1);
    cr_assert_eq(count_of(&v, "length", VALUE_INT, "20"), 0);
    cr_assert_eq(versions_counts(&v, "grade").clips, 2);
    cr_assert_eq(versions_counts(&v, "grade").distinct, 2);
    set = changeset_new();
    drop(set, "ep2");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_removed == 0 && v.counts.clips == 2, "removed before");
    versions_done(&v);
    check_leaks();
}

Test(growth, a_clip_that_is_given_again_has_its_old_row_and_none_of_its_labels)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    uint32_t row = row_of(&v, "ep2");
    struct changeset *set = changeset_new();
    drop(set, "ep2");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    for (int content = 2; content <= 7; content += 5) {
        set = changeset_new();
        set_attribute(set, "length", VALUE_INT, false);
        give(set, "ep2", content, NULL);
        cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
        cr_assert_eq(v.counts.clips_added, 1);
        cr_assert_eq(row_of(&v, "ep2"), row);
        expect_json(&v, "ep2",
                    content == 2 ? "{\"key\":\"ep2\",\"length\":20}\n" : "{\"key\":\"ep2\",\"length\":70}\n");
        struct catalog_clip clip;
        struct catalog_stream stream;
        cr_assert_eq(catalog_clip(v.reader, row, &clip, &v.err), 0);
        cr_assert(clip.file_count == 1 && clip.files[0].changed == v.head && clip.json_changed == v.head);
        cr_assert_eq(catalog_stream(v.reader, row, 0, &stream, &v.err), 0, "%s", v.err.text);
        catalog_stream_done(&stream);
        set = changeset_new();
        drop(set, "ep2");
        cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
        cr_assert_eq(v.counts.clips_removed, 1);
    }
    versions_done(&v);
    check_leaks();
}

Test(growth, labels_go_with_their_content_when_keys_move_up)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep1", 2, "ep2");
    give(set, "ep2", 3, "ep3");
    give(set, "ep3", 4, NULL); /* recorded after ep1 was deleted */
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"grade\":\"b\",\"length\":20}\n");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"c\",\"length\":30}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"length\":40}\n");
    cr_assert_eq(versions_counts(&v, "grade").clips, 2);
    cr_assert_eq(count_of(&v, "grade", VALUE_TEXT, "a"), 0);
    versions_done(&v);
    check_leaks();
}

Test(growth, labels_go_with_their_content_when_keys_move_down_swap_or_vanish)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep2", 1, "ep1");
    give(set, "ep3", 2, "ep2");
    give(set, "ep4", 3, "ep3");
    drop(set, "ep1");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"a\",\"length\":10}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"grade\":\"b\",\"length\":20}\n");
    expect_json(&v, "ep4", "{\"key\":\"ep4\",\"grade\":\"c\",\"length\":30}\n");
    cr_assert(!has_clip(&v, "ep1") && v.counts.clips == 3);
    set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep2", 3, "ep4");
    give(set, "ep4", 1, "ep2");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"c\",\"length\":30}\n");
    expect_json(&v, "ep4", "{\"key\":\"ep4\",\"grade\":\"a\",\"length\":10}\n");
    versions_done(&v);
    check_leaks();
}

Test(growth, a_removed_clips_content_may_come_under_another_key)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    struct changeset *set = changeset_new();
    drop(set, "ep2");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep9", 2, NULL);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep9", "{\"key\":\"ep9\",\"length\":20}\n");
    versions_done(&v);
    check_leaks();
}

Test(growth, a_hidden_clip_takes_its_key_and_is_known_as_removed)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    struct changeset *set = changeset_new();
    drop(set, "ep2");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    set = changeset_new(); /* ep1 was deleted: the removed content is under its key, ep3's under ep2's */
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep1", 2, NULL);
    changeset_hide(set);
    give(set, "ep2", 3, "ep3");
    drop(set, "ep3");
    give(set, "ep7", 9, NULL);
    changeset_hide(set);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert(!has_clip(&v, "ep1") && has_clip(&v, "ep2") && !has_clip(&v, "ep3") && !has_clip(&v, "ep7"));
    cr_assert(v.counts.clips == 1 && v.counts.clips_removed == 2 && v.counts.clips_added == 1);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"c\",\"length\":30}\n");
    cr_assert_eq(versions_counts(&v, "length").clips, 1);
    cr_assert_eq(count_of(&v, "grade", VALUE_TEXT, "a"), 0);
    static const struct {
        const char *key;
        int content;
    } hidden[] = {{"ep1", 2}, {"ep7", 9}};
    for (size_t i = 0; i < 2; i++) {
        struct catalog_known known;
        cr_assert_eq(catalog_known_key(v.reader, hidden[i].key, &known, &v.err), 1, "%s", v.err.text);
        cr_assert(!known.live && known.print[0] == hidden[i].content, "%s", hidden[i].key);
    }
    versions_done(&v);
    check_leaks();
}

/* ---- what a removed clip had ---- */

static void remove_one(struct versions *v, const char *key)
{
    struct changeset *set = changeset_new();
    drop(set, key);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void give_one(struct versions *v, const char *key, int content, const char *labels_of)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    give(set, key, content, labels_of);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void label_one(struct versions *v, const char *key, const char *name, enum value_type type,
                      const char *text)
{
    static const double spans[] = {1, 2, -1};
    struct changeset *set = labels_by("lena", CHANGESET_OWN);
    set_attribute(set, name, type, false);
    set_labels(set, key, 1);
    set_value(set, name, type, text);
    set_events(set, "grasp", spans);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

struct setter_of {
    const char *name, *setter;
};

static int check_setter(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                        const struct catalog_origin *origin, struct error *err)
{
    struct setter_of *wanted = ctx;
    if (strcmp(attribute->name, wanted->name) != 0)
        return 0;
    cr_assert_str_eq(origin->setter, wanted->setter);
    return 1;
}

static void expect_setter(struct versions *v, const char *key, const char *name, const char *setter)
{
    struct setter_of wanted = {name, setter};
    cr_assert_eq(catalog_blame(v->reader, row_of(v, key), check_setter, &wanted, &v->err), 1, "%s of %s",
                 name, key);
}

Test(growth, a_clip_that_comes_back_has_the_labels_it_had_and_who_set_them)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    label_one(&v, "ep2", "force", VALUE_FLOAT, "2.5");
    static const char json[] = "{\"key\":\"ep2\",\"event\":[{\"label\":\"grasp\",\"start\":1,\"end\":2,"
                               "\"by\":\"lena\"}],\"force\":2.5,"
                               "\"grade\":\"b\",\"length\":20}\n";
    expect_json(&v, "ep2", json);
    for (int again = 0; again < 2; again++) {
        remove_one(&v, "ep2");
        cr_assert_eq(count_of(&v, "force", VALUE_FLOAT, "2.5"), 0);
        cr_assert_eq(versions_counts(&v, "event").clips, 0);
        struct changeset *set = changeset_new();
        set_attribute(set, "length", VALUE_INT, false);
        give(set, "ep1", 1, NULL); /* a neighbour in the group of records */
        cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
        give_one(&v, "ep2", 2, "ep2");
        cr_assert_eq(v.counts.clips_added, 1);
        expect_json(&v, "ep2", json);
        expect_setter(&v, "ep2", "force", "lena");
        cr_assert_eq(count_of(&v, "force", VALUE_FLOAT, "2.5"), 1);
        cr_assert_eq(count_of(&v, "grade", VALUE_TEXT, "b"), 1);
        cr_assert_eq(versions_counts(&v, "grade").clips, 3);
        cr_assert_eq(versions_counts(&v, "grade").distinct, 3);
        cr_assert_eq(versions_counts(&v, "event").clips, 1);
    }
    remove_one(&v, "ep2");
    give_one(&v, "ep2", 2, NULL);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"length\":20}\n");
    remove_one(&v, "ep2");
    give_one(&v, "ep2", 2, "ep2");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"length\":20}\n");
    versions_done(&v);
    check_leaks();
}

Test(growth, what_a_removed_clip_had_follows_what_becomes_of_the_attributes)
{
    struct versions v;
    struct error err = {0};
    versions_init(&v);
    make_graded(&v);
    label_one(&v, "ep2", "force", VALUE_INT, "12");
    label_one(&v, "ep1", "force", VALUE_INT, "11");
    label_one(&v, "ep2", "pass", VALUE_BOOL, "true");
    label_one(&v, "ep2", "note", VALUE_TEXT, "x");
    remove_one(&v, "ep2");
    struct changeset *set = labels_by("lena", CHANGESET_OWN);
    cr_assert_eq(changeset_rename(set, "grade", "mark", &err), 0, "%s", err.text);
    cr_assert_eq(changeset_drop(set, "note", &err), 0, "%s", err.text);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    set = changeset_new();
    cr_assert_eq(changeset_to_text(set, "force", &err), 0, "%s", err.text);
    cr_assert_eq(changeset_to_text(set, "pass", &err), 0, "%s", err.text);
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep3", 3, NULL);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(count_of(&v, "force", VALUE_TEXT, "12"), 0);
    cr_assert_eq(versions_counts(&v, "force").distinct, 1);
    cr_assert_eq(versions_counts(&v, "pass").clips, 0);
    give_one(&v, "ep2", 2, "ep2");
    expect_json(&v, "ep2",
                "{\"key\":\"ep2\",\"event\":[{\"label\":\"grasp\",\"start\":1,\"end\":2,\"by\":\"lena\"}],"
                "\"force\":\"12\",\"length\":20,\"mark\":\"b\",\"pass\":\"true\"}\n");
    cr_assert_eq(count_of(&v, "force", VALUE_TEXT, "12"), 1);
    cr_assert_eq(versions_counts(&v, "force").distinct, 2);
    expect_setter(&v, "ep2", "force", "lena");
    versions_done(&v);
    check_leaks();
}

Test(growth, labels_of_a_removed_clip_go_with_its_content_to_the_key_it_is_hidden_under)
{
    struct versions v;
    versions_init(&v);
    make_graded(&v);
    remove_one(&v, "ep2");
    struct changeset *set = changeset_new(); /* ep1 was deleted: all move up */
    set_attribute(set, "length", VALUE_INT, false);
    give(set, "ep1", 2, "ep2");
    changeset_hide(set);
    give(set, "ep2", 3, "ep3");
    drop(set, "ep3");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"c\",\"length\":30}\n");
    give_one(&v, "ep1", 2, "ep1");
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"grade\":\"b\",\"length\":20}\n");
    versions_done(&v);
    check_leaks();
}

Test(growth, a_set_names_each_key_that_goes_or_moves_once)
{
    struct changeset *set = changeset_new();
    struct error err = {0};
    set_clip(set, "ep1", 1);
    cr_assert_eq(changeset_labels_of(set, "ep2", &err), 0);
    cr_assert_eq(changeset_labels_of(set, "ep3", &err), -EEXIST, "of two clips");
    set_clip(set, "ep2", 2);
    cr_assert_eq(changeset_labels_of(set, "ep2", &err), -EEXIST, "another clip has them");
    cr_assert_eq(changeset_labels_of(set, "a/b", &err), -EINVAL);
    cr_assert_eq(changeset_remove(set, "ep2", &err), -EEXIST, "the set gives it");
    cr_assert_eq(changeset_remove(set, "ep3", &err), 0);
    cr_assert_eq(changeset_remove(set, "ep3", &err), -EEXIST);
    struct changeset_clip clip = {.key = "ep3", .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "x"};
    cr_assert_eq(changeset_clip(set, &clip, &err), -EEXIST);
    changeset_free(set);
    check_leaks();
}

/* A set of labels that says `text` of clips first .. end - 1. */
static struct changeset *marks(const char *text, int first, int end)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "mark", VALUE_TEXT, false);
    for (int i = first; i < end; i++) {
        char key[16];
        snprintf(key, sizeof key, "c%02d", i);
        set_labels(set, key, (uint64_t)i + 1);
        set_value(set, "mark", VALUE_TEXT, text);
    }
    return set;
}

/* So many rows are folded at once, before older ones that wait. */
Test(growth, labels_of_a_large_commit_stand_above_those_of_small_ones_before_it)
{
    enum { CLIPS = 60 };
    struct versions v;
    struct apply_limits limits = APPLY_LIMITS;
    limits.own_rows = 40;
    versions_init(&v);
    v.limits = &limits;
    struct changeset *set = changeset_new();
    for (int i = 0; i < CLIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "c%02d", i);
        set_clip(set, key, i);
    }
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, marks("one", 5, 7)), 0, "%s", v.err.text);
    expect_json(&v, "c05", "{\"key\":\"c05\",\"mark\":\"one\"}\n");
    cr_assert_eq(versions_apply(&v, marks("second", 0, CLIPS)), 0, "%s", v.err.text);
    expect_json(&v, "c05", "{\"key\":\"c05\",\"mark\":\"second\"}\n");
    expect_json(&v, "c20", "{\"key\":\"c20\",\"mark\":\"second\"}\n");
    cr_assert_eq(versions_apply(&v, marks("third", 6, 8)), 0, "%s", v.err.text);
    expect_json(&v, "c05", "{\"key\":\"c05\",\"mark\":\"second\"}\n");
    expect_json(&v, "c06", "{\"key\":\"c06\",\"mark\":\"third\"}\n");
    cr_assert_eq(count_of(&v, "mark", VALUE_TEXT, "second"), CLIPS - 2);
    versions_done(&v);
}
