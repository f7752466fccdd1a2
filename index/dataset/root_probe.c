// SPDX-License-Identifier: Apache-2.0
/*
 * Does a place look like where a root's objects lie? A few of them are asked for there as a reader would: a
 * folder that is one level off, or another bucket, has none; where only some are missing, the rest is worth
 * the move.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/catalog_known.h"
#include "index/dataset/dataset_state.h"

enum { PROBES = 3 };

struct probing {
    struct dataset *dataset;
    uint32_t id;
    struct store *to;
    const char *before; /* the first place it has now */
    struct dataset_compared *counts;
    uint32_t *objects; /* numbers of the root's objects in one version */
    size_t count, cap;
    size_t kept; /* how many of those that fit do so only by the pins of the place before */
};

static void object_done(struct catalog_object *object)
{
    catalog_object_done(object);
}

static int take_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    rowset_add(ctx, object);
    return 0;
}

/* ---- one object ---- */

/* 1: it lies there; 0 and the reason; -errno where nobody can tell. */
static int lies_there(const struct probing *p, const char *path, const struct store_object *pinned,
                      const char **ret_reason, struct error *err)
{
    struct store_object now;
    enum evidence_grounds grounds;
    struct error why = {0};
    int rc = store_head(p->to, path, &now, &why);
    if (rc < 0 && rc != -ENOENT)
        return error_copy(err, &why);
    *ret_reason = rc < 0                     ? "is not there"
                  : now.size != pinned->size ? "has another size"
                                             : "is not certain to be the same: --verify compares it";
    if (rc < 0 || now.size != pinned->size)
        return 0;
    rc = evidence_judge(p->to, path, pinned, &now, &grounds, &why);
    return rc < 0 ? error_copy(err, &why) : rc;
}

static int probe(struct probing *p, struct catalog_reader *reader, uint32_t id, struct error *err)
{
    struct catalog_object object CLEANUP(object_done) = {0};
    struct store_object pinned = {0}, moved;
    const char *reason = NULL;
    int rc = catalog_object(reader, id, &object, err);
    if (!rc)
        rc = catalog_known_evidence(reader, id, object.size, &pinned.evidence, err);
    if (rc >= 0 && strlen(object.pin) >= STORE_PIN_BYTES)
        rc = error_set(err, EUCLEAN, "%s: the pin of %s is too long", dataset_url(p->dataset), object.path);
    if (rc < 0)
        return rc;
    pinned.size = object.size;
    strcpy(pinned.pin, object.pin);
    moved = pinned;
    p->counts->objects++;
    rc = lies_there(p, object.path, &pinned, &reason, err);
    if (!rc && roots_recorded(p->dataset->roots, p->id, p->before, object.path, &moved)) {
        rc = lies_there(p, object.path, &moved, &reason, err);
        p->kept += rc == 1;
    }
    if (!rc && !p->counts->others++)
        snprintf(p->counts->example, sizeof p->counts->example, "%s %s", object.path, reason);
    return rc < 0 ? rc : 0;
}

/* ---- which ---- */

static int gather(struct probing *p, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    uint32_t id;
    int rc = catalog_known_reads(reader, take_stream, all, err);
    for (uint64_t from = 0; !rc && rowset_rows(all, from, &id, 1); from = id + 1ull) {
        struct catalog_object object CLEANUP(object_done) = {0};
        rc = catalog_object(reader, id, &object, err);
        if (rc || object.root != p->id)
            continue;
        mem_grow(&p->objects, &p->cap, p->count + 1, sizeof *p->objects);
        p->objects[p->count++] = id;
    }
    return rc;
}

/* The first, the last and those between. */
static int probe_some(struct probing *p, struct catalog_reader *reader, struct error *err)
{
    int rc = 0;
    size_t probes = p->count < PROBES ? p->count : PROBES;
    for (size_t i = 0; !rc && i < probes; i++)
        rc = probe(p, reader, p->objects[probes > 1 ? i * (p->count - 1) / (probes - 1) : 0], err);
    return rc;
}

static int probe_version(struct probing *p, uint32_t version, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct error why = {0};
    int rc = dataset_catalog(p->dataset, version, PATIENCE_ENDLESS, &catalog, &why);
    if (rc == -EUCLEAN || rc == -ENOENT || rc == -ENOTSUP)
        return 0; /* a damaged version is no reason not to move: an older one will tell */
    if (rc < 0)
        error_copy(err, &why);
    else
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, err);
    if (!rc)
        rc = gather(p, reader, err);
    return rc ? rc : probe_some(p, reader, err);
}

int dataset_probe_root(struct dataset *dataset, uint32_t id, struct store *to, struct dataset_compared *ret,
                       struct error *err)
{
    CLEANUP_BUF struct buf before = BUF_INIT;
    struct probing p = {.dataset = dataset, .id = id, .to = to, .counts = ret};
    uint32_t version, newest = 0;
    int rc = dataset_refresh(dataset, &version, err);
    newest = rc ? 0 : version;
    roots_url(dataset->roots, id, true, &before, NULL); /* "" for none: the change will say so */
    p.before = buf_text(&before);
    for (; !rc && version && !p.count; version--)
        if (!dataset_is_forgotten(dataset, version))
            rc = probe_version(&p, version, err);
    free(p.objects);
    bool needed = version + 1 == newest; /* by the newest version: what only older ones read may be gone */
    if (!rc && needed && ret->objects && ret->others == ret->objects)
        rc = error_set(
            err, ESTALE,
            "%s: none of the %llu recordings that were looked for can be read there: %s; nothing was "
            "changed",
            store_url(to), (unsigned long long)ret->objects, ret->example);
    ret->keeps_pins = p.kept > 0;
    return rc;
}
