// SPDX-License-Identifier: Apache-2.0
/* Pages over the parent's are written in one transaction without a journal: they are private until they are
 * whole, and thrown away when anything fails. */
#include "index/commit/apply/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/live.h"
#include "index/commit/apply/apply_fold.h"
#include "index/commit/apply/apply_growth.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_shards.h"
#include "index/commit/apply/apply_sources.h"
#include "index/commit/apply/apply_upkeep.h"

/* ---- counts ---- */

struct number_name {
    const char *name;
    int64_t *number;
};

enum { NUMBERS = 10 };

/* All that `meta` holds, where it stands meanwhile. */
static void name_numbers(struct apply *apply, int64_t *version, struct number_name ret[NUMBERS])
{
    const struct number_name names[NUMBERS] = {{"version", version},
                                               {"rows", &apply->output.rows},
                                               {"clips", &apply->output.clip_count},
                                               {"next_object", &apply->output.next_object},
                                               {"next_origin", &apply->output.next_origin},
                                               {"next_attribute", &apply->output.next_attribute},
                                               {"grown_to", &apply->output.grown_to},
                                               {"sealed", &apply->output.sealed},
                                               {"sealing_to", &apply->output.sealing_to},
                                               {"sealing_at", &apply->output.sealing_at}};
    memcpy(ret, names, sizeof names);
}

static int read_parent(struct apply *apply, struct error *err)
{
    int64_t version;
    struct number_name names[NUMBERS];
    name_numbers(apply, &version, names);
    int rc = 0;
    for (size_t i = 0; !rc && i < NUMBERS; i++)
        rc = db_meta(apply->db, names[i].name, names[i].number, err);
    if (!rc)
        rc = hash_runs_read(apply->db, &apply->identity.runs, err);
    if (!rc)
        rc = attributes_read(apply->db, SCHEMA_ATTRIBUTES_MAX, &apply->output.attributes, err);
    if (!rc)
        rc = apply_work_read(apply, err);
    if (rc)
        return rc;
    if (apply->output.rows > UINT32_MAX || apply->output.clip_count > apply->output.rows ||
        apply->output.sealed > apply->output.rows || apply->output.sealing_to > apply->output.rows ||
        apply->output.sealing_at > SCHEMA_ATTRIBUTES_MAX || apply->output.next_object > UINT32_MAX ||
        apply->output.next_origin < 1 || apply->output.next_origin >= SCHEMA_ORIGINS_MAX ||
        apply->output.next_attribute > SCHEMA_ATTRIBUTES_MAX ||
        (apply->output.attributes.count &&
         apply->output.attributes.list[apply->output.attributes.count - 1].info.id >=
             apply->output.next_attribute))
        return db_damaged(apply->db, err, "its counts are out of range");
    if (version >= apply->source.options->version)
        return error_set(err, EINVAL, "version %lld cannot be the parent of version %u", (long long)version,
                         apply->source.options->version);
    apply->source.parent_rows = apply->output.rows;
    apply->source.parent_attributes = apply->output.attributes.count;
    apply->source.parent_next_attribute = (uint32_t)apply->output.next_attribute;
    return 0;
}

static int put_numbers(struct apply *apply, struct error *err)
{
    int64_t version = apply->source.options->version;
    struct number_name names[NUMBERS];
    name_numbers(apply, &version, names);
    int rc = 0;
    for (size_t i = 0; !rc && i < NUMBERS; i++)
        rc = db_meta_put(apply->db, names[i].name, *names[i].number, err);
    return rc;
}

static int put_version(struct apply *apply, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_VERSION_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, apply->source.options->version);
    db_bind_number(stmt, 2, apply->source.options->time_ns);
    return db_run(apply->db, stmt, err);
}

static int put_origin(struct apply *apply, struct error *err)
{
    sqlite3_stmt *stmt;
    if (!apply->setter.origin_used)
        return 0;
    int rc = db_query(apply->db, QUERY_ORIGIN_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, apply->output.next_origin++);
    db_bind_text(stmt, 2, apply->setter.name, strlen(apply->setter.name));
    db_bind_number(stmt, 3, apply->source.options->version);
    return db_run(apply->db, stmt, err);
}

/* ---- attributes and rows ---- */

static int write_attribute(struct apply *apply, size_t at, struct error *err)
{
    struct attribute *attribute = &apply->output.attributes.list[at];
    struct apply_delta *delta = &apply->output.deltas[at];
    int rc = apply->output.seals ? apply_patches_seal(apply, at, err) : 0;
    struct apply_gains_reader gains = APPLY_GAINS_READER(apply->output.gains, at, attribute);
    uint32_t row;
    bool beneath = !apply_delta_empty(delta) || apply_gains_next(&gains, &row);
    if (!rc)
        rc = apply_shards_write(apply->db, delta, &gains, (uint64_t)apply->output.sealed, err);
    if (!rc)
        rc = apply_patches_put(apply, at, beneath, err);
    patch_done(&apply->output.patches[at]);
    return rc || !attribute->changed ? rc : apply_attribute_put(apply, attribute, err);
}

static int write_attributes(struct apply *apply, struct error *err)
{
    int rc = apply->output.seals ? apply_upkeep_make_way(apply, err) : 0;
    if (apply->output.seals)
        apply->output.sealed = apply->output.rows;
    for (size_t i = 0; !rc && i < apply->output.attributes.count; i++)
        rc = write_attribute(apply, i, err);
    return rc;
}

/* What commits before have left comes first: it never takes in what this one writes. */
static int keep_up(struct apply *apply, struct error *err)
{
    apply_upkeep_allow(apply);
    int rc = apply_growth_write(apply, err);
    if (!rc)
        rc = apply_upkeep_runs(apply, err);
    if (!rc)
        rc = hash_runs_append(apply->db, &apply->identity.runs, &apply->identity.new_hashes,
                              &apply->output.budget, err);
    hash_additions_done(&apply->identity.new_hashes);
    return rc ? rc : apply_upkeep_shards(apply, err);
}

static int write_live(struct apply *apply, struct error *err)
{
    const struct apply_source *source = &apply->source;
    if (rowset_empty(apply->identity.changed) && apply->output.rows == source->parent_rows)
        return 0;
    apply->output.clip_count = (int64_t)rowset_count(apply->identity.live);
    return live_write(apply->db, (uint64_t)source->parent_rows, (uint64_t)apply->output.rows,
                      apply->identity.live, apply->identity.changed, err);
}

/* ---- all of it ---- */

static int run(struct apply *apply, struct error *err)
{
    bool labels = apply->source.set->has_labels;
    int rc = apply->source.has_parent ? read_parent(apply, err) : 0;
    if (!rc)
        rc = apply_intake(apply, err);
    if (!rc)
        rc = labels ? apply_label_places(apply, err) : apply_places(apply, err);
    if (!rc)
        rc = labels ? apply_labels(apply, err) : apply_clips(apply, err);
    free(STEAL(apply->identity.clips)); /* there may be millions, and all is said of them */
    if (!rc)
        rc = keep_up(apply, err);
    if (!rc)
        rc = write_attributes(apply, err);
    if (!rc)
        rc = apply_work_write(apply, err);
    if (!rc)
        rc = write_live(apply, err);
    if (!rc)
        rc = put_origin(apply, err);
    if (!rc)
        rc = put_version(apply, err);
    if (!rc)
        rc = put_numbers(apply, err);
    return rc ? rc : db_commit(apply->db, err);
}

static void taking_done(struct apply_taking *taking)
{
    buf_done(&taking->record);
    buf_done(&taking->lists);
    buf_done(&taking->events);
}

static void source_done(struct apply_source *source)
{
    origins_done(&source->origins);
    cells_done(&source->cells);
    free(source->root_ids);
    free(source->object_ids);
    free(source->attribute_at);
    free(source->declared);
    free(source->partial);
}

static void identity_done(struct apply_identity *identity)
{
    for (size_t i = 0; i < identity->take_count; i++)
        taking_done(&identity->takes[i]);
    free(identity->takes);
    free(identity->clips);
    free(identity->sorts);
    rowset_unref(identity->live);
    rowset_unref(identity->changed);
    hash_additions_done(&identity->new_hashes);
    hash_runs_done(&identity->runs);
}

static void setter_done(struct apply_setter *setter)
{
    buf_done(&setter->unknown.shown);
    buf_done(&setter->taken.shown);
    buf_done(&setter->late.shown);
    buf_done(&setter->replaced.shown);
}

static void output_done(struct apply_output *output)
{
    for (size_t i = 0; output->deltas && i < output->attributes.count; i++) {
        apply_delta_done(&output->deltas[i]);
        patch_done(&output->patches[i]);
    }
    free(output->deltas);
    apply_gains_free(output->gains);
    free(output->patches);
    attributes_done(&output->attributes);
    json_growth_done(&output->grows);
    apply_packing_free(output->packing);
    apply_sources_free(output->sources);
    apply_work_done(&output->work);
    apply_folding_done(&output->folding);
}

static void apply_done(struct apply *apply)
{
    source_done(&apply->source);
    identity_done(&apply->identity);
    setter_done(&apply->setter);
    output_done(&apply->output);
    db_close(apply->db);
}

static struct apply_counts counts_of(const struct apply *apply)
{
    struct apply_counts counts = apply->output.counts;
    counts.clips = (uint64_t)apply->output.clip_count;
    counts.rows = (uint64_t)apply->output.rows;
    counts.values_changed = apply->setter.replaced.count;
    counts.upkeep_left = apply->output.budget;
    snprintf(counts.changed_shown, sizeof counts.changed_shown, "%s",
             buf_text(&apply->setter.replaced.shown));
    return counts;
}

int apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
          struct error *err)
{
    struct apply state = {.source = {.options = options,
                                     .limits = options->limits ? *options->limits : APPLY_LIMITS,
                                     .set = set},
                          .identity = {.changed = rowset_new()},
                          .setter = {.name = ORIGIN_IMPORT},
                          .output = {.next_origin = 1}};
    state.source.has_parent = overlay_pages(options->file);
    int rc = db_open_write(options->file, &state.db, err);
    if (!rc)
        rc = apply_packing_new(state.db, state.source.limits.sample_groups, &state.output.packing, err);
    state.output.sources = apply_sources_new(&state);
    if (!rc)
        rc = run(&state, err);
    if (!rc)
        *ret = counts_of(&state);
    apply_done(&state);
    return rc;
}
