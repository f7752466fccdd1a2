// SPDX-License-Identifier: Apache-2.0
/* A set of labels: only records, events and what is found by them change; rows, streams and keys stay. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/catalog/live.h"
#include "index/commit/apply/apply_conflict.h"
#include "index/commit/apply/apply_growth.h"
#include "index/commit/apply/apply_record.h"

void apply_example(struct apply_examples *examples, const char *format, ...)
{
    char text[300];
    if (examples->count++ >= APPLY_SHOWN)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(&examples->shown, "%s%s", examples->count > 1 ? "; " : "", text);
}

/* ---- places ---- */

static int check_unknown(const struct apply_examples *unknown, struct error *err)
{
    if (!unknown->count)
        return 0;
    return error_set(err, ENOENT, "%s %s not in the data set: %s%s", COUNT(unknown->count, "clip"),
                     unknown->count == 1 ? "is" : "are", buf_text(&unknown->shown),
                     unknown->count > APPLY_SHOWN ? "; ..." : "");
}

struct key_walk {
    struct apply *apply;
    size_t near;
};

static int take_row(void *ctx, const char *key, uint32_t row, struct error *err)
{
    struct key_walk *walk = ctx;
    const struct changeset *set = walk->apply->source.set;
    size_t at = changeset_keys_find(&set->clips, &set->log.bytes, key, &walk->near);
    (void)err;
    if (at == SIZE_MAX)
        return 0;
    struct apply_clip *clip = &walk->apply->identity.clips[at];
    clip->row = row;
    clip->known = true;
    return 0;
}

/* One by one, or all keys there are, where that is less work. */
static int find_keys(struct apply *apply, struct error *err)
{
    enum { FINDS_COST = 4 };
    int rc = 0;
    if ((int64_t)apply->identity.count >= apply->output.rows / FINDS_COST)
        return keys_each(apply->db, take_row, &(struct key_walk){.apply = apply}, err);
    for (size_t i = 0; rc >= 0 && i < apply->identity.count; i++) {
        struct apply_clip *clip = &apply->identity.clips[i];
        const char *key = apply_clip_key(apply, clip);
        rc = keys_find(apply->db, &apply->identity.runs, key, strlen(key), &clip->row, err);
        clip->known = rc == 1;
    }
    return rc < 0 ? rc : 0;
}

static void note_unknown(struct apply *apply, const struct apply_clip *clip, uint32_t removed)
{
    char by[32] = "";
    if (removed)
        snprintf(by, sizeof by, " (removed by v%u)", removed);
    apply_example(&apply->setter.unknown, "%s %llu: '%s'%s", apply->setter.table,
                  apply_clip_place(apply, clip), apply_clip_key(apply, clip), by);
}

static int find_rows(struct apply *apply, struct error *err)
{
    int rc = find_keys(apply, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < apply->identity.count; i++) {
        struct apply_clip *clip = &apply->identity.clips[i];
        uint32_t gone = clip->known ? apply_conflict_clip(apply, clip->row, 0) : 0;
        clip->known = clip->live = clip->known && rowset_contains(apply->identity.live, clip->row);
        if (!clip->known)
            note_unknown(apply, clip, gone);
    }
    return check_unknown(&apply->setter.unknown, err);
}

static int compare_rows(const void *a, const void *b)
{
    const struct apply_clip *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

int apply_label_places(struct apply *apply, struct error *err)
{
    int rc = live_read(apply->db, (uint64_t)apply->source.parent_rows, &apply->identity.live, err);
    if (!rc)
        rc = find_rows(apply, err);
    if (rc)
        return rc;
    bool sorted = true; /* most tables are in the order of their clips */
    for (size_t i = 1; i < apply->identity.count; i++)
        sorted &= apply->identity.clips[i - 1].row < apply->identity.clips[i].row;
    if (!sorted)
        qsort(apply->identity.clips, apply->identity.count, sizeof *apply->identity.clips, compare_rows);
    for (size_t i = 1; i < apply->identity.count; i++)
        if (apply->identity.clips[i - 1].row == apply->identity.clips[i].row)
            return db_damaged(apply->db, err, "two keys have the row %u", apply->identity.clips[i].row);
    return 0;
}

/* ---- events ---- */

/* The setter's of one label. */
struct own_events {
    struct apply_events was;
    size_t again, said; /* of these, and of all that are said */
};

struct step {
    struct apply *apply;
    struct apply_record record;
    struct changeset_reader reader;
    const struct apply_clip *place;
    struct events said;   /* of the labels under way; by label, start and end */
    struct value *labels; /* ascending: what the set says all events of */
    size_t label_count, label_cap;
    struct own_events *own; /* parallel */
    size_t own_cap;
};

static int compare_labels(const void *a, const void *b)
{
    return value_compare(a, b);
}

static int compare_spans(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    int order = value_compare(&x->label, &y->label);
    if (!order)
        order = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
    return order ? order : (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* An old event stays if it is somebody else's, of another label, or said again. */
static int keep_event(struct step *step, const struct event *old, struct error *err)
{
    struct apply *apply = step->apply;
    struct catalog_origin origin;
    int rc = origins_get(apply->db, &apply->source.origins, old->origin, &origin, err);
    if (rc)
        return rc;
    const struct value *label = step->label_count ? bsearch(&old->label, step->labels, step->label_count,
                                                            sizeof *label, compare_labels)
                                                  : NULL;
    bool own = label && !strcmp(origin.setter, apply->setter.name);
    struct own_events *events = own ? &step->own[label - step->labels] : NULL;
    if (own) {
        events->was.count++;
        events->was.newest = origin.version > events->was.newest ? origin.version : events->was.newest;
    }
    if (!own || apply->setter.policy == CHANGESET_MISSING) {
        events_add(&step->record.now_events, old);
        return 0;
    }
    struct event *again = step->said.count ? bsearch(old, step->said.list, step->said.count,
                                                     sizeof *step->said.list, compare_spans)
                                           : NULL;
    if (again)
        again->origin = old->origin;
    events->again += again != NULL;
    return 0;
}

/* Were others there when the set was made? */
static int find_late(struct step *step, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < step->label_count; i++) {
        const struct own_events *own = &step->own[i];
        bool late, stays = step->apply->setter.policy == CHANGESET_MISSING && own->was.count,
                   same = own->was.count == own->said && own->again == own->said;
        if (stays || same)
            continue;
        rc = apply_conflict_events(step->apply, step->place->row, &own->was, &late, err);
        if (!rc && late)
            apply_conflict_add_events(step->apply, step->place, &own->was);
    }
    return rc;
}

/* The labels of all events are the values of an attribute. */
static void say_labels(struct step *step)
{
    struct apply *apply = step->apply;
    struct apply_record *record = &step->record;
    const struct attribute *attribute = &apply->output.attributes.list[apply->output.event_at];
    for (size_t i = 0; i < record->now_events.count; i++) {
        const struct value *label = &record->now_events.list[i].label;
        if (!i || value_compare(&record->now_events.list[i - 1].label, label) != 0)
            record_values_add(&record->said, attribute, label, apply->setter.origin);
    }
    record->says_events = true;
}

static int merge_events(struct step *step, struct error *err)
{
    struct apply_record *record = &step->record;
    if (!step->label_count)
        return 0;
    int rc = 0;
    events_sort(&step->said);
    record->now_events.count = 0;
    mem_grow(&step->own, &step->own_cap, step->label_count, sizeof *step->own);
    for (size_t i = 0; i < step->label_count; i++)
        step->own[i] = (struct own_events){.was.label = &step->labels[i]};
    for (size_t i = 0; !rc && i < record->was_events.count; i++)
        rc = keep_event(step, &record->was_events.list[i], err);
    for (size_t i = 0; !rc && i < step->said.count; i++) {
        const struct event *event = &step->said.list[i];
        const struct value *label =
            bsearch(&event->label, step->labels, step->label_count, sizeof *label, compare_labels);
        struct own_events *own = &step->own[label - step->labels];
        own->said++;
        if (step->apply->setter.policy != CHANGESET_MISSING || !own->was.count)
            events_add(&record->now_events, event);
    }
    if (!rc)
        rc = find_late(step, err);
    events_sort(&record->now_events);
    say_labels(step);
    return rc;
}

/* ---- clips ---- */

static int take(struct step *step, const struct changeset_op *op, struct error *err)
{
    if (op->kind == CHANGESET_VALUE || op->kind == CHANGESET_NONE) {
        int rc = apply_record_say(&step->record, op, err);
        return rc ? error_within(err, rc, "%s %llu", step->apply->setter.table,
                                 apply_clip_place(step->apply, step->place))
                  : 0;
    }
    if (op->kind == CHANGESET_EVENTS) {
        mem_grow(&step->labels, &step->label_cap, step->label_count + 1, sizeof *step->labels);
        step->labels[step->label_count++] =
            (struct value){.type = VALUE_TEXT, .text = op->text, .len = strlen(op->text)};
    } else if (op->kind == CHANGESET_EVENT) {
        struct event event = {step->labels[step->label_count - 1], op->start_ns, op->end_ns,
                              step->apply->setter.origin, NULL};
        events_add(&step->said, &event);
    }
    return 0;
}

static int take_labels(struct step *step, struct error *err)
{
    struct changeset_reader *reader = &step->reader;
    struct changeset_op op;
    int rc = 0;
    step->label_count = step->said.count = 0;
    reader->at = apply_clip_at(step->apply, step->place);
    changeset_next(reader, &op);
    while (!rc && changeset_next(reader, &op) && op.kind != CHANGESET_LABELS)
        rc = take(step, &op, err);
    return rc;
}

static int grow_json(struct step *step, struct error *err)
{
    int64_t bytes;
    int rc = apply_record_growth(&step->record, &bytes, err);
    if (!rc)
        apply_growth_add(step->apply, step->place->row, bytes);
    return rc;
}

static void count_set(struct step *step)
{
    struct apply *apply = step->apply;
    const struct record_values *now = &step->record.now;
    for (size_t i = 0; i < now->count; i++)
        apply->output.counts.values_set += now->list[i].origin == apply->setter.origin &&
                                           !apply_is_event(&apply->output, now->list[i].attribute);
    for (size_t i = 0; i < step->record.now_events.count; i++)
        apply->output.counts.events_set += step->record.now_events.list[i].origin == apply->setter.origin;
}

static int label_clip(struct step *step, struct error *err)
{
    struct apply_record *record = &step->record;
    int rc = apply_record_enter(record, step->place->row, true, err);
    if (!rc)
        rc = take_labels(step, err);
    if (!rc)
        rc = merge_events(step, err);
    if (!rc)
        rc = apply_merge(record, step->place, &record->was, err);
    if (rc)
        return rc;
    if (apply_record_same(record)) {
        step->apply->output.counts.clips_unchanged++;
        return 0;
    }
    step->apply->output.counts.clips_labelled++;
    count_set(step);
    rc = grow_json(step, err);
    return rc ? rc : apply_record_put(record, err);
}

/* All that is not allowed is found before anything is said. */
static int check_taken(const struct apply *apply, struct error *err)
{
    const struct apply_examples *taken = &apply->setter.taken;
    int rc = apply_conflict_check(apply, err);
    if (!rc && taken->count)
        return error_set(err, EEXIST, "%s %s set by others (--overwrite replaces them): %s%s",
                         COUNT(taken->count, "value"), taken->count == 1 ? "was" : "were",
                         buf_text(&taken->shown), taken->count > APPLY_SHOWN ? "; ..." : "");
    return rc;
}

/* What the set cannot change is not read, nor what no clip can have yet. */
static uint32_t *choose_some(const struct apply *apply, struct apply_record *record)
{
    const struct attributes *all = &apply->output.attributes;
    uint32_t *some = mem_alloc((all->count + 1) * sizeof *some);
    for (size_t i = 0; i < all->count; i++) {
        bool events = i == apply->output.event_at;
        bool there = all->list[i].info.id < apply->source.parent_next_attribute;
        if (!apply->source.declared[i] || !there || (events && !apply->source.set->has_events))
            continue;
        some[record->some_count++] = (uint32_t)i;
    }
    record->some_events = apply->source.set->has_events;
    return some;
}

int apply_labels(struct apply *apply, struct error *err)
{
    struct step step = {
        .apply = apply, .reader = CHANGESET_READER(apply->source.set), .record = APPLY_RECORD(apply)};
    CLEANUP_FREE uint32_t *some = choose_some(apply, &step.record);
    int rc = 0;
    step.record.some = some;
    for (size_t i = 0; !rc && i < apply->identity.count; i++) {
        step.place = &apply->identity.clips[i];
        rc = label_clip(&step, err);
    }
    if (!rc)
        rc = check_taken(apply, err);
    if (!rc)
        rc = apply_record_flush(&step.record, err);
    changeset_reader_done(&step.reader);
    apply_record_done(&step.record);
    events_done(&step.said);
    free(step.labels);
    free(step.own);
    return rc;
}
