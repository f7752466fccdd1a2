// SPDX-License-Identifier: Apache-2.0
/* Labels: what is said of clips that are there already, and of attributes as such. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cache/base/utf8.h"
#include "index/base/name.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_log.h"

/* ---- who ---- */

static int check_setter_name(const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (!len || len > CHANGESET_SETTER_MAX || !utf8_valid(name, len))
        return error_set(err, EINVAL, "'%s' is no name of who sets values: 1 to %d bytes of UTF-8", name,
                         CHANGESET_SETTER_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return error_set(err, EINVAL, "'%s' is no name of who sets values: it has control characters",
                             name);
    return 0;
}

int changeset_setter(struct changeset *set, const struct changeset_setter *setter, struct error *err)
{
    int rc = check_setter_name(setter->name, err);
    if (rc)
        return rc;
    if (setter->policy > CHANGESET_ALL)
        return error_set(err, EINVAL, "there is no such way to set values");
    if (set->has_setter || set->clips.count)
        return error_set(err, EINVAL, "who sets the values is said once, before the first clip");
    set->has_setter = true;
    buf_u8(&set->log, CHANGESET_SETTER);
    changeset_append_text(&set->log, setter->name);
    buf_u8(&set->log, (uint8_t)setter->policy);
    changeset_append_text(&set->log, setter->table);
    return 0;
}

/* ---- clips ---- */

static int check_labels(const struct changeset *set, const char *key, struct error *err)
{
    int rc = name_check(key, strlen(key), err);
    if (rc)
        return rc;
    if (!set->has_setter)
        return error_set(err, EINVAL, "it is not said who sets the labels");
    if (!set->has_labels && (set->clips.count || strmap_count(set->removals)))
        return error_set(err, EINVAL, "a change set holds clips or labels, not both");
    return set->clips.count == UINT32_MAX ? error_set(err, E2BIG, "more than %u clips", UINT32_MAX) : 0;
}

int changeset_labels(struct changeset *set, const char *key, uint64_t place, struct error *err)
{
    bool is_new;
    int rc = check_labels(set, key, err);
    if (rc)
        return rc;
    struct changeset_key *entry = changeset_keys_put(&set->clips, &set->log, key, &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "the clip '%s' stands there a second time, first at %llu", key,
                         (unsigned long long)entry->value);
    buf_u8(&set->log, CHANGESET_LABELS);
    set->key_at = entry->at = changeset_append_text(&set->log, key);
    buf_varint(&set->log, place);
    entry->value = place;
    set->has_labels = true;
    set->label_at = 0;
    return 0;
}

int changeset_none(struct changeset *set, const char *attribute, struct error *err)
{
    assert(changeset_key(set));
    struct changeset_attribute *known = changeset_declared(set, attribute);
    size_t clip = set->clips.count;
    if (!known)
        return error_set(err, EINVAL, "%s: the attribute '%s' was not declared", changeset_key(set),
                         attribute);
    if (!set->has_labels && !known->partial)
        return error_set(err, EINVAL, "%s: without a value of '%s' the clip has none", changeset_key(set),
                         attribute);
    if (known->clip == clip)
        return error_set(err, EINVAL, "%s: the attribute '%s' has a value, and has none", changeset_key(set),
                         attribute);
    known->clip = clip;
    buf_u8(&set->log, CHANGESET_NONE);
    buf_varint(&set->log, (uint64_t)(known - set->attribute_list));
    return 0;
}

int changeset_events(struct changeset *set, const char *label, struct error *err)
{
    assert(changeset_key(set) && set->has_labels);
    struct value value = {.type = VALUE_TEXT, .text = label, .len = strlen(label)};
    int rc = value.len ? value_check(&value, err) : error_set(err, EINVAL, "an event's label is empty");
    if (rc)
        return error_within(err, rc, "%s", changeset_key(set));
    if (set->label_at && strcmp((const char *)set->log.data + set->label_at, label) >= 0)
        return error_set(err, EINVAL, "%s: the labels of events are not in order: '%s' comes too late",
                         changeset_key(set), label);
    set->has_events = true;
    buf_u8(&set->log, CHANGESET_EVENTS);
    set->label_at = changeset_append_text(&set->log, label);
    return 0;
}

int changeset_event(struct changeset *set, int64_t start_ns, int64_t end_ns, struct error *err)
{
    assert(changeset_key(set) && set->has_labels);
    if (!set->label_at)
        return error_set(err, EINVAL, "%s: an event comes before its label", changeset_key(set));
    if (start_ns < 0)
        return error_set(err, EINVAL, "%s: an event starts before the clip", changeset_key(set));
    if (end_ns < start_ns)
        return error_set(err, EINVAL, "%s: an event ends before it starts", changeset_key(set));
    buf_u8(&set->log, CHANGESET_EVENT);
    value_encode_signed(&set->log, start_ns);
    value_encode_signed(&set->log, end_ns);
    return 0;
}

/* ---- attributes ---- */

static int check_change(const struct changeset *set, const char *name, struct error *err)
{
    if (!*name || strlen(name) >= CHANGESET_ATTRIBUTE_BYTES)
        return error_set(err, EINVAL, "'%s' is no attribute's name", name);
    return strmap_count(set->attributes) || set->clips.count
               ? error_set(err, EINVAL, "what changes of the attribute '%s' must be said first", name)
               : 0;
}

int changeset_rename(struct changeset *set, const char *name, const char *new_name, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    int rc = check_change(set, name, err);
    if (!rc)
        rc = name_attribute(&canonical, new_name, strlen(new_name), err);
    if (rc)
        return rc;
    if (strcmp(buf_text(&canonical), new_name) != 0)
        return error_set(err, EINVAL, "the attribute's name '%s' must be '%s'", new_name,
                         buf_text(&canonical));
    buf_u8(&set->log, CHANGESET_RENAME);
    changeset_append_text(&set->log, name);
    changeset_append_text(&set->log, new_name);
    return 0;
}

int changeset_describe(struct changeset *set, const char *name, const char *text, struct error *err)
{
    struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
    int rc = check_change(set, name, err);
    if (!rc)
        rc = value_check(&value, err);
    if (rc)
        return rc;
    buf_u8(&set->log, CHANGESET_DESCRIBE);
    changeset_append_text(&set->log, name);
    changeset_append_text(&set->log, text);
    return 0;
}

int changeset_drop(struct changeset *set, const char *name, struct error *err)
{
    int rc = check_change(set, name, err);
    if (rc)
        return rc;
    buf_u8(&set->log, CHANGESET_DROP);
    changeset_append_text(&set->log, name);
    return 0;
}

int changeset_to_text(struct changeset *set, const char *name, struct error *err)
{
    int rc = check_change(set, name, err);
    if (rc)
        return rc;
    buf_u8(&set->log, CHANGESET_TO_TEXT);
    changeset_append_text(&set->log, name);
    return 0;
}
