// SPDX-License-Identifier: Apache-2.0
/* Events of a table, gathered row by row and said clip by clip. One thread at a time. */
#pragma once

#include "tools/import/table_reader.h"
#include "tools/label/annotate.h"

struct label_events;

/* Is a column of this name part of an event? */
bool label_events_has(const char *column);
/* Is this a table of events? *ret is NULL if not. -EINVAL: it is, but has columns that are no part of one. */
int label_events_new(const struct table_reader *table, struct label_events **ret, struct error *err);
void label_events_free(struct label_events *events);

/* Copies the event of a row. -EINVAL with its line: it has no label, one time only, or ends before it starts.
 */
int label_events_add(struct label_events *events, const struct table_reader *table,
                     const struct table_row *row, const char *key, struct error *err);
size_t label_events_count(const struct label_events *events); /* rows added */
/* Says those that are not said yet, clip by clip. `reader`: of the newest version. -EINVAL with its line: one
 * ends more than a frame behind its clip's end, where that is known (label_length.h). */
int label_events_say(struct label_events *events, const struct table_reader *table,
                     struct catalog_reader *reader, struct changeset *set, struct error *err);
