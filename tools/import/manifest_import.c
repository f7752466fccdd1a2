// SPDX-License-Identifier: Apache-2.0
/* Rows are kept until all are read, because which columns are streams, and of which type attributes are, only
 * the last row tells. Then: rows -> clips and cuts, objects pinned, cuts made. */
#include "tools/import/manifest_import.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index/base/name.h"
#include "tools/import/known.h"
#include "tools/import/manifest_columns.h"
#include "tools/import/manifest_cut.h"
#include "tools/import/manifest_stream.h"
#include "tools/import/recognise.h"
#include "tools/import/table_attribute.h"

struct importing {
    const struct manifest_import *import;
    struct table_reader *reader;
    struct table_batch *batch;
    struct manifest_columns columns;
    struct manifest_objects *objects;
    size_t *attributes; /* by column */
    struct manifest_cut *cuts;
    size_t cut_count, cut_cap;
    bool plain; /* no object must be read, so clips can be given a window at a time */
};
enum { WINDOW_CLIPS = 1 << 12 };

bool manifest_import_is(const char *source)
{
    struct stat st;
    if (!table_reader_knows(source))
        return false;
    return strstr(source, "://") || stat(source, &st) || !S_ISDIR(st.st_mode);
}

/* ---- one stream of a row ---- */

static int read_stream(struct importing *importing, const struct manifest_stream *stream,
                       struct manifest_cut *cut, struct error *err)
{
    CLEANUP_MANIFEST_STREAM_TEXTS struct manifest_stream_texts texts = {.url = NULL};
    size_t column = cut->column;
    int rc = manifest_stream_read(stream, cut, &texts, &column, err);
    if (!rc)
        rc = manifest_objects_add(importing->objects, texts.url, &cut->object, err);
    if (rc)
        return table_reader_prefix(importing->reader, cut->place, column, err);
    CLEANUP_FREE char *ext =
        manifest_stream_ext(&texts, manifest_objects_name(importing->objects, cut->object));
    cut->ext = drafts_text(importing->import->drafts, ext);
    return 0;
}

static int add_stream(struct importing *importing, size_t stream, const struct manifest_stream *fields,
                      const struct table_kept_row *row, struct error *err)
{
    const char *name = manifest_columns_stream(&importing->columns, stream);
    if (!fields->cells[MANIFEST_URL])
        return table_reader_fail(importing->reader, row->place, err, "the stream '%s' has no url", name);
    CLEANUP_FREE char *escaped_name = manifest_escaped(name);
    mem_grow(&importing->cuts, &importing->cut_cap, importing->cut_count + 1, sizeof *importing->cuts);
    struct manifest_cut *cut = &importing->cuts[importing->cut_count++];
    *cut = (struct manifest_cut){.clip = importing->import->drafts->count - 1,
                                 .stream = drafts_text(importing->import->drafts, escaped_name),
                                 .end_s = HUGE_VAL,
                                 .place = row->place,
                                 .column = fields->cells[MANIFEST_URL]->column};
    int rc = read_stream(importing, fields, cut, err);
    importing->cut_count -= rc != 0;
    return rc;
}

/* ---- one row ---- */

static int add_clip(struct importing *importing, const struct table_kept_row *row, struct draft **ret,
                    struct error *err)
{
    CLEANUP_BUF struct buf raw = BUF_INIT;
    buf_text_append(&raw, importing->import->key_prefix);
    size_t prefix = raw.len;
    for (size_t i = 0; i < row->count; i++)
        if (importing->columns.columns[row->cells[i].column].stream == MANIFEST_KEY &&
            row->cells[i].count == 1)
            value_print(&raw, &row->cells[i].values[0].value);
    if (raw.len == prefix)
        return table_reader_fail(importing->reader, row->place, err, "there is no key");
    CLEANUP_FREE char *key = manifest_escaped(buf_text(&raw));
    CLEANUP_FREE char *source =
        mem_printf("%s: %s %llu", table_reader_name(importing->reader),
                   table_reader_place_name(importing->reader), (unsigned long long)row->place);
    return drafts_clip(importing->import->drafts, key, source, ret, err);
}

/* `streams.front` and `front.url` are two columns for one thing: a row uses one of them. */
static int note_field(const struct importing *importing, const struct table_kept_row *row,
                      const struct table_kept *cell, struct manifest_stream *streams, struct error *err)
{
    const struct manifest_column *column = &importing->columns.columns[cell->column];
    const struct table_kept **to = &streams[column->stream].cells[column->field];
    if (*to)
        return table_reader_fail(importing->reader, row->place, err, "'%s' and '%s' say the same thing",
                                 table_reader_column(importing->reader, (*to)->column),
                                 table_reader_column(importing->reader, cell->column));
    *to = cell;
    return 0;
}

static int set_attribute(const struct importing *importing, const struct table_kept_row *row,
                         const struct table_kept *cell, struct draft *clip, struct error *err)
{
    int rc = table_attribute_set(importing->import->drafts, clip, importing->attributes[cell->column],
                                 table_batch_type(importing->batch, cell->column), cell, err);
    return rc ? table_reader_prefix(importing->reader, row->place, cell->column, err) : 0;
}

static int add_streams(struct importing *importing, const struct table_kept_row *row,
                       const struct manifest_stream *streams, struct error *err)
{
    size_t found = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < strmap_count(importing->columns.streams); i++) {
        bool any = false;
        for (int k = 0; k < MANIFEST_FIELDS; k++)
            any |= streams[i].cells[k] != NULL;
        found += any;
        rc = any ? add_stream(importing, i, &streams[i], row, err) : 0;
    }
    return rc || found ? rc : table_reader_fail(importing->reader, row->place, err, "the clip has no stream");
}

static int add_row(struct importing *importing, const struct table_kept_row *row,
                   struct manifest_stream *streams, struct draft **ret_clip, struct error *err)
{
    struct draft *clip = NULL;
    int rc = add_clip(importing, row, &clip, err);
    *ret_clip = clip;
    memset(streams, 0, strmap_count(importing->columns.streams) * sizeof *streams);
    for (size_t i = 0; !rc && i < row->count; i++) {
        const struct table_kept *cell = &row->cells[i];
        int stream = importing->columns.columns[cell->column].stream;
        if (stream >= 0)
            rc = note_field(importing, row, cell, streams, err);
        else if (stream == MANIFEST_ATTRIBUTE)
            rc = set_attribute(importing, row, cell, clip, err);
    }
    return rc ? rc : add_streams(importing, row, streams, err);
}

/* ---- a first look ---- */

/* Does the clip get two values of it? */
static bool has_several(const struct table_type *type, const struct table_kept *cell)
{
    CLEANUP_BUF struct buf first = BUF_INIT, other = BUF_INIT;
    struct value is, was = {0};
    bool several = false, any = false;
    for (size_t i = 0; i < cell->count && !several; i++) {
        if (table_type_value(type, &cell->values[i], any ? &other : &first, &is, NULL))
            continue;
        several = any && value_compare(&is, &was) != 0;
        was = any ? was : is;
        any = true;
    }
    return several;
}

/* Notes the object, and says whether it must be read. What is wrong with it is said when its clip is made. */
static bool look_at_stream(struct importing *importing, const struct manifest_stream *stream)
{
    CLEANUP_MANIFEST_STREAM_TEXTS struct manifest_stream_texts texts = {.url = NULL};
    struct manifest_cut cut = {.end_s = HUGE_VAL};
    size_t column;
    if (!stream->cells[MANIFEST_URL] || manifest_stream_read(stream, &cut, &texts, &column, NULL) ||
        manifest_objects_add(importing->objects, texts.url, &cut.object, NULL))
        return false;
    CLEANUP_FREE char *ext =
        manifest_stream_ext(&texts, manifest_objects_name(importing->objects, cut.object));
    cut.ext = ext;
    return manifest_cut_scans(&cut);
}

static void look_at_cell(struct importing *importing, const struct table_kept *cell,
                         struct manifest_stream *streams)
{
    const struct manifest_column *column = &importing->columns.columns[cell->column];
    if (column->stream >= 0)
        streams[column->stream].cells[column->field] = cell;
    else if (column->stream == MANIFEST_ATTRIBUTE && cell->count > 1 &&
             has_several(table_batch_type(importing->batch, cell->column), cell))
        importing->import->drafts->attributes[importing->attributes[cell->column]].multi = true;
}

/* What must be known of all rows before the first clip can be given. False: some object must be read, and
 * each once only, so all its clips must be there. */
static bool look_at_rows(struct importing *importing)
{
    size_t count = strmap_count(importing->columns.streams);
    CLEANUP_FREE struct manifest_stream *streams = mem_alloc(count * sizeof *streams);
    struct table_kept_row row;
    bool plain = true;
    while (plain && table_batch_next(importing->batch, &row)) {
        memset(streams, 0, count * sizeof *streams);
        for (size_t i = 0; i < row.count; i++)
            look_at_cell(importing, &row.cells[i], streams);
        for (size_t i = 0; i < count; i++)
            plain &= !look_at_stream(importing, &streams[i]);
    }
    return plain;
}

/* ---- all of it ---- */

static int mention_columns(struct importing *importing, size_t first, size_t end, struct error *err)
{
    int rc = 0;
    for (size_t i = first; !rc && i < end; i++) {
        const char *name = table_reader_column(importing->reader, i);
        struct table_type *type = table_batch_type(importing->batch, i);
        if (!strcmp(name, "key"))
            type->forced = VALUE_TEXT;
        else
            rc = table_attribute_type(importing->import->drafts, name, type, err);
    }
    return rc;
}

static int read_rows(struct importing *importing, struct error *err)
{
    struct table_row row;
    size_t column = 0, known = 0;
    int rc;
    while ((rc = table_reader_next(importing->reader, &row, err)) > 0) {
        rc = mention_columns(importing, known, row.count, err);
        if (rc)
            return rc;
        known = row.count;
        if (table_batch_add(importing->batch, &row, 0, &column, err))
            return table_reader_prefix(importing->reader, row.place, column, err);
        rc = table_batch_check(importing->batch, err);
        if (rc)
            return rc;
    }
    if (!rc && !table_batch_rows(importing->batch))
        rc = error_set(err, ENOENT, "%s: no clip was found", table_reader_name(importing->reader));
    return rc;
}

static void note_multi(const struct importing *importing, const char *column)
{
    const struct manifest_import *import = importing->import;
    for (size_t i = 0; i < import->multi_count; i++)
        import->multi_used[i] |= !strcmp(import->multi[i], column);
}

static void note_column(const struct importing *importing, size_t column)
{
    const struct manifest_import *import = importing->import;
    const char *attribute = import->drafts->attributes[importing->attributes[column]].name;
    table_attribute_note_name(importing->reader, table_reader_column(importing->reader, column), attribute,
                              import->notes);
    table_attribute_note(importing->reader, column, table_batch_type(importing->batch, column), attribute,
                         import->notes);
}

static int claim_attributes(struct importing *importing, struct error *err)
{
    size_t count = importing->columns.count;
    CLEANUP_FREE bool *other = mem_alloc(count * sizeof *other);
    for (size_t i = 0; i < count; i++)
        other[i] = importing->columns.columns[i].stream != MANIFEST_ATTRIBUTE;
    int rc = table_attribute_check(importing->reader, other, err);
    importing->attributes = mem_zero(count * sizeof *importing->attributes);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *column = table_reader_column(importing->reader, i);
        const struct table_type *type = table_batch_type(importing->batch, i);
        if (!other[i] && !type->seen && type->refused.count)
            table_attribute_note(importing->reader, i, type, column, importing->import->notes);
        if (other[i] || !type->seen)
            continue;
        note_multi(importing, column);
        rc = drafts_attribute(importing->import->drafts, column, table_reader_name(importing->reader),
                              &importing->attributes[i], err);
        if (!rc)
            note_column(importing, i);
    }
    return rc;
}

static int settle(const struct importing *importing, uint64_t place, struct draft *clip, int rc,
                  struct error *err)
{
    if (!rc)
        return 0;
    CLEANUP_FREE char *where =
        mem_printf("%s %llu", table_reader_place_name(importing->reader), (unsigned long long)place);
    return drafts_fault(importing->import->drafts, clip, table_reader_name(importing->reader), where, err);
}

/* As many clips as may be there at a time; 1: there may be more rows. */
static int add_rows(struct importing *importing, size_t most, struct error *err)
{
    struct table_kept_row row;
    struct draft *clip;
    CLEANUP_FREE struct manifest_stream *streams =
        mem_alloc(strmap_count(importing->columns.streams) * sizeof *streams);
    int rc = 0;
    while (!rc) {
        if (importing->import->drafts->count >= most)
            return 1;
        if (!table_batch_next(importing->batch, &row))
            break;
        rc = add_row(importing, &row, streams, &clip, err);
        rc = settle(importing, row.place, clip, rc, err);
    }
    return rc;
}

/* Where all lies below one root, what was scanned before is not read again. */
static int open_known(const struct importing *importing, struct known **ret, struct error *err)
{
    const struct manifest_import *import = importing->import;
    const char *root = manifest_objects_root(importing->objects);
    return import->dataset && root ? known_open(import->dataset, root, ret, err) : 0;
}

static void count(const struct importing *importing, struct manifest_found *ret)
{
    ret->objects = manifest_objects_count(importing->objects);
    for (size_t i = 0; i < ret->objects; i++) {
        const struct manifest_object *object = manifest_objects_at(importing->objects, i);
        if (object->why)
            continue;
        const struct store_object *pinned = &object->object->pinned;
        ret->bytes += pinned->size;
        ret->pinned_weakly |= !pinned->versioned;
    }
}

static int cut_all(struct importing *importing, struct error *err)
{
    const struct manifest_import *import = importing->import;
    CLEANUP_FREE bool *seen = mem_zero(manifest_objects_count(importing->objects) * sizeof *seen);
    progress_expect(import->progress, manifest_objects_count(importing->objects));
    struct manifest_cutting cutting = {.objects = importing->objects,
                                       .reader = importing->reader,
                                       .drafts = import->drafts,
                                       .notes = import->notes,
                                       .progress = import->progress,
                                       .seen = seen};
    int rc = importing->plain ? 1 : manifest_cut_all(&cutting, importing->cuts, importing->cut_count, err);
    while (rc == 1) {
        rc = add_rows(importing, WINDOW_CLIPS, err);
        int given = rc < 0 ? rc : manifest_cut_all(&cutting, importing->cuts, importing->cut_count, err);
        importing->cut_count = 0;
        if (!given)
            given = drafts_check(import->drafts, err);
        if (!given)
            given = drafts_give(import->drafts, err);
        rc = given ? given : rc;
    }
    return rc;
}

static int recognise_root(void *ctx, struct source *source, struct error *err)
{
    const struct manifest_import *import = ctx;
    CLEANUP_KNOWN struct known *known = NULL;
    int rc = known_open(import->dataset, store_url(source->store), &known, err);
    return rc ? rc
              : recognise(
                    &(struct recognition){
                        .source = source, .known = known, .notes = import->notes, .dry = import->dry},
                    err);
}

static int cut(struct importing *importing, struct manifest_found *ret, struct error *err)
{
    const struct manifest_import *import = importing->import;
    int rc = manifest_objects_pin(importing->objects, import->notes, err);
    CLEANUP_KNOWN struct known *known = NULL;
    if (!rc && import->dataset)
        rc = manifest_objects_each_root(importing->objects, recognise_root, (void *)(uintptr_t)import, err);
    if (!rc)
        rc = open_known(importing, &known, err);
    import->drafts->known = known;
    if (!rc)
        rc = manifest_objects_enter(importing->objects, import->drafts, err);
    if (!rc)
        rc = cut_all(importing, err);
    import->drafts->known = NULL;
    if (!rc)
        count(importing, ret);
    return rc;
}

static void importing_done(struct importing *importing)
{
    free(importing->cuts);
    free(importing->attributes);
    manifest_columns_done(&importing->columns);
    if (importing->objects)
        manifest_objects_free(importing->objects);
    if (importing->batch)
        table_batch_free(importing->batch);
    if (importing->reader)
        table_reader_free(importing->reader);
}

int manifest_import(const struct manifest_import *import, struct manifest_found *ret, struct error *err)
{
    struct importing importing CLEANUP(importing_done) = {.import = import, .batch = table_batch_new()};
    struct table_options options = {.multi = import->multi,
                                    .multi_count = import->multi_count,
                                    .notes = import->notes,
                                    .needs = manifest_columns_need,
                                    .nested = true};
    int rc = table_reader_open(import->stores, import->file, &options, &importing.reader, err);
    if (!rc)
        rc = manifest_objects_new(import->stores, import->file, &importing.objects, err);
    if (!rc)
        manifest_objects_share(importing.objects, import->drafts->part, import->drafts->scans);
    if (!rc)
        rc = read_rows(&importing, err);
    if (!rc)
        rc = manifest_columns_new(importing.reader, &importing.columns, err);
    if (!rc)
        rc = claim_attributes(&importing, err);
    importing.plain = !rc && import->alone && look_at_rows(&importing);
    table_batch_rewind(importing.batch);
    if (!rc && !importing.plain)
        rc = add_rows(&importing, SIZE_MAX, err);
    if (!rc)
        rc = cut(&importing, ret, err);
    return rc;
}
