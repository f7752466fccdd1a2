// SPDX-License-Identifier: Apache-2.0
/* Objects come sorted by path, so the files of one folder that are not in its sub-folders are found by one
 * pass. */
#include "tools/import/files.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "tools/import/files_clip.h"
#include "tools/import/layout.h"

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

/* ---- grouping ---- */

static int add_to_stem(struct files_gather *gather, const struct source_object *object, struct error *err)
{
    const struct files_import *import = gather->import;
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
        return drafts_fault(import->drafts, NULL, source, "", err);
    files_gather_add(gather, clip, object, "", name.ext);
    return 0;
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

static int add_folder_clip(struct files_gather *gather, const struct folder *folder, struct error *err)
{
    const struct files_import *import = gather->import;
    CLEANUP_FREE char *key = key_of(import, folder->path, folder->len);
    CLEANUP_FREE char *path = mem_copy(folder->path, folder->len);
    CLEANUP_FREE char *full = source_name(import->source, path);
    CLEANUP_FREE char *source = mem_printf("%s/", full); /* or it looks like a stem's */
    struct draft *clip = NULL;
    if (folder->count > CLIP_STREAMS_MAX)
        return error_set(/* of all its files, not of one clip */
                         err, E2BIG,
                         "%s: %zu files would be the streams of one clip, which can have %d; say with "
                         "--layout "
                         "how paths spell clips, such as --layout '{key}.{ext}'",
                         source, folder->count, CLIP_STREAMS_MAX);
    if (drafts_clip(import->drafts, key, source, &clip, err))
        return drafts_fault(import->drafts, NULL, source, "", err);
    for (size_t i = 0; i < folder->count; i++) {
        const struct source_object *object = &import->source->objects[folder->members[i]];
        struct file_name name = split(object->path);
        CLEANUP_BUF struct buf stream = BUF_INIT;
        name_escape(&stream, name.stem, name.stem_len);
        files_gather_add(gather, clip, object, buf_text(&stream), name.ext);
    }
    return 0;
}

static int add_folder(struct files_gather *gather, const struct folder *folder, struct error *err)
{
    const struct files_import *import = gather->import;
    if (folder->len && !stems_repeat(import, folder))
        return add_folder_clip(gather, folder, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < folder->count; i++)
        rc = add_to_stem(gather, &import->source->objects[folder->members[i]], err);
    return rc;
}

static int add_by_folder(struct files_gather *gather, struct error *err)
{
    const struct files_import *import = gather->import;
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
            rc = add_folder(gather, &folders[i], err);
        free(folders[i].members);
    }
    free(folders);
    return rc;
}

static int add_match(struct files_gather *gather, const struct source_object *object,
                     const struct layout_match *match, struct error *err)
{
    const struct files_import *import = gather->import;
    CLEANUP_FREE char *key = key_of(import, match->key, strlen(match->key));
    CLEANUP_BUF struct buf stream = BUF_INIT;
    name_escape(&stream, match->stream, strlen(match->stream));
    struct draft *clip = drafts_find(import->drafts, key);
    CLEANUP_FREE char *source = source_name(import->source, object->path);
    int rc = clip ? 0 : drafts_clip(import->drafts, key, source, &clip, err);
    if (rc)
        return drafts_fault(import->drafts, NULL, source, "", err);
    files_gather_add(gather, clip, object, buf_text(&stream), match->ext);
    return 0;
}

static int add_by_layout(struct files_gather *gather, struct error *err)
{
    const struct files_import *import = gather->import;
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
        rc = add_match(gather, object, &match, err);
    }
    if (!rc && !matched)
        rc = error_set(err, ENOENT, "no file matches --layout '%s'", import->layout);
    return rc;
}

int files_import(const struct files_import *import, struct error *err)
{
    struct files_gather gather = {.import = import, .first = import->drafts->count};
    int rc = import->layout ? add_by_layout(&gather, err) : add_by_folder(&gather, err);
    if (!rc)
        rc = files_gather_describe(&gather, err);
    files_gather_done(&gather);
    return rc;
}
