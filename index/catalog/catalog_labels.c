// SPDX-License-Identifier: Apache-2.0
/* What people and models said of a clip, and who it was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/reader.h"

int reader_events(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    int rc = record_group_read(reader->db, row, &reader->event_group, err);
    if (!rc)
        rc = events_decode(reader->db, row, record_of(&reader->event_group, row), &reader->events, err);
    for (size_t i = 0; !rc && i < reader->events.count; i++) {
        struct event *event = &reader->events.list[i];
        struct catalog_origin origin;
        rc = origins_get(reader->db, &reader->origins, event->origin, &origin, err);
        event->setter = rc ? NULL : origin.setter;
    }
    return rc;
}

int catalog_blame(struct catalog_reader *reader, uint32_t row, catalog_blame_fn *each, void *ctx,
                  struct error *err)
{
    int rc = reader_values(reader, row, err);
    for (size_t i = 0; !rc && i < reader->values.count; i++) {
        const struct record_value *value = &reader->values.list[i];
        struct catalog_origin origin;
        if (!strcmp(value->attribute->info.name, EVENT_ATTRIBUTE))
            continue;
        rc = origins_get(reader->db, &reader->origins, value->origin, &origin, err);
        if (!rc)
            rc = each(ctx, &value->attribute->info, &value->value, &origin, err);
    }
    return rc;
}

int catalog_events(struct catalog_reader *reader, uint32_t row, catalog_event_fn *each, void *ctx,
                   struct error *err)
{
    int rc = reader_values(reader, row, err); /* which checks that there is such a clip */
    if (!rc)
        rc = reader_events(reader, row, err);
    for (size_t i = 0; !rc && i < reader->events.count; i++) {
        const struct event *event = &reader->events.list[i];
        struct catalog_event shown = {event->label, event->start_ns, event->end_ns, {0}};
        rc = origins_get(reader->db, &reader->origins, event->origin, &shown.origin, err);
        if (!rc)
            rc = each(ctx, &shown, err);
    }
    return rc;
}

int catalog_description(struct catalog_reader *reader, uint32_t attribute, struct buf *buf, struct error *err)
{
    sqlite3_stmt *stmt;
    const char *text;
    int rc = db_query(reader->db, QUERY_DESCRIPTION, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute);
    rc = db_step(reader->db, stmt, err);
    if (rc == 1 && !(rc = db_column_text(reader->db, stmt, 0, &text, err)))
        buf_text_append(buf, text);
    sqlite3_reset(stmt);
    return rc;
}
