// SPDX-License-Identifier: Apache-2.0
/* A few dozen clips under limits so low that what else takes thousands of clips happens among them. */
#include "tests/catalog/everything.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/evidence.h"
#include "index/commit/changeset_sources.h"

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

static void set_long_stream(struct changeset *set)
{
    struct error err;
    struct slice slice = SLICE_INIT;
    char bytes[300];
    memset(bytes, 'h', sizeof bytes);
    slice_add_inline(&slice, bytes, sizeof bytes);
    struct changeset_stream stream = {"side", "json", "", CHANGESET_NO_OBJECT, &slice};
    must(changeset_stream(set, &stream, &err), &err);
    slice_done(&slice);
}

static uint32_t set_source(struct changeset *set, int print)
{
    struct error err;
    uint32_t source = 0, root = changeset_root(set, "/a/root");
    const char *info = print == 1 ? "{\"fps\": 30}" : "{\"fps\": 10}";
    must(changeset_source_begin(set, root, "arm", &source, &err), &err);
    must(changeset_source_file(set, "README.md", "", 0, &err), &err);
    must(changeset_source_file(set, "meta/info.json", info, strlen(info), &err), &err);
    return source;
}

static void declare(struct changeset *set, enum value_type force)
{
    set_attribute(set, "task", VALUE_TEXT, true);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "force", force, false);
    set_attribute(set, "box", VALUE_LIST, false);
    set_attribute(set, "half", VALUE_BOOL, false);
}

static void set_values(struct changeset *set, int i, int print, enum value_type force)
{
    char text[16];
    snprintf(text, sizeof text, "%d", i * 7 % 40);
    set_value(set, "task", VALUE_TEXT, i % 9 ? "lift" : "push");
    set_value(set, "length", VALUE_INT, text);
    if (i % 3)
        set_value(set, "force", force, "0.25");
    if (i % 4)
        set_value(set, "box", VALUE_LIST, print % 2 ? "[40,10.5,null]" : "[40]");
    if ((uint32_t)i * 2654435761u >> 31) /* who has it cannot be told by a few steps */
        set_value(set, "half", VALUE_BOOL, "true");
}

struct changeset *everything_clips(int clips, int print, enum value_type force)
{
    static const struct evidence seen = {.count = 1, .whole = true, .ranges = {{0, 10000}}};
    struct changeset *set = changeset_new();
    declare(set, force);
    uint32_t source = set_source(set, print);
    for (int i = 0; i < clips; i++) {
        char key[16];
        snprintf(key, sizeof key, "ep%02d", i);
        set_clip(set, key, i + print);
        set_values(set, i, print, force);
        set_stream(set, "front", "a.mp4", 100, 900);
        if (i == 20)
            set_long_stream(set);
        if (!i)
            changeset_table(set, 0, "mp4", "TABLE", 5);
        if (!i)
            changeset_evidence(set, 0, &seen);
        if (!i)
            changeset_extra(set, "extra", 5);
        if (i % 7)
            changeset_of_source(set, source);
    }
    set_clip(set, print == 1 ? "one" : print == 2 ? "two" : "three", clips + print);
    set_value(set, "task", VALUE_TEXT, "push");
    return set;
}

struct changeset *everything_labels(const char *setter)
{
    static const double spans[] = {0.5, 1, 2, 3, -1};
    struct changeset *set = labels_by(setter, CHANGESET_ALL);
    set_attribute(set, "task", VALUE_TEXT, true);
    set_attribute(set, "box", VALUE_LIST, false);
    set_labels(set, "ep00", 1);
    set_value(set, "task", VALUE_TEXT, setter);
    set_value(set, "box", VALUE_LIST, "[]");
    set_events(set, "grasp", spans);
    set_labels(set, "ep40", 2);
    set_events(set, "slip", spans);
    return set;
}

struct changeset *everything_attributes(void)
{
    struct changeset *set = changeset_new();
    changeset_drop(set, "task", NULL);
    changeset_to_text(set, "box", NULL);
    changeset_rename(set, "length", "size", NULL);
    return set;
}

/* As many as there are runs of hashes that merge when one more comes. */
static struct changeset *one_more(unsigned number)
{
    char key[16];
    struct changeset *set = changeset_new();
    snprintf(key, sizeof key, "more%u", number);
    set_clip(set, key, 100 + (int)number);
    set_stream(set, "front", key, 100, 900);
    return set;
}

static struct changeset *change_attributes(void)
{
    struct error err;
    struct changeset *set = changeset_new();
    must(changeset_rename(set, "length", "size", &err), &err);
    must(changeset_rename(set, "size", "length", &err), &err);
    must(changeset_describe(set, "length", "in frames", &err), &err);
    changeset_to_text(set, "force", NULL);
    return set;
}

static struct changeset *remove_one(void)
{
    struct error err;
    struct changeset *set = changeset_new();
    must(changeset_remove(set, "ep13", &err), &err);
    return set;
}

/* Limits are small, so that what takes thousands of clips happens: groups of growth, shards, folds. */
struct changeset *everything_step(int clips, unsigned step, struct apply_limits *ret_limits)
{
    enum { SETS = 6, MORE = 6 };
    *ret_limits = APPLY_LIMITS;
    ret_limits->own_rows = ret_limits->open_rows = step < 4 ? 1 : 1000000;
    ret_limits->tail_rows = (size_t)clips + 1;
    ret_limits->patched_rows = (size_t)clips / 2;
    ret_limits->sample_groups = 16;
    switch (step) {
    case 0:
        return everything_clips(clips, 1, VALUE_FLOAT);
    case 1:
        return change_attributes();
    case 2:
        return everything_labels("anna");
    case 3:
        return everything_clips(clips, 3, VALUE_TEXT);
    case 4:
        return everything_labels("lena");
    case 5:
        return remove_one();
    default:
        return step < SETS + MORE ? one_more(step - SETS) : NULL;
    }
}

void everything_make(struct versions *v, int clips)
{
    struct apply_limits limits;
    struct changeset *set;
    versions_init(v);
    v->limits = &limits;
    for (unsigned step = 0; (set = everything_step(clips, step, &limits)); step++)
        must(versions_apply(v, set), &v->err);
    v->limits = NULL;
}
