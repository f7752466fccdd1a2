// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the interim about one clip, value or attribute at a time, as apply() comes to it; what is found is the
 * version that is in the way, or a refusal that names it.
 */
#include "index/commit/apply/apply_conflict.h"

#include <errno.h>
#include <string.h>

#include "cache/base/count.h"

static const struct interim *interim_of(const struct apply *apply)
{
    return apply->source.options->interim;
}

uint32_t apply_conflict_cell(const struct apply *apply, const struct apply_clip *place,
                             const struct attribute *attribute)
{
    const struct interim *interim = interim_of(apply);
    if (!interim || !place->live || place->labels_of || place->labels_left)
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

int apply_conflict_attribute(const struct apply *apply, const char *name, struct error *err)
{
    struct interim_change change;
    const struct interim *interim = interim_of(apply);
    if (!interim || !interim_attribute(interim, name, &change) || change.kind == INTERIM_RETYPED)
        return 0; /* a type is compared where values of another one come */
    bool dropped = change.kind == INTERIM_DROPPED;
    return error_set(err, EEXIST, "the attribute '%s' was %s%s%s by v%u, and labels of it were made for v%u",
                     name, dropped ? "dropped" : "renamed '", dropped ? "" : change.name, dropped ? "" : "'",
                     change.version, interim_base(interim));
}

int apply_conflict_drop(const struct apply *apply, const struct attribute *attribute, struct error *err)
{
    const struct interim *interim = interim_of(apply);
    uint32_t version = interim ? interim_cells(interim, attribute->info.id) : 0;
    return version ? error_set(err, EEXIST,
                               "the attribute '%s' was to be dropped as of v%u, but v%u set values of it",
                               attribute->info.name, interim_base(interim), version)
                   : 0;
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
    if (row < interim_rows(interim_of(apply)) || row >= apply->source.parent_rows)
        return 0;
    int rc = clips_ident(apply->db, row, &ident, err);
    if (rc < 1 || memcmp(ident.print, search->fingerprint, CLIP_PRINT_BYTES) != 0)
        return rc < 0 ? rc : 0;
    char key[NAME_FILE_MAX + 1];
    rc = clips_key(apply->db, row, key, err);
    if (rc < 1 || !strcmp(key, search->key))
        return rc < 0 ? rc : 0;
    return error_set(err, EAGAIN, "the clip '%s' has the content of '%s', which v%u has brought", search->key,
                     key, interim_clip(interim_of(apply), row));
}

int apply_conflict_content(struct apply *apply, const char *key, const uint8_t fingerprint[SHA256_BYTES],
                           struct error *err)
{
    struct content_search search = {apply, key, fingerprint};
    struct cursor start = cursor_of(fingerprint, SHA256_BYTES);
    const struct interim *interim = interim_of(apply);
    if (!interim || interim_rows(interim) >= apply->source.parent_rows)
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
