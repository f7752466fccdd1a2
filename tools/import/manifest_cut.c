// SPDX-License-Identifier: Apache-2.0
#include "tools/import/manifest_cut.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/mp4/mp4.h"

/* ---- time ---- */

/* The boundary between frames nearest to `time_ns`: the number of the frame behind it. Boundaries are where
 * frames begin, and where the last one ends. */
static uint64_t nearest_boundary(const struct mp4 *mp4, const struct mp4_info *info, int64_t time_ns)
{
    uint64_t after = mp4_frame_at(mp4, time_ns);
    if (!after)
        return 0;
    int64_t after_ns = after < info->frames ? mp4_frame_time_ns(mp4, after) : info->duration_ns;
    return time_ns - mp4_frame_time_ns(mp4, after - 1) <= after_ns - time_ns ? after - 1 : after;
}

static int cut_time(const struct mp4 *mp4, struct manifest_cut *cut, struct slice *slice, struct error *err)
{
    struct mp4_info info;
    mp4_describe(mp4, &info);
    double duration_s = (double)info.duration_ns / 1e9;
    double frame_s = info.frames ? duration_s / (double)info.frames : 0;
    bool to_end = cut->end_s == HUGE_VAL;
    double end_s = to_end || cut->end_s > duration_s ? duration_s : cut->end_s;
    if (cut->start_s >= duration_s || (!to_end && cut->end_s > duration_s + frame_s))
        return error_set(err, EINVAL, "the video is %.9g s long and ends before %.9g s", duration_s,
                         cut->start_s >= duration_s ? cut->start_s : cut->end_s);
    uint64_t first = nearest_boundary(mp4, &info, llround(cut->start_s * 1e9));
    uint64_t end = to_end ? info.frames : nearest_boundary(mp4, &info, llround(end_s * 1e9));
    if (first >= end)
        return error_set(err, EINVAL, "no frame lies between %.9g s and %.9g s", cut->start_s, end_s);
    cut->first = first;
    cut->count = end - first;
    return mp4_slice(mp4, first, end - first, MP4_SNAP_EXACT, slice, err);
}

/* ---- one object ---- */

struct scanned {
    bool scanned;
    struct mp4 *mp4; /* NULL: not one that can be cut, for the reason in `why` */
    struct error why;
};

static bool is_video(const char *ext)
{
    static const char *const videos[] = {"mp4", "m4v", "mov"};
    for (size_t i = 0; i < sizeof videos / sizeof *videos; i++)
        if (!strcasecmp(ext, videos[i]))
            return true;
    return false;
}

static int scan(const struct manifest_cutting *cutting, const struct manifest_object *object,
                struct scanned *ret, struct error *err)
{
    if (ret->scanned)
        return 0;
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, object->source, object->object);
    int rc = mp4_scan(&recording.recording, &ret->mp4, &ret->why);
    if (rc && rc != -EINVAL && rc != -ENOTSUP)
        return error_copy(err, &ret->why);
    ret->scanned = true;
    if (ret->mp4) {
        CLEANUP_BUF struct buf table = BUF_INIT;
        mp4_table_encode(ret->mp4, &table);
        changeset_table(cutting->drafts->set, object->id, "mp4", table.data, table.len);
    }
    return 0;
}

static int make_slice(const struct manifest_cutting *cutting, const struct manifest_object *object,
                      struct manifest_cut *cut, struct scanned *scanned, struct slice *slice,
                      struct error *err)
{
    uint64_t size = object->object->pinned.size;
    bool video = cut->kind != MANIFEST_BYTES && is_video(cut->ext);
    int rc = video ? scan(cutting, object, scanned, err) : 0;
    if (rc)
        return rc;
    switch (cut->kind) {
    case MANIFEST_TIME:
        if (!video)
            return error_set(err, EINVAL, "only an MP4 can be cut by time, not '.%s'", cut->ext);
        return scanned->mp4 ? cut_time(scanned->mp4, cut, slice, err) : error_copy(err, &scanned->why);
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
    slice_whole(slice, size, video && !scanned->mp4 ? scanned->why.text : NULL);
    return 0;
}

static int cut_one(const struct manifest_cutting *cutting, struct manifest_cut *cut, struct scanned *scanned,
                   struct error *err)
{
    const struct manifest_object *object = manifest_objects_at(cutting->objects, cut->object);
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    bool mp4 = cut->kind != MANIFEST_BYTES && is_video(cut->ext);
    struct draft_stream stream = {
        .name = cut->stream, .ext = cut->ext, .container = mp4 ? "mp4" : "", .object = object->id};
    int rc = make_slice(cutting, object, cut, scanned, &slice, err);
    if (rc) {
        CLEANUP_FREE char *name = source_name(object->source, object->object->path);
        return !strncmp(err->text, name, strlen(name)) ? rc : error_prefix(err, "%s", name);
    }
    return draft_stream(&cutting->drafts->clips[cut->clip], &stream, &slice, err);
}

/* All cuts of one object, which follow each other in `order`. */
static int cut_object(const struct manifest_cutting *cutting, struct manifest_cut *const *order, size_t count,
                      struct error *err)
{
    struct scanned scanned = {.scanned = false};
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        rc = cut_one(cutting, order[i], &scanned, err);
        if (rc)
            table_reader_prefix(cutting->reader, order[i]->place, order[i]->column, err);
    }
    if (!rc && scanned.scanned && !scanned.mp4)
        notes_add(cutting->notes, "passed through whole, but not a video that can be cut", scanned.why.text);
    if (scanned.mp4)
        mp4_free(scanned.mp4);
    progress_item(cutting->progress, manifest_objects_name(cutting->objects, order[0]->object));
    return rc;
}

static int compare_objects(const void *a, const void *b)
{
    const struct manifest_cut *x = *(const struct manifest_cut *const *)a;
    const struct manifest_cut *y = *(const struct manifest_cut *const *)b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return (x > y) - (x < y);
}

/* ---- what a clip is made of ---- */

static char *identity_of(const struct manifest_cutting *cutting, const struct manifest_cut *cut)
{
    const struct store_object *pinned = &manifest_objects_at(cutting->objects, cut->object)->object->pinned;
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_printf(&line, "%s.%s %llu %s", cut->stream, cut->ext, (unsigned long long)pinned->size, pinned->pin);
    if (cut->kind != MANIFEST_WHOLE)
        buf_printf(&line, " %s %llu %llu", cut->kind == MANIFEST_TIME ? "frames" : "bytes",
                   (unsigned long long)cut->first, (unsigned long long)cut->count);
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
static void finish_clip(const struct manifest_cutting *cutting, const struct manifest_cut *cuts, size_t count)
{
    struct draft *clip = &cutting->drafts->clips[cuts->clip];
    CLEANUP_FREE char **lines = mem_alloc(count * sizeof *lines);
    CLEANUP_BUF struct buf identity = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        lines[i] = identity_of(cutting, &cuts[i]);
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
    for (size_t i = 0; i < count; i++)
        order[i] = &cuts[i];
    qsort(order, count, sizeof *order, compare_objects);
    int rc = 0;
    for (size_t first = 0, end; !rc && first < count; first = end) {
        for (end = first + 1; end < count && order[end]->object == order[first]->object;)
            end++;
        rc = cut_object(cutting, order + first, end - first, err);
    }
    for (size_t first = 0, end; !rc && first < count; first = end) {
        for (end = first + 1; end < count && cuts[end].clip == cuts[first].clip;)
            end++;
        finish_clip(cutting, cuts + first, end - first);
    }
    return rc;
}
