// SPDX-License-Identifier: Apache-2.0
/* Lists of numbers: kept as they were given, in parts of their own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/base/value_list.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static uint32_t row_of(struct versions *v, const char *key)
{
    uint32_t row;
    cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &v->err), 0, "%s: %s", key,
                 v->err.text);
    return row;
}

/* Checks its length, too: catalog_json() refuses another one than the catalog says. */
static void expect_json(struct versions *v, const char *key, const char *expected)
{
    struct buf json = BUF_INIT;
    cr_assert_eq(catalog_json(v->reader, row_of(v, key), &json, &v->err), 0, "%s", v->err.text);
    cr_assert_str_eq(buf_text(&json), expected);
    buf_done(&json);
}

static struct catalog_attribute attribute_of(struct versions *v, const char *name)
{
    struct catalog_attribute attribute;
    cr_assert_eq(catalog_attribute_find(v->reader, name, strlen(name), &attribute, &v->err), 0, "%s",
                 v->err.text);
    return attribute;
}

static uint64_t count_of(struct versions *v, const char *name, enum catalog_op op)
{
    struct catalog_literal literal = {.attribute = attribute_of(v, name).id, .op = op};
    struct rowset *rows;
    uint64_t guess;
    cr_assert_eq(catalog_select(v->reader, &literal, &rows, &v->err), 0, "%s", v->err.text);
    cr_assert_eq(catalog_estimate(v->reader, &literal, &guess, &v->err), 0, "%s", v->err.text);
    uint64_t count = rowset_count(rows);
    cr_assert_eq(guess, count);
    rowset_unref(rows);
    return count;
}

static void apply_to(struct versions *v, struct changeset *set)
{
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void give(struct changeset *set, const char *key, int content, const char *box)
{
    set_clip(set, key, content);
    if (box)
        set_value(set, "box", VALUE_LIST, box);
}

/* Of the import: ep1 [3,1,3], ep2 [], ep3 none. */
static void make(struct versions *v)
{
    struct changeset *set = changeset_new();
    versions_init(v);
    set_attribute(set, "box", VALUE_LIST, false);
    give(set, "ep1", 1, "[3,1,3]");
    give(set, "ep2", 2, "[]");
    give(set, "ep3", 3, NULL);
    apply_to(v, set);
}

static struct changeset *labels(const char *key, const char *name, enum value_type type, const char *text)
{
    struct changeset *set = labels_by("net", CHANGESET_ALL);
    set_attribute(set, name, type, false);
    set_labels(set, key, 1);
    set_value(set, name, type, text);
    return set;
}

Test(lists, a_list_is_what_was_given_and_found_only_by_being_there)
{
    struct versions v;
    make(&v);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"box\":[3,1,3]}\n");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"box\":[]}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\"}\n");
    cr_assert_eq(attribute_of(&v, "box").type, VALUE_LIST);
    cr_assert_eq(versions_counts(&v, "box").clips, 2);
    cr_assert_eq(count_of(&v, "box", CATALOG_HAS), 2);
    cr_assert_eq(count_of(&v, "box", CATALOG_NULL), 1);
    struct buf room = BUF_INIT;
    struct value list;
    struct rowset *rows;
    cr_assert_eq(value_list_parse("[3,1,3]", 7, &room, &list), 0);
    struct catalog_literal equal = {
        .attribute = attribute_of(&v, "box").id, .op = CATALOG_EQ, .values = &list, .count = 1};
    cr_assert_eq(catalog_select(v.reader, &equal, &rows, &v.err), -EINVAL);
    cr_assert_str_eq(v.err.text, "the lists of 'box' are not compared");
    buf_done(&room);
    versions_done(&v);
    check_leaks();
}

Test(lists, importing_the_same_again_changes_nothing_and_another_order_does)
{
    struct versions v;
    make(&v);
    static const char *const boxes[] = {"[3,1,3]", "[3.0,1,3]", "[1,3,3]"};
    for (size_t i = 0; i < 3; i++) {
        struct changeset *set = changeset_new();
        set_attribute(set, "box", VALUE_LIST, false);
        give(set, "ep1", 1, boxes[i]);
        apply_to(&v, set);
        cr_assert_eq(v.counts.clips_unchanged, i < 2);
        cr_assert_eq(v.counts.clips_replaced, i == 2);
    }
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"box\":[1,3,3]}\n");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"box\":[]}\n");
    versions_done(&v);
    check_leaks();
}

Test(lists, what_others_set_is_not_replaced_unawares_and_an_import_takes_back_its_own)
{
    struct versions v;
    make(&v);
    apply_to(&v, labels("ep3", "box", VALUE_LIST, "[0.5]"));
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "box", VALUE_LIST, false);
    set_labels(set, "ep1", 7);
    set_value(set, "box", VALUE_LIST, "[1]");
    cr_assert_eq(versions_apply(&v, set), -EEXIST);
    cr_assert_str_eq(v.err.text, "1 value was set by others (--overwrite replaces them): "
                                 "'ep1' has box=[3,1,3] by import (v1), labels.csv: line 7 says [1]");
    set = changeset_new();
    set_attribute(set, "box", VALUE_LIST, false);
    give(set, "ep1", 1, NULL);
    give(set, "ep3", 3, NULL);
    apply_to(&v, set);
    cr_assert_eq(v.counts.values_taken, 1);
    expect_json(&v, "ep1", "{\"key\":\"ep1\"}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"box\":[0.5]}\n");
    set = labels_by("net", CHANGESET_OWN);
    set_attribute(set, "box", VALUE_LIST, false);
    set_labels(set, "ep3", 1);
    cr_assert_eq(changeset_none(set, "box", &v.err), 0);
    apply_to(&v, set);
    expect_json(&v, "ep3", "{\"key\":\"ep3\"}\n");
    cr_assert_eq(count_of(&v, "box", CATALOG_HAS), 1);
    versions_done(&v);
    check_leaks();
}

/* A statement's only number. */
static int64_t ask_sql(struct versions *v, const char *sql, int flags)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char *path = versions_path(v, v->head);
    cr_assert_eq(sqlite3_open_v2(path, &db, flags, NULL), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    int64_t number = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    free(path);
    return number;
}

Test(lists, another_label_neither_reads_nor_writes_them)
{
    struct versions v;
    make(&v);
    ask_sql(&v, "UPDATE list SET records = x'00'", SQLITE_OPEN_READWRITE); /* who reads it fails */
    apply_to(&v, labels("ep1", "grade", VALUE_INT, "5"));
    cr_assert_eq(ask_sql(&v, "SELECT COUNT(*) FROM list WHERE records = x'00'", SQLITE_OPEN_READONLY), 1);
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_drop(set, "grade", &v.err), 0);
    apply_to(&v, set);
    struct buf json = BUF_INIT;
    cr_assert_eq(catalog_json(v.reader, row_of(&v, "ep1"), &json, &v.err), -EUCLEAN);
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(lists, a_catalog_that_lost_one_is_damaged)
{
    struct versions v;
    make(&v);
    ask_sql(&v, "DELETE FROM list", SQLITE_OPEN_READWRITE);
    struct buf json = BUF_INIT;
    cr_assert_eq(catalog_json(v.reader, row_of(&v, "ep1"), &json, &v.err), -EUCLEAN);
    cr_assert(strstr(v.err.text, "the list 'box' of the clip in row 0 is missing"), "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, labels("ep1", "box", VALUE_LIST, "[1]")), -EUCLEAN);
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(lists, they_go_with_their_content_and_with_their_clip)
{
    struct versions v;
    make(&v);
    apply_to(&v, labels("ep1", "joints", VALUE_LIST, "[1.5]"));
    apply_to(&v, labels("ep3", "joints", VALUE_LIST, "[3.5]"));
    struct changeset *set = changeset_new(); /* 1 and 3 swap their keys, 2 goes */
    set_attribute(set, "box", VALUE_LIST, false);
    give(set, "ep1", 3, NULL);
    cr_assert_eq(changeset_labels_of(set, "ep3", &v.err), 0);
    give(set, "ep3", 1, "[3,1,3]");
    cr_assert_eq(changeset_labels_of(set, "ep1", &v.err), 0);
    cr_assert_eq(changeset_remove(set, "ep2", &v.err), 0);
    apply_to(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"joints\":[3.5]}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"box\":[3,1,3],\"joints\":[1.5]}\n");
    cr_assert_eq(versions_counts(&v, "box").clips, 1);
    set = changeset_new();
    give(set, "ep2", 2, NULL);
    apply_to(&v, set);
    expect_json(&v, "ep2", "{\"key\":\"ep2\"}\n");
    versions_done(&v);
    check_leaks();
}

Test(lists, their_attribute_is_renamed_dropped_and_made_text)
{
    struct versions v;
    make(&v);
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_rename(set, "box", "crop", &v.err), 0);
    apply_to(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"crop\":[3,1,3]}\n");
    apply_to(&v, labels("ep3", "crop", VALUE_LIST, "[0.5,null]"));
    set = changeset_new();
    cr_assert_eq(changeset_to_text(set, "crop", &v.err), 0);
    apply_to(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"crop\":\"[3,1,3]\"}\n");
    expect_json(&v, "ep2", "{\"key\":\"ep2\",\"crop\":\"[]\"}\n");
    expect_json(&v, "ep3", "{\"key\":\"ep3\",\"crop\":\"[0.5,null]\"}\n");
    cr_assert_eq(ask_sql(&v, "SELECT COUNT(*) FROM list", SQLITE_OPEN_READONLY), 0);
    apply_to(&v, labels("ep1", "joints", VALUE_LIST, "[1,2]"));
    set = changeset_new();
    cr_assert_eq(changeset_drop(set, "joints", &v.err), 0);
    apply_to(&v, set);
    expect_json(&v, "ep1", "{\"key\":\"ep1\",\"crop\":\"[3,1,3]\"}\n");
    cr_assert_eq(ask_sql(&v, "SELECT COUNT(*) FROM list", SQLITE_OPEN_READONLY), 0);
    versions_done(&v);
    check_leaks();
}

Test(lists, one_that_is_too_long_for_a_text_stays_a_list)
{
    struct versions v;
    struct buf text = BUF_INIT;
    versions_init(&v);
    struct changeset *set = changeset_new();
    for (int i = 0; i < VALUE_LIST_MAX; i++)
        buf_text_append(&text, i ? ",7" : "[7");
    buf_u8(&text, ']');
    set_attribute(set, "box", VALUE_LIST, false);
    give(set, "ep1", 1, buf_text(&text));
    apply_to(&v, set);
    set = changeset_new();
    cr_assert_eq(changeset_to_text(set, "box", &v.err), 0);
    cr_assert_eq(versions_apply(&v, set), -EINVAL);
    cr_assert(strstr(v.err.text, "a list of 'box' is too long for a text"), "%s", v.err.text);
    cr_assert_eq(attribute_of(&v, "box").type, VALUE_LIST);
    buf_done(&text);
    versions_done(&v);
    check_leaks();
}

Test(lists, no_list_comes_of_a_number_and_no_number_of_a_list)
{
    struct versions v;
    make(&v);
    cr_assert_eq(versions_apply(&v, labels("ep1", "box", VALUE_INT, "3")), -EINVAL);
    cr_assert_str_eq(v.err.text, "the attribute 'box' is list in the data set and integer in the import "
                                 "(--type 'box=text' makes texts of all in it)");
    versions_done(&v);
    check_leaks();
}

/* ---- a model ---- */

enum { CLIPS = 300, NAMES = 3, TEXT_BYTES = 200 };
static const char *const names[NAMES] = {"box", "joints", "scores"};

struct model {
    bool live;
    int content;
    char lists[NAMES][TEXT_BYTES]; /* as JSON; "": none */
    bool by_net[NAMES];
};

static unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

static void random_list(uint64_t *seed, char *text)
{
    static const char *const numbers[] = {"0", "1", "1", "-3", "0.25", "null", "9007199254740993", "1e+300"};
    unsigned count = next_random(seed) % 12;
    strcpy(text, "[");
    for (unsigned i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%s", i ? "," : "", numbers[next_random(seed) % 8]);
    strcat(text, "]");
}

static char *key_of(int i, char key[16])
{
    snprintf(key, 16, "ep%03d", i);
    return key;
}

/* An import of some clips: what it says stands but for what the net said, what it does not say is taken back.
 */
static struct changeset *model_import(struct model *model, uint64_t *seed)
{
    struct changeset *set = changeset_new();
    char key[16];
    for (int n = 0; n < NAMES; n++)
        set_attribute(set, names[n], VALUE_LIST, false);
    for (int i = 0; i < CLIPS; i++) {
        struct model *clip = &model[i];
        if (next_random(seed) % 4)
            continue;
        set_clip(set, key_of(i, key), clip->content += next_random(seed) % 5 == 0 ? 1000 : 0);
        for (int n = 0; n < NAMES; n++) {
            char text[TEXT_BYTES] = "";
            if (next_random(seed) % 3)
                random_list(seed, text), set_value(set, names[n], VALUE_LIST, text);
            if (!clip->by_net[n])
                strcpy(clip->lists[n], text);
        }
        clip->live = true;
    }
    return set;
}

static struct changeset *model_label(struct model *model, uint64_t *seed)
{
    struct changeset *set = labels_by("net", CHANGESET_ALL);
    char key[16];
    int n = (int)(next_random(seed) % NAMES);
    set_attribute(set, names[n], VALUE_LIST, false);
    for (int i = CLIPS - 1; i >= 0; i--) {
        struct model *clip = &model[i];
        if (!clip->live || next_random(seed) % 7)
            continue;
        set_labels(set, key_of(i, key), (uint64_t)i);
        if (next_random(seed) % 5) {
            char text[TEXT_BYTES];
            random_list(seed, text);
            set_value(set, names[n], VALUE_LIST, text);
            clip->by_net[n] |= strcmp(clip->lists[n], text) != 0; /* else it is still who said it first */
            strcpy(clip->lists[n], text);
        } else {
            cr_assert_eq(changeset_none(set, names[n], NULL), 0);
            clip->by_net[n] = false;
            *clip->lists[n] = 0;
        }
    }
    return set;
}

static struct changeset *model_remove(struct model *model, uint64_t *seed)
{
    struct changeset *set = changeset_new();
    char key[16];
    for (int i = 0; i < CLIPS; i++) {
        struct model *clip = &model[i];
        if (!clip->live || next_random(seed) % 20)
            continue;
        cr_assert_eq(changeset_remove(set, key_of(i, key), NULL), 0);
        *clip = (struct model){.content = clip->content};
    }
    return set;
}

static void check_model(struct versions *v, const struct model *model, uint64_t seed)
{
    uint64_t has[NAMES] = {0};
    char key[16];
    struct buf expected = BUF_INIT, json = BUF_INIT;
    for (int i = 0; i < CLIPS; i++) {
        const struct model *clip = &model[i];
        uint32_t row;
        int rc = catalog_clip_find(v->reader, key_of(i, key), 5, &row, &v->err);
        cr_assert_eq(!rc, clip->live, "seed %llu: %s", (unsigned long long)seed, key);
        if (rc)
            continue;
        buf_clear(&expected), buf_clear(&json);
        buf_printf(&expected, "{\"key\":\"%s\"", key);
        for (int n = 0; n < NAMES; n++) {
            if (*clip->lists[n])
                buf_printf(&expected, ",\"%s\":%s", names[n], clip->lists[n]);
            has[n] += *clip->lists[n] != 0;
        }
        buf_text_append(&expected, "}\n");
        cr_assert_eq(catalog_json(v->reader, row, &json, &v->err), 0, "seed %llu: %s",
                     (unsigned long long)seed, v->err.text);
        cr_assert_str_eq(buf_text(&json), buf_text(&expected), "seed %llu", (unsigned long long)seed);
    }
    for (int n = 0; n < NAMES; n++) {
        cr_assert_eq(versions_counts(v, names[n]).clips, has[n], "seed %llu", (unsigned long long)seed);
        cr_assert_eq(count_of(v, names[n], CATALOG_HAS), has[n]);
    }
    buf_done(&expected), buf_done(&json);
}

Test(lists, after_each_of_many_random_changes_they_are_where_a_model_has_them)
{
    enum { CHANGES = 40 };
    uint64_t first = test_seed(), seed = first;
    struct versions v;
    struct model *model = mem_zero(CLIPS * sizeof *model);
    for (int i = 0; i < CLIPS; i++)
        model[i].content = i;
    versions_init(&v);
    apply_to(&v, model_import(model, &seed));
    for (int i = 0; i < CHANGES; i++) {
        unsigned what = next_random(&seed) % 4;
        apply_to(&v, what == 0   ? model_remove(model, &seed)
                     : what == 1 ? model_import(model, &seed)
                                 : model_label(model, &seed));
        check_model(&v, model, first);
    }
    free(model);
    versions_done(&v);
    check_leaks();
}
