// SPDX-License-Identifier: Apache-2.0
/* One pass over the log. Numbers of the set become ids of the catalog: equal roots, objects and attributes of
 * the parent are met by what they are, never by number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/rows.h"
#include "index/commit/apply/apply_conflict.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_sources.h"

/* The values of an attribute that sorts clips; ranks are given when all are known. */
struct sorter {
    uint32_t attribute;   /* of the set; UINT32_MAX: it has none */
    struct strmap *map;   /* encoded value -> index */
    struct value *values; /* borrowed from the log */
    size_t cap;
    uint32_t last; /* index of the value that came last: clips of a session tend to stand together */
    struct buf bytes;
};

/* The pass over the log. */
struct intake {
    struct apply *apply;
    struct sorter sorters[APPLY_SORT_KEYS];
};

/* ---- roots, objects, recordings ---- */

static int take_root(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_source *source = &intake->apply->source;
    uint32_t id = op->id;
    const struct apply_options *options = source->options;
    int rc = options->root_id ? options->root_id(options->ctx, op->text, &id, err) : 0;
    if (rc)
        return rc;
    mem_grow(&source->root_ids, &source->root_cap, source->root_count + 1, sizeof *source->root_ids);
    source->root_ids[source->root_count++] = id;
    return 0;
}

struct object_search {
    struct apply *apply;
    const struct changeset_op *op;
    uint32_t root;
};

static int is_object(void *ctx, uint32_t id, struct error *err)
{
    struct object_search *search = ctx;
    struct catalog_object object = {0};
    int rc = rows_object(search->apply->db, id, &object, err);
    if (rc < 1)
        return rc;
    bool same = object.root == search->root && object.size == search->op->size &&
                !strcmp(object.path, search->op->text) && !strcmp(object.pin, search->op->pin);
    catalog_object_done(&object);
    return same;
}

static int put_object(struct apply *apply, const struct changeset_op *op, uint32_t root, uint32_t id,
                      struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_OBJECT_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    db_bind_number(stmt, 2, root);
    db_bind_text(stmt, 3, op->text, strlen(op->text));
    db_bind_number(stmt, 4, (int64_t)op->size);
    db_bind_text(stmt, 5, op->pin, strlen(op->pin));
    return db_run(apply->db, stmt, err);
}

static int take_object(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply *apply = intake->apply;
    struct object_search search = {.apply = apply, .op = op, .root = apply->source.root_ids[op->root]};
    uint32_t hash = rows_object_hash(search.root, op->text), id = 0;
    int rc = hash_runs_find(apply->db, &apply->identity.runs,
                            &(struct hash_search){SCHEMA_HASH_OBJECT, hash, is_object, &search}, &id, err);
    if (rc < 0)
        return rc;
    if (!rc) {
        if (apply->output.next_object >= CATALOG_NO_OBJECT)
            return error_set(err, EFBIG, "the catalog has too many objects");
        id = (uint32_t)apply->output.next_object++;
        rc = put_object(apply, op, search.root, id, err);
        if (rc)
            return rc;
        hash_additions_add(&apply->identity.new_hashes, SCHEMA_HASH_OBJECT, hash, id);
    }
    mem_grow(&apply->source.object_ids, &apply->source.object_cap, apply->source.object_count + 1,
             sizeof *apply->source.object_ids);
    apply->source.object_ids[apply->source.object_count++] = id;
    return 0;
}

static int take_recording(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply *apply = intake->apply;
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf packed = BUF_INIT;
    int rc = db_query(apply->db, QUERY_RECORDING_PUT, &stmt, err);
    if (rc)
        return rc;
    packer_pack(db_packer(apply->db), op->bytes, op->len, PACKER_SAVING_PERCENT, &packed);
    db_bind_number(stmt, 1, apply->source.object_ids[op->id]);
    db_bind_text(stmt, 2, op->text, strlen(op->text));
    db_bind_bytes(stmt, 3, packed.data, packed.len);
    return db_run(apply->db, stmt, err);
}

static int take_evidence(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply *apply = intake->apply;
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_EVIDENCE_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, apply->source.object_ids[op->id]);
    db_bind_bytes(stmt, 2, op->bytes, op->len);
    return db_run(apply->db, stmt, err);
}

/* ---- sources ---- */

static int take_source(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    return apply_sources_begin(intake->apply->output.sources, op, err);
}

static int take_file(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    apply_sources_file(intake->apply->output.sources, op);
    return 0;
}

/* ---- attributes ---- */

static int conflict(const struct attribute *known, const struct changeset_op *op, struct error *err)
{
    return error_set(err, EINVAL,
                     "the attribute '%s' is %s in the data set and %s in the import (--type '%s=text' makes "
                     "texts of all in it)",
                     op->text, value_type_name(known->info.type), value_type_name(op->type), op->text);
}

/* A clip's JSON shows an attribute of several values as an array, also where there is one. */
static int add_brackets(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    return apply_attribute_grow(apply, attribute, sizeof "[]" - 1, err);
}

/* What the set says of an attribute the parent has: it may get wider, never narrower. */
static int merge_attribute(struct apply *apply, struct attribute *known, const struct changeset_op *op,
                           struct error *err)
{
    bool widen = known->info.type == VALUE_INT && op->type == VALUE_FLOAT;
    bool narrower = known->info.type == VALUE_FLOAT && op->type == VALUE_INT;
    if (known->info.type != op->type && !widen && !narrower)
        return conflict(known, op, err);
    bool unfold = op->multi && !known->info.multi;
    int rc = widen || unfold ? apply_work_abandon(apply, known->info.id, err) : 0;
    if (!rc && widen)
        rc = apply_patches_widen(apply, known, err);
    if (!rc && widen)
        rc = apply_delta_widen(apply->db, known, err);
    if (!rc && unfold)
        rc = apply_delta_unfold(apply->db, known, err);
    known->changed |= widen || unfold;
    return rc || !unfold ? rc : add_brackets(apply, known, err);
}

static int add_attribute(struct apply_output *output, const char *name, enum value_type type, bool multi,
                         struct error *err)
{
    struct attributes *all = &output->attributes;
    if (output->next_attribute >= SCHEMA_ATTRIBUTES_MAX)
        return error_set(err, EFBIG, "the data set has too many attributes");
    mem_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list);
    struct attribute *attribute = &all->list[all->count++];
    *attribute = (struct attribute){.changed = true};
    attribute->info.id = (uint32_t)output->next_attribute++;
    attribute->info.type = type;
    attribute->info.multi = multi;
    memcpy(attribute->info.name, name, strlen(name) + 1);
    return 0;
}

/* Another attribute of the set means it already, by one more name that it had. */
static bool is_taken(const struct apply *apply, const struct attribute *known, uint32_t declared)
{
    bool taken = false;
    for (uint32_t i = 0; known && !taken && i < declared; i++)
        taken = apply->source.attribute_at[i] == (uint32_t)(known - apply->output.attributes.list);
    return taken;
}

static int take_attribute(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply *apply = intake->apply;
    struct attribute *known;
    int rc = apply_conflict_attribute(apply, op->text, err);
    if (!rc)
        rc = apply_attribute_find(apply, op->text, &known, err);
    int moved = rc < 0 ? rc : apply_conflict_former(apply, op->text, known, err);
    if (moved)
        return moved;
    if (is_taken(apply, known, op->id)) /* two columns, so two attributes */
        known = NULL, rc = 0;
    apply->source.attribute_at[op->id] = known ? (uint32_t)(known - apply->output.attributes.list)
                                         : rc  ? APPLY_NO_ATTRIBUTE
                                               : (uint32_t)apply->output.attributes.count;
    if (known)
        return merge_attribute(apply, known, op, err);
    return rc ? 0 : add_attribute(&apply->output, op->text, op->type, op->multi, err);
}

/* Labels of events are the values of an attribute that no set declares. */
static int take_events(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_output *output = &intake->apply->output;
    if (output->event_at != SIZE_MAX)
        return 0;
    output->event_at = output->attributes.count;
    return add_attribute(output, EVENT_ATTRIBUTE, VALUE_TEXT, true, err);
}

void apply_event_find(struct apply_output *output)
{
    const struct attribute *known =
        attributes_by_name(&output->attributes, EVENT_ATTRIBUTE, sizeof EVENT_ATTRIBUTE - 1);
    output->event_at = known ? (size_t)(known - output->attributes.list) : SIZE_MAX;
}

bool apply_is_event(const struct apply_output *output, const struct attribute *attribute)
{
    return output->event_at != SIZE_MAX && attribute == &output->attributes.list[output->event_at];
}

/* ---- clips and their place in order ---- */

static int take_clip(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_identity *identity = &intake->apply->identity;
    struct apply_clip *clip = &identity->clips[identity->count];
    *clip = (struct apply_clip){.order = (uint32_t)identity->count};
    if (identity->sorts) {
        struct apply_sort *sort = &identity->sorts[identity->count];
        sort->t0_ns = op->t0_ns;
        sort->key_hash = key_hash(op->text, strlen(op->text));
        for (size_t i = 0; i < APPLY_SORT_KEYS; i++)
            sort->ranks[i] = APPLY_UNRANKED;
    }
    identity->count++;
    return 0;
}

static int take_removal(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_identity *identity = &intake->apply->identity;
    identity->clips[changeset_clips(intake->apply->source.set) + identity->removals] =
        (struct apply_clip){.order = (uint32_t)identity->removals, .removed = true};
    identity->removals++;
    return 0;
}

static int take_hide(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    intake->apply->identity.clips[intake->apply->identity.count - 1].hidden = true;
    return 0;
}

static int take_labels_of(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_identity *identity = &intake->apply->identity;
    mem_grow(&identity->takes, &identity->take_cap, identity->take_count + 1, sizeof *identity->takes);
    identity->takes[identity->take_count++] = (struct apply_taking){.of = op->text};
    identity->clips[identity->count - 1].takes = (uint32_t)identity->take_count;
    return 0;
}

static uint32_t value_index(struct sorter *sorter, const struct value *value)
{
    bool is_new;
    if (strmap_count(sorter->map) && !value_compare(&sorter->values[sorter->last], value))
        return sorter->last;
    buf_clear(&sorter->bytes);
    value_encode(&sorter->bytes, value);
    struct strmap_entry *entry =
        strmap_put(sorter->map, buf_text(&sorter->bytes), sorter->bytes.len, &is_new);
    if (is_new) {
        entry->value = strmap_count(sorter->map) - 1;
        mem_grow(&sorter->values, &sorter->cap, entry->value + 1, sizeof *sorter->values);
        sorter->values[entry->value] = *value;
    }
    sorter->last = (uint32_t)entry->value;
    return sorter->last;
}

static int take_value(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_identity *identity = &intake->apply->identity;
    for (size_t i = 0; i < APPLY_SORT_KEYS; i++) {
        uint32_t *rank = &identity->sorts[identity->count - 1].ranks[i];
        if (intake->sorters[i].attribute == op->id && *rank == APPLY_UNRANKED)
            *rank = value_index(&intake->sorters[i], &op->value);
    }
    return 0;
}

static int compare_indices(const void *a, const void *b, void *ctx)
{
    const struct value *values = ctx;
    return value_compare(&values[*(const uint32_t *)a], &values[*(const uint32_t *)b]);
}

/* Indices become ranks in value order. */
static void rank_clips(struct apply_identity *identity, const struct sorter *sorter, int key)
{
    size_t count = strmap_count(sorter->map);
    CLEANUP_FREE uint32_t *order = mem_alloc(count * sizeof *order),
                          *ranks = mem_alloc(count * sizeof *ranks);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    if (count)
        qsort_r(order, count, sizeof *order, compare_indices, sorter->values);
    for (uint32_t i = 0; i < count; i++)
        ranks[order[i]] = i;
    for (size_t i = 0; i < identity->count; i++)
        if (identity->sorts[i].ranks[key] != APPLY_UNRANKED)
            identity->sorts[i].ranks[key] = ranks[identity->sorts[i].ranks[key]];
}

/* ---- the pass ---- */

static int take_setter(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    struct apply_setter *setter = &intake->apply->setter;
    setter->name = op->text;
    setter->policy = (enum changeset_policy)op->policy;
    setter->table = op->other;
    return 0;
}

static int take_change(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    return apply_attribute_change(intake->apply, op, err);
}

#define OPERATION(kind, number, name, fields, needs, replay, intake) [number] = intake,
static int (*const takes[])(struct intake *intake, const struct changeset_op *op, struct error *err) = {
#include "index/commit/operations.def"
};
#undef OPERATION

static int take(struct intake *intake, const struct changeset_op *op, struct error *err)
{
    return takes[op->kind] ? takes[op->kind](intake, op, err) : 0;
}

static int take_all(struct intake *intake, struct error *err)
{
    struct changeset_reader reader = CHANGESET_READER(intake->apply->source.set);
    struct changeset_op op;
    int rc = 0;
    while (!rc && changeset_next(&reader, &op))
        rc = take(intake, &op, err);
    changeset_reader_done(&reader);
    return rc;
}

/* From attribute `first` on. */
static int take_lists(struct intake *intake, uint32_t first, struct error *err)
{
    const struct changeset *set = intake->apply->source.set;
    int rc = 0;
    for (uint32_t i = first; !rc && i < strmap_count(set->attributes); i++) {
        const struct changeset_attribute *attribute = &set->attribute_list[i];
        struct changeset_op op = {
            .id = i, .text = attribute->name, .type = attribute->type, .multi = attribute->multi};
        rc = take_attribute(intake, &op, err);
    }
    for (size_t i = 0; !rc && i < set->clips.count; i++)
        rc = take_clip(intake, NULL, err);
    return rc || !set->has_events ? rc : take_events(intake, NULL, err);
}

/* Of labels all that intake wants stands in lists, so only what comes before the first clip is read. */
static int take_labels(struct intake *intake, struct error *err)
{
    struct changeset_reader reader = CHANGESET_READER(intake->apply->source.set);
    struct changeset_op op = {0};
    uint32_t attributes = 0;
    int rc = 0;
    while (!rc && changeset_next(&reader, &op) && op.kind != CHANGESET_LABELS) {
        rc = take(intake, &op, err);
        attributes += op.kind == CHANGESET_ATTRIBUTE;
    }
    changeset_reader_done(&reader);
    return rc ? rc : take_lists(intake, attributes, err);
}

/* The list of attributes moves no more from here on. */
static void fix_attributes(struct apply_source *source, struct apply_output *output)
{
    const struct changeset *set = source->set;
    attributes_sort(&output->attributes);
    source->declared = mem_zero(output->attributes.count * sizeof *source->declared);
    source->partial = mem_zero(output->attributes.count * sizeof *source->partial);
    for (size_t i = 0; i < strmap_count(set->attributes); i++) {
        uint32_t at = source->attribute_at[i];
        if (at == APPLY_NO_ATTRIBUTE)
            continue;
        source->declared[at] = true;
        source->partial[at] = set->has_labels || set->attribute_list[i].partial;
    }
    if (set->has_labels && output->event_at != SIZE_MAX)
        source->declared[output->event_at] = true;
}

static struct sorter sorter_new(const struct changeset *set, const char *name, const char *else_name)
{
    const struct strmap_entry *entry = strmap_find(set->attributes, name, strlen(name));
    if (!entry)
        entry = strmap_find(set->attributes, else_name, strlen(else_name));
    return (struct sorter){.attribute = entry ? (uint32_t)entry->value : UINT32_MAX, .map = strmap_new()};
}

int apply_intake(struct apply *apply, struct error *err)
{
    size_t declared = strmap_count(apply->source.set->attributes);
    struct intake intake = {.apply = apply,
                            .sorters = {sorter_new(apply->source.set, "site", "site"),
                                        sorter_new(apply->source.set, "robot", "robot_type"),
                                        sorter_new(apply->source.set, "session", "session")}};
    size_t entries = changeset_clips(apply->source.set) + changeset_removals(apply->source.set);
    apply->identity.clips = mem_zero(entries * sizeof *apply->identity.clips);
    if (!apply->source.set->has_labels)
        apply->identity.sorts = mem_zero(entries * sizeof *apply->identity.sorts);
    apply->source.attribute_at = mem_zero(declared * sizeof *apply->source.attribute_at);
    apply->output.deltas =
        mem_zero((apply->source.parent_attributes + declared + 1) * sizeof *apply->output.deltas);
    apply->output.patches =
        mem_zero((apply->source.parent_attributes + declared + 1) * sizeof *apply->output.patches);
    apply->setter.origin = (uint32_t)apply->output.next_origin;
    apply_event_find(&apply->output);
    int rc = spool_check(&apply->source.set->log, err);
    if (!rc)
        rc = apply->source.set->has_labels ? take_labels(&intake, err) : take_all(&intake, err);
    if (!rc)
        rc = apply_sources_end(apply->output.sources, err);
    for (size_t i = 0; i < APPLY_SORT_KEYS; i++) {
        if (!rc && apply->identity.sorts)
            rank_clips(&apply->identity, &intake.sorters[i], i);
        strmap_free(intake.sorters[i].map);
        buf_done(&intake.sorters[i].bytes);
        free(intake.sorters[i].values);
    }
    apply->identity.count += apply->identity.removals;
    if (!rc)
        fix_attributes(&apply->source, &apply->output);
    apply->output.gains = apply_gains_new(apply->output.attributes.count);
    return rc;
}
