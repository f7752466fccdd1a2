// SPDX-License-Identifier: Apache-2.0
/* Objects come sorted by path, so the files of one folder that are not in its sub-folders are found by one
 * pass. */
#include "tools/import/files.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/mp4/mp4.h"
#include "index/name.h"
#include "tools/import/layout.h"

enum { SOURCE_JSON_BYTES_MAX = 1 << 20 };

struct file_name { /* parts of a path; borrowed */
    const char *folder, *stem, *ext;
    size_t folder_len, stem_len;
};

/* The extension is what follows the last dot, if it is a plain word that needs no escape. */
static struct file_name split(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    struct file_name name = {.folder = path, .folder_len = slash ? (size_t)(slash - path) : 0, .stem = base};
    for (const char *p = dot ? dot + 1 : ""; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            dot = NULL;
    if (dot == base || (dot && (!dot[1] || dot[1] == '_')))
        dot = NULL;
    name.stem_len = dot ? (size_t)(dot - base) : strlen(base);
    name.ext = dot ? dot + 1 : "";
    return name;
}

/* "day1/cam a" -> "P-day1-cam a", escaped as a whole: what needs an escape at a name's start needs none
 * inside. */
static char *key_of(const struct files_import *import, const char *path, size_t len)
{
    CLEANUP_BUF struct buf raw = BUF_INIT, key = BUF_INIT;
    buf_text_append(&raw, import->key_prefix);
    buf_append(&raw, path, len);
    for (size_t i = strlen(import->key_prefix); i < raw.len; i++)
        if (raw.data[i] == '/')
            raw.data[i] = '-';
    name_escape(&key, buf_text(&raw), raw.len);
    return (char *)buf_steal(&key);
}

/* An MP4 is scanned for its sample table, so that it can be cut later; one that cannot be is passed through
 * as well, and says why. */
static int describe_mp4(const struct files_import *import, const struct source_object *object, uint32_t id,
                        struct slice *slice, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, import->source, object);
    CLEANUP_MP4 struct mp4 *mp4 = NULL;
    struct error why = {0};
    int rc = mp4_scan(&recording.recording, &mp4, &why);
    if (rc && rc != -EINVAL && rc != -ENOTSUP)
        return error_copy(err, &why);
    if (rc) {
        slice_whole(slice, object->pinned.size, why.text);
        notes_add(import->notes, "passed through whole, but not a video that can be cut", why.text);
        return 0;
    }
    CLEANUP_BUF struct buf table = BUF_INIT;
    mp4_table_encode(mp4, &table);
    changeset_table(import->drafts->set, id, "mp4", table.data, table.len);
    slice_whole(slice, object->pinned.size, NULL);
    return 0;
}

static int add_file(const struct files_import *import, struct draft *clip, const struct source_object *object,
                    const char *stream_name, const char *ext, struct error *err)
{
    static const char *const videos[] = {"mp4", "m4v", "mov"};
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct draft_stream stream = {
        .name = (char *)(uintptr_t)stream_name, .ext = (char *)(uintptr_t)ext, .container = ""};
    int rc = changeset_object(import->drafts->set, import->root, object->path, object->pinned.size,
                              object->pinned.pin, &stream.object, err);
    if (rc)
        return rc;
    slice_whole(&slice, object->pinned.size, NULL);
    for (size_t i = 0; !rc && i < sizeof videos / sizeof *videos; i++)
        if (!strcasecmp(ext, videos[i])) {
            rc = describe_mp4(import, object, stream.object, &slice, err);
            stream.container = "mp4";
        }
    progress_item(import->progress, object->path);
    buf_printf(&clip->identity, "%s.%s %llu %s\n", stream_name, ext, (unsigned long long)object->pinned.size,
               object->pinned.pin);
    return rc ? rc : draft_stream(clip, &stream, &slice, err);
}

static bool scalar_of(const struct json *json, struct value *ret)
{
    switch (json_kind(json)) {
    case JSON_KIND_BOOL:
        *ret = (struct value){.type = VALUE_BOOL, .boolean = json_as_bool(json)};
        return true;
    case JSON_KIND_INTEGER:
        *ret = (struct value){.type = VALUE_INT, .integer = json_as_integer(json)};
        return true;
    case JSON_KIND_REAL:
        *ret = (struct value){.type = VALUE_FLOAT, .real = json_as_number(json) + 0.0};
        return true;
    case JSON_KIND_TEXT:
        *ret = (struct value){.type = VALUE_TEXT, .text = json_as_text(json)};
        ret->len = ret->text ? strlen(ret->text) : 0;
        return ret->text && ret->len <= VALUE_TEXT_MAX;
    default:
        return false;
    }
}

static bool json_is_flat(const struct json *json)
{
    void *iter = NULL;
    const char *key;
    const struct json *member;
    struct value value;
    if (json_kind(json) != JSON_KIND_OBJECT)
        return false;
    while (json_next(json, &iter, &key, &member))
        if (json_kind(member) != JSON_KIND_NULL && !scalar_of(member, &value))
            return false;
    return true;
}

/* A flat object's members as attributes; "key" says again what the file's name says. */
static int add_members(const struct files_import *import, struct draft *clip, const struct json *json,
                       const char *name, struct error *err)
{
    void *iter = NULL;
    const char *key;
    const struct json *member;
    int rc = 0;
    while (!rc && json_next(json, &iter, &key, &member)) {
        struct value value;
        size_t attribute;
        if (!scalar_of(member, &value) || !strcmp(key, "key"))
            continue;
        rc = drafts_attribute(import->drafts, key, name, &attribute, err);
        if (!rc && draft_has(clip, attribute))
            return error_set(err, EEXIST, "%s: two members would both become the attribute '%s'", name,
                             import->drafts->attributes[attribute].name);
        if (!rc)
            rc = draft_value(import->drafts, clip, attribute, &value, err);
        if (rc)
            return error_prefix(err, "%s: '%s'", name, key);
    }
    return rc;
}

/* <key>.json is the clip's own: a flat object's members become attributes, anything else becomes
 * <key>.source.json. */
static int add_plain_json(const struct files_import *import, struct draft *clip,
                          const struct source_object *object, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_JSON struct json *json = NULL;
    CLEANUP_FREE char *name = source_name(import->source, object->path);
    if (object->pinned.size <= SOURCE_JSON_BYTES_MAX) {
        int rc = source_read_all(import->source, object->path, SOURCE_JSON_BYTES_MAX, &text, err);
        if (rc)
            return rc;
        struct error why;
        json_parse(name, text.data, text.len, &json, &why);
    }
    if (!json_is_flat(json))
        return add_file(import, clip, object, "source", "json", err);
    progress_item(import->progress, object->path);
    return add_members(import, clip, json, name, err);
}

/* ---- grouping ---- */

static int add_to_stem(const struct files_import *import, const struct source_object *object,
                       struct error *err)
{
    struct file_name name = split(object->path);
    size_t stem_len = (size_t)(name.stem - object->path) + name.stem_len;
    CLEANUP_FREE char *key = key_of(import, object->path, stem_len);
    struct draft *clip = drafts_find(import->drafts, key);
    CLEANUP_FREE char *stem = mem_copy(object->path, stem_len);
    CLEANUP_FREE char *source = source_name(import->source, stem);
    if (clip && strcmp(clip->source, source)) /* another folder's clip has this key */
        clip = NULL;
    int rc = clip ? 0 : drafts_clip(import->drafts, key, source, &clip, err);
    if (rc)
        return rc;
    if (!strcmp(name.ext, "json"))
        return add_plain_json(import, clip, object, err);
    return add_file(import, clip, object, "", name.ext, err);
}

struct folder {
    const char *path;
    size_t len;
    size_t *members; /* indices of objects */
    size_t count, cap;
};

static bool stems_repeat(const struct files_import *import, const struct folder *folder)
{
    CLEANUP_STRMAP struct strmap *stems = strmap_new();
    for (size_t i = 0; i < folder->count; i++) {
        struct file_name name = split(import->source->objects[folder->members[i]].path);
        bool is_new;
        strmap_put(stems, name.stem, name.stem_len, &is_new);
        if (!is_new)
            return true;
    }
    return false;
}

static int add_folder_clip(const struct files_import *import, const struct folder *folder, struct error *err)
{
    CLEANUP_FREE char *key = key_of(import, folder->path, folder->len);
    CLEANUP_FREE char *path = mem_copy(folder->path, folder->len);
    CLEANUP_FREE char *full = source_name(import->source, path);
    CLEANUP_FREE char *source = mem_printf("%s/", full); /* or it looks like a stem's */
    struct draft *clip = NULL;
    if (folder->count > CHANGESET_STREAMS_MAX)
        return error_set(
            err, E2BIG,
            "%s: %zu files would be the streams of one clip, which can have %d; say with --layout "
            "how paths spell clips, such as --layout '{key}.{ext}'",
            source, folder->count, CHANGESET_STREAMS_MAX);
    int rc = drafts_clip(import->drafts, key, source, &clip, err);
    for (size_t i = 0; !rc && i < folder->count; i++) {
        const struct source_object *object = &import->source->objects[folder->members[i]];
        struct file_name name = split(object->path);
        CLEANUP_BUF struct buf stream = BUF_INIT;
        name_escape(&stream, name.stem, name.stem_len);
        rc = add_file(import, clip, object, buf_text(&stream), name.ext, err);
    }
    return rc;
}

static int add_folder(const struct files_import *import, const struct folder *folder, struct error *err)
{
    if (folder->len && !stems_repeat(import, folder))
        return add_folder_clip(import, folder, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < folder->count; i++)
        rc = add_to_stem(import, &import->source->objects[folder->members[i]], err);
    return rc;
}

static int add_by_folder(const struct files_import *import, struct error *err)
{
    CLEANUP_STRMAP struct strmap *numbers = strmap_new();
    struct folder *folders = NULL;
    size_t count = 0, cap = 0;
    for (size_t i = 0; i < import->source->count; i++) {
        if (import->taken[i])
            continue;
        struct file_name name = split(import->source->objects[i].path);
        bool is_new;
        struct strmap_entry *entry = strmap_put(numbers, name.folder, name.folder_len, &is_new);
        if (is_new) {
            entry->value = count;
            mem_grow(&folders, &cap, count + 1, sizeof *folders);
            folders[count++] = (struct folder){.path = name.folder, .len = name.folder_len};
        }
        struct folder *folder = &folders[entry->value];
        mem_grow(&folder->members, &folder->cap, folder->count + 1, sizeof *folder->members);
        folder->members[folder->count++] = i;
    }
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        if (!rc)
            rc = add_folder(import, &folders[i], err);
        free(folders[i].members);
    }
    free(folders);
    return rc;
}

static int add_match(const struct files_import *import, const struct source_object *object,
                     const struct layout_match *match, struct error *err)
{
    CLEANUP_FREE char *key = key_of(import, match->key, strlen(match->key));
    CLEANUP_BUF struct buf stream = BUF_INIT;
    name_escape(&stream, match->stream, strlen(match->stream));
    struct draft *clip = drafts_find(import->drafts, key);
    CLEANUP_FREE char *source = source_name(import->source, object->path);
    int rc = clip ? 0 : drafts_clip(import->drafts, key, source, &clip, err);
    if (rc)
        return rc;
    return !stream.len && !strcmp(match->ext, "json")
               ? add_plain_json(import, clip, object, err)
               : add_file(import, clip, object, buf_text(&stream), match->ext, err);
}

static int add_by_layout(const struct files_import *import, struct error *err)
{
    CLEANUP_LAYOUT struct layout *layout = NULL;
    int rc = layout_parse(import->layout, &layout, err);
    size_t matched = 0;
    for (size_t i = 0; !rc && i < import->source->count; i++) {
        const struct source_object *object = &import->source->objects[i];
        CLEANUP_LAYOUT_MATCH struct layout_match match = {0};
        if (import->taken[i])
            continue;
        if (!layout_match(layout, object->path, &match)) {
            notes_add(import->notes, "left out, because it does not match --layout", object->path);
            continue;
        }
        matched++;
        rc = add_match(import, object, &match, err);
    }
    if (!rc && !matched)
        rc = error_set(err, ENOENT, "no file matches --layout '%s'", import->layout);
    return rc;
}

int files_import(const struct files_import *import, struct error *err)
{
    size_t first = import->drafts->count;
    int rc = import->layout ? add_by_layout(import, err) : add_by_folder(import, err);
    for (size_t i = first; !rc && i < import->drafts->count; i++) {
        struct draft *clip = &import->drafts->clips[i];
        if (!clip->identity.len) /* labels only: all that it is, is its name */
            buf_printf(&clip->identity, "key %s\n", clip->key);
        sha256_of(buf_text(&clip->identity), clip->identity.len, clip->fingerprint);
    }
    return rc;
}
