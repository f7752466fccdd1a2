// SPDX-License-Identifier: Apache-2.0
/* Only what is there under another pin and with the same size is looked at: nothing of an unchanged source,
 * nor of a recording that has grown. */
#include "tools/import/recognise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct recognising {
    struct known *known;
    struct buf *pins; /* lines to be recorded beside the root */
    struct source_object *object;
    bool exact; /* it is known under the pin it has */
    uint32_t *candidates;
    size_t count, cap;
};

/* A pin that names a version is not given up for one that names none. */
static int take_candidate(void *ctx, uint32_t id, const struct catalog_object *found, struct error *err)
{
    struct recognising *r = ctx;
    const struct store_object *now = &r->object->pinned;
    (void)err;
    if (found->size != now->size || (now->versioned && !strstr(found->pin, ";version=")))
        return 0;
    r->exact |= !strcmp(found->pin, r->object->pinned.pin);
    mem_grow(&r->candidates, &r->cap, r->count + 1, sizeof *r->candidates);
    r->candidates[r->count++] = id;
    return 0;
}

static int judge(struct recognising *r, const struct store_object *was, enum evidence_grounds *ret,
                 struct error *err)
{
    int rc = known_is_link(r->known, r->object, was, err);
    if (rc) {
        *ret = EVIDENCE_PIN;
        return rc;
    }
    const struct dataset_judged judged = {known_root(r->known), r->object->store, r->object->path, was,
                                          &r->object->pinned};
    rc = dataset_judge(known_dataset(r->known), &judged, ret, err);
    if (rc == 1 && *ret == EVIDENCE_CONTENT) /* what evidence tells everybody sees for himself */
        dataset_pin_line(known_dataset(r->known), &judged, r->pins);
    return rc;
}

/* 1: it is this one, 0: it is not. */
static int try(struct recognising *r, uint32_t id, enum evidence_grounds *ret, struct error *err)
{
    struct store_object was = {0};
    struct error why = {0};
    int rc = known_pinned(r->known, id, &was, err);
    if (rc < 0)
        return rc;
    rc = judge(r, &was, ret, &why);
    if (rc == -ECANCELED)
        return error_copy(err, &why);
    if (rc < 1)
        return 0; /* what cannot be read is told by whoever needs it */
    r->object->pin_now = mem_text(r->object->pinned.pin);
    memcpy(r->object->pinned.pin, was.pin, sizeof was.pin);
    return 1;
}

/* The object that was imported last is tried first: numbers ascend. */
static int look(struct recognising *r, struct notes *notes, struct error *err)
{
    enum evidence_grounds grounds = EVIDENCE_PIN;
    int rc = known_objects(r->known, r->object->path, take_candidate, r, err);
    if (rc || r->exact)
        return rc;
    for (size_t i = 0; !rc && i < r->count; i++) {
        size_t last = i;
        for (size_t k = i; k < r->count; k++)
            if (r->candidates[k] > r->candidates[last])
                last = k;
        uint32_t id = r->candidates[last];
        r->candidates[last] = r->candidates[i];
        rc = try(r, id, &grounds, err);
    }
    if (rc == 1 && grounds == EVIDENCE_SAMPLED)
        notes_add(
            notes,
            "its ctime is another (chmod, a link, a rename, or a forged time): taken for unchanged, as its "
            "samples are (`elidefs verify --deep`, while all is well, notes hashes that tell more)",
            r->object->path);
    return rc < 0 ? rc : 0;
}

int recognise(const struct recognition *recognition, struct error *err)
{
    CLEANUP_BUF struct buf pins = BUF_INIT;
    struct source *source = recognition->source;
    struct known *known = recognition->known;
    int rc = 0;
    if (!known_root(known))
        return 0;
    for (size_t i = 0; !rc && i < source->count; i++) {
        struct recognising r = {.known = known, .pins = &pins, .object = &source->objects[i]};
        if (*r.object->pinned.pin) /* a manifest may name what is not there */
            rc = look(&r, recognition->notes, err);
        free(r.candidates);
    }
    if (!rc && pins.len && !recognition->dry) /* who may not write here learns why from the import itself */
        dataset_root_pins(known_dataset(known), known_root(known), store_url(source->store), &pins, NULL);
    return rc;
}
