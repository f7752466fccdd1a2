// SPDX-License-Identifier: Apache-2.0
/*
 * One clip at a time, in row order. A clip the parent has is compared part by part, so that what did not
 * change keeps the version that last changed it, and a set that is applied twice changes nothing.
 *
 * The set owns the attributes that it declares, for its clips: one it declares and gives a clip no value of
 * is taken away. Others, which somebody else has set, stay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/extent.h"
#include "index/catalog/pieces.h"
#include "index/catalog/rows.h"
#include "index/commit/apply/apply_conflict.h"
#include "index/commit/apply/apply_groups.h"
#include "index/commit/apply/apply_record.h"
#include "index/commit/apply/apply_sources.h"
#include "index/commit/apply/apply_streams.h"

struct new_stream {
    struct changeset_op op; /* texts and bytes borrowed from the log; pieces are not */
    size_t pieces_at, pieces_len;
    uint32_t changed; /* the version that last changed its bytes */
};

struct step {
    struct apply *apply;
    struct changeset_reader reader;
    struct apply_record record; /* of the clip under way */
    const struct apply_clip *place;
    struct changeset_op clip, extra; /* extra.kind 0: it has none */
    uint32_t source;                 /* it is of; 0: of none */
    struct new_stream *streams;
    size_t stream_count, stream_cap;
    struct buf pieces;
    /* of the parent's clip, where there is one */
    struct clips_row was;
    struct ident_row was_ident;
    struct clips clips;
    struct json_growth growth;
    struct record_values labels; /* of the clip whose labels it takes over; they borrow its record */
    struct buf scratch;
    /* of the clip as it becomes */
    struct catalog_file *files;
    struct streams_entry *entries;
    struct apply_groups *groups;
    struct apply_streams *put_streams;
};

/* ---- what the set says of the clip ---- */

static void encode_pieces(struct step *step, const struct changeset_op *op)
{
    for (size_t i = 0; i < op->piece_count; i++) {
        const struct slice_piece *piece = &op->pieces[i];
        buf_u8(&step->pieces, piece->kind == SLICE_INLINE ? EXTENT_INLINE : EXTENT_OBJECT);
        buf_varint(&step->pieces, piece->offset);
        buf_varint(&step->pieces, piece->len);
    }
}

static void take_stream(struct step *step, const struct changeset_op *op)
{
    mem_grow(&step->streams, &step->stream_cap, step->stream_count + 1, sizeof *step->streams);
    struct new_stream *stream = &step->streams[step->stream_count++];
    *stream = (struct new_stream){
        .op = *op, .pieces_at = step->pieces.len, .changed = step->apply->source.options->version};
    encode_pieces(step, op);
    stream->pieces_len = step->pieces.len - stream->pieces_at;
    if (op->id != CHANGESET_NO_OBJECT)
        stream->op.id = step->apply->source.object_ids[op->id];
}

static int say_value(struct step *step, const struct changeset_op *op, struct error *err)
{
    int rc = apply_record_say(&step->record, op, err);
    return rc ? error_within(err, rc, "%s", step->clip.text) : 0;
}

static int take_clip(struct step *step, struct error *err)
{
    struct changeset_reader *reader = &step->reader;
    struct changeset_op op;
    int rc = 0;
    step->stream_count = 0;
    step->extra = (struct changeset_op){0};
    step->source = 0;
    buf_clear(&step->pieces);
    reader->at = apply_clip_at(step->apply, step->place);
    changeset_next(reader, &step->clip);
    while (!rc && changeset_next(reader, &op) && op.kind != CHANGESET_CLIP) {
        if (op.kind == CHANGESET_VALUE || op.kind == CHANGESET_NONE)
            rc = say_value(step, &op, err);
        else if (op.kind == CHANGESET_STREAM)
            take_stream(step, &op);
        else if (op.kind == CHANGESET_EXTRA)
            step->extra = op;
        else if (op.kind == CHANGESET_OF_SOURCE)
            step->source = apply_sources_id(step->apply->output.sources, op.id);
    }
    return rc;
}

/* ---- what the parent says ---- */

static int read_old(struct step *step, struct error *err)
{
    struct apply *apply = step->apply;
    if (!step->place->known)
        return 0;
    int rc = clips_read(apply->db, &step->clips, &step->growth, step->place->row, &step->was, err);
    if (rc == 1)
        rc = clips_ident(apply->db, step->place->row, &step->was_ident, err);
    if (rc < 1)
        return rc ? rc : db_damaged(apply->db, err, "the row %u of a clip is missing", step->place->row);
    const char *key = apply_clip_key(apply, step->place);
    if (strcmp(step->was.key, key) != 0)
        return db_damaged(apply->db, err, "the key '%s' leads to the clip '%s'", key, step->was.key);
    return 0;
}

static int take_over_events(struct step *step, struct error *err)
{
    struct apply_record *record = &step->record;
    const struct apply_taking *moved = apply_clip_takes(record->apply, step->place);
    struct buf events = moved ? moved->events : BUF_INIT; /* borrowed */
    return events_decode(record->apply->db, record->row, cursor_of(events.data, events.len),
                         &record->now_events, err);
}

static int take_over_labels(struct step *step, struct error *err)
{
    struct apply *apply = step->apply;
    const struct apply_taking *moved = apply_clip_takes(apply, step->place);
    struct buf bytes = moved ? moved->record : BUF_INIT,
               lists = moved ? moved->lists : BUF_INIT; /* borrowed */
    int rc = record_decode(apply->db, &apply->output.attributes, NULL, step->place->row,
                           cursor_of(bytes.data, bytes.len), &step->labels, err);
    if (!rc)
        rc = lists_decode(apply->db, cursor_of(lists.data, lists.len), &step->labels, err);
    return rc ? rc : take_over_events(step, err);
}

/* What others have said stays, or comes along from another key. */
static int keep_others(struct step *step, struct error *err)
{
    bool moves = step->place->takes || step->place->labels_left;
    int rc = moves ? take_over_labels(step, err) : 0;
    return rc ? rc : apply_merge(&step->record, step->place, moves ? &step->labels : &step->record.was, err);
}

/* What a hidden clip would have, were it seen. */
static int keep_hidden(struct step *step, struct error *err)
{
    struct apply_record *record = &step->record;
    int rc = take_over_labels(step, err);
    for (size_t i = 0; !rc && i < step->labels.count; i++) {
        const struct record_value *value = &step->labels.list[i];
        record_values_add(&record->now, value->attribute, &value->value, value->origin);
    }
    if (!rc)
        rc = apply_record_hide(record, err);
    record->now.count = 0;
    return rc;
}

static bool same_pieces(const struct step *step, const struct new_stream *stream,
                        const struct catalog_stream *old)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    for (size_t i = 0; i < old->piece_count; i++) {
        buf_u8(&bytes, (uint8_t)old->pieces[i].kind);
        buf_varint(&bytes, old->pieces[i].offset);
        buf_varint(&bytes, old->pieces[i].len);
    }
    return bytes.len == stream->pieces_len &&
           (!bytes.len || !memcmp(bytes.data, step->pieces.data + stream->pieces_at, bytes.len));
}

static bool same_bytes(const struct step *step, const struct new_stream *stream,
                       const struct catalog_stream *old)
{
    const struct changeset_op *op = &stream->op;
    return op->size == old->size && op->id == old->object && op->len == old->inline_bytes.len &&
           (!op->len || !memcmp(op->bytes, old->inline_bytes.data, op->len)) &&
           same_pieces(step, stream, old);
}

static uint32_t find_old_file(const struct step *step, const struct changeset_op *op)
{
    uint32_t i = 0;
    while (i < step->was.file_count &&
           (strcmp(step->was.files[i].name, op->text) != 0 || strcmp(step->was.files[i].ext, op->ext) != 0))
        i++;
    return i;
}

/* Is stream `number` what it was? Its bytes alone decide about `changed`. 1, 0 or -errno. */
static int compare_stream(struct step *step, uint32_t number, struct error *err)
{
    struct new_stream *stream = &step->streams[number];
    uint32_t before = find_old_file(step, &stream->op);
    if (before == step->was.file_count)
        return 0;
    struct catalog_stream old;
    int rc = rows_stream(step->apply->db, step->place->row, before, step->was.files[before].size, &old, err);
    if (rc < 1)
        return rc ? rc
                  : db_damaged(step->apply->db, err, "a stream of the clip '%s' is missing", step->clip.text);
    bool bytes = same_bytes(step, stream, &old);
    if (bytes)
        stream->changed = step->was.files[before].changed;
    bool same = bytes && before == number && !strcmp(stream->op.container, old.container) &&
                !strcmp(stream->op.reason, old.reason) && stream->op.preroll_ns == old.preroll_ns;
    catalog_stream_done(&old);
    return same;
}

static int compare_streams(struct step *step, bool *ret_same, struct error *err)
{
    *ret_same = step->place->live && step->stream_count == step->was.file_count;
    if (!step->place->live)
        return 0;
    for (uint32_t i = 0; i < step->stream_count; i++) {
        int rc = compare_stream(step, i, err);
        if (rc < 0)
            return rc;
        *ret_same &= rc;
    }
    return 0;
}

static int compare_extra(struct step *step, bool *ret_same, struct error *err)
{
    buf_clear(&step->scratch);
    int rc = step->place->known ? rows_extra(step->apply->db, step->place->row, &step->scratch, err) : 0;
    if (rc < 0)
        return rc;
    bool has = step->extra.kind == CHANGESET_EXTRA;
    *ret_same = has == (rc == 1) && step->scratch.len == step->extra.len &&
                (!step->extra.len || !memcmp(step->scratch.data, step->extra.bytes, step->extra.len));
    return 0;
}

static int compare_source(struct step *step, bool *ret_same, struct error *err)
{
    uint32_t was;
    int rc = apply_sources_get(step->apply->output.sources, step->place->row, &was, err);
    if (!rc)
        *ret_same = was == step->source;
    return rc;
}

/* ---- writing ---- */

static int put_streams(struct step *step, struct error *err)
{
    for (size_t i = 0; i < step->stream_count; i++) {
        const struct new_stream *stream = &step->streams[i];
        const struct changeset_op *op = &stream->op;
        step->entries[i] =
            (struct streams_entry){.container = op->container,
                                   .reason = op->reason,
                                   .object = op->id == CHANGESET_NO_OBJECT ? CATALOG_NO_OBJECT : op->id,
                                   .preroll_ns = op->preroll_ns,
                                   .inline_bytes = op->bytes,
                                   .inline_len = op->len};
        streams_take_pieces(&step->entries[i], step->pieces.data + stream->pieces_at, stream->pieces_len);
    }
    const struct streams_row list = {step->entries, (uint32_t)step->stream_count};
    return apply_streams_put(step->put_streams, step->place->row, step->place->known, &list, err);
}

static int put_extra(struct step *step, struct error *err)
{
    struct db *db = step->apply->db;
    uint32_t row = step->place->row;
    if (step->extra.kind != CHANGESET_EXTRA)
        return step->place->known ? pieces_drop(db, &pieces_extra, row, row, err) : 0;
    buf_clear(&step->scratch);
    packer_pack(db_packer(db), step->extra.bytes, step->extra.len, PACKER_SAVING_PERCENT, &step->scratch);
    return pieces_put(db, &pieces_extra, row, step->scratch.data, step->scratch.len, err);
}

/* What labels have added to the JSON, and what the set says of attributes as such, stands apart
 * (json_growth.h). */
static int64_t json_without_growth(const struct step *step)
{
    size_t count;
    const struct json_growth_entry *grows =
        json_growth_find(&step->apply->output.grows, step->place->row, &count);
    uint64_t grown = step->place->known ? step->was.json_size - (uint64_t)step->was.json : 0;
    return (int64_t)(step->record.json.len - grown - (grows ? (uint64_t)grows->bytes : 0));
}

static int put_clip(struct step *step, uint32_t json_changed, struct error *err)
{
    const struct changeset_op *clip = &step->clip;
    for (size_t i = 0; i < step->stream_count; i++) {
        const struct new_stream *stream = &step->streams[i];
        step->files[i] =
            (struct catalog_file){stream->op.text, stream->op.ext, stream->op.size, stream->changed};
    }
    struct apply_groups_clip put = {.row = step->place->row,
                                    .key = clip->text,
                                    .files = step->files,
                                    .file_count = (uint32_t)step->stream_count,
                                    .json = json_without_growth(step),
                                    .json_changed = json_changed,
                                    .ident = {.t0_ns = clip->t0_ns, .t1_ns = clip->t1_ns}};
    memcpy(put.ident.print, clip->fingerprint, CLIP_PRINT_BYTES);
    return apply_groups_put(step->groups, &put, err);
}

/* ---- the clip ---- */

static int note_content(struct step *step, struct error *err)
{
    const uint8_t *fingerprint = step->clip.fingerprint;
    struct cursor start = cursor_of(fingerprint, SHA256_BYTES);
    if (step->place->known && !memcmp(step->was_ident.print, fingerprint, CLIP_PRINT_BYTES))
        return 0;
    hash_additions_add(&step->apply->identity.new_hashes, SCHEMA_HASH_FINGERPRINT, cursor_be32(&start),
                       step->place->row);
    return apply_conflict_content(step->apply, step->clip.text, fingerprint, err);
}

/* Was it added, removed or replaced since the set was made? */
static void note_late(struct step *step)
{
    uint32_t changed = 0;
    for (uint32_t i = 0; i < step->was.file_count; i++)
        changed = step->was.files[i].changed > changed ? step->was.files[i].changed : changed;
    uint32_t version = step->place->known ? apply_conflict_clip(step->apply, step->place->row, changed) : 0;
    if (version)
        apply_conflict_add_clip(step->apply, apply_clip_key(step->apply, step->place),
                                step->place->live ? "changed" : "removed", version);
}

/* A file that is gone cannot say when: its clip's json does. */
static bool loses_file(const struct step *step)
{
    for (uint32_t i = 0; i < step->was.file_count; i++) {
        const struct catalog_file *file = &step->was.files[i];
        size_t k = 0;
        while (k < step->stream_count && (strcmp(step->streams[k].op.text, file->name) != 0 ||
                                          strcmp(step->streams[k].op.ext, file->ext) != 0))
            k++;
        if (k == step->stream_count)
            return true;
    }
    return false;
}

static int write_clip(struct step *step, bool same_attributes, bool same_streams, struct error *err)
{
    struct apply *apply = step->apply;
    bool live = step->place->live;
    bool same_json = live && same_attributes && (same_streams || !loses_file(step));
    uint32_t json_changed = same_json ? step->was.json_changed : apply->source.options->version;
    int rc = apply_record_print(&step->record, step->clip.text, err);
    if (!rc)
        rc = note_content(step, err);
    if (!rc && !same_attributes)
        rc = apply_record_put(&step->record, err);
    if (!rc)
        rc = put_clip(step, json_changed, err);
    if (!rc && !same_streams) {
        rc = put_streams(step, err);
        apply->output.counts.streams += step->stream_count;
    }
    if (live)
        apply->output.counts.clips_replaced++;
    else
        apply->output.counts.clips_added++;
    return rc;
}

static bool same_clip(const struct step *step)
{
    return step->place->live && !memcmp(step->was_ident.print, step->clip.fingerprint, CLIP_PRINT_BYTES) &&
           step->was_ident.t0_ns == step->clip.t0_ns && step->was_ident.t1_ns == step->clip.t1_ns;
}

/* The row stays as it is, with its key, fingerprint and streams: it is known which content was removed; and
 * so does its record: the clip may come back. */
static void drop_clip(struct step *step)
{
    step->apply->output.counts.clips_removed++;
    apply_record_retire(&step->record);
}

static int remove_clip(struct step *step, struct error *err)
{
    int rc = apply_record_enter(&step->record, step->place->row, true, err);
    if (!rc)
        rc = read_old(step, err);
    if (rc)
        return rc;
    note_late(step);
    drop_clip(step);
    return 0;
}

/* Only the row is written: it says which content is removed under this key, and the record what it had. */
static int hide_clip(struct step *step, struct error *err)
{
    int rc = apply_record_enter(&step->record, step->place->row, step->place->live, err);
    if (!rc)
        rc = take_clip(step, err);
    if (!rc)
        rc = read_old(step, err);
    if (rc)
        return rc;
    note_late(step);
    step->stream_count = step->record.said.count = 0;
    if (step->place->live)
        drop_clip(step);
    const struct apply_taking *takes = apply_clip_takes(step->apply, step->place);
    if (!rc && (step->place->known || (takes && takes->found)))
        rc = keep_hidden(step, err);
    if (!rc)
        rc = apply_record_print(&step->record, step->clip.text, err);
    if (!rc)
        rc = note_content(step, err);
    return rc ? rc : put_clip(step, step->apply->source.options->version, err);
}

static int apply_clip(struct step *step, struct error *err)
{
    bool same_streams = false, same_extra = false, same_source = false;
    int rc = apply_record_enter(&step->record, step->place->row, step->place->live, err);
    if (!rc)
        rc = take_clip(step, err);
    if (!rc)
        rc = read_old(step, err);
    if (!rc)
        rc = keep_others(step, err);
    if (rc)
        return rc;
    bool same_attributes = step->place->live && apply_record_same(&step->record);
    rc = compare_streams(step, &same_streams, err);
    if (!rc)
        rc = compare_extra(step, &same_extra, err);
    if (!rc)
        rc = compare_source(step, &same_source, err);
    if (rc)
        return rc;
    if (same_clip(step) && same_attributes && same_streams && same_extra && same_source) {
        step->apply->output.counts.clips_unchanged++;
        return 0;
    }
    if (!same_clip(step) || !same_streams || !same_extra || !same_source)
        note_late(step);
    rc = write_clip(step, same_attributes, same_streams, err);
    if (!rc && !same_source)
        rc = apply_sources_put(step->apply->output.sources, step->place->row, step->source, err);
    return rc || same_extra ? rc : put_extra(step, err);
}

static void step_done(struct step *step)
{
    changeset_reader_done(&step->reader);
    apply_record_done(&step->record);
    record_values_done(&step->labels);
    free(step->streams);
    free(step->files);
    free(step->entries);
    clips_done(&step->clips);
    json_growth_done(&step->growth);
    apply_groups_free(step->groups);
    apply_streams_free(step->put_streams);
    struct buf *const all[] = {&step->pieces, &step->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
}

static int apply_place(struct step *step, struct error *err)
{
    return step->place->removed  ? remove_clip(step, err)
           : step->place->hidden ? hide_clip(step, err)
                                 : apply_clip(step, err);
}

int apply_clips(struct apply *apply, struct error *err)
{
    struct step step = {
        .apply = apply, .reader = CHANGESET_READER(apply->source.set), .record = APPLY_RECORD(apply)};
    step.files = mem_zero(CLIP_STREAMS_MAX * sizeof *step.files);
    step.entries = mem_zero(CLIP_STREAMS_MAX * sizeof *step.entries);
    step.groups = apply_groups_new(apply);
    step.put_streams = apply_streams_new(apply->db);
    json_growth_settle(&apply->output.grows);
    int rc = apply->source.parent_rows ? clips_growth(apply->db, &step.growth, err) : 0;
    for (size_t i = 0; !rc && i < apply->identity.count; i++) {
        step.place = &apply->identity.clips[i];
        rc = apply_place(&step, err);
        if (!rc)
            rc = apply_gains_check(apply->output.gains, err);
    }
    if (!rc)
        rc = apply_conflict_check(apply, err);
    if (!rc)
        rc = apply_groups_flush(step.groups, err);
    if (!rc)
        rc = apply_streams_flush(step.put_streams, err);
    if (!rc)
        rc = apply_sources_flush(apply->output.sources, err);
    if (!rc)
        rc = apply_record_flush(&step.record, err);
    step_done(&step);
    return rc;
}
