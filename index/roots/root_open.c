// SPDX-License-Identifier: Apache-2.0
/* From a root to the store that its objects are read from: those of its places that this user lets the data
 * set read, behind one reader. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/roots/root_reader.h"
#include "index/roots/root_state.h"

void root_place_done(struct root_place *place)
{
    store_unref(place->store);
    free(place->prefix);
    *place = (struct root_place){0};
}

int roots_locate(struct roots *roots, const char *url, struct root_place *ret, struct error *err)
{
    const char *own = store_url(roots->layout->store);
    const char *below = root_below(own, url);
    CLEANUP_STORE struct store *store = NULL;
    if (!below || (*below && !root_has_only_names(below))) {
        int rc = store_open(roots->stores, url, &store, err);
        if (rc < 0)
            return rc;
        below = root_below(own, store_url(store));
    }
    if (below)
        *ret = (struct root_place){.store = store_ref(roots->layout->store),
                                   .prefix = *below ? mem_printf("%s/", below) : mem_text("")};
    else
        *ret = (struct root_place){.store = STEAL(store), .prefix = mem_text("")};
    return 0;
}

struct opening {
    struct root_place at[ROOT_PLACES_MAX];
    struct root_reader_place places[ROOT_PLACES_MAX];
    size_t count;
    struct buf left_out;
};

static void opening_done(struct opening *opening)
{
    for (size_t i = 0; i < opening->count; i++)
        root_place_done(&opening->at[i]);
    buf_done(&opening->left_out);
}

static void leave_out(struct opening *opening, const char *url, const char *why)
{
    buf_printf(&opening->left_out, "%s%s was not looked into, %s", opening->left_out.len ? "; " : "", url,
               why);
}

/* A place that cannot be opened here, or is not trusted, is passed over and named where there are others. */
static int add_place(struct roots *roots, const struct root *root, size_t i, struct opening *opening,
                     struct error *err)
{
    const char *url = root->record.places[i].url;
    struct root_place *at = &opening->at[opening->count];
    struct error why = {0};
    int rc = roots_locate(roots, url, at, &why);
    if (rc < 0) {
        if (root->record.count == 1)
            return error_copy(err, &why);
        leave_out(opening, url, why.text);
        return 0;
    }
    rc = roots_allows(roots, at, err);
    if (rc == 1) {
        opening->places[opening->count++] = (struct root_reader_place){
            .at = {at->store, at->prefix}, .url = root->record.places[i].url, .pins = root->pins[i]};
        return 0;
    }
    root_place_done(at);
    if (!rc)
        leave_out(opening, url, "because you have not trusted it (`elidefs trust`)");
    return rc;
}

static int refuse_all(struct roots *roots, const struct root *root, const struct opening *opening,
                      struct error *err)
{
    for (size_t i = 0; i < root->record.count; i++) {
        struct root_place at CLEANUP(root_place_done) = {0};
        int rc = roots_locate(roots, root->record.places[i].url, &at, NULL);
        if (!rc)
            rc = roots_allow(roots, &at, err);
        if (rc == -EPERM)
            return rc;
    }
    return error_set(err, EIO, "%s: root %u: %s", store_url(roots->layout->store), root->id,
                     buf_text(&opening->left_out));
}

static struct store *open_before(struct roots *roots, uint32_t id)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    struct store *reader = root && root->reader ? store_ref(root->reader) : NULL;
    pthread_mutex_unlock(&roots->lock);
    return reader;
}

/* Of two threads that open it the first one's reader stays, unless the root was moved meanwhile. */
static void keep_open(struct roots *roots, const struct root *opened, struct store **reader)
{
    struct store *late = NULL;
    pthread_mutex_lock(&roots->lock);
    struct root *root = roots_find_locked(roots, opened->id);
    if (root && root->seq == opened->seq && root->reader) {
        late = *reader;
        *reader = store_ref(root->reader);
    } else if (root && root->seq == opened->seq) {
        root->reader = store_ref(*reader);
    }
    pthread_mutex_unlock(&roots->lock);
    store_unref(late);
}

int roots_open(struct roots *roots, uint32_t id, bool nowait, struct store **ret, struct error *err)
{
    struct store *reader = open_before(roots, id);
    if (reader) {
        *ret = reader;
        return 0;
    }
    if (nowait)
        return error_set(err, EAGAIN, "root %u has not been opened yet", id);
    struct root root CLEANUP(root_done) = {0};
    struct opening opening CLEANUP(opening_done) = {0};
    int rc = roots_know(roots, id, false, &root, err);
    for (size_t i = 0; !rc && i < root.record.count; i++)
        rc = add_place(roots, &root, i, &opening, err);
    if (!rc && !opening.count)
        rc = refuse_all(roots, &root, &opening, err);
    if (rc < 0)
        return rc;
    reader = root_reader_new(
        roots->stores,
        &(struct root_reader_options){.root = id,
                                      .places = opening.places,
                                      .count = opening.count,
                                      .learnt = roots->learnt,
                                      .dataset = store_url(roots->layout->store),
                                      .uuid = roots->uuid,
                                      .left_out = opening.left_out.len ? buf_text(&opening.left_out) : NULL});
    keep_open(roots, &root, &reader);
    *ret = reader;
    return 0;
}
