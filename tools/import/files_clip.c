// SPDX-License-Identifier: Apache-2.0
/*
 * Two passes: the first gathers members and lists what must be read, the second takes clips in order, reads
 * what is new, and tells labels from streams.
 */
#include "tools/import/files_clip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/base/value_list.h"

static const char source_stream[] = "source"; /* <key>.json that is no labels */

/* ---- gathering ---- */

void files_gather_add(struct files_gather *gather, const struct draft *clip,
                      const struct source_object *object, const char *stream, const char *ext)
{
    size_t number = (size_t)(clip - gather->import->drafts->clips) - gather->first;
    mem_grow(&gather->clips, &gather->cap, number + 1, sizeof *gather->clips);
    while (gather->count <= number)
        gather->clips[gather->count++] = (struct file_members){0};
    struct file_members *members = &gather->clips[number];
    mem_grow(&members->list, &members->cap, members->count + 1, sizeof *members->list);
    members->list[members->count++] = (struct file_member){
        .object = object, .stream = mem_text(stream), .ext = mem_text(ext), .scan = SIZE_MAX};
}

void files_gather_done(struct files_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        for (size_t k = 0; k < gather->clips[i].count; k++) {
            free(gather->clips[i].list[k].stream);
            free(gather->clips[i].list[k].ext);
        }
        free(gather->clips[i].list);
    }
    free(gather->clips);
    if (gather->scan)
        files_scan_free(gather->scan);
}

/* ---- attributes: <key>.json ---- */

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

/* 1: the list in `list`; 0: it holds something else than numbers and nulls, or too many. */
static int list_of(const struct json *json, struct buf *list, struct value *ret)
{
    struct value element;
    size_t count = json_count(json);
    buf_clear(list);
    for (size_t i = 0; i < count; i++) {
        const struct json *at = json_at(json, i);
        if (json_kind(at) == JSON_KIND_NULL)
            value_list_add_null(list);
        else if (!scalar_of(at, &element))
            return 0;
        else if (element.type == VALUE_INT)
            value_list_add_integer(list, element.integer);
        else if (element.type == VALUE_FLOAT)
            value_list_add_real(list, element.real);
        else
            return 0;
    }
    *ret = value_list_of(list);
    return count <= VALUE_LIST_MAX;
}

static bool are_texts(const struct json *json)
{
    struct value text;
    size_t i = 0, count = json_count(json);
    while (i < count && scalar_of(json_at(json, i), &text) && text.type == VALUE_TEXT)
        i++;
    return i == count;
}

static bool is_label(const struct json *json)
{
    struct value value;
    CLEANUP_BUF struct buf list = BUF_INIT;
    if (json_kind(json) == JSON_KIND_ARRAY)
        return list_of(json, &list, &value) || are_texts(json);
    return json_kind(json) == JSON_KIND_NULL || scalar_of(json, &value);
}

static bool json_is_flat(const struct json *json)
{
    void *iter = NULL;
    const char *key;
    const struct json *member;
    if (json_kind(json) != JSON_KIND_OBJECT)
        return false;
    while (json_next(json, &iter, &key, &member))
        if (!is_label(member))
            return false;
    return true;
}

/* A list of numbers is one value; of texts, several. */
static int add_value(struct drafts *drafts, struct draft *clip, size_t attribute, const struct json *json,
                     struct error *err)
{
    CLEANUP_BUF struct buf list = BUF_INIT;
    struct value value;
    if (json_kind(json) != JSON_KIND_ARRAY)
        return scalar_of(json, &value) ? draft_value(drafts, clip, attribute, &value, err) : 0;
    if (!json_count(json))
        return draft_empty(drafts, clip, attribute, err);
    if (list_of(json, &list, &value))
        return draft_value(drafts, clip, attribute, &value, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < json_count(json); i++)
        if (scalar_of(json_at(json, i), &value))
            rc = draft_value(drafts, clip, attribute, &value, err);
    return rc;
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
        size_t attribute;
        if (json_kind(member) == JSON_KIND_NULL || !strcmp(key, "key"))
            continue;
        rc = drafts_attribute(import->drafts, key, name, &attribute, err);
        if (!rc && draft_has(clip, attribute))
            return error_set(err, EEXIST, "%s: two members would both become the attribute '%s'", name,
                             import->drafts->attributes[attribute].name);
        if (!rc)
            rc = add_value(import->drafts, clip, attribute, member, err);
        if (rc)
            return error_prefix(err, "%s: '%s'", name, key);
    }
    return rc;
}

/* Such as an object that is kept with Content-Encoding: gzip. */
static bool is_gzip(const struct buf *bytes)
{
    return bytes->len > 2 && bytes->data[0] == 0x1f && bytes->data[1] == 0x8b;
}

/* <key>.json is the clip's own: a flat object's members become attributes, anything else becomes the stream
 * <key>.source.json. */
static int read_labels(const struct files_gather *gather, struct draft *clip, struct file_member *member,
                       struct error *err)
{
    const struct files_import *import = gather->import;
    CLEANUP_JSON struct json *json = NULL;
    CLEANUP_FREE char *name = source_name(import->source, member->object->path);
    if (member->scan != SIZE_MAX) {
        const struct files_scanned *scanned = files_scan_take(gather->scan, member->scan);
        if (scanned->rc)
            return error_copy(err, scanned->why);
        json_parse(name, scanned->bytes.data, scanned->bytes.len, &json, NULL);
        if (is_gzip(&scanned->bytes))
            notes_add(import->notes, "no labels, but a file of the clip, because it is gzip-compressed",
                      name);
        files_scan_drop(gather->scan, member->scan);
    }
    member->labels = json_is_flat(json);
    member->taken = true;
    if (!member->labels)
        return 0;
    progress_item(import->progress, member->object->path);
    uint32_t id; /* so that it is known the next time; what is bad is to be read again */
    int rc = add_members(import, clip, json, name, err);
    return rc ? rc : drafts_note_object(import->drafts, import->root, member->object, &id, err);
}

static bool may_be_labels(const struct file_member *member)
{
    return !*member->stream && !strcmp(member->ext, "json");
}

/* What was read before need not be read to know what it is: 1, 0 or -errno. */
static int labels_are_known(const struct files_import *import, const struct catalog_known *was,
                            struct file_member *member, struct error *err)
{
    struct known_object found;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    int rc = was ? known_object(import->known, member->object, &found, err) : 0;
    if (rc < 1)
        return rc;
    rc = known_stream(import->known, was->row, member->object, &slice, err);
    member->labels = !rc;
    return rc < 0 ? rc : 1;
}

/* Hands over what is wrong with a clip's file. */
static int settle(const struct files_import *import, struct draft *clip, const struct file_member *member,
                  int rc, struct error *err)
{
    if (rc >= 0)
        return rc;
    CLEANUP_FREE char *name = source_name(import->source, member->object->path);
    return drafts_fault(import->drafts, clip, name, "", err);
}

/* Tells attributes from streams; *ret_known: all of them were known before, and none was read. */
static int find_labels(const struct files_gather *gather, const struct catalog_known *was, struct draft *clip,
                       struct file_members *members, bool *ret_known, struct error *err)
{
    const struct files_import *import = gather->import;
    *ret_known = true;
    for (size_t i = 0; i < members->count; i++) {
        struct file_member *member = &members->list[i];
        if (!may_be_labels(member))
            continue;
        int rc = labels_are_known(import, was, member, err);
        *ret_known &= rc == 1;
        if (!rc)
            rc = settle(import, clip, member, read_labels(gather, clip, member, err), err);
        if (rc < 0)
            return rc;
        if (!member->labels) {
            free(member->stream);
            member->stream = mem_text(source_stream);
        }
    }
    return 0;
}

/* ---- streams ---- */

/* An MP4 is scanned for its sample table, so that it can be cut later; one that cannot be is passed through
 * as well, and says why. */
/* *ret becomes what was scanned of the video; it stays where the newest version knows its table. */
static int look_into_mp4(const struct files_gather *gather, const struct file_member *member,
                         const struct files_scanned **ret, struct error *err)
{
    const struct files_import *import = gather->import;
    CLEANUP_BUF struct buf table = BUF_INIT;
    int rc = import->known ? known_recording(import->known, member->object, "mp4", &table, err) : 0;
    if (rc)
        return rc < 0 ? rc : 0;
    const struct files_scanned *scanned = files_scan_take(gather->scan, member->scan);
    if (scanned->rc && scanned->rc != -EINVAL && scanned->rc != -ENODATA && scanned->rc != -ENOTSUP)
        return error_copy(err, scanned->why);
    *ret = scanned;
    return 0;
}

/* `scanned` may be NULL. */
static void describe_mp4(const struct files_gather *gather, const struct file_member *member, uint32_t id,
                         const struct files_scanned *scanned, struct slice *slice)
{
    const struct files_import *import = gather->import;
    const char *reason = scanned && scanned->rc ? scanned->why->text : NULL;
    if (scanned && !reason)
        changeset_table(import->drafts->set, id, "mp4", scanned->bytes.data, scanned->bytes.len);
    if (reason)
        notes_add(import->notes, "passed through whole, but not a video that can be cut", reason);
    slice_whole(slice, member->object->pinned.size, reason);
    files_scan_drop(gather->scan, member->scan);
}

static bool is_video(const char *ext)
{
    static const char *const videos[] = {"mp4", "m4v", "mov"};
    for (size_t i = 0; i < sizeof videos / sizeof *videos; i++)
        if (!strcasecmp(ext, videos[i]))
            return true;
    return false;
}

static int add_file(const struct files_gather *gather, const struct catalog_known *was, struct draft *clip,
                    const struct file_member *member, struct error *err)
{
    const struct files_import *import = gather->import;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    const struct source_object *object = member->object;
    bool video = is_video(member->ext);
    struct draft_stream stream = {
        .name = member->stream, .ext = member->ext, .container = video ? "mp4" : ""};
    CLEANUP_FREE char *name = source_name(import->source, object->path);
    const struct files_scanned *scanned = NULL;
    int known = was ? known_stream(import->known, was->row, object, &slice, err) : 0, rc = known;
    if (!rc && video &&
        !object->pinned.archived) /* first: a copy may touch it, and evidence is what was read */
        rc = look_into_mp4(gather, member, &scanned, err);
    if (rc < 0)
        return rc;
    rc = drafts_object(import->drafts, import->root, object, &stream.object, err);
    if (rc == -ESTALE) { /* somebody writes to it just now */
        drafts_wait(import->drafts, clip, name);
        return 0;
    }
    if (rc < 0)
        return rc == -EACCES && object->pinned.archived ? error_prefix(err, "%s", name) : rc;
    if (!known && video)
        describe_mp4(gather, member, stream.object, scanned, &slice);
    else if (!known)
        slice_whole(&slice, object->pinned.size, NULL);
    progress_item(import->progress, object->path);
    return rc < 0 ? rc : draft_stream(import->drafts, clip, &stream, &slice, err);
}

/* ---- clips ---- */

/* `labels`: what is not told yet are labels, else a stream. */
static void fingerprint(struct draft *clip, const struct file_members *members, bool labels)
{
    CLEANUP_BUF struct buf identity = BUF_INIT;
    for (size_t i = 0; i < members->count; i++) {
        const struct file_member *member = &members->list[i];
        bool open = may_be_labels(member);
        char pin[STORE_PIN_BYTES];
        store_pin_renamed(member->object->pinned.pin, pin);
        if (!member->labels && !(open && labels))
            buf_printf(&identity, "%s.%s %llu %s\n", open ? source_stream : member->stream, member->ext,
                       (unsigned long long)member->object->pinned.size, pin);
    }
    if (!identity.len) /* labels only: all that it is, is its name */
        buf_printf(&identity, "key %s\n", clip->key);
    sha256_of(buf_text(&identity), identity.len, clip->fingerprint);
}

/* Every file is where the newest version has it: 1, 0 or -errno. */
static int in_place(const struct files_import *import, const struct file_members *members, struct error *err)
{
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i].labels)
            continue;
        int rc = drafts_in_place(import->drafts, members->list[i].object, err);
        if (rc < 1)
            return rc;
    }
    return 1;
}

static int give(const struct files_gather *gather, const struct catalog_known *was, struct draft *clip,
                struct file_members *members, struct error *err)
{
    const struct files_import *import = gather->import;
    int rc = 0;
    for (size_t i = 0; !rc && i < members->count; i++) {
        struct file_member *member = &members->list[i];
        if (!member->labels)
            rc = settle(import, clip, member, add_file(gather, was, clip, member, err), err);
        else if (!member->taken)
            rc = settle(import, clip, member, read_labels(gather, clip, member, err), err);
    }
    return rc;
}

/* Whether <key>.json was labels or a stream is not known of a clip that was removed: it is either. */
static int find_removed(const struct files_import *import, struct draft *clip, struct file_members *members,
                        struct error *err)
{
    struct catalog_known was;
    int rc = import->known && !import->restore ? known_removed(import->known, clip->key, &was, err) : 0;
    if (rc < 1)
        return rc;
    for (int labels = 1; labels >= 0 && !members->removed; labels--) {
        fingerprint(clip, members, labels);
        members->removed = catalog_known_has(&was, clip->fingerprint);
    }
    return 0;
}

static int describe(const struct files_gather *gather, struct draft *clip, struct file_members *members,
                    struct error *err)
{
    const struct files_import *import = gather->import;
    if (members->removed)
        return 0;
    struct catalog_known known;
    bool labels_known;
    int rc = import->known ? known_clip(import->known, clip->key, &known, err) : 0;
    if (rc < 0)
        return rc;
    const struct catalog_known *was = rc ? &known : NULL;
    rc = find_labels(gather, was, clip, members, &labels_known, err);
    if (rc)
        return rc;
    fingerprint(clip, members, true);
    if (was && import->may_skip && labels_known && catalog_known_has(was, clip->fingerprint))
        rc = in_place(import, members, err);
    clip->kept = rc == 1;
    return rc ? (rc < 0 ? rc : 0) : give(gather, was, clip, members, err);
}

/* Of each clip its labels first: they tell what the others are. */
static void list_scans(struct files_gather *gather, struct file_members *members)
{
    for (int labels = 1; labels >= 0; labels--)
        for (size_t i = 0; i < members->count; i++) {
            struct file_member *member = &members->list[i];
            bool wanted = labels
                              ? may_be_labels(member) && member->object->pinned.size <= FILES_SCAN_LABELS_MAX
                              : is_video(member->ext);
            if (wanted)
                member->scan =
                    files_scan_add(gather->scan, member->object, labels ? FILES_SCAN_LABELS : FILES_SCAN_MP4);
        }
}

int files_gather_describe(struct files_gather *gather, struct error *err)
{
    gather->scan = files_scan_new(gather->import->source, gather->import->drafts);
    int rc = 0;
    for (size_t i = 0; !rc && i < gather->count; i++) {
        struct file_members *members = &gather->clips[i];
        rc = find_removed(gather->import, &gather->import->drafts->clips[gather->first + i], members, err);
        if (!members->removed)
            list_scans(gather, members);
    }
    if (!rc)
        rc = files_scan_begin(gather->scan, err);
    for (size_t i = 0; !rc && i < gather->count; i++)
        rc = describe(gather, &gather->import->drafts->clips[gather->first + i], &gather->clips[i], err);
    return rc;
}
