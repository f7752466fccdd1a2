// SPDX-License-Identifier: Apache-2.0
/* The roots of a data set: are they readable and trusted, and where do they lie from now on. */
#include <errno.h>
#include <string.h>

#include "index/dataset/dataset_state.h"
#include "index/roots/trust.h"

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

/* One of the places that this user trusts is enough. */
static int check_root(void *ctx, uint32_t id, const char *const *urls, size_t count, struct error *err)
{
    struct dataset *dataset = ctx;
    struct error first = {0};
    (void)id;
    for (size_t i = 0; i < count; i++) {
        CLEANUP_STORE struct store *store = NULL;
        struct error why = {0};
        int trust = roots_trust(dataset->roots, urls[i], err);
        if (trust < 0 || trust == ROOT_OWN)
            return trust < 0 ? trust : 0;
        int rc = trust == ROOT_FOREIGN ? 0 : store_open(dataset->stores, urls[i], &store, &why);
        if (trust == ROOT_FOREIGN)
            continue;
        if (!rc)
            rc = check_readable(store, &why);
        if (!rc)
            return 0;
        if (!first.code)
            error_within(&why, rc, "%s reads from %s, which cannot be read", dataset_url(dataset), urls[i]),
                first = why;
    }
    return first.code ? error_copy(err, &first) : 0;
}

int dataset_check_roots(struct dataset *dataset, struct error *err)
{
    int rc = roots_load_once(dataset->roots, err);
    if (!rc)
        rc = roots_check_trust(dataset->roots, err);
    return rc < 0 ? rc : roots_each(dataset->roots, check_root, dataset, err);
}

struct flattening {
    dataset_root_fn *each;
    void *ctx;
};

static int each_place(void *ctx, uint32_t id, const char *const *urls, size_t count, struct error *err)
{
    const struct flattening *f = ctx;
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = f->each(f->ctx, id, urls[i], err);
    return rc;
}

int dataset_roots(struct dataset *dataset, dataset_root_fn *each, void *ctx, struct error *err)
{
    struct flattening f = {each, ctx};
    int rc = roots_load_once(dataset->roots, err);
    return rc < 0 ? rc : roots_each(dataset->roots, each_place, &f, err);
}

int dataset_root_history(struct dataset *dataset, uint32_t id, dataset_url_fn *each, void *ctx,
                         struct error *err)
{
    return roots_history(dataset->roots, id, each, ctx, err);
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

static int change_root(struct dataset *dataset, uint32_t id, struct root_change *change,
                       struct dataset_compared *compared, struct error *err)
{
    CLEANUP_BUF struct buf pins = BUF_INIT;
    CLEANUP_STORE struct store *store = NULL;
    int rc = dataset_check_writable(dataset, err);
    if (!rc)
        rc = store_open(dataset->stores, change->url, &store, err);
    if (!rc)
        rc = check_readable(store, err);
    if (!rc)
        rc = roots_look(dataset->roots, err);
    if (!rc && compared->all)
        rc = dataset_compare_root(dataset, id, store, &pins, compared, err);
    else if (!rc && !lies_there(dataset, id, store_url(store)))
        rc = dataset_probe_root(dataset, id, store, compared, err);
    if (rc == -ESTALE && compared->partial && !compared->all)
        rc = 0; /* a place beside others may have other recordings than the few that were looked for */
    if (rc < 0)
        return rc;
    change->url = store_url(store);
    change->pins = compared->all ? &pins : NULL;
    change->keeps_pins = compared->keeps_pins;
    rc = roots_change(dataset->roots, id, change, err);
    if (rc < 0)
        return rc;
    /* Who says where it lies trusts the place, as who imports does; others are asked. */
    const char *const urls[] = {store_url(store)};
    if (roots_trust(dataset->roots, urls[0], NULL) == ROOT_FOREIGN)
        trust_record(dataset->uuid, urls, 1, NULL);
    return 0;
}

int dataset_root_set(struct dataset *dataset, uint32_t id, const char *url, struct dataset_compared *compared,
                     struct error *err)
{
    return change_root(dataset, id, &(struct root_change){.kind = ROOT_SET, .url = url}, compared, err);
}

int dataset_root_add(struct dataset *dataset, uint32_t id, const char *url, struct dataset_compared *compared,
                     struct error *err)
{
    compared->partial = true;
    return change_root(dataset, id, &(struct root_change){.kind = ROOT_ADD, .url = url}, compared, err);
}

int dataset_trust(struct dataset *dataset, const char *url, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(dataset->stores, url, &store, err);
    if (!rc)
        rc = roots_look(dataset->roots, err);
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

int dataset_root_pins(struct dataset *dataset, uint32_t id, const char *url, const struct buf *pins,
                      struct error *err)
{
    return roots_change(dataset->roots, id,
                        &(struct root_change){.kind = ROOT_PINS, .url = url, .pins = pins}, err);
}

void dataset_learnt(struct dataset *dataset, struct learnt_counts *ret)
{
    learnt_counts(roots_learnt(dataset->roots), ret);
}
