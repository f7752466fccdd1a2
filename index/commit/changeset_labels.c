// SPDX-License-Identifier: Apache-2.0
/* Labels: what is said of clips that are there already, and of attributes as such. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cache/base/utf8.h"
#include "index/base/name.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_operations.h"

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
    rc = changeset_check(set, CHANGESET_SETTER, err);
    if (rc)
        return rc;
    struct changeset_op op = {
        .kind = CHANGESET_SETTER, .text = setter->name, .policy = setter->policy, .other = setter->table};
    changeset_append(set, &op);
    set->has_setter = true;
    return 0;
}

/* ---- clips ---- */

static int check_labels(const struct changeset *set, const char *key, struct error *err)
{
    int rc = name_check(key, strlen(key), err);
    if (!rc)
        rc = changeset_check(set, CHANGESET_LABELS, err);
    if (rc)
        return rc;
    return set->clips.count == UINT32_MAX ? error_set(err, E2BIG, "more than %u clips", UINT32_MAX) : 0;
}

int changeset_labels(struct changeset *set, const char *key, uint64_t place, struct error *err)
{
    bool is_new;
    int rc = check_labels(set, key, err);
    if (rc)
        return rc;
    size_t *at = changeset_keys_put(&set->clips, &set->log.bytes, key, &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "the clip '%s' stands there a second time, first at %llu", key,
                         (unsigned long long)changeset_operation_of(set, *at).place);
    struct changeset_op op = {.kind = CHANGESET_LABELS, .text = key, .place = place};
    set->key_at = *at = changeset_append(set, &op).at[0];
    set->has_labels = true;
    set->label_at = 0;
    return 0;
}

int changeset_none(struct changeset *set, const char *attribute, struct error *err)
{
    assert(changeset_allows(set, CHANGESET_NONE));
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
    struct changeset_op op = {.kind = CHANGESET_NONE, .id = changeset_number(set, known)};
    changeset_append(set, &op);
    return 0;
}

int changeset_events(struct changeset *set, const char *label, struct error *err)
{
    assert(changeset_allows(set, CHANGESET_EVENTS));
    struct value value = {.type = VALUE_TEXT, .text = label, .len = strlen(label)};
    int rc = value.len ? value_check(&value, err) : error_set(err, EINVAL, "an event's label is empty");
    if (rc)
        return error_within(err, rc, "%s", changeset_key(set));
    if (set->label_at && strcmp((const char *)set->log.bytes.data + set->label_at, label) >= 0)
        return error_set(err, EINVAL, "%s: the labels of events are not in order: '%s' comes too late",
                         changeset_key(set), label);
    set->has_events = true;
    struct changeset_op op = {.kind = CHANGESET_EVENTS, .text = label};
    set->label_at = changeset_append(set, &op).at[0];
    return 0;
}

int changeset_event(struct changeset *set, int64_t start_ns, int64_t end_ns, struct error *err)
{
    assert(changeset_key(set));
    int rc = changeset_check(set, CHANGESET_EVENT, err);
    if (rc)
        return error_within(err, rc, "%s", changeset_key(set));
    if (start_ns < 0)
        return error_set(err, EINVAL, "%s: an event starts before the clip", changeset_key(set));
    if (end_ns < start_ns)
        return error_set(err, EINVAL, "%s: an event ends before it starts", changeset_key(set));
    struct changeset_op op = {.kind = CHANGESET_EVENT, .start_ns = start_ns, .end_ns = end_ns};
    changeset_append(set, &op);
    return 0;
}

/* ---- attributes ---- */

static int check_change(const struct changeset *set, enum changeset_kind kind, const char *name,
                        struct error *err)
{
    if (!*name || strlen(name) >= CHANGESET_ATTRIBUTE_BYTES)
        return error_set(err, EINVAL, "'%s' is no attribute's name", name);
    return changeset_allows(set, kind)
               ? 0
               : error_set(err, EINVAL, "what changes of the attribute '%s' must be said first", name);
}

int changeset_rename(struct changeset *set, const char *name, const char *new_name, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    int rc = check_change(set, CHANGESET_RENAME, name, err);
    if (!rc)
        rc = name_attribute(&canonical, new_name, strlen(new_name), err);
    if (rc)
        return rc;
    if (strcmp(buf_text(&canonical), new_name) != 0)
        return error_set(err, EINVAL, "the attribute's name '%s' must be '%s'", new_name,
                         buf_text(&canonical));
    struct changeset_op op = {.kind = CHANGESET_RENAME, .text = name, .other = new_name};
    changeset_append(set, &op);
    return 0;
}

int changeset_describe(struct changeset *set, const char *name, const char *text, struct error *err)
{
    struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
    int rc = check_change(set, CHANGESET_DESCRIBE, name, err);
    if (!rc)
        rc = value_check(&value, err);
    if (rc)
        return rc;
    struct changeset_op op = {.kind = CHANGESET_DESCRIBE, .text = name, .other = text};
    changeset_append(set, &op);
    return 0;
}

int changeset_drop(struct changeset *set, const char *name, struct error *err)
{
    int rc = check_change(set, CHANGESET_DROP, name, err);
    if (rc)
        return rc;
    struct changeset_op op = {.kind = CHANGESET_DROP, .text = name};
    changeset_append(set, &op);
    return 0;
}

int changeset_to_text(struct changeset *set, const char *name, struct error *err)
{
    int rc = check_change(set, CHANGESET_TO_TEXT, name, err);
    if (rc)
        return rc;
    struct changeset_op op = {.kind = CHANGESET_TO_TEXT, .text = name};
    changeset_append(set, &op);
    return 0;
}
