// SPDX-License-Identifier: Apache-2.0
/* Sets that were made for an older version than the one they are applied to: what others have committed since
 * is in their way only where both orders would not end alike, and is named with its version. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

/* ---- sets ---- */

struct said {
    const char *key;
    int content;
    const char *outcome; /* NULL: none */
};

/* An import of these clips; the last has no key. Their outcomes are declared if `says`. */
static struct changeset *import(const struct said *clips, bool says)
{
    struct changeset *set = changeset_new();
    if (says)
        set_attribute(set, "outcome", VALUE_TEXT, false);
    for (; clips->key; clips++) {
        set_clip(set, clips->key, clips->content);
        if (clips->outcome)
            set_value(set, "outcome", VALUE_TEXT, clips->outcome);
        set_stream(set, "front", "a.mp4", (uint64_t)clips->content * 10, 5);
    }
    return set;
}

static struct changeset *import_one(const char *key, int content, const char *outcome)
{
    const struct said clips[] = {{key, content, outcome}, {0}};
    return import(clips, outcome != NULL);
}

static struct changeset *labels(const char *key, const char *name, const char *value)
{
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, name, VALUE_TEXT, false);
    set_labels(set, key, 2);
    if (value)
        set_value(set, name, VALUE_TEXT, value);
    else
        cr_assert_eq(changeset_none(set, name, NULL), 0);
    return set;
}

static struct changeset *removal(const char *key)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_remove(set, key, NULL), 0);
    return set;
}

/* ---- steps ---- */

static void must_apply(struct versions *v, struct changeset *set)
{
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

/* v1 has ep1 (fail) and ep2 (ok); all that follows was made for it. */
static void init(struct versions *v)
{
    static const struct said clips[] = {{"ep1", 1, "fail"}, {"ep2", 2, "ok"}, {0}};
    versions_init(v);
    must_apply(v, import(clips, true));
    v->base = 1;
}

static void done(struct versions *v)
{
    versions_done(v);
    check_leaks();
}

static void expect_conflict(struct versions *v, struct changeset *set, const char *what)
{
    uint32_t head = v->head;
    CLEANUP_FREE char *text = mem_printf("1 conflict with what others have committed since v1: %s", what);
    cr_assert_eq(versions_apply(v, set), -EEXIST, "%s", v->err.text);
    cr_assert_str_eq(v->err.text, text);
    cr_assert_eq(v->head, head);
}

static void expect_json(struct versions *v, const char *key, const char *expected)
{
    uint32_t row;
    CLEANUP_BUF struct buf json = BUF_INIT;
    cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &v->err), 0, "%s", v->err.text);
    cr_assert_eq(catalog_json(v->reader, row, &json, &v->err), 0, "%s", v->err.text);
    cr_assert_str_eq(buf_text(&json), expected);
}

/* ---- labels ---- */

Test(conflict, of_two_that_set_the_same_attribute_of_a_clip_one_lands)
{
    struct versions v;
    init(&v);
    must_apply(&v, labels("ep1", "grade", "a"));
    expect_conflict(&v, labels("ep1", "grade", "b"),
                    "'ep1' has grade=a by anna since v2, labels.csv: line 2 says b");
    must_apply(&v, labels("ep2", "grade", "b"));
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"b\",\"outcome\":\"ok\"}\n");
    done(&v);
}

Test(conflict, two_that_set_different_attributes_or_say_the_same_both_land)
{
    struct versions v;
    init(&v);
    must_apply(&v, labels("ep1", "grade", "a"));
    must_apply(&v, labels("ep1", "object", "cube"));
    must_apply(&v, labels("ep1", "grade", "a"));
    cr_assert_eq(v.counts.clips_unchanged, 1);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"grade\":\"a\",\"object\":\"cube\",\"outcome\":\"fail\"}\n");
    done(&v);
}

Test(conflict, what_was_taken_back_since_is_not_set_again)
{
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, labels("ep1", "grade", "a"));
    must_apply(&v, labels("ep1", "grade", NULL));
    v.base = 2;
    cr_assert_eq(versions_apply(&v, labels("ep1", "grade", "b")), -EEXIST);
    cr_assert_str_eq(v.err.text, "1 conflict with what others have committed since v2: "
                                 "'ep1' has no grade since v3, labels.csv: line 2 says b");
    v.base = 1; /* neither who set it nor who took it back is known to this one */
    expect_conflict(&v, labels("ep1", "grade", "b"),
                    "'ep1' has no grade since v3, labels.csv: line 2 says b");
    done(&v);
}

Test(conflict, who_only_fills_gaps_is_in_nobodys_way)
{
    struct versions v;
    init(&v);
    must_apply(&v, labels("ep1", "grade", "a"));
    struct changeset *set = labels_by("net-7", CHANGESET_MISSING);
    set_attribute(set, "grade", VALUE_TEXT, false);
    set_labels(set, "ep1", 2);
    set_value(set, "grade", VALUE_TEXT, "b");
    set_labels(set, "ep2", 3);
    set_value(set, "grade", VALUE_TEXT, "b");
    must_apply(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"grade\":\"a\",\"outcome\":\"fail\"}\n");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"grade\":\"b\",\"outcome\":\"ok\"}\n");
    done(&v);
}

Test(conflict, a_clip_that_was_removed_since_is_named_with_the_version)
{
    struct versions v;
    init(&v);
    must_apply(&v, removal("ep2"));
    cr_assert_eq(versions_apply(&v, labels("ep2", "grade", "a")), -ENOENT);
    cr_assert_str_eq(v.err.text, "1 clip is not in the data set: labels.csv: line 2: 'ep2' (removed by v2)");
    done(&v);
}

Test(conflict, events_of_the_same_label_and_setter)
{
    static const double one[] = {0, 1, -1}, two[] = {0, 2, -1};
    struct versions v;
    init(&v);
    for (int i = 0; i < 3; i++) { /* the first lands, the second says the same, the third does not */
        struct changeset *set = labels_by("anna", CHANGESET_OWN);
        set_labels(set, "ep1", 2);
        set_events(set, "grasp", i < 2 ? one : two);
        if (i < 2)
            must_apply(&v, set);
        else
            expect_conflict(&v, set,
                            "'ep1' has other events grasp by anna since v2, labels.csv: line 2 says");
    }
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_labels(set, "ep1", 2);
    set_events(set, "slip", two);
    must_apply(&v, set);
    done(&v);
}

static struct changeset *grasps(const double *spans)
{
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_labels(set, "ep1", 2);
    set_events(set, "grasp", spans);
    return set;
}

Test(conflict, events_that_were_taken_back_or_added_to_since)
{
    static const double one[] = {0, 1, -1}, two[] = {0, 1, 2, 3, -1}, other[] = {4, 5, -1};
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, grasps(two));
    must_apply(&v, grasps(one));
    v.base = 2;
    cr_assert_eq(versions_apply(&v, grasps(other)), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "1 conflict with what others have committed since v2: 'ep1' has other events "
                     "grasp by anna than in v2, labels.csv: line 2 says");
    must_apply(&v, grasps(one));
    v.base = 3;
    must_apply(&v, grasps(two));
    v.base = 4;
    cr_assert_eq(versions_apply(&v, grasps(NULL)), -EEXIST, "one was added");
    cr_assert_eq(versions_apply(&v, grasps(other)), -EEXIST);
    v.base = 5;
    must_apply(&v, grasps(NULL));
    must_apply(&v, grasps(NULL));
    cr_assert_eq(versions_apply(&v, grasps(one)), -EEXIST, "both are gone");
    done(&v);
}

/* ---- attributes ---- */

static struct changeset *rename_to(const char *name, const char *new_name)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_rename(set, name, new_name, NULL), 0);
    return set;
}

static struct changeset *drop(const char *name)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_drop(set, name, NULL), 0);
    return set;
}

static struct changeset *score(enum value_type type, const char *value)
{
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "score", type, false);
    set_labels(set, "ep1", 2);
    set_value(set, "score", type, value);
    return set;
}

Test(conflict, a_rename_is_found_behind_a_change_of_type)
{
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, score(VALUE_INT, "1"));
    must_apply(&v, rename_to("score", "points"));
    struct changeset *wider = labels_by("ben", CHANGESET_OWN);
    set_attribute(wider, "points", VALUE_FLOAT, false);
    set_labels(wider, "ep2", 2);
    set_value(wider, "points", VALUE_FLOAT, "0.5");
    must_apply(&v, wider);
    v.base = 2;
    cr_assert_eq(versions_apply(&v, score(VALUE_INT, "2")), -EEXIST, "%s", v.err.text);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'score' was renamed 'points' by v3, and labels of it were made for v2");
    done(&v);
}

Test(conflict, a_name_that_another_attribute_has_got_since_is_not_its)
{
    static const struct said clips[] = {{"ep1", 1, "ok"}, {0}};
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, labels("ep1", "grade", "a"));
    must_apply(&v, rename_to("grade", "verdict"));
    v.base = 2;
    cr_assert_eq(versions_apply(&v, labels("ep1", "verdict", "b")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'verdict' was made of 'grade' by v3, and labels of it were made for v2");
    v.base = 0;
    must_apply(&v, drop("outcome"));
    must_apply(&v, rename_to("verdict", "outcome"));
    v.base = 3;
    cr_assert_eq(versions_apply(&v, import(clips, true)), -EEXIST);
    cr_assert_str_eq(
        v.err.text,
        "the attribute 'outcome' was made of 'verdict' by v5, and an import of it was made for v3");
    done(&v);
}

Test(conflict, an_attribute_that_has_its_name_again_was_not_renamed)
{
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, rename_to("outcome", "result"));
    must_apply(&v, rename_to("result", "outcome"));
    v.base = 1;
    must_apply(&v, labels("ep1", "grade", "a"));
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "outcome", VALUE_TEXT, false);
    set_labels(set, "ep1", 2);
    set_value(set, "outcome", VALUE_TEXT, "ok");
    must_apply(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"grade\":\"a\",\"outcome\":\"ok\"}\n");
    done(&v);
}

Test(conflict, of_two_that_rename_or_drop_the_same_attribute)
{
    struct versions v;
    init(&v);
    must_apply(&v, rename_to("outcome", "result"));
    must_apply(&v, rename_to("outcome", "result"));
    cr_assert_eq(v.counts.attributes_changed, 0);
    cr_assert_eq(versions_apply(&v, rename_to("outcome", "verdict")), -EEXIST);
    cr_assert_str_eq(
        v.err.text, "the attribute 'outcome' was renamed 'result' by v2, and a change of it was made for v1");
    cr_assert_eq(versions_apply(&v, drop("outcome")), -EEXIST);
    v.base = 3;
    must_apply(&v, drop("result"));
    must_apply(&v, drop("result"));
    cr_assert_eq(v.counts.attributes_changed, 0);
    cr_assert_eq(versions_apply(&v, rename_to("result", "verdict")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'result' was dropped by v4, and a change of it was made for v3");
    done(&v);
}

Test(conflict, nobody_drops_values_of_clips_that_came_since)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep3", 3, "ok"));
    cr_assert_eq(versions_apply(&v, drop("outcome")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'outcome' was to be dropped as of v1, but v2 set values of it");
    v.base = 2; /* what went since is in no drop's way */
    must_apply(&v, removal("ep3"));
    must_apply(&v, drop("outcome"));
    done(&v);
}

Test(conflict, what_was_taken_back_is_in_no_drops_way)
{
    struct versions v;
    init(&v);
    v.base = 0;
    must_apply(&v, labels("ep1", "grade", "a"));
    must_apply(&v, labels("ep1", "grade", NULL));
    v.base = 2;
    must_apply(&v, drop("grade"));
    done(&v);
}

Test(conflict, attributes_that_are_new_in_both_are_one_if_their_types_fit)
{
    struct versions v;
    init(&v);
    static const struct {
        const char *key, *value;
        enum value_type type;
    } said[] = {{"ep1", "1", VALUE_INT}, {"ep2", "0.5", VALUE_FLOAT}};
    for (int i = 0; i < 2; i++) {
        struct changeset *set = labels_by("anna", CHANGESET_OWN);
        set_attribute(set, "score", said[i].type, false);
        set_labels(set, said[i].key, 2);
        set_value(set, "score", said[i].type, said[i].value);
        must_apply(&v, set);
    }
    cr_assert_eq(versions_counts(&v, "score").clips, 2);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"outcome\":\"fail\",\"score\":1}\n");
    cr_assert_eq(versions_apply(&v, labels("ep1", "score", "high")), -EINVAL);
    cr_assert(strstr(v.err.text, "'score' is float in the data set"), "%s", v.err.text);
    done(&v);
}

Test(conflict, an_attribute_that_was_renamed_or_dropped_since_is_not_labelled_by_its_old_name)
{
    struct versions v;
    init(&v);
    struct changeset *rename = changeset_new(), *drop = changeset_new();
    cr_assert_eq(changeset_rename(rename, "outcome", "result", &v.err), 0);
    must_apply(&v, rename);
    cr_assert_eq(versions_apply(&v, labels("ep1", "outcome", "ok")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'outcome' was renamed 'result' by v2, and labels of it were made for v1");
    must_apply(&v, import_one("ep3", 3, "ok")); /* an import means the attribute by any name it had */
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"result\":\"ok\"}\n");
    cr_assert_eq(changeset_drop(drop, "result", &v.err), 0);
    v.base = 3;
    must_apply(&v, drop);
    cr_assert_eq(versions_apply(&v, labels("ep1", "result", "ok")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'result' was dropped by v4, and labels of it were made for v3");
    done(&v);
}

Test(conflict, an_attribute_that_came_and_was_renamed_or_dropped_since_is_not_made_a_second_time)
{
    struct versions v;
    init(&v);
    must_apply(&v, labels("ep1", "mood", "good"));
    must_apply(&v, rename_to("mood", "temper"));
    cr_assert_eq(versions_apply(&v, labels("ep2", "mood", "bad")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'mood' was renamed 'temper' by v3, and labels of it were made for v1");
    struct changeset *drop = changeset_new();
    cr_assert_eq(changeset_drop(drop, "temper", &v.err), 0);
    v.base = 3;
    must_apply(&v, drop), v.base = 1;
    cr_assert_eq(versions_apply(&v, labels("ep2", "temper", "bad")), -EEXIST);
    cr_assert(strstr(v.err.text, "'temper' was dropped by v4, "), "%s", v.err.text);
    done(&v);
}

Test(conflict, what_was_set_since_a_removal_was_made_goes_with_the_clip_and_comes_back_with_it)
{
    struct versions v;
    init(&v);
    must_apply(&v, labels("ep1", "mood", "good"));
    must_apply(&v, removal("ep1"));
    struct changeset *back = import_one("ep1", 1, NULL);
    v.base = 3;
    cr_assert_eq(changeset_labels_of(back, "ep1", NULL), 0);
    must_apply(&v, back);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"mood\":\"good\",\"outcome\":\"fail\"}\n");
    done(&v);
}

Test(conflict, nobody_drops_values_that_were_set_since)
{
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_ALL), *drop = changeset_new();
    set_attribute(set, "outcome", VALUE_TEXT, false);
    set_labels(set, "ep1", 2);
    set_value(set, "outcome", VALUE_TEXT, "ok");
    must_apply(&v, set);
    cr_assert_eq(changeset_drop(drop, "outcome", &v.err), 0);
    cr_assert_eq(versions_apply(&v, drop), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "the attribute 'outcome' was to be dropped as of v1, but v2 set values of it");
    done(&v);
}

static struct changeset *describe(const char *text)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_describe(set, "outcome", text, NULL), 0);
    return set;
}

Test(conflict, of_two_that_describe_the_same_attribute)
{
    struct versions v;
    init(&v);
    must_apply(&v, describe("how it ended"));
    must_apply(&v, describe("how it ended"));
    cr_assert_eq(versions_apply(&v, describe("its end")), -EEXIST);
    cr_assert_str_eq(v.err.text, "the attribute 'outcome' was described by others since v1: how it ended");
    v.base = 2;
    must_apply(&v, describe("its end"));
    done(&v);
}

Test(conflict, a_name_that_means_another_attribute_to_an_import_than_when_it_was_made)
{
    struct versions v;
    init(&v);
    struct changeset *rename = changeset_new(), *drop = changeset_new();
    v.base = 0;
    cr_assert_eq(changeset_rename(rename, "outcome", "result", &v.err), 0);
    must_apply(&v, rename);
    v.base = 2;
    must_apply(&v, labels("ep2", "outcome", "ok")); /* an attribute of its own */
    cr_assert_eq(versions_apply(&v, import_one("ep3", 3, "ok")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "'outcome' meant the attribute 'result' in v2, for which the import was made, "
                     "and another one in v3");
    v.base = 0;
    cr_assert_eq(changeset_drop(drop, "outcome", &v.err), 0);
    must_apply(&v, drop);
    v.base = 4;
    must_apply(&v, labels("ep2", "outcome", "ok"));
    cr_assert_eq(versions_apply(&v, import_one("ep3", 3, "ok")), -EEXIST);
    cr_assert_str_eq(v.err.text,
                     "'outcome' meant a dropped attribute in v4, for which the import was made, and "
                     "another one in v5");
    v.base = 5; /* it is made again */
    must_apply(&v, import_one("ep3", 3, "ok"));
    done(&v);
}

/* ---- imports ---- */

Test(conflict, imports_of_other_clips_both_land)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep3", 3, "ok"));
    must_apply(&v, import_one("ep4", 4, "fail"));
    must_apply(&v, labels("ep1", "grade", "a"));
    cr_assert_eq(v.counts.clips, 4);
    expect_json(&v, "ep4", "{\"key\":\"ep4\",\"outcome\":\"fail\"}\n");
    done(&v);
}

Test(conflict, the_same_import_twice_lands_once)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep3", 3, "ok"));
    must_apply(&v, import_one("ep3", 3, "ok"));
    cr_assert_eq(v.counts.clips_unchanged, 1);
    cr_assert_eq(v.counts.clips_added + v.counts.clips_replaced, 0);
    must_apply(&v, import_one("ep3", 3, NULL)); /* which says nothing of outcomes */
    cr_assert_eq(v.counts.clips_unchanged, 1);
    expect_conflict(&v, import_one("ep3", 3, "fail"),
                    "'ep3' has outcome=ok by import since v2, the import says fail");
    done(&v);
}

Test(conflict, a_key_that_others_gave_to_another_clip)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep3", 3, NULL));
    expect_conflict(&v, import_one("ep3", 4, NULL), "'ep3' was changed by v2");
    done(&v);
}

Test(conflict, a_clip_that_others_replaced_or_removed)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep1", 11, "fail"));
    must_apply(&v, import_one("ep1", 11, "fail"));
    cr_assert_eq(v.counts.clips_unchanged, 1);
    expect_conflict(&v, import_one("ep1", 12, "fail"), "'ep1' was changed by v2");
    expect_conflict(&v, removal("ep1"), "'ep1' was changed by v2");
    must_apply(&v, removal("ep2"));
    must_apply(&v, removal("ep2"));
    cr_assert_eq(v.counts.clips_removed, 0);
    expect_conflict(&v, import_one("ep2", 12, NULL), "'ep2' was removed by v4");
    done(&v);
}

Test(conflict, what_people_said_since_outlives_an_import)
{
    struct versions v;
    init(&v);
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "outcome", VALUE_TEXT, false);
    set_labels(set, "ep1", 2);
    set_value(set, "outcome", VALUE_TEXT, "ok");
    must_apply(&v, set);
    must_apply(&v, import_one("ep1", 11, "fail"));
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"outcome\":\"ok\"}\n");
    done(&v);
}

Test(conflict, content_that_came_under_another_key_is_for_the_import_to_judge)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("a-ep3", 3, NULL));
    cr_assert_eq(versions_apply(&v, import_one("ep3", 3, NULL)), -EREMCHG);
    cr_assert_str_eq(v.err.text, "the clip 'ep3' has the content of 'a-ep3', which v2 has brought");
    v.base = 2; /* it has judged */
    must_apply(&v, import_one("ep3", 3, NULL));
    done(&v);
}

Test(conflict, content_that_another_clip_has_got_since_is_for_the_import_to_judge)
{
    struct versions v;
    init(&v);
    must_apply(&v, import_one("ep1", 3, NULL));
    cr_assert_eq(versions_apply(&v, import_one("ep3", 3, NULL)), -EREMCHG);
    cr_assert_str_eq(v.err.text, "the clip 'ep3' has the content that 'ep1' has got since v1");
    must_apply(&v, import_one("ep3", 1, NULL)); /* that one it knew of */
    done(&v);
}

Test(conflict, a_set_that_was_made_for_nothing_meets_what_came_first)
{
    struct versions v;
    init(&v);
    struct interim *interim = NULL;
    cr_assert_eq(interim_new(NULL, &interim, &v.err), 0);
    cr_assert_eq(interim_take(interim, v.reader, &v.err), 0);
    cr_assert_eq(interim_rows(interim), 0);
    cr_assert_eq(interim_clip(interim, 0), 1);
    cr_assert_eq(interim_clip(interim, 1), 1);
    cr_assert_eq(interim_clip(interim, 2), 0);
    interim_free(interim);
    done(&v);
}
