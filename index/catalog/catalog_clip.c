// SPDX-License-Identifier: Apache-2.0
/* One clip: names and sizes from its groups, attributes from its record, streams from theirs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/clip.h"
#include "index/catalog/hash/keys.h"
#include "index/catalog/reader.h"
#include "index/catalog/rows.h"

static int no_row(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    return error_set(err, ENOENT, "catalog %s has no clip in row %u", reader->catalog->name, row);
}

int reader_check_row(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    int rc = reader_live(reader, err);
    return rc || rowset_contains(reader->live, row) ? rc : no_row(reader, row, err);
}

int reader_row(struct catalog_reader *reader, uint32_t row, struct clips_row *ret, struct error *err)
{
    reader->clip_of = 0;
    int rc = reader_growth(reader, err);
    if (!rc)
        rc = clips_read(reader->db, &reader->clips, reader->growth, row, ret, err);
    else
        return rc;
    if (rc < 1)
        return rc ? rc : db_damaged(reader->db, err, "the row %u of a clip is missing", row);
    return 0;
}

static int read_clip(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct clips_row clip;
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = reader_row(reader, row, &clip, err);
    if (rc)
        return rc;
    reader->clip = (struct catalog_clip){.key = clip.key,
                                         .files = clip.files,
                                         .file_count = clip.file_count,
                                         .json_size = clip.json_size,
                                         .json_changed = clip.json_changed};
    reader->clip_of = row + UINT64_C(1);
    return 0;
}

int catalog_clip(struct catalog_reader *reader, uint32_t row, struct catalog_clip *ret, struct error *err)
{
    int rc = reader->clip_of == row + UINT64_C(1) ? 0 : read_clip(reader, row, err);
    if (!rc)
        *ret = reader->clip;
    return rc;
}

int catalog_span(struct catalog_reader *reader, uint32_t row, struct catalog_span *ret, struct error *err)
{
    struct ident_row ident;
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = clips_ident(reader->db, row, &ident, err);
    if (rc == 1)
        *ret = (struct catalog_span){ident.t0_ns, ident.t1_ns};
    return rc == 1 ? 0 : rc ? rc : db_damaged(reader->db, err, "the times of row %u are missing", row);
}

/* ---- by key ---- */

int reader_runs(struct catalog_reader *reader, struct error *err)
{
    int rc = reader->has_runs ? 0 : hash_runs_read(reader->db, &reader->runs, err);
    reader->has_runs |= !rc;
    return rc;
}

static int find_row(struct catalog_reader *reader, const struct reader_key *key, uint32_t *ret_row,
                    struct error *err)
{
    uint32_t row;
    int rc = reader_live(reader, err);
    if (!rc)
        rc = reader_runs(reader, err);
    if (!rc)
        rc = reader_key_at_once(reader, key, &row, err);
    if (rc < 0)
        return rc;
    if (!rc || !rowset_contains(reader->live, row))
        return error_set(err, ENOENT, "there is no clip '%.*s'", key->len < 255 ? (int)key->len : 255,
                         key->key);
    *ret_row = row;
    return 0;
}

int catalog_clip_find(struct catalog_reader *reader, const char *key, size_t len, uint32_t *ret_row,
                      struct error *err)
{
    return find_row(reader, &(struct reader_key){key, len, false}, ret_row, err);
}

int catalog_clip_look_up(struct catalog_reader *reader, const char *key, size_t len, bool json,
                         uint32_t *ret_row, struct catalog_clip *ret, struct error *err)
{
    uint32_t row = 0;
    int rc = find_row(reader, &(struct reader_key){key, len, json}, &row, err);
    if (!rc)
        rc = reader_at_once(reader, row, json ? reader_name_json : reader_name_clip, read_clip, err);
    if (!rc)
        rc = catalog_clip(reader, row, ret, err);
    if (!rc)
        *ret_row = row;
    return rc;
}

/* ---- attributes ---- */

int reader_cells_row(struct catalog_reader *reader, uint32_t row, struct cells_row *ret, struct error *err)
{
    struct clips_grown grown = {0};
    int rc = reader_attributes(reader, err);
    if (!rc && reader->attributes.patched_count)
        rc = reader_growth(reader, err);
    if (!rc && reader->attributes.patched_count)
        rc = clips_grown(reader->db, &reader->clips, reader->growth, row, &grown, err);
    if (rc)
        return rc;
    *ret = (struct cells_row){.row = row,
                              .touched = grown.folded.touched,
                              .newest = grown.folded.version,
                              .recent = grown.recent,
                              .recent_count = grown.recent_count};
    for (size_t i = 0; i < grown.recent_count; i++)
        ret->touched |= grown.recent[i].touched;
    return 0;
}

static int read_values(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct cells_row of;
    if (reader->values_of == row + UINT64_C(1))
        return 0;
    reader->values_of = 0;
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = reader_cells_row(reader, row, &of, err);
    if (!rc)
        rc = record_group_read(reader->db, row, &reader->group, err);
    if (rc)
        return rc;
    of.record = record_of(&reader->group, row);
    rc = cells_values(reader->db, &reader->cells, &reader->attributes, &of, &reader->by_id, err);
    if (!rc)
        rc = lists_fill(reader->db, &reader->lists, row, &reader->by_id, err);
    if (rc)
        return rc;
    record_values_by_name(&reader->by_id, &reader->attributes, &reader->values);
    reader->values_of = row + UINT64_C(1);
    return 0;
}

int reader_values(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    return reader->values_of == row + UINT64_C(1)
               ? 0
               : reader_at_once(reader, row, reader_name_json, read_values, err);
}

static bool has_events(const struct record_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        if (event_is_of(values->list[i].attribute->info.name))
            return true;
    return false;
}

static int make_json(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, err);
    if (!rc)
        rc = read_values(reader, row, err);
    if (!rc)
        rc = has_events(&reader->values) ? reader_events(reader, row, err) : 0;
    if (rc)
        return rc;
    buf_clear(&reader->text);
    record_json(clip.key, &reader->values, &reader->events, &reader->text);
    if (reader->text.len != clip.json_size)
        return db_damaged(reader->db, err, "the attributes of '%s' make %zu bytes, not %llu", clip.key,
                          reader->text.len, (unsigned long long)clip.json_size);
    return 0;
}

int catalog_json(struct catalog_reader *reader, uint32_t row, struct buf *buf, struct error *err)
{
    int rc = reader_at_once(reader, row, reader_name_json, make_json, err);
    if (!rc)
        buf_append(buf, reader->text.data, reader->text.len);
    return rc;
}

int catalog_clip_values(struct catalog_reader *reader, uint32_t row, catalog_clip_value_fn *each, void *ctx,
                        struct error *err)
{
    int rc = reader_values(reader, row, err);
    for (size_t i = 0; !rc && i < reader->values.count; i++) {
        const struct record_value *value = &reader->values.list[i];
        rc = each(ctx, &value->attribute->info, &value->value, err);
    }
    return rc;
}

static int find_some(struct catalog_reader *reader, size_t *ret_count, struct error *err)
{
    int rc = reader_attributes(reader, err);
    mem_grow(&reader->which, &reader->which_cap, reader->some->count, sizeof *reader->which);
    *ret_count = 0;
    for (size_t i = 0; !rc && i < reader->some->count; i++) {
        const struct attribute *known = attributes_by_id(&reader->attributes, reader->some->ids[i]);
        if (known)
            reader->which[(*ret_count)++] = (uint32_t)(known - reader->attributes.list);
    }
    return rc;
}

static int read_some(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct cells_some some = {.group = &reader->group};
    reader->values_of = 0;
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = find_some(reader, &some.count, err);
    some.which = reader->which;
    return rc ? rc
              : cells_some(reader->db, &reader->cells, &reader->attributes, &some, row, &reader->values, err);
}

int catalog_clip_some(struct catalog_reader *reader, uint32_t row, const struct catalog_some *some,
                      catalog_clip_value_fn *each, void *ctx, struct error *err)
{
    reader->some = some;
    int rc = reader_at_once(reader, row, reader_name_json, read_some, err);
    for (size_t i = 0; !rc && i < reader->values.count; i++)
        rc = each(ctx, &reader->values.list[i].attribute->info, &reader->values.list[i].value, err);
    return rc;
}

int catalog_extra(struct catalog_reader *reader, uint32_t row, struct buf *buf, struct error *err)
{
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = rows_extra(reader->db, row, buf, err);
    return rc < 0 ? rc : 0;
}

/* ---- streams and objects ---- */

void catalog_stream_done(struct catalog_stream *stream)
{
    free(stream->pieces);
    buf_done(&stream->inline_bytes);
    *stream = (struct catalog_stream){0};
}

static int no_stream(const struct catalog_clip *clip, uint32_t stream, struct error *err)
{
    return error_set(err, ENOENT, "the clip '%s' has no stream number %u", clip->key, stream);
}

int catalog_stream(struct catalog_reader *reader, uint32_t row, uint32_t stream, struct catalog_stream *ret,
                   struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, err);
    if (rc)
        return rc;
    if (stream >= clip.file_count)
        return no_stream(&clip, stream, err);
    rc = rows_stream(reader->db, row, stream, clip.files[stream].size, ret, err);
    if (!rc)
        return db_damaged(reader->db, err, "a stream of the clip '%s' is missing", clip.key);
    return rc < 0 ? rc : 0;
}

void catalog_object_done(struct catalog_object *object)
{
    free(object->path);
    free(object->pin);
    *object = (struct catalog_object){0};
}

int catalog_object(struct catalog_reader *reader, uint32_t id, struct catalog_object *ret, struct error *err)
{
    int rc = rows_object(reader->db, id, ret, err);
    if (!rc)
        return db_damaged(reader->db, err, "the object number %u is missing", id);
    return rc < 0 ? rc : 0;
}

/* ---- what files there are ---- */

static int tell_template(struct db *db, sqlite3_stmt *stmt, catalog_file_name_fn *each, void *ctx,
                         struct error *err)
{
    enum { ID, BYTES };
    struct names_template template = {0};
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (!rc && names_template_decode(bytes, len, &template))
        rc = db_damaged_row(db, stmt, err, "the names of streams are not in order");
    for (uint32_t i = 0; !rc && i < template.count; i++)
        rc = each(ctx, template.files[i].name, template.files[i].ext, err);
    names_template_done(&template);
    return rc;
}

int catalog_file_names(struct catalog_reader *reader, catalog_file_name_fn *each, void *ctx,
                       struct error *err)
{
    enum { TEMPLATES_MAX = 4096 };
    sqlite3_stmt *stmt;
    int rc = db_query(reader->db, QUERY_TEMPLATES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, TEMPLATES_MAX);
    while ((rc = db_step(reader->db, stmt, err)) == 1 &&
           !(rc = tell_template(reader->db, stmt, each, ctx, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}
