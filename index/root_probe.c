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

#include "index/catalog_known.h"
#include "index/dataset_state.h"

enum { PROBES = 3 };

struct probing {
    struct dataset *dataset;
    uint32_t id;
    struct store *to;
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

static bool reads(const struct probing *p, const char *path, const struct store_object *pinned,
                  struct error *err)
{
    struct store_object now;
    uint8_t byte;
    if (pinned->size)
        return !store_read(p->to, path, pinned, 0, 1, &byte, err);
    return !store_head(p->to, path, &now, err) && !now.size;
}

/* Why it does not: one of the words of dataset_compare_root(), or -errno where nobody can tell. */
static int explain(const struct probing *p, const struct catalog_object *object, const char **ret_reason,
                   struct error *err)
{
    struct store_object now;
    struct error why = {0};
    int rc = store_head(p->to, object->path, &now, &why);
    if (rc < 0 && rc != -ENOENT)
        return error_copy(err, &why);
    *ret_reason = rc < 0                     ? "is not there"
                  : now.size != object->size ? "has another size"
                                             : "is pinned in another way, as a copy is: --verify compares it";
    return 0;
}

static int probe(struct probing *p, const struct catalog_object *object, struct error *err)
{
    struct store_object pinned = {.size = object->size}, moved;
    const char *reason = NULL;
    if (strlen(object->pin) >= STORE_PIN_BYTES)
        return error_set(err, EUCLEAN, "%s: the pin of %s is too long", dataset_url(p->dataset),
                         object->path);
    strcpy(pinned.pin, object->pin);
    moved = pinned;
    roots_pin(p->dataset->roots, p->id, object->path, moved.pin);
    p->counts->objects++;
    if (reads(p, object->path, &pinned, NULL))
        return 0;
    if (strcmp(moved.pin, pinned.pin) && reads(p, object->path, &moved, NULL)) {
        p->kept++;
        return 0;
    }
    int rc = explain(p, object, &reason, err);
    if (!rc && !p->counts->others++)
        snprintf(p->counts->example, sizeof p->counts->example, "%s %s", object->path, reason);
    return rc;
}

/* ---- which ---- */

static int gather(struct probing *p, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    uint32_t id;
    int rc = catalog_known_streams(reader, take_stream, all, err);
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
    for (size_t i = 0; !rc && i < probes; i++) {
        struct catalog_object object CLEANUP(object_done) = {0};
        size_t at = probes > 1 ? i * (p->count - 1) / (probes - 1) : 0;
        rc = catalog_object(reader, p->objects[at], &object, err);
        if (!rc)
            rc = probe(p, &object, err);
    }
    return rc;
}

static int probe_version(struct probing *p, uint32_t version, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct error why = {0};
    int rc = dataset_catalog(p->dataset, version, false, &catalog, &why);
    if (rc == -EUCLEAN || rc == -ENOENT || rc == -ENOTSUP)
        return 0; /* a damaged version is no reason not to move: an older one will tell */
    if (rc < 0)
        error_copy(err, &why);
    else
        rc = catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, err);
    if (!rc)
        rc = gather(p, reader, err);
    return rc ? rc : probe_some(p, reader, err);
}

int dataset_probe_root(struct dataset *dataset, uint32_t id, struct store *to, struct dataset_compared *ret,
                       struct error *err)
{
    struct probing p = {.dataset = dataset, .id = id, .to = to, .counts = ret};
    uint32_t version;
    int rc = dataset_refresh(dataset, &version, err);
    for (; !rc && version && !p.count; version--)
        rc = probe_version(&p, version, err);
    free(p.objects);
    if (!rc && ret->objects && ret->others == ret->objects)
        rc = error_set(
            err, ESTALE,
            "%s: none of the %llu recordings that were looked for can be read there: %s; nothing was "
            "changed",
            store_url(to), (unsigned long long)ret->objects, ret->example);
    ret->keeps_pins = p.kept > 0;
    return rc;
}
