// SPDX-License-Identifier: Apache-2.0
/* The writing half. Everything is checked before a byte is appended, so a refused operation leaves no trace;
 * and decoding replays a foreign log through these same functions (changeset_read.c), so there is one set of
 * rules. */
#include "index/commit/changeset.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "index/base/name.h"
#include "index/commit/changeset_operations.h"

struct changeset *changeset_new(void)
{
    struct changeset *set = MEM_NEW(struct changeset);
    set->roots = strmap_new();
    set->objects = strmap_new();
    set->attributes = strmap_new();
    set->removals = strmap_new();
    set->labels_of = strmap_new();
    set->sources = strmap_new();
    spool_append(&set->log, CHANGESET_MAGIC, CHANGESET_MAGIC_BYTES);
    return set;
}

void changeset_free(struct changeset *set)
{
    if (!set)
        return;
    strmap_free(set->roots);
    strmap_free(set->objects);
    strmap_free(set->attributes);
    changeset_keys_done(&set->clips);
    strmap_free(set->removals);
    strmap_free(set->labels_of);
    strmap_free(set->sources);
    free(set->attribute_list);
    free(set->object_list);
    free(set->files);
    spool_done(&set->log);
    buf_done(&set->operation);
    free(set);
}

size_t changeset_clips(const struct changeset *set)
{
    return set->clips.count;
}

size_t changeset_removals(const struct changeset *set)
{
    return strmap_count(set->removals);
}

const struct buf *changeset_log(const struct changeset *set)
{
    return &set->log.bytes;
}

uint32_t changeset_root(struct changeset *set, const char *url)
{
    bool is_new;
    struct strmap_entry *entry = strmap_put(set->roots, url, strlen(url), &is_new);
    if (is_new) {
        entry->value = strmap_count(set->roots) - 1;
        struct changeset_op op = {.kind = CHANGESET_ROOT, .id = (uint32_t)entry->value, .text = url};
        changeset_append(set, &op);
    }
    return (uint32_t)entry->value;
}

static void append_object(struct changeset *set, uint32_t root, const char *path, uint64_t size,
                          const char *pin)
{
    size_t id = strmap_count(set->objects) - 1;
    struct changeset_op op = {
        .kind = CHANGESET_OBJECT, .id = (uint32_t)id, .root = root, .text = path, .size = size, .pin = pin};
    mem_grow(&set->object_list, &set->object_cap, id + 1, sizeof *set->object_list);
    set->object_list[id] =
        (struct changeset_object){.size = size, .pin_at = changeset_append(set, &op).at[1]};
}

int changeset_object(struct changeset *set, uint32_t root, const char *path, uint64_t size, const char *pin,
                     uint32_t *ret_object, struct error *err)
{
    assert(root < strmap_count(set->roots));
    if (size > INT64_MAX)
        return error_set(err, EFBIG, "%s: has %llu bytes", path, (unsigned long long)size);
    CLEANUP_BUF struct buf name = BUF_INIT;
    buf_printf(&name, "%u/%s", root, path);
    bool is_new;
    struct strmap_entry *entry = strmap_put(set->objects, buf_text(&name), name.len, &is_new);
    if (is_new) {
        entry->value = strmap_count(set->objects) - 1;
        append_object(set, root, path, size, pin);
    }
    const struct changeset_object *object = &set->object_list[entry->value];
    if (object->size != size || strcmp((const char *)set->log.bytes.data + object->pin_at, pin) != 0)
        return error_set(err, ESTALE, "%s: changed while it was imported", path);
    *ret_object = (uint32_t)entry->value;
    return 0;
}

void changeset_evidence(struct changeset *set, uint32_t object, const struct evidence *evidence)
{
    assert(object < strmap_count(set->objects));
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    evidence_encode(evidence, &bytes);
    if (!bytes.len || set->object_list[object].has_evidence)
        return;
    set->object_list[object].has_evidence = true;
    struct changeset_op op = {
        .kind = CHANGESET_EVIDENCE, .id = object, .bytes = bytes.data, .len = bytes.len};
    changeset_append(set, &op);
}

void changeset_table(struct changeset *set, uint32_t object, const char *container, const void *bytes,
                     size_t len)
{
    assert(object < strmap_count(set->objects) && len <= CLIP_BYTES_MAX &&
           strlen(container) <= CHANGESET_CONTAINER_MAX);
    struct changeset_op op = {
        .kind = CHANGESET_TABLE, .id = object, .text = container, .bytes = bytes, .len = len};
    changeset_append(set, &op);
}

static int check_attribute(const char *name, enum value_type type, bool multi, struct error *err)
{
    if (!value_type_known(type))
        return error_set(err, EINVAL, "the attribute '%s' has no known type", name);
    if (type == VALUE_LIST && multi)
        return error_set(err, EINVAL, "the attribute '%s' is a list: a clip has one of them", name);
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    int rc = name_attribute(&canonical, name, strlen(name), err);
    if (rc)
        return rc;
    return strcmp(buf_text(&canonical), name) != 0
               ? error_set(err, EINVAL, "the attribute's name '%s' must be '%s'", name, buf_text(&canonical))
               : 0;
}

static const char *several(bool multi)
{
    return multi ? "several values" : "one value";
}

int changeset_attribute(struct changeset *set, const char *name, enum value_type type, bool multi,
                        struct error *err)
{
    const struct strmap_entry *known = strmap_find(set->attributes, name, strlen(name));
    if (known) {
        const struct changeset_attribute *was = &set->attribute_list[known->value];
        if (was->type == type && was->multi == multi)
            return 0;
        return error_set(err, EEXIST, "the attribute '%s' is %s with %s a clip, and %s with %s", name,
                         value_type_name(was->type), several(was->multi), value_type_name(type),
                         several(multi));
    }
    int rc = check_attribute(name, type, multi, err);
    if (rc)
        return rc;
    size_t id = strmap_count(set->attributes);
    struct strmap_entry *entry = strmap_put(set->attributes, name, strlen(name), NULL);
    entry->value = id;
    mem_grow(&set->attribute_list, &set->attribute_cap, id + 1, sizeof *set->attribute_list);
    set->attribute_list[id] = (struct changeset_attribute){.name = entry->key, .type = type, .multi = multi};
    struct changeset_op op = {
        .kind = CHANGESET_ATTRIBUTE, .id = (uint32_t)id, .text = name, .type = type, .multi = multi};
    changeset_append(set, &op);
    return 0;
}

struct changeset_attribute *changeset_declared(struct changeset *set, const char *name)
{
    size_t count = strmap_count(set->attributes), at = set->next_attribute < count ? set->next_attribute : 0;
    if (!count || strcmp(set->attribute_list[at].name, name) != 0) {
        const struct strmap_entry *entry = strmap_find(set->attributes, name, strlen(name));
        if (!entry)
            return NULL;
        at = entry->value;
    }
    set->next_attribute = at + 1;
    return &set->attribute_list[at];
}

void changeset_partial(struct changeset *set, const char *attribute)
{
    struct changeset_attribute *known = changeset_declared(set, attribute);
    assert(known && changeset_allows(set, CHANGESET_PARTIAL));
    if (known->partial)
        return;
    known->partial = true;
    struct changeset_op op = {.kind = CHANGESET_PARTIAL, .id = changeset_number(set, known)};
    changeset_append(set, &op);
}

static int check_clip(const struct changeset *set, const struct changeset_clip *clip, struct error *err)
{
    size_t len = strlen(clip->key);
    int rc = name_check(clip->key, len, err);
    if (!rc)
        rc = changeset_check(set, CHANGESET_CLIP, err);
    if (rc)
        return error_within(err, rc, "%s", clip->source);
    if (len + sizeof ".json" - 1 > NAME_FILE_MAX)
        return error_set(err, ENAMETOOLONG, "%s: the key '%s' is too long for a file name", clip->source,
                         clip->key);
    if (clip->t0_ns != CLIP_NO_TIME && clip->t1_ns != CLIP_NO_TIME && clip->t1_ns < clip->t0_ns)
        return error_set(err, EINVAL, "%s: the clip '%s' ends before it starts", clip->source, clip->key);
    if (strmap_find(set->removals, clip->key, len))
        return error_set(err, EEXIST, "%s: the clip '%s' is removed by the same change set", clip->source,
                         clip->key);
    return set->clips.count == UINT32_MAX
               ? error_set(err, E2BIG, "%s: more than %u clips", clip->source, UINT32_MAX)
               : 0;
}

int changeset_clip(struct changeset *set, const struct changeset_clip *clip, struct error *err)
{
    bool is_new;
    int rc = check_clip(set, clip, err);
    if (rc)
        return rc;
    size_t *at = changeset_keys_put(&set->clips, &set->log.bytes, clip->key, &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "two clips have the key '%s': %s and %s", clip->key,
                         changeset_operation_of(set, *at).source, clip->source);
    struct changeset_op op = {.kind = CHANGESET_CLIP,
                              .text = clip->key,
                              .t0_ns = clip->t0_ns,
                              .t1_ns = clip->t1_ns,
                              .source = clip->source};
    memcpy(op.fingerprint, clip->fingerprint, sizeof op.fingerprint);
    struct changeset_texts texts = changeset_append(set, &op);
    set->key_at = *at = texts.at[0];
    set->file_count = 0;
    set->has_extra = set->has_source = set->hidden = false;
    return 0;
}

const char *changeset_source(const struct changeset *set, const char *key)
{
    size_t near = set->clips.count;
    size_t found = changeset_keys_find(&set->clips, &set->log.bytes, key, &near);
    return found == SIZE_MAX ? NULL : changeset_operation_of(set, set->clips.list[found]).source;
}

int changeset_value(struct changeset *set, const char *attribute, const struct value *value,
                    struct error *err)
{
    assert(changeset_allows(set, CHANGESET_VALUE));
    struct changeset_attribute *known = changeset_declared(set, attribute);
    if (!known)
        return error_set(err, EINVAL, "%s: the attribute '%s' was not declared", changeset_key(set),
                         attribute);
    if (known->type != value->type)
        return error_set(err, EINVAL, "%s: the attribute '%s' is %s, not %s", changeset_key(set), attribute,
                         value_type_name(known->type), value_type_name(value->type));
    int rc = value_check(value, err);
    if (rc) {
        error_prefix(err, "%s: the attribute '%s'", changeset_key(set), attribute);
        return rc;
    }
    size_t clip = set->clips.count;
    if (known->clip == clip && !known->multi)
        return error_set(err, EINVAL, "%s: the attribute '%s' has a second value, but holds one",
                         changeset_key(set), attribute);
    known->clip = clip;
    struct changeset_op op = {.kind = CHANGESET_VALUE, .id = changeset_number(set, known), .value = *value};
    changeset_append(set, &op);
    return 0;
}

static bool piece_fits(const struct slice_piece *piece, const struct slice *slice, uint64_t object_size)
{
    if (piece->kind != SLICE_INLINE && piece->kind != SLICE_RECORDING)
        return false;
    uint64_t size = piece->kind == SLICE_INLINE ? slice->inline_bytes.len : object_size;
    return piece->len && piece->offset <= size && piece->len <= size - piece->offset;
}

static int check_slice(const struct changeset *set, const struct changeset_stream *stream, struct error *err)
{
    const struct slice *slice = stream->slice;
    uint64_t object_size = stream->object == CHANGESET_NO_OBJECT ? 0 : set->object_list[stream->object].size;
    if (slice->inline_bytes.len > CLIP_BYTES_MAX)
        return error_set(err, EFBIG, "%s: the header of the stream '%s' has %zu bytes", changeset_key(set),
                         stream->name, slice->inline_bytes.len);
    uint64_t sum = 0;
    for (size_t i = 0; i < slice->count; i++)
        if (!piece_fits(&slice->pieces[i], slice, object_size) ||
            __builtin_add_overflow(sum, slice->pieces[i].len, &sum) || sum > INT64_MAX)
            return error_set(err, EINVAL, "%s: piece %zu of the stream '%s' lies outside its source",
                             changeset_key(set), i, stream->name);
    return 0;
}

/* Two different (name, ext) can spell one file name, so it is names that are compared. */
static int check_file_name(const struct changeset *set, const struct changeset_stream *stream,
                           struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT, other = BUF_INIT;
    int rc = name_file(&name, changeset_key(set), stream->name, stream->ext, err);
    if (rc)
        return rc;
    size_t key_len = strlen(changeset_key(set));
    if (!strcmp(buf_text(&name) + key_len, ".json"))
        return error_set(err, EEXIST, "%s is the file of the clip's attributes: no stream can have that name",
                         buf_text(&name));
    for (size_t i = 0; i < set->file_count; i++) {
        const char *log = (const char *)set->log.bytes.data;
        buf_clear(&other);
        rc = name_file(&other, changeset_key(set), log + set->files[i].name_at, log + set->files[i].ext_at,
                       err);
        if (rc)
            return rc;
        if (!strcmp(buf_text(&other), buf_text(&name)))
            return error_set(err, EEXIST, "two streams have the file name %s", buf_text(&name));
    }
    return 0;
}

static int check_stream(const struct changeset *set, const struct changeset_stream *stream, struct error *err)
{
    int rc = *stream->name ? name_check(stream->name, strlen(stream->name), err) : 0;
    if (!rc && *stream->ext)
        rc = name_check(stream->ext, strlen(stream->ext), err);
    if (rc) {
        error_prefix(err, "%s", changeset_key(set));
        return rc;
    }
    if (strlen(stream->container) > CHANGESET_CONTAINER_MAX)
        return error_set(err, EINVAL, "%s: '%s' is no container", changeset_key(set), stream->container);
    if (set->file_count == CLIP_STREAMS_MAX)
        return error_set(err, E2BIG, "%s: has more than %d streams", changeset_key(set), CLIP_STREAMS_MAX);
    rc = check_file_name(set, stream, err);
    return rc ? rc : check_slice(set, stream, err);
}

int changeset_stream(struct changeset *set, const struct changeset_stream *stream, struct error *err)
{
    assert(changeset_allows(set, CHANGESET_STREAM));
    assert(stream->object == CHANGESET_NO_OBJECT || stream->object < strmap_count(set->objects));
    int rc = check_stream(set, stream, err);
    if (rc)
        return rc;
    const struct slice *slice = stream->slice;
    struct changeset_op op = {.kind = CHANGESET_STREAM,
                              .text = stream->name,
                              .ext = stream->ext,
                              .container = stream->container,
                              .id = stream->object,
                              .reason = slice->reason ? slice->reason : "",
                              .preroll_ns = slice->preroll_ns,
                              .bytes = slice->inline_bytes.data,
                              .len = slice->inline_bytes.len,
                              .pieces = slice->pieces,
                              .piece_count = slice->count};
    struct changeset_texts texts = changeset_append(set, &op);
    mem_grow(&set->files, &set->file_cap, set->file_count + 1, sizeof *set->files);
    set->files[set->file_count++] = (struct changeset_file){texts.at[0], texts.at[1]};
    return 0;
}

void changeset_extra(struct changeset *set, const void *bytes, size_t len)
{
    assert(changeset_allows(set, CHANGESET_EXTRA) && len <= CLIP_BYTES_MAX);
    struct changeset_op op = {.kind = CHANGESET_EXTRA, .bytes = bytes, .len = len};
    changeset_append(set, &op);
    set->has_extra = true;
}

int changeset_labels_of(struct changeset *set, const char *key, struct error *err)
{
    assert(changeset_allows(set, CHANGESET_LABELS_OF));
    int rc = name_check(key, strlen(key), err);
    if (rc)
        return error_within(err, rc, "%s", changeset_key(set));
    size_t clip = set->clips.count - 1;
    size_t count = strmap_count(set->labels_of);
    if (count && strmap_at(set->labels_of, count - 1)->value == clip)
        return error_set(err, EEXIST, "%s: takes over the labels of two clips", changeset_key(set));
    bool is_new;
    struct strmap_entry *entry = strmap_put(set->labels_of, key, strlen(key), &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "%s: another clip takes over the labels of '%s'", changeset_key(set),
                         key);
    entry->value = clip;
    struct changeset_op op = {.kind = CHANGESET_LABELS_OF, .text = key};
    changeset_append(set, &op);
    return 0;
}

void changeset_hide(struct changeset *set)
{
    assert(changeset_allows(set, CHANGESET_HIDE));
    struct changeset_op op = {.kind = CHANGESET_HIDE};
    changeset_append(set, &op);
    set->hidden = true;
}

int changeset_remove(struct changeset *set, const char *key, struct error *err)
{
    int rc = name_check(key, strlen(key), err);
    if (rc)
        return rc;
    rc = changeset_check(set, CHANGESET_REMOVE, err);
    if (rc)
        return error_within(err, rc, "'%s'", key);
    size_t near = 0;
    if (changeset_keys_find(&set->clips, &set->log.bytes, key, &near) != SIZE_MAX)
        return error_set(err, EEXIST, "the clip '%s' is both removed and given by a change set", key);
    bool is_new;
    strmap_put(set->removals, key, strlen(key), &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "the clip '%s' is removed twice", key);
    struct changeset_op op = {.kind = CHANGESET_REMOVE, .text = key};
    changeset_append(set, &op);
    return 0;
}
