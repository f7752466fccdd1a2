// SPDX-License-Identifier: Apache-2.0
/* Nothing is guessed: only the same size, time and inode count, which a folder that was renamed keeps: those
 * of the import, or those under which a read has found the object in the source since. */
#include "tools/import/moved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/rowset.h"

struct search {
    struct known *known;
    const struct source *source;
    struct store *old;
    struct rowset
        *objects; /* that live clips read; gathered first, since a reader has one statement of each kind */
    uint64_t found;
};

static int take_object(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    struct search *search = ctx;
    (void)row, (void)err;
    rowset_add(search->objects, object);
    return 0;
}

static bool is_pinned(const struct store_object *now, const struct store_object *was)
{
    return now->size == was->size && !strcmp(now->pin, was->pin);
}

static bool is_in_old(const struct search *search, const char *path, const struct store_object *was)
{
    struct store_object there;
    enum evidence_grounds grounds;
    struct error why;
    const struct dataset_judged judged = {known_root(search->known), search->source->store, path, was,
                                          &there};
    return !store_head(search->old, path, &there, &why) &&
           dataset_knows_pin(known_dataset(search->known), &judged, &grounds);
}

static int look_for(struct search *search, uint32_t id, struct error *err)
{
    struct catalog_object object = {0};
    struct store_object was;
    int rc = catalog_object(known_reader(search->known), id, &object, err);
    if (!rc)
        rc = known_pinned(search->known, id, &was, err);
    if (!rc && object.root == known_root(search->known)) {
        const struct source_object *here = source_find(search->source, object.path);
        search->found += !(here && is_pinned(&here->pinned, &was)) && is_in_old(search, object.path, &was);
    }
    catalog_object_done(&object);
    return rc;
}

int moved_find(struct stores *stores, struct known *known, const struct source *source, struct moved *ret,
               struct error *err)
{
    struct search search = {.known = known, .source = source};
    uint32_t id;
    if (!known_root(known) || !known_reader(known) || !store_is_local(source->store))
        return 0;
    CLEANUP_FREE char *url = mem_printf("%s_old", store_url(source->store));
    CLEANUP_STORE struct store *old = NULL;
    CLEANUP_ROWSET struct rowset *objects = rowset_new();
    int rc = store_open(stores, url, &old, err);
    search.old = old;
    search.objects = objects;
    if (!rc)
        rc = catalog_known_reads(known_reader(known), take_object, &search, err);
    for (uint64_t from = 0; !rc && rowset_rows(objects, from, &id, 1); from = id + 1ull)
        rc = look_for(&search, id, err);
    if (rc || !search.found)
        return rc;
    *ret = (struct moved){known_root(known), STEAL(url), search.found};
    return 1;
}
