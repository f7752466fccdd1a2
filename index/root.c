// SPDX-License-Identifier: Apache-2.0
/* What is known of roots: read from the data set, and resolved to where this user reads them. */
#include "index/root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/root_record.h"
#include "index/root_state.h"

/* ---- the table ---- */

void root_done(struct root *root)
{
    free(root->url);
    root_pins_free(root->pins);
    root_place_done(&root->at);
}
struct root *roots_find_locked(struct roots *roots, uint32_t id)
{
    size_t low = 0, high = roots->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (roots->roots[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < roots->count && roots->roots[low].id == id ? &roots->roots[low] : NULL;
}

void roots_put_locked(struct roots *roots, struct root *root)
{
    struct root *old = roots_find_locked(roots, root->id);
    if (old && old->seq >= root->seq) {
        root_done(root);
        return;
    }
    if (old) {
        root_done(old);
        *old = *root;
        return;
    }
    mem_grow(&roots->roots, &roots->cap, roots->count + 1, sizeof *roots->roots);
    size_t at = roots->count++;
    for (; at > 0 && roots->roots[at - 1].id > root->id; at--)
        roots->roots[at] = roots->roots[at - 1];
    roots->roots[at] = *root;
}
static int canonical_trust(const struct roots_options *options, struct strmap *trust, struct error *err)
{
    for (const char *const *url = options->trust; url && *url; url++) {
        CLEANUP_STORE struct store *store = NULL;
        int rc = store_open(options->stores, *url, &store, err);
        if (rc < 0)
            return rc;
        const char *canonical = store_url(store);
        strmap_put(trust, canonical, strlen(canonical), NULL);
    }
    return 0;
}

int roots_new(const struct roots_options *options, struct roots **ret, struct error *err)
{
    CLEANUP_STRMAP struct strmap *trust = strmap_new();
    int rc = canonical_trust(options, trust, err);
    if (rc < 0)
        return rc;
    struct roots *roots = MEM_NEW(struct roots);
    *roots = (struct roots){.stores = options->stores,
                            .layout = options->layout,
                            .uuid = mem_text(options->uuid),
                            .trust = STEAL(trust)};
    pthread_mutex_init(&roots->lock, NULL);
    *ret = roots;
    return 0;
}

void roots_free(struct roots *roots)
{
    if (!roots)
        return;
    for (size_t i = 0; i < roots->count; i++)
        root_done(&roots->roots[i]);
    free(roots->roots);
    strmap_free(roots->trust);
    pthread_mutex_destroy(&roots->lock);
    free(roots->uuid);
    free(roots);
}

/* ---- reading ---- */

uint32_t roots_known_seq(struct roots *roots, uint32_t id)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    uint32_t seq = root ? root->seq : 0;
    pthread_mutex_unlock(&roots->lock);
    return seq;
}

/* Pins that were found at the new place, in an object of their own: there may be many. */
static int read_pins(struct roots *roots, const struct root_record *record, struct root *root,
                     struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    layout_pins_path(root->id, record->pins, path);
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(roots->layout->store), path);
    int rc = layout_get(roots->layout, path, ROOT_PINS_BYTES_MAX, &bytes, err);
    return rc < 0 ? rc : root_pins_parse(name, bytes.data, bytes.len, &root->pins, err);
}

int roots_keep(struct roots *roots, uint32_t id, uint32_t seq, const struct buf *bytes, struct error *err)
{
    const char *own = store_url(roots->layout->store);
    CLEANUP_FREE char *name = mem_printf("%s: root %u", own, id);
    struct root_record record;
    int rc = root_record_parse(name, own, bytes, &record, err);
    if (rc < 0)
        return rc;
    struct root root = {.id = id, .seq = seq, .url = record.url};
    strcpy(root.pins_id, record.pins);
    rc = *record.pins ? read_pins(roots, &record, &root, err) : 0;
    if (rc < 0) {
        root_done(&root);
        return rc;
    }
    pthread_mutex_lock(&roots->lock);
    roots_put_locked(roots, &root);
    pthread_mutex_unlock(&roots->lock);
    return 0;
}

/* 1 if something newer than what is known was found, 0 if not. */
static int follow(struct roots *roots, uint32_t id, uint32_t seq, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char name[16];
    snprintf(name, sizeof name, "%u", id);
    int moved = layout_series_follow(roots->layout, "roots", name, &seq, &bytes, err), rc = moved;
    if (moved > 0)
        rc = roots_keep(roots, id, seq, &bytes, err);
    return rc < 0 ? rc : moved;
}

struct newest { /* what a listing says */
    uint32_t *ids, *seqs;
    size_t count, ids_cap, seqs_cap;
};

static void newest_done(struct newest *newest)
{
    free(newest->ids);
    free(newest->seqs);
}

static int take_listed(void *ctx, const char *name, uint32_t seq, struct error *err)
{
    struct newest *newest = ctx;
    char *end;
    unsigned long id = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;
    if (!id || *end || id > UINT32_MAX)
        return 0;
    if (newest->count && newest->ids[newest->count - 1] == id) { /* a listing keeps a series together */
        if (seq > newest->seqs[newest->count - 1])
            newest->seqs[newest->count - 1] = seq;
        return 0;
    }
    mem_grow(&newest->ids, &newest->ids_cap, newest->count + 1, sizeof *newest->ids);
    mem_grow(&newest->seqs, &newest->seqs_cap, newest->count + 1, sizeof *newest->seqs);
    newest->ids[newest->count] = (uint32_t)id;
    newest->seqs[newest->count++] = seq;
    return 0;
}

/* Ids are given in order, so without a listing the first gap is the end. */
static int load_one_by_one(struct roots *roots, struct error *err)
{
    for (uint32_t id = 1;; id++) {
        uint32_t seq = roots_known_seq(roots, id);
        int rc = follow(roots, id, seq, err);
        if (rc < 0 || (!rc && !seq))
            return rc;
    }
}

static int load(struct roots *roots, struct error *err)
{
    struct newest newest CLEANUP(newest_done) = {0};
    struct error list_err = {0};
    int rc = layout_series_list(roots->layout, "roots", take_listed, &newest, &list_err);
    if (rc == -EACCES || rc == -ENOTSUP)
        return load_one_by_one(roots, err);
    if (rc < 0)
        return error_copy(err, &list_err);
    for (size_t i = 0; i < newest.count; i++) {
        if (newest.seqs[i] <= roots_known_seq(roots, newest.ids[i]))
            continue;
        rc = follow(roots, newest.ids[i], newest.seqs[i] - 1, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int roots_load(struct roots *roots, struct error *err)
{
    int rc = load(roots, err);
    if (rc >= 0)
        atomic_store(&roots->loaded, true);
    return rc;
}

int roots_each(struct roots *roots, roots_fn *each, void *ctx, struct error *err)
{
    int rc = 0;
    for (uint32_t next = 0; !rc;) {
        CLEANUP_FREE char *url = NULL;
        uint32_t id = 0;
        pthread_mutex_lock(&roots->lock);
        for (size_t i = 0; i < roots->count && !url; i++) {
            if (roots->roots[i].id > next && roots->roots[i].seq) {
                id = roots->roots[i].id;
                url = mem_text(roots->roots[i].url);
            }
        }
        pthread_mutex_unlock(&roots->lock);
        if (!url)
            break;
        rc = each(ctx, id, url, err);
        next = id;
    }
    return rc;
}

/* ---- resolving ---- */

void root_place_done(struct root_place *place)
{
    store_unref(place->store);
    free(place->prefix);
    *place = (struct root_place){0};
}

static struct root_place place_copy(const struct root_place *place)
{
    return (struct root_place){.store = store_ref(place->store), .prefix = mem_text(place->prefix)};
}

static bool copy_resolved(struct roots *roots, uint32_t id, struct root_place *ret)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    bool resolved = root && root->at.store;
    if (resolved)
        *ret = place_copy(&root->at);
    pthread_mutex_unlock(&roots->lock);
    return resolved;
}

int roots_copy_url(struct roots *roots, uint32_t id, char **ret_url)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    if (root)
        *ret_url = mem_text(root->url);
    pthread_mutex_unlock(&roots->lock);
    return root ? 0 : -ENOENT;
}

static int known_url(struct roots *roots, uint32_t id, bool nowait, char **ret_url, struct error *err)
{
    if (!roots_copy_url(roots, id, ret_url))
        return 0;
    if (nowait)
        return error_set(err, EAGAIN, "root %u has not been read yet", id);
    int rc = follow(roots, id, 0, err);
    if (rc < 0)
        return rc;
    if (roots_copy_url(roots, id, ret_url))
        return error_set(err, EUCLEAN, "%s: the catalog names root %u, which is not recorded",
                         store_url(roots->layout->store), id);
    return 0;
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

static void keep_resolved(struct roots *roots, uint32_t id, const char *url, const struct root_place *place)
{
    pthread_mutex_lock(&roots->lock);
    struct root *root = roots_find_locked(roots, id);
    if (root && !root->at.store && !strcmp(root->url, url))
        root->at = place_copy(place);
    pthread_mutex_unlock(&roots->lock);
}

int roots_resolve(struct roots *roots, uint32_t id, bool nowait, struct root_place *ret, struct error *err)
{
    if (copy_resolved(roots, id, ret))
        return 0;
    if (nowait)
        return error_set(err, EAGAIN, "root %u has not been resolved yet", id);
    CLEANUP_FREE char *url = NULL;
    struct root_place place CLEANUP(root_place_done) = {0};
    int rc = known_url(roots, id, false, &url, err);
    if (!rc)
        rc = roots_locate(roots, url, &place, err);
    if (!rc)
        rc = roots_allow(roots, &place, err);
    if (rc < 0)
        return rc;
    keep_resolved(roots, id, url, &place);
    *ret = place;
    place = (struct root_place){0};
    return 0;
}

int roots_url(struct roots *roots, uint32_t id, bool nowait, struct buf *buf, struct error *err)
{
    CLEANUP_FREE char *url = NULL;
    int rc = known_url(roots, id, nowait, &url, err);
    if (!rc)
        buf_text_append(buf, url);
    return rc;
}

void roots_pin(struct roots *roots, uint32_t id, const char *path, char pin[STORE_PIN_BYTES])
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    const char *now = root && root->pins ? root_pins_find(root->pins, path, pin) : NULL;
    if (now)
        strcpy(pin, now);
    pthread_mutex_unlock(&roots->lock);
}
