// SPDX-License-Identifier: Apache-2.0
/* A few dozen clips under limits so low that what else takes thousands of clips happens among them. */
#include "tests/catalog/everything.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/evidence.h"

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

static void make(struct versions *v, struct changeset *set)
{
    must(versions_apply(v, set), &v->err);
}

/* With as many runs of hashes as merge when one more comes. */
static void add_runs(struct versions *v)
{
    for (int i = 0; i < 6; i++) {
        char key[16];
        struct changeset *set = changeset_new();
        snprintf(key, sizeof key, "more%d", i);
        set_clip(set, key, 100 + i);
        set_stream(set, "front", key, 100, 900);
        make(v, set);
    }
}

static void change_attributes(struct versions *v)
{
    struct error err;
    struct changeset *set = changeset_new();
    must(changeset_rename(set, "length", "size", &err), &err);
    must(changeset_rename(set, "size", "length", &err), &err);
    must(changeset_describe(set, "length", "in frames", &err), &err);
    changeset_to_text(set, "force", NULL);
    make(v, set);
}

static void remove_one(struct versions *v)
{
    struct error err;
    struct changeset *set = changeset_new();
    must(changeset_remove(set, "ep13", &err), &err);
    make(v, set);
}

/* Limits are small, so that what takes thousands of clips happens: groups of growth, shards, folds. */
void everything_make(struct versions *v, int clips)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.own_rows = limits.open_rows = 1;
    limits.tail_rows = (size_t)clips + 1;
    limits.patched_rows = (size_t)clips / 2;
    limits.sample_groups = 16;
    versions_init(v);
    v->limits = &limits;
    make(v, everything_clips(clips, 1, VALUE_FLOAT));
    change_attributes(v);
    make(v, everything_labels("anna"));
    make(v, everything_clips(clips, 3, VALUE_TEXT));
    limits.own_rows = limits.open_rows = 1000000;
    make(v, everything_labels("lena"));
    remove_one(v);
    add_runs(v);
    v->limits = NULL;
}
