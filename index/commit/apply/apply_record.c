// SPDX-License-Identifier: Apache-2.0
/* A group is read once, changed clip by clip and written when the next one is entered. */
#include "index/commit/apply/apply_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void apply_record_done(struct apply_record *record)
{
    record_group_done(&record->group);
    record_group_done(&record->event_group);
    lists_done(&record->lists);
    record_values_done(&record->stored);
    record_values_done(&record->was);
    free(record->values);
    record_values_done(&record->said);
    free(record->none);
    record_values_done(&record->now);
    record_values_done(&record->by_name);
    events_done(&record->was_events);
    events_done(&record->now_events);
    buf_done(&record->json);
    buf_done(&record->bytes);
    buf_done(&record->list);
}

/* ---- groups ---- */

static int flush_group(struct apply_record *record, struct record_group *group, bool *dirty,
                       struct error *err)
{
    if (!*dirty)
        return 0;
    buf_clear(&record->bytes);
    int rc = record_group_encode(group, &record->bytes, err);
    if (rc)
        return rc;
    *dirty = false;
    return apply_packing_add(record->apply->output.packing, group->put, group->number, &record->bytes, err);
}

int apply_record_flush(struct apply_record *record, struct error *err)
{
    int rc = flush_group(record, &record->group, &record->dirty, err);
    if (!rc)
        rc = flush_group(record, &record->event_group, &record->events_dirty, err);
    for (size_t i = 0; !rc && i < record->lists.count; i++) {
        struct lists_group *lists = &record->lists.groups[i];
        rc = flush_group(record, &lists->group, &lists->dirty, err);
    }
    return rc ? rc : apply_packing_flush(record->apply->output.packing, err);
}

static int enter_group(struct apply_record *record, struct record_group *group, bool *dirty,
                       struct error *err)
{
    if (group->number == record_group_number(group, record->row))
        return 0;
    int rc = flush_group(record, group, dirty, err);
    return rc ? rc : record_group_read(record->apply->db, record->row, group, err);
}

static bool has_events(const struct apply_record *record, const struct record_values *values)
{
    const struct apply *apply = record->apply;
    for (size_t i = 0; apply->output.event_at != SIZE_MAX && i < values->count; i++)
        if (values->list[i].attribute == &apply->output.attributes.list[apply->output.event_at])
            return true;
    return false;
}

static int read_events(struct apply_record *record, struct error *err)
{
    int rc = enter_group(record, &record->event_group, &record->events_dirty, err);
    if (!rc)
        rc = events_decode(record->apply->db, record->row, record_of(&record->event_group, record->row),
                           &record->was_events, err);
    for (size_t i = 0; !rc && i < record->was_events.count; i++)
        events_add(&record->now_events, &record->was_events.list[i]);
    return rc;
}

static int enter_lists(struct apply_record *record, const struct attribute *attribute,
                       struct lists_group **ret, struct error *err)
{
    struct lists_group *lists = lists_group_of(&record->lists, attribute->info.id);
    *ret = lists;
    return enter_group(record, &lists->group, &lists->dirty, err);
}

static bool may_change(const struct apply_record *record, const struct attribute *attribute)
{
    const struct apply *apply = record->apply;
    if (record->only)
        return attribute == record->only;
    return !apply->source.set->has_labels ||
           apply->source.declared[attribute - apply->output.attributes.list];
}

static int read_lists(struct apply_record *record, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < record->was.count; i++) {
        struct record_value *value = &record->was.list[i];
        struct lists_group *lists;
        if (value->value.type != VALUE_LIST || !may_change(record, value->attribute))
            continue;
        rc = enter_lists(record, value->attribute, &lists, err);
        if (!rc)
            rc = lists_get(record->apply->db, &lists->group, record->row, &value->value, err);
        if (!rc)
            rc = db_damaged(record->apply->db, err, "the list '%s' of the clip in row %u is missing",
                            value->attribute->info.name, record->row);
    }
    return rc < 0 ? rc : 0;
}

static int read_values(struct apply_record *record, bool known, struct error *err)
{
    struct apply *apply = record->apply;
    struct cells_row of = CELLS_ROW_ANY(record->row, record_of(&record->group, record->row));
    int rc =
        cells_values(apply->db, &apply->source.cells, &apply->output.attributes, &of, &record->stored, err);
    for (size_t i = 0; !rc && known && i < record->stored.count; i++) {
        const struct record_value *value = &record->stored.list[i];
        record_values_add(&record->was, value->attribute, &value->value, value->origin);
    }
    return rc;
}

static int read_some(struct apply_record *record, struct error *err)
{
    struct apply *apply = record->apply;
    const struct cells_some some = {record->some, record->some_count, &record->group};
    return cells_some(apply->db, &apply->source.cells, &apply->output.attributes, &some, record->row,
                      &record->was, err);
}

int apply_record_enter(struct apply_record *record, uint32_t row, bool known, struct error *err)
{
    record->row = row;
    record->seen = known;
    record->stored.count = record->was.count = record->said.count = record->now.count = 0;
    record->was_events.count = record->now_events.count = 0;
    record->says_events = record->was_taken = record->was_kept = false;
    record->none_count = 0;
    int rc = record->some ? read_some(record, err) : enter_group(record, &record->group, &record->dirty, err);
    if (!rc && !record->some && row < record->apply->source.parent_rows)
        rc = read_values(record, known, err);
    if (!rc)
        rc = read_lists(record, err);
    return rc || !has_events(record, &record->was) ? rc : read_events(record, err);
}

int apply_record_say(struct apply_record *record, const struct changeset_op *op, struct error *err)
{
    enum { EXACT_BITS = 53 };
    const struct apply *apply = record->apply;
    if (apply->source.attribute_at[op->id] == APPLY_NO_ATTRIBUTE)
        return 0;
    if (op->kind == CHANGESET_NONE) {
        mem_grow(&record->none, &record->none_cap, record->none_count + 1, sizeof *record->none);
        record->none[record->none_count++] = apply->source.attribute_at[op->id];
        return 0;
    }
    const struct attribute *attribute = &apply->output.attributes.list[apply->source.attribute_at[op->id]];
    struct value value = op->value;
    if (value.type != attribute->info.type) { /* an integer for a float, as intake has checked */
        if (value.integer < -(1ll << EXACT_BITS) || value.integer > 1ll << EXACT_BITS)
            return error_set(err, EINVAL,
                             "the attribute '%s' is float in the data set, and %lld is not exact as one "
                             "(--type '%s=text' makes texts of all in it)",
                             op->text, (long long)value.integer, op->text);
        value = (struct value){.type = VALUE_FLOAT, .real = (double)value.integer};
    }
    record_values_add(&record->said, attribute, &value, apply->setter.origin);
    return 0;
}

/* ---- what changed ---- */

static bool same_events(const struct events *a, const struct events *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct event *x = &a->list[i], *y = &b->list[i];
        if (x->start_ns != y->start_ns || x->end_ns != y->end_ns || x->origin != y->origin ||
            value_compare(&x->label, &y->label) != 0)
            return false;
    }
    return true;
}

bool apply_record_same(const struct apply_record *record)
{
    const struct record_values *a = &record->now, *b = &record->was;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].attribute != b->list[i].attribute ||
            value_compare(&a->list[i].value, &b->list[i].value) != 0)
            return false;
    return same_events(&record->now_events, &record->was_events);
}

/* ---- rows that the parent has ---- */

static uint32_t code_of(struct apply_record *record, struct patch *patch, const struct record_value *list,
                        size_t count)
{
    mem_grow(&record->values, &record->value_cap, count, sizeof *record->values);
    for (size_t i = 0; i < count; i++)
        record->values[i] = list[i].value;
    return patch_code(patch, record->values, count);
}

/* `old` and `now`: the values of one attribute, or none. */
static void patch_attribute(struct apply_record *record, const struct record_value *old, size_t old_count,
                            const struct record_value *now, size_t now_count, uint32_t dead)
{
    struct apply *apply = record->apply;
    const struct attribute *attribute = old_count ? old->attribute : now->attribute;
    struct patch *patch = &apply->output.patches[attribute - apply->output.attributes.list];
    struct patch_cell cell = {.row = record->row, .origin = now_count ? now->origin : 0};
    cell.old = record->seen ? code_of(record, patch, old, old_count) : PATCH_NONE;
    cell.now = code_of(record, patch, now, now_count) | dead;
    patch_add(patch, &cell);
}

static size_t run_length(const struct record_values *values, size_t at)
{
    size_t end = at;
    while (end < values->count && values->list[end].attribute == values->list[at].attribute)
        end++;
    return end - at;
}

static bool same_values(const struct record_value *a, size_t a_count, const struct record_value *b,
                        size_t b_count)
{
    bool same = a_count == b_count && (!a_count || a->origin == b->origin);
    for (size_t i = 0; same && i < a_count; i++)
        same = !value_compare(&a[i].value, &b[i].value);
    return same;
}

/* Each attribute of which something changes. What a clip had that was not seen must not come back with it. */
static void patch_values_of(struct apply_record *record, uint32_t dead)
{
    const struct record_values *old = record->seen ? &record->was : &record->stored, *now = &record->now;
    for (size_t i = 0, k = 0; i < old->count || k < now->count;) {
        uint32_t id = i < old->count ? old->list[i].attribute->info.id : UINT32_MAX;
        uint32_t other = k < now->count ? now->list[k].attribute->info.id : UINT32_MAX;
        size_t olds = id <= other ? run_length(old, i) : 0, nows = other <= id ? run_length(now, k) : 0;
        const struct record_value *was = olds ? old->list + i : NULL, *is = nows ? now->list + k : NULL;
        if (!record->seen || !same_values(was, olds, is, nows))
            patch_attribute(record, was, olds, is, nows, dead);
        i += olds, k += nows;
    }
}

/* ---- new rows ---- */

static void gain_values(struct apply_record *record)
{
    struct apply_output *output = &record->apply->output;
    for (size_t i = 0; i < record->now.count; i++) {
        const struct record_value *value = &record->now.list[i];
        apply_gains_add(output->gains, (size_t)(value->attribute - output->attributes.list), &value->value,
                        record->row);
    }
}

static void append_values(struct apply_record *record)
{
    const struct record_values *now = &record->now;
    for (size_t i = 0, count; i < now->count; i += count) {
        count = run_length(now, i);
        patch_attribute(record, NULL, 0, now->list + i, count, 0);
    }
}

/* ---- writing ---- */

static int name_setters(struct apply *apply, struct events *events, struct error *err)
{
    for (size_t i = 0; i < events->count; i++) {
        struct event *event = &events->list[i];
        struct catalog_origin origin = {apply->setter.name, 0};
        int rc = event->origin == apply->setter.origin
                     ? 0
                     : origins_get(apply->db, &apply->source.origins, event->origin, &origin, err);
        if (rc)
            return rc;
        event->setter = origin.setter;
    }
    return 0;
}

int apply_record_print(struct apply_record *record, const char *key, struct error *err)
{
    struct record_values *by_name = &record->by_name;
    record_values_by_name(&record->now, &record->apply->output.attributes, by_name);
    int rc = name_setters(record->apply, &record->now_events, err);
    if (rc)
        return rc;
    buf_clear(&record->json);
    record_json(key, by_name, &record->now_events, &record->json);
    return 0;
}

/* Bytes of the member that starts at *at, if its attribute has this id; *at is behind it then. */
static size_t member_bytes(struct apply_record *record, const struct record_values *values,
                           const struct events *events, uint32_t id, size_t *at)
{
    if (*at == values->count || values->list[*at].attribute->info.id != id)
        return 0;
    buf_clear(&record->json);
    *at = record_json_member(values, *at, events, &record->json);
    return record->json.len;
}

/* The values at *i of `was` and *k of `now` are the same attribute's and equal: both are stepped over. */
static bool skip_same(const struct apply_record *record, size_t *i, size_t *k)
{
    const struct record_values *was = &record->was, *now = &record->now;
    if (*i == was->count || *k == now->count || was->list[*i].attribute != now->list[*k].attribute ||
        apply_is_event(&record->apply->output, was->list[*i].attribute))
        return false;
    size_t count = run_length(was, *i);
    if (count != run_length(now, *k))
        return false;
    for (size_t n = 0; n < count; n++)
        if (value_compare(&was->list[*i + n].value, &now->list[*k + n].value) != 0)
            return false;
    *i += count, *k += count;
    return true;
}

static int64_t value_bytes(struct apply_record *record, const struct value *value)
{
    buf_clear(&record->json);
    value_print_json(&record->json, value);
    return (int64_t)record->json.len;
}

/* One value takes the place of another: the name stands in both members. */
static bool swap_one(struct apply_record *record, size_t *i, size_t *k, int64_t *bytes)
{
    const struct record_values *was = &record->was, *now = &record->now;
    if (*i == was->count || *k == now->count || was->list[*i].attribute != now->list[*k].attribute ||
        was->list[*i].attribute->info.multi ||
        apply_is_event(&record->apply->output, was->list[*i].attribute))
        return false;
    *bytes += value_bytes(record, &now->list[(*k)++].value);
    *bytes -= value_bytes(record, &was->list[(*i)++].value);
    return true;
}

/* Most labels change few of many members: only those are printed. */
int apply_record_growth(struct apply_record *record, int64_t *ret_bytes, struct error *err)
{
    const struct record_values *was = &record->was, *now = &record->now;
    int64_t bytes = 0;
    int rc = name_setters(record->apply, &record->was_events, err);
    if (!rc)
        rc = name_setters(record->apply, &record->now_events, err);
    for (size_t i = 0, k = 0; !rc && (i < was->count || k < now->count);) {
        if (skip_same(record, &i, &k) || swap_one(record, &i, &k, &bytes))
            continue;
        uint32_t id = i < was->count ? was->list[i].attribute->info.id : UINT32_MAX;
        if (k < now->count && now->list[k].attribute->info.id < id)
            id = now->list[k].attribute->info.id;
        bytes -= (int64_t)member_bytes(record, was, &record->was_events, id, &i);
        bytes += (int64_t)member_bytes(record, now, &record->now_events, id, &k);
    }
    *ret_bytes = bytes;
    return rc;
}

/* True: the events are not what the group holds, and stand in `bytes`. Where there are none, it may hold
 * those of a clip that was removed. */
static bool encode_events(struct apply_record *record)
{
    if (!has_events(record, &record->now))
        record->now_events.count = 0;
    struct cursor stored = record_of(&record->event_group, record->row);
    bool stale = !record->was_events.count && cursor_left(&stored);
    if (!stale && same_events(&record->now_events, &record->was_events))
        return false;
    events_encode(&record->now_events, &record->bytes);
    for (size_t i = 0; i < record->now_events.count; i++)
        record->apply->setter.origin_used |=
            record->now_events.list[i].origin == record->apply->setter.origin;
    return true;
}

static int put_list(struct apply_record *record, const struct record_value *old,
                    const struct record_value *is, struct error *err)
{
    struct lists_group *lists;
    const struct attribute *attribute = old ? old->attribute : is->attribute;
    bool was_list = old && old->value.type == VALUE_LIST, is_list = is && is->value.type == VALUE_LIST;
    if ((!was_list && !is_list) || (was_list && is_list && !value_compare(&old->value, &is->value)))
        return 0;
    int rc = enter_lists(record, attribute, &lists, err);
    if (rc)
        return rc;
    buf_clear(&record->list);
    if (is_list)
        value_encode(&record->list, &is->value);
    record_group_replace(&lists->group, record->row, record->list.data, record->list.len);
    lists->dirty = true;
    return 0;
}

/* Each pair of values of one attribute, or one that has no like. */
static int put_lists(struct apply_record *record, struct error *err)
{
    const struct record_values *was = &record->was, *now = &record->now;
    int rc = 0;
    for (size_t i = 0, k = 0; !rc && !record->only && (i < was->count || k < now->count);) {
        const struct record_value *old = i < was->count ? &was->list[i] : NULL,
                                  *is = k < now->count ? &now->list[k] : NULL;
        if (old && is && old->attribute->info.id > is->attribute->info.id)
            old = NULL;
        else if (old && is && old->attribute->info.id < is->attribute->info.id)
            is = NULL;
        i += old != NULL, k += is != NULL;
        rc = put_list(record, old, is, err);
    }
    return rc;
}

static int put_events(struct apply_record *record, struct error *err)
{
    if (record->some && !record->some_events)
        return 0;
    int rc = enter_group(record, &record->event_group, &record->events_dirty, err);
    buf_clear(&record->bytes);
    if (rc || !encode_events(record))
        return rc;
    record_group_replace(&record->event_group, record->row, record->bytes.data, record->bytes.len);
    record->events_dirty = true;
    return 0;
}

static void put_record(struct apply_record *record)
{
    buf_clear(&record->bytes);
    record_encode(&record->now, &record->bytes);
    record_group_replace(&record->group, record->row, record->bytes.data, record->bytes.len);
    record->dirty = true;
}

static int put(struct apply_record *record, uint32_t dead, struct error *err)
{
    struct apply *apply = record->apply;
    int rc = record_check(&record->now, err);
    if (!rc)
        rc = put_lists(record, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < record->now.count; i++)
        apply->setter.origin_used |= record->now.list[i].origin == apply->setter.origin;
    if (record->row < apply->source.parent_rows) {
        patch_values_of(record, dead);
    } else {
        if (!dead && apply->output.seals)
            gain_values(record);
        else if (!dead)
            append_values(record);
        put_record(record);
    }
    rc = put_events(record, err);
    record->was.count = record->was_events.count = record->now_events.count = 0;
    return rc;
}

void apply_record_retire(struct apply_record *record)
{
    const struct record_values *was = &record->was;
    for (size_t i = 0, count; i < was->count; i += count) {
        count = run_length(was, i);
        patch_attribute(record, was->list + i, count, was->list + i, count, PATCH_DEAD);
    }
    record->seen = false;
    record->was.count = record->now.count = record->was_events.count = record->now_events.count = 0;
}

int apply_record_put(struct apply_record *record, struct error *err)
{
    record->apply->output.counts.values += record->now.count;
    return put(record, 0, err);
}

int apply_record_hide(struct apply_record *record, struct error *err)
{
    return put(record, PATCH_DEAD, err);
}
