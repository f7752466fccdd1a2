// SPDX-License-Identifier: Apache-2.0
/* One LIST tells names, sizes and pins of everything (versions aside); after it only headers, footers and
 * indices are read. */
#include "tools/import/source.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct source_habits {
    atomic_uint_least64_t head_bytes; /* that the last recording was read from its start; 0: none was */
};

static bool path_is_hidden(const char *path)
{
    return path[0] == '.' || strstr(path, "/.");
}

static bool path_is_own(const char *path)
{
    /* The source may hold the data set itself: its objects are no recordings. */
    const char *own = strncmp(path, "elidefs/", 8) ? strstr(path, "/elidefs/") : path;
    if (!own)
        return false;
    own += *own == '/';
    static const char *const folders[] = {"versions/", "packs/", "data/", "series/", "gc/", "parts/"};
    own += strlen("elidefs/");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!strncmp(own, folders[i], strlen(folders[i])))
            return true;
    return !strcmp(own, "head");
}

static int compare_objects(const void *a, const void *b)
{
    return strcmp(((const struct source_object *)a)->path, ((const struct source_object *)b)->path);
}

void source_add(struct source *source, char *path, const struct store_object *pinned)
{
    mem_grow(&source->objects, &source->cap, source->count + 1, sizeof *source->objects);
    source->objects[source->count++] =
        (struct source_object){.store = source->store, .path = path, .pinned = *pinned};
}

void source_sort(struct source *source)
{
    if (source->count)
        qsort(source->objects, source->count, sizeof *source->objects, compare_objects);
}

static int add_object(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct source *source = ctx;
    if (path_is_own(path))
        return 0;
    if (path_is_hidden(path)) {
        if (!source->hidden++)
            source->hidden_example = mem_text(path);
        return 0;
    }
    size_t len = strlen(path);
    if (!len || path[len - 1] == '/') /* the "folders" some S3 tools make */
        return 0;
    source_add(source, mem_text(path), object);
    return 0;
}

void source_add_refusal(struct source *source, char *path, const struct error *why)
{
    mem_grow(&source->refusals, &source->refusal_cap, source->refusal_count + 1, sizeof *source->refusals);
    source->refusals[source->refusal_count++] = (struct source_refusal){.path = path, .why = *why};
}

const struct error *source_refused(const struct source *source, const char *path)
{
    for (size_t i = 0; i < source->refusal_count; i++) {
        size_t len = strlen(source->refusals[i].path);
        if (!strncmp(path, source->refusals[i].path, len) && (path[len] == '/' || !path[len]))
            return &source->refusals[i].why;
    }
    return NULL;
}

/* What is hidden is not missed. */
static int add_refusal(void *ctx, const char *path, const struct error *why, struct error *err)
{
    struct source *source = ctx;
    (void)err;
    if (path_is_own(path) || path_is_hidden(path))
        return 0;
    size_t len = strlen(path);
    source_add_refusal(source, mem_copy(path, len - (path[len - 1] == '/')), why);
    return 0;
}

int source_open(struct stores *stores, const char *url, struct source **ret, struct error *err)
{
    CLEANUP_SOURCE struct source *source = MEM_NEW(struct source);
    source->habits = MEM_NEW(struct source_habits);
    int rc = store_open(stores, url, &source->store, err);
    if (rc)
        return rc;
    bool lists = !store_is_read_only(source->store);
    rc = lists ? store_list_past(source->store, "", add_object, add_refusal, source, err)
               : source_name_lerobot(source, err);
    if (rc < 0) { /* the store names the place, but not in every message */
        const char *place = store_url(source->store);
        return strncmp(err->text, place, strlen(place)) != 0 ? error_prefix(err, "%s", place) : rc;
    }
    if (!source->count && source->refusal_count)
        return error_copy(err, &source->refusals->why);
    if (!source->count)
        return error_set(err, ENOENT, "%s: there is no file to import%s", store_url(source->store),
                         source->hidden ? " (names that start with '.' are left out)" : "");
    source_sort(source);
    rc = lists ? source_pin_versions(source, err) : 0;
    if (rc < 0)
        return rc;
    *ret = STEAL(source);
    return 0;
}

void source_free(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free(source->objects[i].path);
        free(source->objects[i].pin_now);
    }
    free(source->objects);
    for (size_t i = 0; i < source->refusal_count; i++)
        free(source->refusals[i].path);
    free(source->refusals);
    free(source->habits);
    free(source->hidden_example);
    if (source->store)
        store_unref(source->store);
    free(source);
}

const struct source_object *source_find(const struct source *source, const char *path)
{
    struct source_object key = {.path = (char *)(uintptr_t)path};
    return source->count ? bsearch(&key, source->objects, source->count, sizeof key, compare_objects) : NULL;
}

/* The first object whose path is not before `prefix`, its own `len` bytes compared; past: whose is behind. */
static size_t bound(const struct source *source, const char *prefix, size_t len, bool past)
{
    size_t from = 0, end = source->count;
    while (from < end) {
        size_t middle = from + (end - from) / 2;
        if (strncmp(source->objects[middle].path, prefix, len) < (past ? 1 : 0))
            from = middle + 1;
        else
            end = middle;
    }
    return from;
}

size_t source_below(const struct source *source, const char *prefix, size_t *ret_count)
{
    size_t len = strlen(prefix), first = bound(source, prefix, len, false);
    *ret_count = bound(source, prefix, len, true) - first;
    return first;
}

char *source_name(const struct source *source, const char *path)
{
    return mem_printf("%s/%s", store_url(source->store), path);
}

void source_now(const struct source_object *object, struct store_object *ret)
{
    *ret = object->pinned;
    if (object->pin_now)
        memcpy(ret->pin, object->pin_now, strlen(object->pin_now) + 1);
}

int source_read(const struct source *source, const struct source_object *object, uint64_t offset, size_t len,
                void *to, struct error *err)
{
    struct store_object now;
    source_now(object, &now);
    return store_read(source->store, object->path, &now, offset, len, to, err);
}

int source_read_all(const struct source *source, const char *path, size_t max_bytes, struct buf *buf,
                    struct error *err)
{
    const struct source_object *object = source_find(source, path);
    CLEANUP_FREE char *name = source_name(source, path);
    if (!object)
        return error_set(err, ENOENT, "%s: no such file", name);
    if (object->pinned.size > max_bytes)
        return error_set(err, EFBIG, "%s: %llu bytes, more than the %zu such a file may have", name,
                         (unsigned long long)object->pinned.size, max_bytes);
    size_t len = (size_t)object->pinned.size;
    int rc = len ? source_read(source, object, 0, len, buf_room(buf, len), err) : 0;
    if (rc < 0)
        return rc;
    buf->len += len;
    buf_room(buf, 0);
    return 0;
}

static uint64_t head_window(const struct source *source)
{
    uint64_t used = source->habits ? atomic_load(&source->habits->head_bytes) : 0;
    uint64_t window = used ? used + used / 4 : SOURCE_HEAD_BYTES;
    if (window < SOURCE_HEAD_LEAST_BYTES)
        return SOURCE_HEAD_LEAST_BYTES;
    return window < SOURCE_WINDOW_BYTES ? window : SOURCE_WINDOW_BYTES;
}

/* For a read at `start` that the window of before does not serve. */
static uint64_t window_bytes(const struct source_recording *r, uint64_t start)
{
    if (!start)
        return head_window(r->source);
    bool goes_on = r->window.len && start >= r->window_start && start <= r->window_start + r->window.len;
    uint64_t window = goes_on ? 2 * (uint64_t)r->window.len : SOURCE_HEAD_BYTES;
    return window < SOURCE_WINDOW_BYTES ? window : SOURCE_WINDOW_BYTES;
}

/* The table in source.h. */
static void choose_window(const struct source_recording *r, uint64_t *start, uint64_t *end)
{
    uint64_t size = r->recording.size, window = window_bytes(r, *start);
    if (size <= SOURCE_WHOLE_BYTES) {
        *start = 0;
        *end = size;
    } else if (*end == size) {
        uint64_t foot = size - SOURCE_FOOT_BYTES;
        *start = foot < *start ? foot : *start;
    } else if (*start && size - *start <= SOURCE_WINDOW_BYTES) {
        *end = size;
    } else if (*end < *start + window) {
        *end = *start + window < size ? *start + window : size;
    }
}

static int read_window(struct source_recording *r, uint64_t offset, size_t len, struct error *err)
{
    uint64_t start = offset, end = offset + len;
    choose_window(r, &start, &end);
    buf_clear(&r->window); /* choose_window() looked at it */
    size_t window = (size_t)(end - start);
    int rc = source_read(r->source, r->object, start, window, buf_room(&r->window, window), err);
    if (rc < 0)
        return rc;
    r->window.len = window;
    r->window_start = start;
    return 0;
}

static int read_from_store(struct source_recording *r, uint64_t offset, size_t len, void *to,
                           struct error *err)
{
    if (offset < r->window_start || offset + len > r->window_start + r->window.len) {
        if (len >= SOURCE_WINDOW_BYTES) /* long reads are not kept */
            return source_read(r->source, r->object, offset, len, to, err);
        int rc = read_window(r, offset, len, err);
        if (rc < 0)
            return rc;
    }
    memcpy(to, r->window.data + (offset - r->window_start), len);
    return 0;
}

static void note_head(struct source_recording *r, uint64_t offset, uint64_t end)
{
    if (offset <= r->head_end && end > r->head_end && end <= SOURCE_WINDOW_BYTES)
        r->head_end = end;
}

static int recording_read_source(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct source_recording *r = ctx;
    if (r->elsewhere)
        return error_set(err, IMPORT_PART_OTHER, "%s: another part reads it", r->name);
    note_head(r, offset, offset + len);
    const uint8_t *noted = scan_find(&r->scan, offset, len);
    if (noted) {
        memcpy(to, noted, len);
        return 0;
    }
    int rc = read_from_store(r, offset, len, to, err);
    if (!rc && r->scans)
        scan_add(&r->scan, offset, to, len);
    return rc;
}

static struct scan_of object_of(const struct source_recording *r)
{
    return (struct scan_of){store_url(r->source->store), r->object->path, &r->object->pinned};
}

void source_recording_remember(struct source_recording *r, struct scan_cache *scans)
{
    struct scan_of object = object_of(r);
    r->scans = scans;
    r->elsewhere = !import_part_has(r->source->part, r->object->path);
    scan_cache_find(scans, &object, &r->scan);
}

/* An object is scanned by one thread, and used by others only when that has ended. */
static void note_evidence(const struct source_recording *r)
{
    CLEANUP_FREE struct evidence_piece *pieces = mem_zero((r->scan.count + 1) * sizeof *pieces);
    struct source_object *object = &r->source->objects[r->object - r->source->objects];
    if (r->scan.too_large || object->pinned.evidence.count)
        return;
    for (size_t i = 0; i < r->scan.count; i++) {
        const struct scan_piece *piece = &r->scan.pieces[i];
        pieces[i] = (struct evidence_piece){piece->offset, r->scan.bytes.data + piece->at, piece->len};
    }
    evidence_of_pieces(pieces, r->scan.count, r->recording.size, &object->pinned.evidence);
}

void source_recording_keep(struct source_recording *r)
{
    struct scan_of object = object_of(r);
    note_evidence(r);
    if (r->scan.grown)
        scan_cache_put(r->scans, &object, &r->scan);
    if (r->head_end && r->recording.size > SOURCE_WHOLE_BYTES && r->source->habits)
        atomic_store(&r->source->habits->head_bytes, r->head_end);
    r->scans = NULL;
    scan_done(&r->scan);
}

void source_recording_init(struct source_recording *ret, const struct source *source,
                           const struct source_object *object)
{
    *ret = (struct source_recording){
        .source = source, .object = object, .name = source_name(source, object->path)};
    ret->recording = (struct recording){
        .name = ret->name, .size = object->pinned.size, .read = recording_read_source, .ctx = ret};
}

/* What a part could make nothing of, the merge cannot either: it shall say so without reading it again. */
static void hand_over(const struct source_recording *r)
{
    struct scan_of object = object_of(r);
    scan_cache_put(r->scans, &object, &r->scan);
}

void source_recording_done(struct source_recording *recording)
{
    if (recording->scans && recording->source->part && recording->scan.grown)
        hand_over(recording);
    free(recording->name);
    buf_done(&recording->window);
    scan_done(&recording->scan);
}
