// SPDX-License-Identifier: Apache-2.0
/* Values and events that people and models set: whose stand, and who is known to have set them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

static uint32_t row_of(struct versions *v, const char *key)
{
    uint32_t row;
    cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &v->err), 0, "%s", v->err.text);
    return row;
}

static void expect_json(struct versions *v, const char *key, const char *expected)
{
    struct buf json = BUF_INIT;
    cr_assert_eq(catalog_json(v->reader, row_of(v, key), &json, &v->err), 0, "%s", v->err.text);
    cr_assert_str_eq(buf_text(&json), expected);
    buf_done(&json);
}

static int print_blame(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       const struct catalog_origin *origin, struct error *err)
{
    buf_printf(ctx, "%s=", attribute->name);
    value_print(ctx, value);
    buf_printf(ctx, " %s v%u\n", origin->setter, origin->version);
    return 0;
}

static int print_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    buf_printf(ctx, "%.*s %g-%g %s v%u\n", (int)event->label.len, event->label.text,
               (double)event->start_ns / 1e9, (double)event->end_ns / 1e9, event->origin.setter,
               event->origin.version);
    return 0;
}

/* Who set which value and event of a clip, a line each. */
static void expect_blame(struct versions *v, const char *key, const char *expected)
{
    struct buf text = BUF_INIT;
    cr_assert_eq(catalog_blame(v->reader, row_of(v, key), print_blame, &text, &v->err), 0, "%s", v->err.text);
    cr_assert_eq(catalog_events(v->reader, row_of(v, key), print_event, &text, &v->err), 0, "%s",
                 v->err.text);
    cr_assert_str_eq(buf_text(&text), expected);
    buf_done(&text);
}

static uint64_t count_of(struct versions *v, const char *name, enum value_type type, const char *text)
{
    struct catalog_attribute attribute;
    struct rowset *rows;
    struct value value = value_of(type, text);
    cr_assert_eq(catalog_attribute_find(v->reader, name, strlen(name), &attribute, &v->err), 0, "%s",
                 v->err.text);
    struct catalog_literal literal = {
        .attribute = attribute.id, .op = CATALOG_EQ, .values = &value, .count = 1};
    cr_assert_eq(catalog_select(v->reader, &literal, &rows, &v->err), 0, "%s", v->err.text);
    uint64_t count = rowset_count(rows);
    rowset_unref(rows);
    return count;
}

/* An import of ep1, ep2 and ep3 with lengths, and with the outcomes fail, ok and none. */
static struct changeset *import(int print)
{
    static const char *const outcomes[] = {"fail", "ok", NULL};
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "outcome", VALUE_TEXT, false);
    for (int i = 0; i < 3; i++) {
        char key[8], length[8];
        snprintf(key, sizeof key, "ep%d", i + 1);
        snprintf(length, sizeof length, "%d0", i + 1);
        set_clip(set, key, i + print);
        set_value(set, "length", VALUE_INT, length);
        if (outcomes[i])
            set_value(set, "outcome", VALUE_TEXT, outcomes[i]);
    }
    return set;
}

static void init(struct versions *v)
{
    versions_init(v);
    cr_assert_eq(versions_apply(v, import(1)), 0, "%s", v->err.text);
}

/* One value of one clip. */
static int label(struct versions *v, const char *setter, enum changeset_policy policy, const char *key,
                 const char *name, const char *value)
{
    struct changeset *set = labels_by(setter, policy);
    set_attribute(set, name, VALUE_TEXT, false);
    set_labels(set, key, 2);
    set_value(set, name, VALUE_TEXT, value);
    return versions_apply(v, set);
}

static void must_label(struct versions *v, const char *setter, enum changeset_policy policy, const char *key,
                       const char *name, const char *value)
{
    cr_assert_eq(label(v, setter, policy, key, name, value), 0, "%s", v->err.text);
}

Test(labels, a_value_knows_who_set_it_and_in_which_version)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "fail");
    cr_assert(v.counts.clips_labelled == 1 && v.counts.values_set == 1 && v.counts.clips_unchanged == 0);
    must_label(&v, "net-7", CHANGESET_OWN, "ep3", "object", "cube");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"length\":30,\"object\":\"cube\",\"outcome\":\"fail\"}\n");
    expect_blame(&v, "ep3", "length=30 import v1\nobject=cube net-7 v3\noutcome=fail anna v2\n");
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n");
    cr_assert_eq(count_of(&v, "outcome", VALUE_TEXT, "fail"), 2);
    struct catalog_clip clip;
    cr_assert_eq(catalog_clip(v.reader, row_of(&v, "ep3"), &clip, &v.err), 0);
    cr_assert_eq(clip.json_changed, 3);
    cr_assert_eq(catalog_clip(v.reader, row_of(&v, "ep1"), &clip, &v.err), 0);
    cr_assert_eq(clip.json_changed, 1);
    versions_done(&v);
    check_leaks();
}

Test(labels, somebody_elses_value_is_an_error_that_shows_three_of_them)
{
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "outcome", VALUE_TEXT, false);
    for (int i = 1; i <= 3; i++) {
        char key[8];
        snprintf(key, sizeof key, "ep%d", i);
        set_labels(set, key, (uint64_t)i + 1);
        set_value(set, "length", VALUE_INT, "7");
        set_value(set, "outcome", VALUE_TEXT, "fail");
    }
    cr_assert_eq(versions_apply(&v, set), -EEXIST);
    cr_assert_str_eq(v.err.text, "4 values were set by others (--overwrite replaces them): "
                                 "'ep1' has length=10 by import (v1), labels.csv: line 2 says 7; "
                                 "'ep2' has length=20 by import (v1), labels.csv: line 3 says 7; "
                                 "'ep2' has outcome=ok by import (v1), labels.csv: line 3 says fail; ...");
    cr_assert_eq(v.head, 1);
    versions_done(&v);
    check_leaks();
}

Test(labels, own_values_are_replaced_and_those_of_others_only_on_demand)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "fail");
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "ok");
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=ok anna v3\n");
    must_label(&v, "net-7", CHANGESET_MISSING, "ep3", "outcome", "fail");
    cr_assert_eq(v.counts.clips_labelled, 0);
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=ok anna v3\n");
    must_label(&v, "anna", CHANGESET_MISSING, "ep3", "outcome", "fail");
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=ok anna v3\n");
    must_label(&v, "net-7", CHANGESET_ALL, "ep3", "outcome", "fail");
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=fail net-7 v6\n");
    cr_assert_eq(count_of(&v, "outcome", VALUE_TEXT, "ok"), 1);
    versions_done(&v);
    check_leaks();
}

Test(labels, the_same_value_again_changes_nothing_whoever_says_it)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_OWN, "ep1", "outcome", "fail");
    cr_assert(v.counts.clips_labelled == 0 && v.counts.clips_unchanged == 1);
    must_label(&v, "anna", CHANGESET_ALL, "ep1", "outcome", "fail");
    cr_assert_eq(v.counts.clips_labelled, 0);
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, what_others_set_since_the_set_was_made_is_a_conflict_even_where_it_overwrites)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_ALL, "ep1", "outcome", "ok");
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "ok");
    v.base = 2;
    must_label(&v, "net-7", CHANGESET_ALL, "ep1", "outcome", "fail");
    must_label(&v, "net-7", CHANGESET_OWN, "ep3", "object", "cube");
    cr_assert_eq(label(&v, "net-7", CHANGESET_ALL, "ep3", "outcome", "fail"), -EEXIST);
    cr_assert_str_eq(v.err.text, "1 conflict with what others have committed since v2: "
                                 "'ep3' has outcome=ok by anna since v3, labels.csv: line 2 says fail");
    versions_done(&v);
    check_leaks();
}

Test(labels, an_import_takes_back_its_own_values_only)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_ALL, "ep1", "outcome", "ok");
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "ok");
    cr_assert_eq(versions_apply(&v, import(1)), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 3);
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=ok anna v2\n");
    struct changeset *set = changeset_new(); /* the source says no outcomes any more, and other content */
    set_attribute(set, "outcome", VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    set_clip(set, "ep1", 71);
    set_value(set, "length", VALUE_INT, "11");
    set_clip(set, "ep2", 72);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_blame(&v, "ep1", "length=11 import v5\noutcome=ok anna v2\n");
    expect_blame(&v, "ep2", "");
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=ok anna v3\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, a_partial_import_takes_back_only_what_it_says_there_is_none_of)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "ok");
    struct changeset *set = changeset_new();
    set_attribute(set, "outcome", VALUE_TEXT, false);
    changeset_partial(set, "outcome");
    for (uint8_t i = 1; i <= 3; i++) {
        static const char *const keys[] = {"", "ep1", "ep2", "ep3"};
        set_clip(set, keys[i], i);
        if (i > 1)
            cr_assert_eq(changeset_none(set, "outcome", &v.err), 0);
    }
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n"); /* nothing is said of it */
    expect_blame(&v, "ep2", "length=20 import v1\n");
    expect_blame(&v, "ep3", "length=30 import v1\noutcome=ok anna v2\n");
    cr_assert(v.counts.values_taken == 1 && v.counts.clips_taken == 1 && v.counts.clips_kept == 1);
    cr_assert(v.counts.taken_first == 1 && v.counts.taken_last == 1);
    versions_done(&v);
    check_leaks();
}

/* 2^20 is what a record can hold (record.c). */
Test(labels, more_values_than_a_clip_can_have_are_refused_whole)
{
    enum { MANY = (1 << 20) + 1 };
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "marks", VALUE_INT, true);
    set_labels(set, "ep1", 2);
    for (int64_t i = 0; i < MANY; i++)
        cr_assert_eq(changeset_value(set, "marks", &(struct value){.type = VALUE_INT, .integer = i}, &v.err),
                     0);
    cr_assert_eq(versions_apply(&v, set), -E2BIG, "%s", v.err.text);
    cr_assert(strstr(v.err.text, "a clip would have 1048577 values of 'marks', more than it can"), "%s",
              v.err.text);
    cr_assert_eq(v.head, 1);
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, clips_that_are_not_there_are_named_with_their_lines)
{
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "outcome", VALUE_TEXT, false);
    for (int i = 1; i <= 7; i++) {
        char key[8];
        snprintf(key, sizeof key, "ep%d", i);
        set_labels(set, key, (uint64_t)i + 1);
        set_value(set, "outcome", VALUE_TEXT, "ok");
    }
    cr_assert_eq(versions_apply(&v, set), -ENOENT);
    cr_assert_str_eq(v.err.text, "4 clips are not in the data set: labels.csv: line 5: 'ep4'; "
                                 "labels.csv: line 6: 'ep5'; labels.csv: line 7: 'ep6'; ...");
    cr_assert_eq(changeset_labels(set = labels_by("a", CHANGESET_OWN), "a.b", 1, &v.err), -EINVAL);
    changeset_free(set);
    versions_done(&v);
    check_leaks();
}

Test(labels, several_values_are_one_value_for_who_set_them)
{
    struct versions v;
    init(&v);
    for (int i = 0; i < 2; i++) {
        struct changeset *set = labels_by("anna", CHANGESET_OWN);
        set_attribute(set, "tags", VALUE_TEXT, true);
        set_labels(set, "ep1", 2);
        set_value(set, "tags", VALUE_TEXT, i ? "wet" : "dark");
        set_value(set, "tags", VALUE_TEXT, "blurred");
        cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    }
    expect_json(&v, "ep1",
                "{\"key\":\"ep1\",\"length\":10,\"outcome\":\"fail\",\"tags\":[\"blurred\",\"wet\"]}\n");
    expect_blame(&v, "ep1",
                 "length=10 import v1\noutcome=fail import v1\ntags=blurred anna v3\ntags=wet anna v3\n");
    cr_assert_eq(count_of(&v, "tags", VALUE_TEXT, "dark"), 0);
    versions_done(&v);
    check_leaks();
}

Test(labels, integers_become_floats_by_a_label_where_that_is_exact)
{
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "length", VALUE_FLOAT, false);
    set_labels(set, "ep2", 2);
    set_value(set, "length", VALUE_FLOAT, "2.5");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"length\":2.5,\"outcome\":\"ok\"}\n");
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n");
    versions_done(&v);
    check_leaks();
}

/* ---- events ---- */

static int events(struct versions *v, const char *setter, enum changeset_policy policy, const char *key,
                  const char *name, const double *spans)
{
    struct changeset *set = labels_by(setter, policy);
    set_labels(set, key, 2);
    set_events(set, name, spans);
    return versions_apply(v, set);
}

static const double one[] = {3.2, 4.1, -1}, two[] = {0, 0, 3.2, 4.1, 3.2, 4.1, -1}, other[] = {1, 2, -1};

Test(labels, events_stand_in_the_json_and_clips_are_found_by_their_labels)
{
    struct versions v;
    init(&v);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", two), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_labelled == 1 && v.counts.events_set == 2 && v.counts.values_set == 0);
    cr_assert_eq(events(&v, "anna", CHANGESET_OWN, "ep2", "slip", one), 0, "%s", v.err.text);
    expect_json(&v, "ep2",
                "{\"key\":\"ep2\",\"event\":[{\"label\":\"grasp\",\"start\":0,\"end\":0,\"by\":\"net-7\"},"
                "{\"label\":\"grasp\",\"start\":3.2,\"end\":4.1,\"by\":\"net-7\"},"
                "{\"label\":\"slip\",\"start\":3.2,\"end\":4.1,\"by\":\"anna\"}],"
                "\"length\":20,\"outcome\":\"ok\"}\n");
    expect_blame(&v, "ep2",
                 "length=20 import v1\noutcome=ok import v1\n"
                 "grasp 0-0 net-7 v2\ngrasp 3.2-4.1 net-7 v2\nslip 3.2-4.1 anna v3\n");
    cr_assert_eq(count_of(&v, "event", VALUE_TEXT, "slip"), 1);
    cr_assert_eq(count_of(&v, "event", VALUE_TEXT, "drop"), 0);
    versions_done(&v);
    check_leaks();
}

Test(labels, what_a_set_does_not_name_stays_as_it_is_values_and_events)
{
    struct versions v;
    init(&v);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", one), 0, "%s", v.err.text);
    must_label(&v, "anna", CHANGESET_OWN, "ep2", "verdict", "good");
    must_label(&v, "anna", CHANGESET_OWN, "ep2", "verdict", "bad");
    expect_json(
        &v, "ep2",
        "{\"key\":\"ep2\",\"event\":[{\"label\":\"grasp\",\"start\":3.2,\"end\":4.1,\"by\":\"net-7\"}],"
        "\"length\":20,\"outcome\":\"ok\",\"verdict\":\"bad\"}\n");
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "slip", two), 0, "%s", v.err.text);
    expect_blame(&v, "ep2",
                 "length=20 import v1\noutcome=ok import v1\nverdict=bad anna v4\n"
                 "grasp 3.2-4.1 net-7 v2\nslip 0-0 net-7 v5\nslip 3.2-4.1 net-7 v5\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, events_replace_those_of_the_same_clip_label_and_setter)
{
    struct versions v;
    init(&v);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", two), 0, "%s", v.err.text);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "slip", other), 0, "%s", v.err.text);
    cr_assert_eq(events(&v, "anna", CHANGESET_OWN, "ep2", "grasp", other), 0, "%s", v.err.text);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", one), 0, "%s", v.err.text);
    expect_blame(&v, "ep2",
                 "length=20 import v1\noutcome=ok import v1\n"
                 "grasp 1-2 anna v4\ngrasp 3.2-4.1 net-7 v2\nslip 1-2 net-7 v3\n");
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", one), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_labelled, 0, "again");
    cr_assert_eq(events(&v, "anna", CHANGESET_MISSING, "ep2", "grasp", one), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_labelled, 0, "there are some");
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "slip", NULL), 0, "%s", v.err.text);
    cr_assert_eq(count_of(&v, "event", VALUE_TEXT, "slip"), 0);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", NULL), 0, "%s", v.err.text);
    cr_assert_eq(events(&v, "anna", CHANGESET_OWN, "ep2", "grasp", NULL), 0, "%s", v.err.text);
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"length\":20,\"outcome\":\"ok\"}\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, events_stay_when_the_clip_is_imported_again_and_go_with_its_content_to_another_key)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_ALL, "ep2", "outcome", "fail");
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", one), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, import(1)), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 3);
    struct changeset *set = changeset_new();
    set_attribute(set, "outcome", VALUE_TEXT, false);
    set_clip(set, "ep9", 2);
    cr_assert_eq(changeset_labels_of(set, "ep2", &v.err), 0);
    set_value(set, "outcome", VALUE_TEXT, "ok");
    cr_assert_eq(changeset_remove(set, "ep2", &v.err), 0);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_blame(&v, "ep9", "length=20 import v1\noutcome=fail anna v2\ngrasp 3.2-4.1 net-7 v3\n");
    cr_assert_eq(count_of(&v, "event", VALUE_TEXT, "grasp"), 1);
    set = changeset_new();
    cr_assert_eq(changeset_remove(set, "ep9", &v.err), 0);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(count_of(&v, "event", VALUE_TEXT, "grasp"), 0);
    set = changeset_new();
    set_clip(set, "ep9", 2);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect_json(&v, "ep9", "{\"key\":\"ep9\"}\n");
    versions_done(&v);
    check_leaks();
}

/* ---- attributes ---- */

static int change(struct versions *v,
                  int (*how)(struct changeset *, const char *, const char *, struct error *),
                  const char *name, const char *text)
{
    struct changeset *set = changeset_new();
    int rc = how ? how(set, name, text, &v->err) : changeset_drop(set, name, &v->err);
    if (!rc)
        return versions_apply(v, set);
    changeset_free(set);
    return rc;
}

Test(labels, a_renamed_attribute_is_the_same_one_and_imports_know_it)
{
    struct versions v;
    init(&v);
    cr_assert_eq(change(&v, changeset_rename, "outcome", "result_text"), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.attributes_changed, 1);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"length\":10,\"result_text\":\"fail\"}\n");
    expect_blame(&v, "ep1", "length=10 import v1\nresult_text=fail import v1\n");
    cr_assert_eq(count_of(&v, "result_text", VALUE_TEXT, "fail"), 1);
    struct catalog_clip clip;
    cr_assert_eq(catalog_clip(v.reader, row_of(&v, "ep1"), &clip, &v.err), 0);
    cr_assert_eq(clip.json_changed, 2);
    cr_assert_eq(versions_apply(&v, import(1)), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 3);
    must_label(&v, "anna", CHANGESET_OWN, "ep1", "outcome", "good");
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"length\":10,\"outcome\":\"good\",\"result_text\":\"fail\"}\n");
    cr_assert_eq(change(&v, changeset_rename, "outcome", "length"), -EEXIST);
    cr_assert_str_eq(v.err.text, "there is an attribute 'length' already");
    cr_assert_eq(change(&v, changeset_rename, "nothing", "x"), -ENOENT);
    cr_assert_str_eq(v.err.text, "there is no attribute 'nothing'");
    cr_assert_eq(change(&v, changeset_rename, "length", "event"), -EINVAL);
    versions_done(&v);
    check_leaks();
}

Test(labels, a_dropped_attribute_is_gone_and_no_import_brings_it_back)
{
    struct versions v;
    struct catalog_attribute attribute;
    init(&v);
    cr_assert_eq(events(&v, "net-7", CHANGESET_OWN, "ep2", "grasp", one), 0, "%s", v.err.text);
    cr_assert_eq(change(&v, NULL, "length", NULL), 0, "%s", v.err.text);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"outcome\":\"fail\"}\n");
    expect_json(
        &v, "ep2",
        "{\"key\":\"ep2\",\"event\":[{\"label\":\"grasp\",\"start\":3.2,\"end\":4.1,\"by\":\"net-7\"}],"
        "\"outcome\":\"ok\"}\n");
    cr_assert_eq(catalog_attribute_find(v.reader, "length", 6, &attribute, &v.err), -ENOENT);
    cr_assert_eq(versions_apply(&v, import(1)), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 3);
    cr_assert_eq(change(&v, NULL, "outcome", NULL), 0, "%s", v.err.text);
    must_label(&v, "anna", CHANGESET_OWN, "ep1", "length", "long");
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"length\":\"long\"}\n");
    cr_assert_eq(catalog_attribute_find(v.reader, "length", 6, &attribute, &v.err), 0);
    cr_assert_eq(attribute.id, 3, "numbers are not used again");
    cr_assert_eq(change(&v, NULL, "event", NULL), -EINVAL);
    versions_done(&v);
    check_leaks();
}

Test(labels, no_import_brings_back_the_last_attribute_that_was_dropped)
{
    struct versions v;
    init(&v);
    cr_assert_eq(change(&v, NULL, "length", NULL), 0, "%s", v.err.text);
    cr_assert_eq(change(&v, NULL, "outcome", NULL), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, import(1)), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 3);
    expect_json(&v, "ep1", "{\"key\":\"ep1\"}\n");
    versions_done(&v);
    check_leaks();
}

static int change_to_text(struct versions *v, const char *name)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_to_text(set, name, &v->err), 0);
    return versions_apply(v, set);
}

Test(labels, an_attribute_becomes_text_with_all_its_values_and_who_set_them)
{
    struct versions v;
    init(&v);
    cr_assert_eq(change_to_text(&v, "length"), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.attributes_changed, 1);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"length\":\"10\",\"outcome\":\"fail\"}\n");
    cr_assert_eq(count_of(&v, "length", VALUE_TEXT, "20"), 1);
    must_label(&v, "anna", CHANGESET_ALL, "ep2", "length", "long");
    expect_blame(&v, "ep1", "length=10 import v1\noutcome=fail import v1\n");
    expect_blame(&v, "ep2", "length=long anna v3\noutcome=ok import v1\n");
    must_label(&v, "anna", CHANGESET_ALL, "ep1", "outcome", "fail"); /* its record has the length as it was */
    cr_assert_eq(change_to_text(&v, "length"), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.attributes_changed, 0);
    cr_assert_eq(change_to_text(&v, "nothing"), 0, "%s", v.err.text);
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "size", VALUE_FLOAT, true);
    set_labels(set, "ep1", 2);
    set_value(set, "size", VALUE_FLOAT, "10");
    set_value(set, "size", VALUE_FLOAT, "9.5");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(change_to_text(&v, "size"), 0, "%s", v.err.text);
    expect_json(&v, "ep1",
                "{\"key\":\"ep1\",\"length\":\"10\",\"outcome\":\"fail\",\"size\":[\"10\",\"9.5\"]}\n");
    versions_done(&v);
    check_leaks();
}

Test(labels, a_value_is_taken_away_by_who_set_it_or_on_demand)
{
    struct versions v;
    init(&v);
    must_label(&v, "anna", CHANGESET_OWN, "ep3", "outcome", "ok");
    static const struct {
        const char *setter;
        enum changeset_policy policy;
        int rc;
    } cases[] = {{"bob", CHANGESET_OWN, -EEXIST},
                 {"bob", CHANGESET_MISSING, 0},
                 {"anna", CHANGESET_OWN, 0},
                 {"bob", CHANGESET_ALL, 0}};
    for (size_t i = 0; i < 4; i++) {
        struct changeset *set = labels_by(cases[i].setter, cases[i].policy);
        set_attribute(set, "outcome", VALUE_TEXT, false);
        set_labels(set, i < 3 ? "ep3" : "ep1", 2);
        cr_assert_eq(changeset_none(set, "outcome", &v.err), 0);
        cr_assert_eq(changeset_none(set, "outcome", &v.err), -EINVAL);
        cr_assert_eq(versions_apply(&v, set), cases[i].rc, "case %zu: %s", i, v.err.text);
        if (!i)
            cr_assert_str_eq(v.err.text,
                             "1 value was set by others (--overwrite replaces them): "
                             "'ep3' has outcome=ok by anna (v2), labels.csv: line 2 says there is none");
        cr_assert(!i || v.counts.clips_labelled == (i >= 2), "case %zu", i);
    }
    expect_blame(&v, "ep3", "length=30 import v1\n");
    expect_blame(&v, "ep1", "length=10 import v1\n");
    cr_assert_eq(count_of(&v, "outcome", VALUE_TEXT, "fail"), 0);
    versions_done(&v);
    check_leaks();
}

Test(labels, a_description_is_kept_with_its_attribute)
{
    struct versions v;
    struct buf text = BUF_INIT;
    struct catalog_attribute attribute;
    init(&v);
    cr_assert_eq(change(&v, changeset_describe, "outcome", "how it ended"), 0, "%s", v.err.text);
    cr_assert_eq(change(&v, changeset_describe, "outcome", "how it ended"), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.attributes_changed, 0, "said before");
    cr_assert_eq(change(&v, changeset_rename, "outcome", "end"), 0, "%s", v.err.text);
    cr_assert_eq(catalog_attribute_find(v.reader, "end", 3, &attribute, &v.err), 0);
    cr_assert_eq(catalog_description(v.reader, attribute.id, &text, &v.err), 0, "%s", v.err.text);
    cr_assert_str_eq(buf_text(&text), "how it ended");
    cr_assert_eq(change(&v, changeset_describe, "end", ""), 0, "%s", v.err.text);
    buf_clear(&text);
    cr_assert_eq(catalog_description(v.reader, attribute.id, &text, &v.err), 0);
    cr_assert_eq(text.len, 0);
    buf_done(&text);
    versions_done(&v);
    check_leaks();
}
