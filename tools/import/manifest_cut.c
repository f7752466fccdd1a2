// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts are gathered by object, so that each is scanned once; they are made in the order of the objects, and
 * put into clips in the order of the rows.
 */
#include "tools/import/manifest_cut.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/containers/mp4/mp4.h"
#include "tools/import/ahead.h"
#include "tools/import/known.h"

/* ---- time ---- */

/* The boundary between frames nearest to `time_ns`: the number of the frame behind it. Boundaries are where
 * frames begin, and where the last one ends. */
static uint64_t nearest_boundary(const struct mp4 *mp4, const struct mp4_info *info, int64_t time_ns)
{
    uint64_t after = mp4_frame_at(mp4, time_ns);
    if (!after)
        return 0;
    int64_t after_ns = after < info->frames ? mp4_frame_time_ns(mp4, after) : info->end_ns;
    return time_ns - mp4_frame_time_ns(mp4, after - 1) <= after_ns - time_ns ? after - 1 : after;
}

/* A video that begins late has no frames to move an early edge to: it stays where it is, but for a rounded
 * one. */
static int64_t pause_after(const struct mp4 *mp4, const struct mp4_info *info, int64_t start_ns)
{
    int64_t pause_ns = info->start_ns - start_ns;
    int64_t first_end_ns = info->frames > 1 ? mp4_frame_time_ns(mp4, 1) : info->end_ns;
    return pause_ns > (first_end_ns - info->start_ns) / 2 ? pause_ns : 0;
}

static int cut_time(const struct mp4 *mp4, struct manifest_cut *cut, struct slice *slice, struct error *err)
{
    struct mp4_info info;
    mp4_describe(mp4, &info);
    double video_end_s = (double)info.end_ns / 1e9;
    double frame_s = (double)(info.end_ns - info.start_ns) / 1e9 / (double)info.frames;
    bool to_end = cut->end_s == HUGE_VAL;
    double end_s = to_end || cut->end_s > video_end_s ? video_end_s : cut->end_s;
    if (cut->start_s >= video_end_s || (!to_end && cut->end_s > video_end_s + frame_s))
        return error_set(err, EINVAL, "the video ends at %.9g s, before %.9g s", video_end_s,
                         cut->start_s >= video_end_s ? cut->start_s : cut->end_s);
    int64_t start_ns = llround(cut->start_s * 1e9);
    struct mp4_window window = {.first = nearest_boundary(mp4, &info, start_ns)};
    uint64_t end = to_end ? info.frames : nearest_boundary(mp4, &info, llround(end_s * 1e9));
    if (window.first >= end)
        return error_set(err, EINVAL, "no frame lies between %.9g s and %.9g s", cut->start_s, end_s);
    window.count = end - window.first;
    window.pause_ns = window.first ? 0 : pause_after(mp4, &info, start_ns);
    cut->first = window.first;
    cut->count = window.count;
    cut->pause_ns = window.pause_ns;
    return mp4_slice(mp4, &window, slice, err);
}

/* ---- recordings ---- */

/* An object, and what is cut out of it. */
struct item {
    struct manifest_cut **cuts; /* in the order of the rows */
    size_t count;
    bool scan; /* some of them are videos */
    /* What the scan found, by another thread, ahead of its turn: */
    int scan_rc;
    struct error *why; /* it cannot be cut, or not even read; or NULL */
    struct mp4 *mp4;
};

struct scans {
    const struct manifest_cutting *cutting;
    struct item *items;
    size_t count;
    struct ahead *ahead;
};

static bool is_video(const struct manifest_cut *cut)
{
    static const char *const videos[] = {"mp4", "m4v", "mov"};
    for (size_t i = 0; cut->kind != MANIFEST_BYTES && i < sizeof videos / sizeof *videos; i++)
        if (!strcasecmp(cut->ext, videos[i]))
            return true;
    return false;
}

bool manifest_cut_scans(const struct manifest_cut *cut)
{
    return is_video(cut);
}

static const struct manifest_object *object_of(const struct scans *scans, const struct item *item)
{
    return manifest_objects_at(scans->cutting->objects, item->cuts[0]->object);
}

static void scan(void *ctx, size_t i)
{
    const struct scans *scans = ctx;
    struct item *item = &scans->items[i];
    const struct manifest_object *object = object_of(scans, item);
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    struct error why = {0};
    source_recording_init(&recording, object->source, object->object);
    source_recording_remember(&recording, scans->cutting->drafts->scans);
    item->scan_rc = mp4_scan(&recording.recording, &item->mp4, &why);
    if (item->scan_rc)
        item->why = mem_copy(&why, sizeof why);
    else
        source_recording_keep(&recording);
}

/* A recording that was scanned before is cut with no read of it: 1, 0 where it is not known, -errno. */
static int take_known(const struct scans *scans, struct item *item, struct error *err)
{
    struct known *known = scans->cutting->drafts->known;
    const struct manifest_object *object = object_of(scans, item);
    CLEANUP_BUF struct buf table = BUF_INIT;
    int rc = known ? known_recording(known, object->object, "mp4", &table, err) : 0;
    if (rc < 1)
        return rc;
    rc = mp4_table_decode(object->object->path, table.data, table.len, &item->mp4, err);
    return rc ? rc : 1;
}

/* Waits for the scan and puts what it found into the change set. */
static int take_scanned(const struct scans *scans, struct item *item, struct error *err)
{
    ahead_take(scans->ahead, (size_t)(item - scans->items));
    if (item->scan_rc && item->scan_rc != -EINVAL && item->scan_rc != -ENODATA && item->scan_rc != -ENOTSUP)
        return error_copy(err, item->why);
    if (item->mp4) {
        CLEANUP_BUF struct buf table = BUF_INIT;
        mp4_table_encode(item->mp4, &table);
        changeset_table(scans->cutting->drafts->set, object_of(scans, item)->id, "mp4", table.data,
                        table.len);
    } else {
        notes_add(scans->cutting->notes, "passed through whole, but not a video that can be cut",
                  item->why->text);
    }
    return 0;
}

/* ---- one object ---- */

static int make_slice(const struct scans *scans, const struct item *item, struct manifest_cut *cut,
                      struct slice *slice, struct error *err)
{
    uint64_t size = object_of(scans, item)->object->pinned.size;
    switch (cut->kind) {
    case MANIFEST_TIME:
        if (!is_video(cut))
            return error_set(err, EINVAL, "only an MP4 can be cut by time, not '.%s'", cut->ext);
        return item->mp4 ? cut_time(item->mp4, cut, slice, err) : error_copy(err, item->why);
    case MANIFEST_BYTES:
        if (cut->first > size || cut->count > size - cut->first)
            return error_set(err, EINVAL, "it has %llu bytes, but %llu to %llu are asked for",
                             (unsigned long long)size, (unsigned long long)cut->first,
                             (unsigned long long)cut->first + cut->count);
        slice_add_range(slice, cut->first, cut->count);
        return 0;
    case MANIFEST_WHOLE:
        break;
    }
    slice_whole(slice, size, item->why ? item->why->text : NULL);
    return 0;
}

static int cut_one(const struct scans *scans, const struct item *item, struct manifest_cut *cut,
                   struct error *err)
{
    struct drafts *drafts = scans->cutting->drafts;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct draft_stream stream = {.name = cut->stream,
                                  .ext = cut->ext,
                                  .container = is_video(cut) ? "mp4" : "",
                                  .object = object_of(scans, item)->id};
    int rc = make_slice(scans, item, cut, &slice, err);
    return rc ? rc : draft_stream(drafts, &drafts->clips[cut->clip], &stream, &slice, err);
}

/* Hands over what is wrong with a cut: it costs its clip. Names row, column and object, unless the store
 * named it. */
static int settle(const struct scans *scans, const struct item *item, const struct manifest_cut *cut,
                  struct error *err)
{
    const struct manifest_object *object = object_of(scans, item);
    const struct table_reader *reader = scans->cutting->reader;
    CLEANUP_FREE char *name = object->why ? NULL : source_name(object->source, object->object->path);
    CLEANUP_FREE char *where =
        mem_printf("%s %llu", table_reader_place_name(reader), (unsigned long long)cut->place);
    if (name && strncmp(err->text, name, strlen(name)) != 0)
        error_prefix(err, "%s", name);
    table_reader_prefix(reader, cut->place, cut->column, err);
    return drafts_fault(scans->cutting->drafts, &scans->cutting->drafts->clips[cut->clip],
                        table_reader_name(reader), where, err);
}

static int settle_all(const struct scans *scans, const struct item *item, struct error *err)
{
    struct error why = *err;
    int rc = 0;
    for (size_t i = 0; !rc && i < item->count; i++) {
        *err = why;
        rc = settle(scans, item, item->cuts[i], err);
    }
    return rc;
}

static void note_progress(const struct manifest_cutting *cutting, size_t object)
{
    if (cutting->seen && cutting->seen[object])
        return;
    if (cutting->seen)
        cutting->seen[object] = true;
    progress_item(cutting->progress, manifest_objects_name(cutting->objects, object));
}

static int cut_item(const struct scans *scans, struct item *item, struct error *err)
{
    const struct manifest_object *object = object_of(scans, item);
    int rc = object->why ? error_copy(err, object->why) : item->scan ? take_known(scans, item, err) : 1;
    if (!rc)
        rc = take_scanned(scans, item, err);
    if (rc < 0)
        return settle_all(scans, item, err);
    for (size_t i = 0; i < item->count; i++)
        if (cut_one(scans, item, item->cuts[i], err) && settle(scans, item, item->cuts[i], err))
            return -err->code;
    if (item->mp4)
        mp4_free(item->mp4);
    item->mp4 = NULL;
    note_progress(scans->cutting, item->cuts[0]->object);
    return 0;
}

/* ---- all objects ---- */

static int compare_objects(const void *a, const void *b)
{
    const struct manifest_cut *x = *(const struct manifest_cut *const *)a;
    const struct manifest_cut *y = *(const struct manifest_cut *const *)b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return (x > y) - (x < y);
}

static void gather_items(struct scans *scans, struct manifest_cut **order, size_t count)
{
    scans->items = mem_zero(count * sizeof *scans->items); /* at most */
    for (size_t i = 0; i < count; i++) {
        if (!i || order[i]->object != order[i - 1]->object)
            scans->items[scans->count++].cuts = &order[i];
        struct item *item = &scans->items[scans->count - 1];
        item->count++;
        item->scan |= is_video(order[i]) && !object_of(scans, item)->why;
    }
}

static int look_ahead(struct scans *scans, struct error *err)
{
    struct known *known = scans->cutting->drafts->known;
    bool any = false;
    for (size_t i = 0; i < scans->count; i++)
        any |= scans->items[i].scan;
    if (!any)
        return 0;
    int rc = ahead_new(scans->count, scan, scans, &scans->ahead, err);
    for (size_t i = 0; rc >= 0 && i < scans->count; i++) {
        struct known_object found;
        const struct item *item = &scans->items[i];
        rc = item->scan && known ? known_object(known, object_of(scans, item)->object, &found, err) : 0;
        if (!item->scan || rc == 1)
            ahead_skip(scans->ahead, i);
    }
    return rc < 0 ? rc : 0;
}

static int cut_items(struct scans *scans, struct manifest_cut **order, size_t count, struct error *err)
{
    gather_items(scans, order, count);
    int rc = look_ahead(scans, err);
    for (size_t i = 0; !rc && i < scans->count; i++)
        rc = cut_item(scans, &scans->items[i], err);
    if (scans->ahead)
        ahead_free(scans->ahead);
    for (size_t i = 0; i < scans->count; i++) {
        if (scans->items[i].mp4)
            mp4_free(scans->items[i].mp4);
        free(scans->items[i].why);
    }
    free(scans->items);
    return rc;
}

/* ---- what a clip is made of ---- */

/* Many clips in turn are parts of one object. */
struct pin_memo {
    const struct store_object *of;
    char pin[STORE_PIN_BYTES];
};

static const char *renamed_pin(struct pin_memo *memo, const struct store_object *pinned)
{
    if (memo->of != pinned)
        store_pin_renamed(pinned->pin, memo->pin);
    memo->of = pinned;
    return memo->pin;
}

static void append_number(struct buf *buf, const char *before, uint64_t number)
{
    buf_text_append(buf, before);
    buf_decimal(buf, number, 1);
}

/* "front.mp4 SIZE PIN frames 3 9" and so on. There are millions: no buf_printf(). */
static char *identity_of(const struct manifest_cutting *cutting, struct pin_memo *memo,
                         const struct manifest_cut *cut)
{
    const struct store_object *pinned = &manifest_objects_at(cutting->objects, cut->object)->object->pinned;
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_text_append(&line, cut->stream);
    buf_text_append(&line, ".");
    buf_text_append(&line, cut->ext);
    append_number(&line, " ", (uint64_t)pinned->size);
    buf_text_append(&line, " ");
    buf_text_append(&line, renamed_pin(memo, pinned));
    if (cut->kind != MANIFEST_WHOLE) {
        append_number(&line, cut->kind == MANIFEST_TIME ? " frames " : " bytes ", (uint64_t)cut->first);
        append_number(&line, " ", (uint64_t)cut->count);
    }
    if (cut->pause_ns)
        buf_printf(&line, " behind %lld ns", (long long)cut->pause_ns);
    buf_text_append(&line, "\n");
    return (char *)buf_steal(&line);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_streams(const void *a, const void *b)
{
    const struct draft_stream *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->ext, y->ext);
}

/* Neither the order of the columns nor that of the objects is part of what a clip is. */
static void finish_clip(const struct manifest_cutting *cutting, struct pin_memo *memo,
                        const struct manifest_cut *cuts, size_t count)
{
    struct draft *clip = &cutting->drafts->clips[cuts->clip];
    CLEANUP_FREE char **lines = mem_alloc(count * sizeof *lines);
    CLEANUP_BUF struct buf identity = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        lines[i] = identity_of(cutting, memo, &cuts[i]);
    qsort(lines, count, sizeof *lines, compare_texts);
    for (size_t i = 0; i < count; i++) {
        buf_text_append(&identity, lines[i]);
        free(lines[i]);
    }
    sha256_of(identity.data, identity.len, clip->fingerprint);
    qsort(clip->streams, clip->stream_count, sizeof *clip->streams, compare_streams);
}

int manifest_cut_all(const struct manifest_cutting *cutting, struct manifest_cut *cuts, size_t count,
                     struct error *err)
{
    CLEANUP_FREE struct manifest_cut **order = mem_alloc(count * sizeof *order);
    struct scans scans = {.cutting = cutting};
    struct pin_memo memo = {0};
    for (size_t i = 0; i < count; i++)
        order[i] = &cuts[i];
    qsort(order, count, sizeof *order, compare_objects);
    int rc = cut_items(&scans, order, count, err);
    for (size_t first = 0, end; !rc && first < count; first = end) {
        for (end = first + 1; end < count && cuts[end].clip == cuts[first].clip;)
            end++;
        if (!cutting->drafts->clips[cuts[first].clip].bad)
            finish_clip(cutting, &memo, cuts + first, end - first);
    }
    return rc;
}
