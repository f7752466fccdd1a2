// SPDX-License-Identifier: Apache-2.0
/* An object stands in the change set once, with evidence of its bytes where the data set does not know it
 * yet; one that is copied stands there twice: as its copy, and as what the copy was made of. */
#include "tools/import/draft.h"

#include <errno.h>

/* For the merge. */
static void note_evidence(const struct drafts *drafts, const struct scan_of *object,
                          const struct evidence *evidence)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    evidence_encode(evidence, &bytes);
    if (bytes.len)
        scan_cache_note(drafts->scans, SCAN_EVIDENCE, object, &bytes);
}

/* Of an object that the data set does not know yet, once. Of another store only what was read anyway is seen:
 * its ETag says more than any part could. */
static int add_evidence(struct drafts *drafts, struct store *store, const char *path,
                        const struct store_object *now, uint32_t id, struct error *err)
{
    struct evidence evidence = now->evidence;
    struct scan_of object = {store_url(store), path, now};
    CLEANUP_BUF struct buf noted = BUF_INIT;
    if (id < drafts->evidenced)
        return 0;
    drafts->evidenced = id + 1;
    if (!import_part_has(drafts->part, path))
        return 0;
    bool known = scan_cache_noted(drafts->scans, SCAN_EVIDENCE, &object, &noted) &&
                 evidence_decode(noted.data, noted.len, now->size, &evidence);
    int rc = !known && store_is_local(store) ? evidence_take(store, path, now, &evidence, err) : 0;
    if (!rc && !known && drafts->part)
        note_evidence(drafts, &object, &evidence);
    if (!rc)
        changeset_evidence(drafts->set, id, &evidence);
    return rc;
}

/* A source that was copied is named beside its copy, with what is known of it: so it is known again when its
 * inode or its time has become another. */
static int note_copied(struct drafts *drafts, uint32_t root, const struct source_object *object,
                       const struct evidence *copied, struct error *err)
{
    struct store_object now;
    uint32_t id;
    int rc = known_in_source(drafts->known, object, &id, err);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = changeset_object(drafts->set, root, object->path, object->pinned.size, object->pinned.pin, &id, err);
    source_now(object, &now);
    now.evidence = *copied;
    now.evidence.ours = false;
    return rc < 0 ? rc : add_evidence(drafts, object->store, object->path, &now, id, err);
}

static int object_of_copy(struct drafts *drafts, uint32_t root, const struct source_object *object,
                          const struct known_object *copy, uint32_t *ret, struct error *err)
{
    const struct store_object *now = &copy->pinned;
    uint32_t own = changeset_root(drafts->set, known_own_url(drafts->known));
    int rc = changeset_object(drafts->set, own, copy->path, now->size, now->pin, ret, err);
    if (rc < 0 || !copy->made)
        return rc;
    rc = add_evidence(drafts, drafts->copier->store, copy->path, now, *ret, err);
    return rc ? rc : note_copied(drafts, root, object, &now->evidence, err);
}

int drafts_object(struct drafts *drafts, uint32_t root, const struct source_object *object, uint32_t *ret,
                  struct error *err)
{
    struct known_object found = {0};
    int known = drafts->known ? known_object(drafts->known, object, &found, err) : 0, rc = known;
    if (!rc && object->pinned.archived)
        return error_set(err, EACCES, "it is archived, and must be restored before it can be read");
    if (rc >= 0 && !found.copy && drafts->copier && import_part_has(drafts->part, object->path) &&
        copier_wants(drafts->copier, object))
        rc = copier_take(drafts->copier, object, &found, err);
    if (rc < 0)
        return rc;
    if (found.copy)
        return object_of_copy(drafts, root, object, &found, ret, err);
    rc = changeset_object(drafts->set, root, object->path, object->pinned.size, object->pinned.pin, ret, err);
    bool says_all = known || !object->store; /* there is nowhere to read it */
    return rc < 0 || says_all ? rc
                              : add_evidence(drafts, object->store, object->path, &object->pinned, *ret, err);
}

int drafts_note_object(struct drafts *drafts, uint32_t root, const struct source_object *object,
                       uint32_t *ret, struct error *err)
{
    struct known_object found = {0};
    int known = drafts->known ? known_object(drafts->known, object, &found, err) : 0;
    if (known < 0)
        return known;
    int rc =
        changeset_object(drafts->set, root, object->path, object->pinned.size, object->pinned.pin, ret, err);
    return rc < 0 || known ? rc
                           : add_evidence(drafts, object->store, object->path, &object->pinned, *ret, err);
}

int drafts_in_place(struct drafts *drafts, const struct source_object *object, struct error *err)
{
    struct known_object found = {0};
    int rc = drafts->known ? known_object(drafts->known, object, &found, err) : 0;
    if (rc < 1)
        return rc;
    return found.copy || !drafts->copier || !copier_wants(drafts->copier, object);
}
