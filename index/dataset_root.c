// SPDX-License-Identifier: Apache-2.0
/* The roots of a data set: are they readable and trusted, and where do they lie from now on. */
#include <errno.h>
#include <string.h>

#include "index/dataset_state.h"
#include "index/trust.h"

/* One listing tells a bucket that is gone and a folder that is not mounted. Who may not list may still read.
 */
static int check_readable(struct store *store, struct error *err)
{
    struct error list_err = {0};
    int rc = layout_peek(store, "", &list_err);
    if (!rc || rc == -ENOTSUP || (rc == -EACCES && !store_is_local(store)))
        return 0;
    return error_copy(err, &list_err);
}

static int check_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct dataset *dataset = ctx;
    struct root_place place CLEANUP(root_place_done) = {0};
    int rc = roots_resolve(dataset->roots, id, false, &place, err);
    if (rc < 0 || place.store == dataset->layout.store)
        return rc;
    rc = check_readable(place.store, err);
    return rc < 0 ? error_within(err, rc, "%s reads from %s, which cannot be read", dataset_url(dataset), url)
                  : 0;
}

int dataset_check_roots(struct dataset *dataset, struct error *err)
{
    int rc = roots_load(dataset->roots, err);
    if (!rc)
        rc = roots_check_trust(dataset->roots, err);
    return rc < 0 ? rc : roots_each(dataset->roots, check_root, dataset, err);
}

int dataset_roots(struct dataset *dataset, dataset_root_fn *each, void *ctx, struct error *err)
{
    int rc = roots_load(dataset->roots, err);
    return rc < 0 ? rc : roots_each(dataset->roots, each, ctx, err);
}

int dataset_root_trust(struct dataset *dataset, const char *url, struct error *err)
{
    return roots_trust(dataset->roots, url, err);
}

static bool lies_there(struct dataset *dataset, uint32_t id, const char *url)
{
    CLEANUP_BUF struct buf now = BUF_INIT;
    return !roots_url(dataset->roots, id, true, &now, NULL) && !strcmp(buf_text(&now), url);
}

int dataset_root_set(struct dataset *dataset, uint32_t id, const char *url, struct dataset_compared *compared,
                     struct error *err)
{
    CLEANUP_BUF struct buf pins = BUF_INIT;
    CLEANUP_STORE struct store *store = NULL;
    int rc = dataset_check_writable(dataset, err);
    if (!rc)
        rc = store_open(dataset->stores, url, &store, err);
    if (!rc)
        rc = check_readable(store, err);
    if (!rc)
        rc = roots_load(dataset->roots, err);
    if (!rc && compared->all)
        rc = dataset_compare_root(dataset, id, store, &pins, compared, err);
    else if (!rc && !lies_there(dataset, id, store_url(store)))
        rc = dataset_probe_root(dataset, id, store, compared, err);
    if (rc < 0)
        return rc;
    const struct root_move move = {
        .url = store_url(store), .pins = compared->all ? &pins : NULL, .keeps_pins = compared->keeps_pins};
    rc = roots_move(dataset->roots, id, &move, err);
    if (rc < 0)
        return rc;
    /* Who moves it trusts it, as who imports does; others are asked. */
    const char *const urls[] = {store_url(store)};
    if (roots_trust(dataset->roots, urls[0], NULL) == ROOT_FOREIGN)
        trust_record(dataset->uuid, urls, 1, NULL);
    return 0;
}

int dataset_trust(struct dataset *dataset, const char *url, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(dataset->stores, url, &store, err);
    if (!rc)
        rc = roots_load(dataset->roots, err);
    if (!rc)
        rc = roots_find(dataset->roots, store_url(store), err);
    if (rc < 0)
        return rc;
    const char *const urls[] = {store_url(store)};
    return trust_record(dataset->uuid, urls, 1, err);
}

int dataset_distrust(struct dataset *dataset, const char *url, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(dataset->stores, url, &store, err);
    if (!rc)
        rc = trust_forget(dataset->uuid, store_url(store), err);
    if (!rc)
        rc = error_set(err, ENOENT, "you have not trusted %s for %s", store_url(store), dataset_url(dataset));
    return rc < 0 ? rc : 0;
}

int dataset_trusted(struct dataset *dataset, dataset_trusted_fn *each, void *ctx, struct error *err)
{
    return trust_each(dataset->uuid, each, ctx, err);
}
