// SPDX-License-Identifier: Apache-2.0
#include "tools/import/copy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"

enum { PART_BYTES = 8 << 20 };

int copy_mode_parse(const char *text, enum copy_mode *ret, struct error *err)
{
    bool open = !strcmp(text, "open");
    if (!open && *text && strcmp(text, "all") != 0)
        return error_set(err, EINVAL, "--copy=%s: expected open or all", text);
    *ret = open ? COPY_OPEN : COPY_ALL;
    return 0;
}

/* ---- which ---- */

/* "top/chunk-001/file-017.mp4" -> "top/chunk-#/file-#.mp4"; folders above keep their numbers. */
static char *series_of(const char *path)
{
    size_t len = strlen(path), out = 0;
    char *series = mem_alloc(len + 1);
    const char *file = strrchr(path, '/'), *folder = file;
    while (folder && folder > path && folder[-1] != '/')
        folder--;
    file = file ? file + 1 : path;
    const char *from = folder && !strncmp(folder, "chunk-", 6) ? folder : file;
    for (const char *p = path; *p; p++) {
        bool digit = p >= from && isdigit((unsigned char)*p);
        if (!digit)
            series[out++] = *p;
        else if (!out || series[out - 1] != '#' || !isdigit((unsigned char)p[-1]))
            series[out++] = '#';
    }
    series[out] = 0;
    return series;
}

bool *copy_open_objects(const struct source *source)
{
    CLEANUP_STRMAP struct strmap *last = strmap_new(); /* series -> index of its last object */
    bool *open = mem_zero((source->count + !source->count) * sizeof *open);
    for (size_t i = 0; i < source->count; i++) {
        bool is_new;
        CLEANUP_FREE char *series = series_of(source->objects[i].path);
        struct strmap_entry *entry = strmap_put(last, series, strlen(series), &is_new);
        if (is_new || strverscmp(source->objects[i].path, source->objects[entry->value].path) > 0)
            entry->value = i;
    }
    for (size_t i = 0; i < strmap_count(last); i++)
        open[strmap_at(last, i)->value] = true;
    return open;
}

void copier_init(struct copier *ret, enum copy_mode mode, struct store *store, const struct known *known,
                 const struct source *source)
{
    *ret = (struct copier){.store = store, .source = source, .known = known};
    if (mode == COPY_OPEN)
        ret->open = copy_open_objects(source);
}

void copier_done(struct copier *copier)
{
    free(copier->open);
    free(copier->counted);
}

bool copier_wants(const struct copier *copier, const struct source_object *object)
{
    return !copier->open || copier->open[object - copier->source->objects];
}

/* ---- copying ---- */

static int copy_small(const struct copier *copier, const struct source_object *object, const char *path,
                      struct store_object *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = source_read_all(copier->source, object->path, PART_BYTES, &bytes, err);
    if (!rc)
        rc = store_put(copier->store, path, bytes.data, bytes.len, STORE_PUT_REPLACE, ret, err);
    if (rc < 0)
        return rc;
    struct evidence_whole *whole = evidence_whole_new();
    evidence_whole_add(whole, bytes.data, bytes.len);
    evidence_whole_finish(whole, &ret->evidence);
    return 0;
}

static int copy_parts(const struct copier *copier, const struct source_object *object,
                      struct store_upload *upload, struct evidence_whole *whole, struct error *err)
{
    CLEANUP_FREE uint8_t *part = mem_alloc(PART_BYTES);
    uint64_t size = object->pinned.size;
    int rc = 0;
    for (uint64_t at = 0; !rc && at < size; at += PART_BYTES) {
        size_t len = size - at < PART_BYTES ? (size_t)(size - at) : PART_BYTES;
        rc = source_read(copier->source, object, at, len, part, err);
        if (rc >= 0)
            rc = store_upload_part(upload, part, len, err);
        if (rc >= 0)
            evidence_whole_add(whole, part, len);
    }
    return rc;
}

static int copy_large(const struct copier *copier, const struct source_object *object, const char *path,
                      struct store_object *ret, struct error *err)
{
    struct store_upload *upload;
    int rc = store_upload_begin(copier->store, path, &upload, err);
    if (rc < 0)
        return rc;
    struct evidence_whole *whole = evidence_whole_new();
    struct evidence evidence = {0};
    rc = copy_parts(copier, object, upload, whole, err);
    evidence_whole_finish(whole, &evidence);
    if (rc < 0) {
        store_upload_abort(upload);
        return rc;
    }
    rc = store_upload_finish(upload, ret, err);
    if (!rc)
        ret->evidence = evidence;
    return rc;
}

/* An import that was given up may have left it: its path says that it is these bytes. */
static bool is_there(const struct copier *copier, const struct source_object *object, const char *path,
                     struct store_object *ret)
{
    return !store_head(copier->store, path, ret, NULL) && ret->size == object->pinned.size;
}

int copier_take(struct copier *copier, const struct source_object *object, struct known_object *ret,
                struct error *err)
{
    struct store_object *copied = &ret->pinned;
    if (copier->dry) {
        size_t number = (size_t)(object - copier->source->objects);
        if (!copier->counted)
            copier->counted = mem_zero(copier->source->count * sizeof *copier->counted);
        if (copier->counted[number])
            return 0;
        copier->counted[number] = true;
        copier->objects++;
        copier->bytes += object->pinned.size;
        return 0;
    }
    known_copy_path(copier->known, object, ret->path);
    ret->copy = true;
    if (is_there(copier, object, ret->path, copied))
        return 0;
    int rc = object->pinned.size <= PART_BYTES ? copy_small(copier, object, ret->path, copied, err)
                                               : copy_large(copier, object, ret->path, copied, err);
    if (rc < 0)
        return error_prefix(err, "copying %s/%s", store_url(copier->source->store), object->path);
    copied->size = object->pinned.size;
    copier->objects++;
    copier->bytes += copied->size;
    if (copier->made)
        strmap_put(copier->made, ret->path, strlen(ret->path), NULL);
    return 0;
}

size_t copy_take_back(struct store *store, const struct strmap *made)
{
    size_t removed = 0;
    for (size_t i = 0; i < strmap_count(made); i++)
        removed += !store_remove(store, strmap_at(made, i)->key, NULL);
    return removed;
}
