// SPDX-License-Identifier: Apache-2.0
/* Drafts exist because a table may change what an importer said, and an attribute's type is known only when
 * all of its values are. */
#include "tools/import/draft.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_sources.h"

struct drafts *drafts_new(void)
{
    struct drafts *drafts = MEM_NEW(struct drafts);
    drafts->set = changeset_new();
    drafts->by_key = strmap_new();
    drafts->bad_keys = strmap_new();
    drafts->by_name = strmap_new();
    drafts->texts = strmap_new();
    drafts->unfinished = strmap_new();
    return drafts;
}

static void clip_empty(struct draft *clip)
{
    draft_values_done(&clip->values);
    free(clip->source);
    clip->source = NULL;
    for (size_t i = 0; i < clip->stream_count; i++)
        slice_done(&clip->streams[i].slice);
    free(clip->streams);
    free(clip->none);
    free(clip->empty);
    clip->streams = NULL, clip->none = NULL, clip->empty = NULL;
    clip->stream_count = clip->stream_cap = clip->none_count = clip->none_cap = 0;
    clip->empty_count = clip->empty_cap = 0;
    buf_done(&clip->extra);
}

static void clip_done(struct draft *clip)
{
    clip_empty(clip);
    free(clip->labels_of);
}

void drafts_free(struct drafts *drafts)
{
    for (size_t i = 0; i < drafts->count; i++)
        clip_done(&drafts->clips[i]);
    free(drafts->clips);
    for (size_t i = 0; i < drafts->attribute_count; i++) {
        free(drafts->attributes[i].name);
        free(drafts->attributes[i].origin);
    }
    free(drafts->attributes);
    if (drafts->set)
        changeset_free(drafts->set);
    strmap_free(drafts->by_key);
    for (size_t i = 0; i < strmap_count(drafts->bad_keys); i++)
        free((char *)strmap_at(drafts->bad_keys, i)->value);
    strmap_free(drafts->bad_keys);
    strmap_free(drafts->by_name);
    strmap_free(drafts->texts);
    strmap_free(drafts->unfinished);
    free(drafts);
}

/* Where the clip of this key comes from, of those that are forgotten; NULL: there was none. */
static const char *source_of_given(const struct drafts *drafts, const char *key)
{
    if (!drafts->given)
        return NULL;
    const struct strmap_entry *bad = strmap_find(drafts->bad_keys, key, strlen(key));
    return bad ? (const char *)bad->value : changeset_source(drafts->set, key);
}

int drafts_clip(struct drafts *drafts, const char *key, const char *source, struct draft **ret,
                struct error *err)
{
    if (name_check(key, strlen(key), err))
        return error_prefix(err, "%s", source);
    bool is_new;
    const char *other = source_of_given(drafts, key);
    struct strmap_entry *entry = other ? NULL : strmap_put(drafts->by_key, key, strlen(key), &is_new);
    if (!other && !is_new)
        other = drafts->clips[entry->value].source;
    if (other)
        return error_set(err, EEXIST, "two clips would be called '%s': from %s and from %s", key, other,
                         source);
    entry->value = drafts->count;
    if (drafts->count)
        draft_values_fit(&drafts->clips[drafts->count - 1].values);
    mem_grow(&drafts->clips, &drafts->cap, drafts->count + 1, sizeof *drafts->clips);
    struct draft *clip = &drafts->clips[drafts->count++];
    *clip = (struct draft){.key = entry->key, .source = mem_text(source), .episode_index = -1};
    *ret = clip;
    return 0;
}

struct draft *drafts_find(struct drafts *drafts, const char *key)
{
    struct strmap_entry *entry = strmap_find(drafts->by_key, key, strlen(key));
    return entry ? &drafts->clips[entry->value] : NULL;
}

const char *drafts_text(struct drafts *drafts, const char *text)
{
    return strmap_put(drafts->texts, text, strlen(text), NULL)->key;
}

int drafts_fault(struct drafts *drafts, struct draft *clip, const char *file, const char *place,
                 struct error *err)
{
    struct fault fault = {.file = file, .place = place, .clip = clip ? clip->key : ""};
    if (drafts->part && err && err->code == IMPORT_PART_OTHER) {
        *err = (struct error){0};
        if (clip)
            clip->bad = true;
        return 0;
    }
    int rc = faults_add(drafts->faults, &fault, err);
    if (rc || !clip)
        return rc;
    drafts->bad += !clip->bad;
    clip->bad = true;
    return 0;
}

void drafts_wait(struct drafts *drafts, struct draft *clip, const char *file)
{
    strmap_put(drafts->unfinished, file, strlen(file), NULL);
    if (!clip || clip->bad)
        return;
    drafts->waiting++;
    clip->bad = true;
}

int drafts_attribute(struct drafts *drafts, const char *column, const char *origin, size_t *ret,
                     struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    if (name_attribute(&name, column, strlen(column), err))
        return error_prefix(err, "%s: column '%s'", origin, column);
    bool is_new;
    struct strmap_entry *entry = strmap_put(drafts->by_name, buf_text(&name), name.len, &is_new);
    if (is_new) {
        entry->value = drafts->attribute_count;
        mem_grow(&drafts->attributes, &drafts->attribute_cap, drafts->attribute_count + 1,
                 sizeof *drafts->attributes);
        drafts->attributes[drafts->attribute_count++] =
            (struct draft_attribute){.name = (char *)buf_steal(&name), .origin = mem_text(origin)};
    }
    struct draft_attribute *attribute = &drafts->attributes[entry->value];
    if (!strcmp(attribute->origin, DRAFT_ORIGIN_TYPE) && strcmp(origin, DRAFT_ORIGIN_TYPE) != 0) {
        free(attribute->origin);
        attribute->origin = mem_text(origin);
    }
    *ret = entry->value;
    return 0;
}

int drafts_force_type(struct drafts *drafts, const char *name, enum value_type type, struct error *err)
{
    size_t number;
    int rc = drafts_attribute(drafts, name, DRAFT_ORIGIN_TYPE, &number, err);
    if (rc)
        return rc;
    struct draft_attribute *attribute = &drafts->attributes[number];
    if (attribute->forced && attribute->type != type)
        return error_set(err, EEXIST, "--type says that '%s' is %s and that it is %s", name,
                         value_type_name(attribute->type), value_type_name(type));
    attribute->type = type;
    attribute->forced = true;
    return 0;
}

enum value_type drafts_forced_type(const struct drafts *drafts, const char *column)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    if (name_attribute(&name, column, strlen(column), NULL))
        return 0;
    const struct strmap_entry *entry = strmap_find(drafts->by_name, buf_text(&name), name.len);
    return entry && drafts->attributes[entry->value].forced ? drafts->attributes[entry->value].type : 0;
}

int drafts_known_type(const struct drafts *drafts, const char *column, enum value_type *ret,
                      struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    *ret = 0;
    if (!drafts->known || name_attribute(&name, column, strlen(column), NULL))
        return 0; /* that is said where the column becomes an attribute */
    return known_attribute(drafts->known, buf_text(&name), ret, err);
}

/* `text` holds what the value becomes. */
static int value_force(const struct draft_attribute *attribute, const struct draft *clip, struct value *value,
                       struct buf *text, struct error *err)
{
    int rc;
    if (value->type == VALUE_TEXT) {
        rc = value_parse_in(text, attribute->type, value->text, value->len, value, err);
    } else {
        value_print(text, value);
        rc = value_parse(attribute->type, buf_text(text), text->len, value, err);
    }
    if (rc)
        return error_prefix(err, "%s: attribute '%s'", clip->source, attribute->name);
    return 0;
}

static bool widens(enum value_type a, enum value_type b)
{
    return (a == VALUE_INT && b == VALUE_FLOAT) || (a == VALUE_FLOAT && b == VALUE_INT);
}

struct elsewhere {
    enum value_type type;
    const char *where;
};

static int type_conflict(const struct draft_attribute *attribute, const struct draft *clip,
                         const struct value *value, const struct elsewhere *other, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    return error_set(err, EINVAL,
                     "%s: attribute '%s' is %s here ('%.100s') and %s %s (--type '%s=text' makes texts of "
                     "all in it)",
                     clip->source, attribute->name, value_type_name(value->type), buf_text(&text),
                     value_type_name(other->type), other->where, attribute->name);
}

static int attribute_take_type(struct draft_attribute *attribute, const struct draft *clip,
                               const struct value *value, struct error *err)
{
    enum value_type type = value->type;
    bool becomes_text = attribute->forced && type == VALUE_TEXT; /* there, too */
    if (attribute->was && attribute->was != type && !widens(attribute->was, type) && !becomes_text)
        return type_conflict(attribute, clip, value, &(struct elsewhere){attribute->was, "in the data set"},
                             err);
    bool wider = attribute->typed && widens(attribute->type, type);
    if (attribute->typed && !wider && attribute->type != type)
        return type_conflict(attribute, clip, value,
                             &(struct elsewhere){attribute->type, "elsewhere in this import"}, err);
    attribute->type = wider ? VALUE_FLOAT : type;
    attribute->typed = true;
    return 0;
}

/* The data set's type holds: a value of another one is that clip's fault, not everybody's. */
static int attribute_ask(struct drafts *drafts, struct draft_attribute *attribute, struct error *err)
{
    if (attribute->asked || !drafts->known)
        return 0;
    int rc = known_attribute(drafts->known, attribute->name, &attribute->was, err);
    attribute->asked = !rc;
    return rc;
}

int draft_value(struct drafts *drafts, struct draft *clip, size_t attribute, const struct value *value,
                struct error *err)
{
    if (clip->values.count >= DRAFT_VALUES_MAX)
        return error_set(err, E2BIG, "%s: more than %d values", clip->source, DRAFT_VALUES_MAX);
    CLEANUP_BUF struct buf forced_text = BUF_INIT;
    struct value forced = *value;
    int rc = 0;
    if (drafts->attributes[attribute].forced && drafts->attributes[attribute].type != value->type)
        rc = value_force(&drafts->attributes[attribute], clip, &forced, &forced_text, err);
    value = &forced;
    if (!rc)
        rc = attribute_ask(drafts, &drafts->attributes[attribute], err);
    if (!rc)
        rc = attribute_take_type(&drafts->attributes[attribute], clip, value, err);
    if (rc)
        return rc;
    struct draft_values_reader reader = DRAFT_VALUES_READER(&clip->values);
    while (draft_values_next(&reader)) {
        if (reader.attribute != attribute)
            continue;
        if (reader.value.type == value->type && !value_compare(&reader.value, value))
            return 0;
        if (value->type == VALUE_LIST)
            return error_set(err, EINVAL, "%s: attribute '%s': a second list, where one must be",
                             clip->source, drafts->attributes[attribute].name);
        drafts->attributes[attribute].multi = true;
    }
    draft_values_add(&clip->values, attribute, value);
    return 0;
}

static const struct value empty_list = {.type = VALUE_LIST, .text = ""};

int draft_empty(struct drafts *drafts, struct draft *clip, size_t attribute, struct error *err)
{
    struct draft_attribute *said = &drafts->attributes[attribute];
    int rc = attribute_ask(drafts, said, err);
    if (rc)
        return rc;
    if (said->was == VALUE_LIST || (said->forced && said->type == VALUE_LIST))
        return draft_value(drafts, clip, attribute, &empty_list, err);
    mem_grow(&clip->empty, &clip->empty_cap, clip->empty_count + 1, sizeof *clip->empty);
    clip->empty[clip->empty_count++] = (uint32_t)attribute;
    return 0;
}

void draft_none(struct draft *clip, size_t attribute)
{
    mem_grow(&clip->none, &clip->none_cap, clip->none_count + 1, sizeof *clip->none);
    clip->none[clip->none_count++] = (uint32_t)attribute;
}

bool draft_has(const struct draft *clip, size_t attribute)
{
    struct draft_values_reader reader = DRAFT_VALUES_READER(&clip->values);
    while (draft_values_next(&reader))
        if (reader.attribute == attribute)
            return true;
    return false;
}

int draft_stream(struct drafts *drafts, struct draft *clip, const struct draft_stream *stream,
                 struct slice *slice, struct error *err)
{
    CLEANUP_BUF struct buf file = BUF_INIT;
    if (name_file(&file, clip->key, stream->name, stream->ext, err))
        return error_prefix(err, "%s", clip->source);
    if (clip->stream_count >= CLIP_STREAMS_MAX)
        return error_set(err, E2BIG, "%s: more than %d files would be streams of the clip '%s'", clip->source,
                         CLIP_STREAMS_MAX, clip->key);
    for (size_t i = 0; i < clip->stream_count; i++)
        if (!strcmp(clip->streams[i].name, stream->name) && !strcmp(clip->streams[i].ext, stream->ext))
            return error_set(err, EEXIST, "%s: two files would be called '%s'", clip->source,
                             buf_text(&file));
    mem_grow(&clip->streams, &clip->stream_cap, clip->stream_count + 1, sizeof *clip->streams);
    clip->streams[clip->stream_count++] = (struct draft_stream){.name = drafts_text(drafts, stream->name),
                                                                .ext = drafts_text(drafts, stream->ext),
                                                                .container = stream->container,
                                                                .object = stream->object,
                                                                .renamed = stream->renamed,
                                                                .slice = *slice};
    *slice = SLICE_INIT;
    return 0;
}

static int widen(const struct draft_attribute *attribute, struct value *value, struct error *err)
{
    if (value->type != VALUE_INT || attribute->type != VALUE_FLOAT)
        return 0;
    int64_t integer = value->integer;
    if (integer > INT64_C(1) << 53 || integer < -(INT64_C(1) << 53))
        return error_set(err, EINVAL,
                         "attribute '%s': the integer %lld does not fit among its floats (--type '%s=text' "
                         "makes texts of all in it)",
                         attribute->name, (long long)integer, attribute->name);
    *value = (struct value){.type = VALUE_FLOAT, .real = (double)integer};
    return 0;
}

/* What one table has no value of, another may have. */
static int emit_none(struct drafts *drafts, const struct draft *clip, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < clip->none_count; i++) {
        const struct draft_attribute *attribute = &drafts->attributes[clip->none[i]];
        bool again = draft_has(clip, clip->none[i]);
        for (size_t k = 0; k < i; k++)
            again |= clip->none[k] == clip->none[i];
        if (!again && attribute->partial)
            rc = changeset_none(drafts->set, attribute->name, err);
    }
    return rc;
}

static int emit_empty(struct drafts *drafts, const struct draft *clip, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < clip->empty_count; i++) {
        const struct draft_attribute *attribute = &drafts->attributes[clip->empty[i]];
        if (attribute->typed && attribute->type == VALUE_LIST && !draft_has(clip, clip->empty[i]))
            rc = changeset_value(drafts->set, attribute->name, &empty_list, err);
    }
    return rc;
}

static int emit_clip(struct drafts *drafts, struct draft *clip, struct error *err)
{
    struct changeset_clip head = {
        .key = clip->key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = clip->source};
    memcpy(head.fingerprint, clip->fingerprint, sizeof head.fingerprint);
    int rc = changeset_clip(drafts->set, &head, err);
    if (!rc && clip->labels_of)
        rc = changeset_labels_of(drafts->set, clip->labels_of, err);
    if (!rc && clip->hidden) {
        changeset_hide(drafts->set);
        return 0;
    }
    struct draft_values_reader reader = DRAFT_VALUES_READER(&clip->values);
    while (!rc && draft_values_next(&reader)) {
        const struct draft_attribute *attribute = &drafts->attributes[reader.attribute];
        struct value value = reader.value;
        rc = widen(attribute, &value, err);
        if (!rc)
            rc = changeset_value(drafts->set, attribute->name, &value, err);
    }
    if (!rc)
        rc = emit_empty(drafts, clip, err);
    if (!rc)
        rc = emit_none(drafts, clip, err);
    for (size_t i = 0; !rc && i < clip->stream_count; i++) {
        const struct draft_stream *stream = &clip->streams[i];
        rc = changeset_stream(drafts->set,
                              &(struct changeset_stream){.name = stream->name,
                                                         .ext = stream->ext,
                                                         .container = stream->container,
                                                         .object = stream->object,
                                                         .slice = &stream->slice},
                              err);
    }
    if (!rc && clip->extra.len)
        changeset_extra(drafts->set, clip->extra.data, clip->extra.len);
    if (!rc && clip->has_source)
        changeset_of_source(drafts->set, clip->source_number);
    return rc < 0 ? error_prefix(err, "%s", clip->source) : 0;
}

/* --type NAME=text also makes text of what the data set has. */
static int emit_to_text(struct drafts *drafts, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < drafts->attribute_count; i++) {
        const struct draft_attribute *attribute = &drafts->attributes[i];
        if (attribute->typed && attribute->forced && attribute->type == VALUE_TEXT)
            rc = changeset_to_text(drafts->set, attribute->name, err);
    }
    return rc;
}

static int check_clip(const struct drafts *drafts, const struct draft *clip, struct error *err)
{
    int rc = 0;
    struct draft_values_reader reader = DRAFT_VALUES_READER(&clip->values);
    while (!rc && draft_values_next(&reader))
        rc = widen(&drafts->attributes[reader.attribute], &reader.value, err);
    return rc ? error_prefix(err, "%s", clip->source) : 0;
}

int drafts_check(struct drafts *drafts, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < drafts->count; i++) {
        struct draft *clip = &drafts->clips[i];
        rc = clip->bad ? 0 : check_clip(drafts, clip, err);
        if (rc)
            rc = drafts_fault(drafts, clip, clip->source, "", err);
    }
    return rc;
}

static int emit_attributes(struct drafts *drafts, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < drafts->attribute_count; i++) {
        const struct draft_attribute *attribute = &drafts->attributes[i];
        if (!attribute->typed)
            continue;
        rc = changeset_attribute(drafts->set, attribute->name, attribute->type, attribute->multi, err);
        if (!rc && attribute->partial)
            changeset_partial(drafts->set, attribute->name);
    }
    return rc;
}

static bool is_given(const struct draft *clip)
{
    return !clip->bad && (clip->hidden || (!clip->kept && !clip->left_out));
}

int drafts_emit(struct drafts *drafts, struct error *err)
{
    enum { EMIT_TRIM = 1 << 15 };
    int rc = emit_to_text(drafts, err);
    if (!rc)
        rc = emit_attributes(drafts, err);
    for (size_t i = 0; !rc && i < drafts->count; i++) {
        struct draft *clip = &drafts->clips[i];
        rc = is_given(clip) ? emit_clip(drafts, clip, err) : 0;
        clip_empty(clip);
        if (i % EMIT_TRIM == EMIT_TRIM - 1)
            malloc_trim(0); /* what clips gave up is one large piece: others shall have it */
    }
    return rc;
}

int drafts_give(struct drafts *drafts, struct error *err)
{
    int rc = emit_attributes(drafts, err);
    for (size_t i = 0; !rc && i < drafts->count; i++) {
        struct draft *clip = &drafts->clips[i];
        if (is_given(clip))
            rc = emit_clip(drafts, clip, err);
        else
            strmap_put(drafts->bad_keys, clip->key, strlen(clip->key), NULL)->value =
                (uintptr_t)STEAL(clip->source);
    }
    for (size_t i = 0; i < drafts->count; i++)
        clip_done(&drafts->clips[i]);
    drafts->given += drafts->count;
    drafts->count = 0;
    strmap_free(drafts->by_key);
    drafts->by_key = strmap_new();
    return rc;
}
