// SPDX-License-Identifier: Apache-2.0
/* Rows come in any order; a change set wants those of a clip together, by label. */
#include "tools/label/label_events.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/strmap.h"
#include "tools/label/label_columns.h"
#include "tools/label/label_length.h"

enum part { LABEL, START, END, PARTS };

struct label_event {
    const char *key, *label; /* owned by the maps */
    int64_t start_ns, end_ns;
    bool none; /* the clip has no event of this label */
    bool said; /* in an earlier set, and again when more of its clip comes: a set replaces what it names */
    uint64_t place;
};

struct label_events {
    size_t columns[PARTS];
    struct strmap *texts; /* keys and labels: there are many fewer than events */
    struct label_event *list;
    size_t count, cap;
    size_t fresh;     /* not yet said */
    struct buf label; /* of the row under way */
};

/* ---- columns ---- */

static const char *const part_names[PARTS][2] = {
    [LABEL] = {"label", "event"}, [START] = {"start", "start_s"}, [END] = {"end", "end_s"}};

bool label_events_has(const char *column)
{
    bool has = false;
    for (int k = 0; k < PARTS; k++)
        has |= !strcmp(column, part_names[k][0]) || !strcmp(column, part_names[k][1]);
    return has;
}

static bool find_part(const struct table_reader *table, enum part part, size_t *ret)
{
    return table_reader_find(table, part_names[part][0], ret) ||
           table_reader_find(table, part_names[part][1], ret);
}

static int check_columns(const struct label_events *events, const struct table_reader *table,
                         struct error *err)
{
    for (size_t i = 0; i < table_reader_columns(table); i++) {
        bool part = false;
        for (int k = 0; k < PARTS; k++)
            part |= events->columns[k] == i;
        if (!part && !label_columns_is_key(table_reader_column(table, i)))
            return table_reader_fail(table, table_reader_header(table), err,
                                     "a table of events has key, label, start and end, but no column '%s'",
                                     table_reader_column(table, i));
    }
    return 0;
}

/* A label with one time only would become two attributes, which nobody means. */
static int check_half(const struct table_reader *table, const bool has[PARTS], struct error *err)
{
    if (!has[LABEL] || has[START] == has[END])
        return 0;
    return table_reader_fail(table, table_reader_header(table), err,
                             "events need columns key, label, start and end: there is no '%s'",
                             has[START] ? "end" : "start");
}

/* frame_start, start.s: is one of its words this one? */
static bool has_word(const char *column, const char *const words[2])
{
    for (const char *at = column; *at; at += strspn(at, "_. ")) {
        size_t len = strcspn(at, "_. ");
        for (int i = 0; i < 2; i++)
            if (len == strlen(words[i]) && !strncasecmp(at, words[i], len))
                return true;
        at += len;
    }
    return false;
}

static const char *find_word(const struct table_reader *table, const char *const words[2])
{
    for (size_t i = 0; i < table_reader_columns(table); i++)
        if (has_word(table_reader_column(table, i), words))
            return table_reader_column(table, i);
    return NULL;
}

/* Nor does anybody mean a label and the numbers of two frames. */
static int check_units(const struct table_reader *table, struct error *err)
{
    static const char *const starts[2] = {"start", "begin"}, *const ends[2] = {"end", "stop"};
    const char *start = find_word(table, starts), *end = find_word(table, ends);
    if (!start || !end)
        return 0;
    return table_reader_fail(table, table_reader_header(table), err,
                             "events need columns key, label, start and end, in seconds or with a unit: "
                             "'%s' and '%s' are none of these",
                             start, end);
}

int label_events_new(const struct table_reader *table, struct label_events **ret, struct error *err)
{
    struct label_events found = {0};
    bool has[PARTS], all = true;
    *ret = NULL;
    for (int part = 0; part < PARTS; part++) {
        has[part] = find_part(table, (enum part)part, &found.columns[part]);
        all &= has[part];
    }
    if (has[LABEL] && !has[START] && !has[END])
        return check_units(table, err);
    if (!all)
        return check_half(table, has, err);
    int rc = check_columns(&found, table, err);
    if (rc)
        return rc;
    *ret = MEM_NEW(struct label_events);
    **ret = found;
    (*ret)->texts = strmap_new();
    return 0;
}

void label_events_free(struct label_events *events)
{
    if (!events)
        return;
    strmap_free(events->texts);
    free(events->list);
    buf_done(&events->label);
    free(events);
}

/* ---- rows ---- */

/* Seconds, or a text with a unit. */
static int parse_time(const struct value *value, int64_t *ret, struct error *err)
{
    enum { SECOND = 1000000000 };
    struct value duration;
    int rc;
    switch (value->type) {
    case VALUE_INT:
        return __builtin_mul_overflow(value->integer, SECOND, ret)
                   ? error_set(err, EINVAL, "%lld s is too long", (long long)value->integer)
                   : 0;
    case VALUE_FLOAT:
        if (!(fabs(value->real) < (double)(INT64_MAX / SECOND)))
            return error_set(err, EINVAL, "%g s is too long", value->real);
        *ret = llround(value->real * SECOND);
        return 0;
    case VALUE_DURATION:
        *ret = value->integer;
        return 0;
    case VALUE_TEXT:
        rc = value_parse(VALUE_DURATION, value->text, value->len, &duration, err);
        *ret = rc ? 0 : duration.integer;
        return rc;
    default:
        return error_set(err, EINVAL, "a %s is no time of a clip", value_type_name(value->type));
    }
}

static const struct value *cell_value(const struct label_events *events, const struct table_row *row,
                                      enum part part)
{
    const struct table_cell *cell =
        events->columns[part] < row->count ? &row->cells[events->columns[part]] : NULL;
    return cell && cell->count == 1 ? &cell->values[0].value : NULL;
}

static int read_times(const struct label_events *events, const struct table_row *row,
                      struct label_event *event, struct error *err)
{
    const struct value *start = cell_value(events, row, START), *end = cell_value(events, row, END);
    event->none = !start && !end;
    if (event->none)
        return 0;
    if (!start || !end)
        return error_set(err, EINVAL, "the event has %s but no %s", start ? "a start" : "an end",
                         start ? "end" : "start");
    int rc = parse_time(start, &event->start_ns, err);
    if (!rc)
        rc = parse_time(end, &event->end_ns, err);
    if (rc)
        return rc;
    if (event->start_ns < 0)
        return error_set(err, EINVAL, "the event starts before the clip");
    return event->end_ns < event->start_ns ? error_set(err, EINVAL, "the event ends before it starts") : 0;
}

/* Rows of a clip tend to stand together. */
static const char *keep_key(struct label_events *events, const char *key)
{
    const char *before = events->count ? events->list[events->count - 1].key : NULL;
    return before && !strcmp(before, key) ? before : strmap_put(events->texts, key, strlen(key), NULL)->key;
}

int label_events_add(struct label_events *events, const struct table_reader *table,
                     const struct table_row *row, const char *key, struct error *err)
{
    struct buf *label = &events->label;
    struct label_event event = {.place = row->place};
    const struct value *text = cell_value(events, row, LABEL);
    int rc = row->count == table_reader_columns(table) ? check_columns(events, table, err) : 0;
    if (rc)
        return rc;
    buf_clear(label);
    if (text)
        value_print(label, text);
    rc = label->len ? read_times(events, row, &event, err) : error_set(err, EINVAL, "the event has no label");
    if (rc)
        return table_reader_prefix(table, row->place, SIZE_MAX, err);
    event.key = keep_key(events, key);
    event.label = strmap_put(events->texts, buf_text(label), label->len, NULL)->key;
    mem_grow(&events->list, &events->cap, events->count + 1, sizeof *events->list);
    events->list[events->count++] = event;
    events->fresh++;
    return 0;
}

size_t label_events_count(const struct label_events *events)
{
    return events->fresh;
}

/* ---- saying ---- */

static int compare_events(const void *a, const void *b)
{
    const struct label_event *x = a, *y = b;
    int order = x->key == y->key ? 0 : strcmp(x->key, y->key);
    if (!order)
        order = x->label == y->label ? 0 : strcmp(x->label, y->label);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Where the clip's events end that begin at `first`; *ret_fresh: some were not said yet. */
static size_t clip_end(const struct label_events *events, size_t first, bool *ret_fresh)
{
    size_t end = first;
    *ret_fresh = false;
    for (; end < events->count && events->list[end].key == events->list[first].key; end++)
        *ret_fresh |= !events->list[end].said;
    return end;
}

static int check_length(const struct label_event *event, const struct label_length *length,
                        const struct table_reader *table, struct error *err)
{
    int64_t beyond_ns = event->none || length->length_ns < 0 ? 0 : event->end_ns - length->length_ns;
    if (beyond_ns <= length->frame_ns)
        return 0;
    return table_reader_fail(table, event->place, err,
                             "the event '%s' ends at %.4g s, but the clip '%s' is %.4g s long", event->label,
                             (double)event->end_ns / 1e9, event->key, (double)length->length_ns / 1e9);
}

int label_events_say(struct label_events *events, const struct table_reader *table,
                     struct catalog_reader *reader, struct changeset *set, struct error *err)
{
    struct label_length length = {0};
    struct label_lengths lengths;
    const struct label_event *before = NULL;
    size_t end = 0;
    bool fresh = false;
    int rc = label_lengths_find(reader, &lengths, err);
    bool sorted = true; /* most tables are in the order of their clips */
    for (size_t i = 1; sorted && i < events->count; i++)
        sorted = compare_events(&events->list[i - 1], &events->list[i]) < 0;
    if (!sorted)
        qsort(events->list, events->count, sizeof *events->list, compare_events);
    for (size_t i = 0; !rc && i < events->count; before = &events->list[i++]) {
        struct label_event *event = &events->list[i];
        if (i == end)
            end = clip_end(events, i, &fresh);
        if (!fresh)
            continue;
        event->said = true;
        bool new_clip = !before || before->key != event->key;
        if (new_clip)
            rc = label_length_of(reader, &lengths, event->key, &length, err);
        if (!rc)
            rc = check_length(event, &length, table, err);
        if (!rc && new_clip)
            rc = changeset_labels(set, event->key, event->place, err);
        if (!rc && (new_clip || before->label != event->label))
            rc = changeset_events(set, event->label, err);
        if (!rc && !event->none)
            rc = changeset_event(set, event->start_ns, event->end_ns, err);
    }
    events->fresh = 0;
    return rc;
}
