// SPDX-License-Identifier: Apache-2.0
/* A clip becomes a row of its own, and one for each value, stream and event. */
#include "tools/export.h"

#include <string.h>

#include "index/base/clip.h"
#include "index/base/name.h"
#include "tools/progress.h"

struct export
{
    struct dataset *dataset;
    struct catalog_reader *reader;
    const struct export_format *format;
    void *tables;
    struct progress *progress;
    struct buf key; /* of the clip that is being written */
    uint64_t clips;
};

static const struct value none = {0};

static struct value text_cell(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .text = text, .len = strlen(text)};
}

static struct value text_or_none(const char *text)
{
    return *text ? text_cell(text) : none;
}

static struct value number_cell(uint64_t number)
{
    return (struct value){.type = VALUE_INT, .integer = (int64_t)number};
}

static struct value time_cell(int64_t ns)
{
    return ns == CLIP_NO_TIME ? none : (struct value){.type = VALUE_TIME, .integer = ns};
}

static struct value duration_cell(int64_t ns)
{
    return (struct value){.type = VALUE_DURATION, .integer = ns};
}

static struct value version_cell(const struct catalog_origin *origin)
{
    return origin->version ? number_cell(origin->version) : none;
}

static struct value key_cell(const struct export *export)
{
    return text_cell(buf_text(&export->key));
}

static int add_row(struct export *export, enum plain_table table, const struct value *cells,
                   struct error *err)
{
    return export->format->add(export->tables, table, cells, err);
}

/* ---- one clip ---- */

static int add_clip_row(struct export *export, uint32_t row, uint32_t *ret_files, struct error *err)
{
    struct catalog_clip clip;
    struct catalog_span span;
    uint64_t bytes = 0;
    int rc = catalog_clip(export->reader, row, &clip, err);
    if (rc)
        return rc;
    uint32_t files = clip.file_count;
    for (uint32_t i = 0; i < files; i++)
        bytes += clip.files[i].size;
    buf_clear(&export->key); /* what a reader lends ends with the next call */
    buf_text_append(&export->key, clip.key);
    rc = catalog_span(export->reader, row, &span, err);
    if (rc)
        return rc;
    const struct value cells[] = {key_cell(export), time_cell(span.t0_ns), time_cell(span.t1_ns),
                                  number_cell(files), number_cell(bytes)};
    *ret_files = files;
    return add_row(export, PLAIN_CLIPS, cells, err);
}

static int add_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                     const struct catalog_origin *origin, struct error *err)
{
    struct export *export = ctx;
    const struct value cells[] = {
        key_cell(export), text_cell(attribute->name), text_cell(value_type_name(attribute->type)),
        *value,           text_cell(origin->setter),  version_cell(origin)};
    return add_row(export, PLAIN_ATTRIBUTES, cells, err);
}

static int add_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct export *export = ctx;
    const struct value cells[] = {key_cell(export),
                                  event->label,
                                  duration_cell(event->start_ns),
                                  duration_cell(event->end_ns),
                                  text_cell(event->origin.setter),
                                  version_cell(&event->origin)};
    return add_row(export, PLAIN_EVENTS, cells, err);
}

static void stream_done(struct catalog_stream *stream)
{
    catalog_stream_done(stream);
}

static int add_stream(struct export *export, uint32_t row, uint32_t number, struct error *err)
{
    struct catalog_stream stream CLEANUP(stream_done) = {0};
    struct catalog_clip clip;
    CLEANUP_BUF struct buf object = BUF_INIT, name = BUF_INIT;
    int rc = catalog_stream(export->reader, row, number, &stream, err);
    if (!rc)
        rc = dataset_stream_source(export->dataset, export->reader, row, number, &object, err);
    if (!rc)
        rc = catalog_clip(export->reader, row, &clip, err);
    if (rc < 0)
        return rc;
    const struct catalog_file *file = &clip.files[number];
    rc = name_file(&name, clip.key, file->name, file->ext, err);
    if (rc < 0)
        return rc;
    const struct value cells[] = {key_cell(export),
                                  text_cell(file->name),
                                  text_cell(file->ext),
                                  text_cell(buf_text(&name)),
                                  number_cell(file->size),
                                  text_or_none(stream.container),
                                  text_or_none(buf_text(&object)),
                                  number_cell(file->changed)};
    return add_row(export, PLAIN_STREAMS, cells, err);
}

static int add_clip(void *ctx, uint32_t row, struct error *err)
{
    struct export *export = ctx;
    uint32_t files = 0;
    int rc = add_clip_row(export, row, &files, err);
    if (!rc)
        rc = catalog_blame(export->reader, row, add_value, export, err);
    if (!rc)
        rc = catalog_events(export->reader, row, add_event, export, err);
    for (uint32_t i = 0; !rc && i < files; i++)
        rc = add_stream(export, row, i, err);
    if (rc)
        return rc;
    export->clips++;
    progress_add(export->progress, 1);
    return 0;
}

/* ---- all of them ---- */

/* A file's path means its clip. */
static int add_place(struct export *export, const struct place *place, struct error *err)
{
    uint64_t expected = 1;
    int rc = place->is_file ? 0 : query_count(place->query, export->reader, &expected, err);
    if (rc)
        return rc;
    export->progress = progress_new("exported", "clips", expected);
    rc = place->is_file
             ? add_clip(export, place->row, err)
             : query_each_clip(place->query, export->reader, CATALOG_COMING_STREAMS, add_clip, export, err);
    progress_free(export->progress);
    return rc;
}

int export_place(const struct session_place *at, const struct export_format *format, const char *file,
                 uint64_t *ret_clips, struct error *err)
{
    struct export export = {.dataset = at->session.dataset, .reader = at->reader, .format = format};
    int rc = format->begin(file, &export.tables, err);
    if (rc)
        return rc;
    rc = add_place(&export, &at->place, err);
    buf_done(&export.key);
    if (!rc)
        rc = format->finish(export.tables, err);
    format->free(export.tables);
    if (!rc)
        *ret_clips = export.clips;
    return rc;
}
