// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the interim about one clip, value or attribute at a time, as apply() comes to it; what is found is the
 * version that is in the way, or a refusal that names it.
 */
#include "index/commit/apply/apply_conflict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/catalog/catalog_known.h"

static const struct interim *interim_of(const struct apply *apply)
{
    return apply->source.options->interim;
}

uint32_t apply_conflict_cell(const struct apply *apply, const struct apply_clip *place,
                             const struct attribute *attribute)
{
    const struct interim *interim = interim_of(apply);
    if (!interim || !place->live || place->takes || place->labels_left)
        return 0; /* what it has is what another clip had; or that it went says it all */
    uint32_t cell = interim_cell(interim, attribute->info.id, place->row),
             clip = interim_clip(interim, place->row);
    return cell > clip ? cell : clip;
}

uint32_t apply_conflict_clip(const struct apply *apply, uint32_t row, uint32_t changed)
{
    const struct interim *interim = interim_of(apply);
    if (!interim)
        return 0;
    uint32_t version = interim_clip(interim, row);
    return changed > interim_base(interim) && changed > version ? changed : version;
}

void apply_conflict_add_clip(struct apply *apply, const char *key, const char *what, uint32_t version)
{
    apply_example(&apply->setter.late, "'%s' was %s by v%u", key, what, version);
}

/* ---- attributes ---- */

static const char *what_of(const struct apply *apply)
{
    const struct changeset *set = apply->source.set;
    return set->has_labels                      ? "labels of it were"
           : strmap_count(set->attributes) != 0 ? "an import of it was"
                                                : "a change of it was";
}

int apply_conflict_attribute(const struct apply *apply, const char *name, struct error *err)
{
    struct interim_change change;
    const struct interim *interim = interim_of(apply);
    bool import = !apply->source.set->has_labels && strmap_count(apply->source.set->attributes);
    if (!interim || !((!import && interim_attribute(interim, name, &change)) ||
                      interim_name_taken(interim, name, &change)))
        return 0; /* an import means the attribute by any name that it had */
    bool dropped = change.kind == INTERIM_DROPPED;
    return error_set(err, EEXIST, "the attribute '%s' was %s%s%s by v%u, and %s made for v%u", name,
                     dropped                          ? "dropped"
                     : change.kind == INTERIM_RENAMED ? "renamed '"
                                                      : "made of '",
                     dropped ? "" : change.name, dropped ? "" : "'", change.version, what_of(apply),
                     interim_base(interim));
}

int apply_conflict_former(const struct apply *apply, const char *name, const struct attribute *is,
                          struct error *err)
{
    uint32_t id;
    const struct interim *interim = interim_of(apply);
    const struct changeset *set = apply->source.set;
    int rc = interim && !set->has_labels ? interim_base_former(interim, name, &id, err) : 0;
    if (rc < 1)
        return rc;
    const struct attribute *was =
        id == CATALOG_DROPPED ? NULL : attributes_by_id(&apply->output.attributes, id);
    if (was && strmap_find(set->attributes, was->info.name, strlen(was->info.name)))
        return 0; /* the import says both names: two attributes */
    if (is == was || (!was && id != CATALOG_DROPPED))
        return 0;
    return error_set(err, EEXIST, "'%s' meant %s%s%s in v%u, for which the import was made, and %s in v%u",
                     name, was ? "the attribute '" : "a dropped attribute", was ? was->info.name : "",
                     was ? "'" : "", interim_base(interim), is ? "another one" : "none",
                     interim_version(interim));
}

int apply_conflict_change(const struct apply *apply, const struct changeset_op *op, struct error *err)
{
    struct interim_change change;
    const struct interim *interim = interim_of(apply);
    bool moved = interim && interim_attribute(interim, op->text, &change);
    if (moved &&
        ((op->kind == CHANGESET_DROP && change.kind == INTERIM_DROPPED) ||
         (op->kind == CHANGESET_RENAME && change.kind == INTERIM_RENAMED && !strcmp(op->other, change.name))))
        return 1;
    return apply_conflict_attribute(apply, op->text, err);
}

int apply_conflict_drop(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    const struct interim *interim = interim_of(apply);
    int rc = interim ? cells_has(apply->db, &apply->source.cells, attribute, &rows, err) : 0;
    if (rc || !interim)
        return rc;
    uint32_t version = interim_any(interim, attribute->info.id, rows);
    return version ? error_set(err, EEXIST,
                               "the attribute '%s' was to be dropped as of v%u, but v%u set values of it",
                               attribute->info.name, interim_base(interim), version)
                   : 0;
}

int apply_conflict_description(const struct apply *apply, const struct attribute *attribute, const char *is,
                               struct error *err)
{
    CLEANUP_BUF struct buf was = BUF_INIT;
    const struct interim *interim = interim_of(apply);
    int rc = interim ? interim_base_description(interim, attribute->info.id, &was, err) : 0;
    if (rc || !interim || !strcmp(buf_text(&was), is))
        return rc;
    return error_set(err, EEXIST, "the attribute '%s' was described by others since v%u: %s",
                     attribute->info.name, interim_base(interim), *is ? is : "no more");
}

/* ---- events ---- */

struct event_count {
    const struct apply *apply;
    const struct value *label;
    size_t count;
};

static int count_own(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct event_count *own = ctx;
    (void)err;
    own->count +=
        !strcmp(event->origin.setter, own->apply->setter.name) && !value_compare(&event->label, own->label);
    return 0;
}

/* Those that are as old as the base are among its own. */
int apply_conflict_events(const struct apply *apply, uint32_t row, const struct apply_events *events,
                          bool *ret_late, struct error *err)
{
    struct event_count before = {apply, events->label, 0};
    const struct interim *interim = interim_of(apply);
    *ret_late = interim && (interim_clip(interim, row) || events->newest > interim_base(interim));
    if (*ret_late || !interim)
        return 0;
    int rc = interim_base_events(interim, row, count_own, &before, err);
    *ret_late = !rc && before.count != events->count;
    return rc;
}

void apply_conflict_add_events(struct apply *apply, const struct apply_clip *place,
                               const struct apply_events *events)
{
    char since[32];
    uint32_t base = interim_base(interim_of(apply)), clip = interim_clip(interim_of(apply), place->row),
             version = events->newest > clip ? events->newest : clip;
    snprintf(since, sizeof since, version > base ? "since v%u" : "than in v%u",
             version > base ? version : base);
    apply_example(&apply->setter.late, "'%s' has other events %.*s by %s %s, %s %llu says",
                  apply_clip_key(apply, place), (int)events->label->len, events->label->text,
                  apply->setter.name, since, apply->setter.table, apply_clip_place(apply, place));
}

/* ---- content ---- */

struct content_search {
    struct apply *apply;
    const char *key;
    const uint8_t *fingerprint;
};

static int is_content(void *ctx, uint32_t row, struct error *err)
{
    struct content_search *search = ctx;
    struct apply *apply = search->apply;
    struct ident_row ident;
    uint8_t before[CLIP_PRINT_BYTES];
    if (row >= apply->source.parent_rows)
        return 0;
    int rc = clips_ident(apply->db, row, &ident, err);
    if (rc < 1 || memcmp(ident.print, search->fingerprint, CLIP_PRINT_BYTES) != 0)
        return rc < 0 ? rc : 0;
    rc = interim_base_print(interim_of(apply), row, before, err);
    if (rc < 0 || (rc && !memcmp(before, search->fingerprint, CLIP_PRINT_BYTES)))
        return rc < 0 ? rc : 0;
    char key[NAME_FILE_MAX + 1];
    rc = clips_key(apply->db, row, key, err);
    if (rc < 1 || !strcmp(key, search->key))
        return rc < 0 ? rc : 0;
    uint32_t version = interim_clip(interim_of(apply), row);
    return version ? error_set(err, EREMCHG, "the clip '%s' has the content of '%s', which v%u has brought",
                               search->key, key, version)
                   : error_set(err, EREMCHG, "the clip '%s' has the content that '%s' has got since v%u",
                               search->key, key, interim_base(interim_of(apply)));
}

int apply_conflict_content(struct apply *apply, const char *key, const uint8_t fingerprint[SHA256_BYTES],
                           struct error *err)
{
    struct content_search search = {apply, key, fingerprint};
    struct cursor start = cursor_of(fingerprint, SHA256_BYTES);
    const struct interim *interim = interim_of(apply);
    if (!interim)
        return 0;
    return hash_runs_each(apply->db, &apply->identity.runs, SCHEMA_HASH_FINGERPRINT, cursor_be32(&start),
                          is_content, &search, err);
}

/* ---- all of them ---- */

int apply_conflict_check(const struct apply *apply, struct error *err)
{
    const struct apply_examples *late = &apply->setter.late;
    if (!late->count)
        return 0;
    return error_set(err, EEXIST, "%s with what others have committed since v%u: %s%s",
                     COUNT(late->count, "conflict"), interim_base(interim_of(apply)), buf_text(&late->shown),
                     late->count > APPLY_SHOWN ? "; ..." : "");
}
