// SPDX-License-Identifier: Apache-2.0
/*
 * The events of a clip: labelled spans of its own time, by label, start, end and origin. They stand in groups
 * like records (record.h), in a table of their own:
 *
 *     events := (text label, signed start_ns, varint length_ns, varint origin)*
 *
 * The labels of a clip are also the values of its attribute EVENT_ATTRIBUTE, so that clips are found by them.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/catalog/db.h"

#define EVENT_ATTRIBUTE "event" /* no name that an import or a person can give an attribute */
static inline bool event_is_of(const char name[256]) /* the name of an attribute */
{
    return !memcmp(name, EVENT_ATTRIBUTE, sizeof EVENT_ATTRIBUTE);
}

struct event {
    struct value label;       /* a text; borrowed */
    int64_t start_ns, end_ns; /* from the clip's start; 0 <= start <= end */
    uint32_t origin;
    const char *setter; /* who that is, once somebody has asked; borrowed */
};
struct events {
    struct event *list;
    size_t count, cap;
};
#define CLEANUP_EVENTS CLEANUP(events_done)
void events_done(struct events *events);
void events_add(struct events *events, const struct event *event);
/* By label, start, end and origin; doubles of one origin are dropped. */
void events_sort(struct events *events);

/* All events of a clip into `events` (which is emptied). Order and spans are checked; -EUCLEAN. */
int events_decode(struct db *db, uint32_t row, struct cursor record, struct events *events,
                  struct error *err);
void events_encode(const struct events *events, struct buf *buf); /* sorted ones; appends */
/* Appends [{"label":...,"start":seconds,"end":seconds,"by":...},...]; setters must be known. */
void events_print_json(const struct events *events, struct buf *buf);
