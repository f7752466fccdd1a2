// SPDX-License-Identifier: Apache-2.0
/*
 * Events are sorted once, encoded in that order, and decoded into a list that grows; the order is checked
 * again there.
 */
#include "index/catalog/event.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

enum { EVENTS_MAX = 1 << 24 }; /* a clip */

void events_done(struct events *events)
{
    free(events->list);
    *events = (struct events){0};
}

void events_add(struct events *events, const struct event *event)
{
    mem_grow(&events->list, &events->cap, events->count + 1, sizeof *events->list);
    events->list[events->count++] = *event;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    int order = value_compare(&x->label, &y->label);
    if (!order)
        order = compare_numbers(x->start_ns, y->start_ns);
    if (!order)
        order = compare_numbers(x->end_ns, y->end_ns);
    return order ? order : compare_numbers(x->origin, y->origin);
}

static bool is_sorted(const struct events *events)
{
    for (size_t i = 1; i < events->count; i++)
        if (compare_events(&events->list[i - 1], &events->list[i]) >= 0)
            return false;
    return true;
}

void events_sort(struct events *events)
{
    size_t kept = 0;
    if (is_sorted(events))
        return;
    qsort(events->list, events->count, sizeof *events->list, compare_events);
    for (size_t i = 0; i < events->count; i++)
        if (!kept || compare_events(&events->list[kept - 1], &events->list[i]) != 0)
            events->list[kept++] = events->list[i];
    events->count = kept;
}

static bool decode(struct cursor *c, struct events *events)
{
    struct event event = {0};
    value_decode(c, VALUE_TEXT, &event.label);
    event.start_ns = value_decode_signed(c);
    uint64_t length = cursor_varint(c), origin = cursor_varint(c);
    event.origin = (uint32_t)origin;
    if (c->failed || origin >= SCHEMA_ORIGINS_MAX || event.start_ns < 0 || length > INT64_MAX ||
        __builtin_add_overflow(event.start_ns, (int64_t)length, &event.end_ns) ||
        (events->count && compare_events(&events->list[events->count - 1], &event) >= 0))
        return false;
    events_add(events, &event);
    return true;
}

int events_decode(struct db *db, uint32_t row, struct cursor record, struct events *events, struct error *err)
{
    events->count = 0;
    while (cursor_left(&record))
        if (events->count == EVENTS_MAX || !decode(&record, events))
            return db_damaged(db, err, "the events of row %u are not in order", row);
    return 0;
}

void events_encode(const struct events *events, struct buf *buf)
{
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->list[i];
        value_encode(buf, &event->label);
        value_encode_signed(buf, event->start_ns);
        buf_varint(buf, (uint64_t)(event->end_ns - event->start_ns));
        buf_varint(buf, event->origin);
    }
}

void events_print_json(const struct events *events, struct buf *buf)
{
    buf_u8(buf, '[');
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->list[i];
        struct value start = {.type = VALUE_DURATION, .integer = event->start_ns},
                     end = {.type = VALUE_DURATION, .integer = event->end_ns};
        buf_text_append(buf, i ? ",{\"label\":" : "{\"label\":");
        value_print_json(buf, &event->label);
        buf_text_append(buf, ",\"start\":");
        value_print_json(buf, &start);
        buf_text_append(buf, ",\"end\":");
        value_print_json(buf, &end);
        buf_text_append(buf, ",\"by\":");
        json_write_text(buf, event->setter, strlen(event->setter));
        buf_u8(buf, '}');
    }
    buf_u8(buf, ']');
}
