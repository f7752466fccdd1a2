// SPDX-License-Identifier: Apache-2.0
/* What is known of roots, as it was read from the data set. */
#include "index/roots/root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/manifest.h"
#include "index/roots/root_record.h"
#include "index/roots/root_state.h"

/* ---- the table ---- */

void root_done(struct root *root)
{
    for (size_t i = 0; i < root->record.count; i++)
        root_pins_unref(root->pins[i]);
    root_record_done(&root->record);
    store_unref(root->reader);
    *root = (struct root){0};
}

struct root root_copy(const struct root *root)
{
    struct root copy = *root;
    copy.reader = NULL;
    for (size_t i = 0; i < copy.record.count; i++) {
        copy.record.places[i].url = mem_text(root->record.places[i].url);
        root_pins_ref(copy.pins[i]);
    }
    return copy;
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
                            .trust = STEAL(trust),
                            .learnt = learnt_open(options->uuid)};
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
    learnt_unref(roots->learnt);
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

/* Pins that were found at a place, in an object of their own: there may be many. */
static int read_pins(struct roots *roots, struct root *root, size_t place, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    layout_pins_path(root->id, root->record.places[place].pins, path);
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(roots->layout->store), path);
    int rc = layout_read(roots->layout, path, ROOT_PINS_BYTES_MAX, &bytes, err);
    return rc < 0 ? rc : root_pins_parse(name, bytes.data, bytes.len, &root->pins[place], err);
}

int roots_keep(struct roots *roots, uint32_t id, uint32_t seq, const struct buf *bytes, struct error *err)
{
    const char *own = store_url(roots->layout->store);
    CLEANUP_FREE char *name = mem_printf("%s: root %u", own, id);
    struct root root = {.id = id, .seq = seq};
    int rc = root_record_parse(name, own, bytes, &root.record, err);
    for (size_t i = 0; rc >= 0 && i < root.record.count; i++)
        if (*root.record.places[i].pins)
            rc = read_pins(roots, &root, i, err);
    if (rc < 0) {
        root_done(&root);
        return rc;
    }
    pthread_mutex_lock(&roots->lock);
    roots_put_locked(roots, &root);
    pthread_mutex_unlock(&roots->lock);
    return 0;
}

/* Follows these roots from what is known of each, and keeps what they say. */
static int follow(struct roots *roots, struct series_list *series, struct error *err)
{
    int rc = series_follow(roots->layout, SERIES_ROOTS, series, err);
    for (size_t i = 0; !rc && i < series->count; i++) {
        const struct series *one = &series->list[i];
        if (one->moved)
            rc = roots_keep(roots, (uint32_t)strtoul(one->name, NULL, 10), one->seq, &one->bytes, err);
    }
    return rc;
}

static void add(struct roots *roots, struct series_list *series, uint32_t id)
{
    char name[16];
    uint32_t seq = roots_known_seq(roots, id);
    snprintf(name, sizeof name, "%u", id);
    series_add(series, name, seq, !seq);
}

/* 0: it is none of ours. */
static uint32_t parse_id(const char *name)
{
    char *end;
    unsigned long id = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;
    return !id || *end || id > UINT32_MAX ? 0 : (uint32_t)id;
}

/* Ids are given in order, so without a listing the first gap is the end. `known` is what a manifest says, and
 * saves rounds only. */
static int load_one_by_one(struct roots *roots, uint32_t known, struct error *err)
{
    enum { AT_FIRST_MAX = 256 };
    for (uint32_t first = 1, last = known < AT_FIRST_MAX ? known + 1 : AT_FIRST_MAX;;
         first = last + 1, last += last) {
        CLEANUP_SERIES struct series_list series = {0};
        for (uint32_t id = first; id <= last; id++)
            add(roots, &series, id);
        int rc = follow(roots, &series, err);
        if (rc < 0 || !roots_known_seq(roots, last))
            return rc;
    }
}

static int load_listed(struct roots *roots, const struct series_list *listed, struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    for (size_t i = 0; i < listed->count; i++) {
        const struct series *one = &listed->list[i];
        uint32_t id = parse_id(one->name);
        if (id && one->seq > roots_known_seq(roots, id))
            series_add_listed(&series, one);
    }
    return follow(roots, &series, err);
}

int roots_load(struct roots *roots, uint32_t known, struct series_listing *listing, struct error *err)
{
    const struct series_list *listed = NULL;
    struct error list_err = {0};
    int rc = series_listed(listing, SERIES_ROOTS, &listed, &list_err);
    if (rc == -EACCES || rc == -ENOTSUP)
        rc = load_one_by_one(roots, known, err);
    else if (rc < 0)
        rc = error_copy(err, &list_err);
    else
        rc = load_listed(roots, listed, err);
    if (rc >= 0)
        atomic_store(&roots->loaded, true);
    return rc;
}

int roots_look(struct roots *roots, struct error *err)
{
    struct series_listing *listing = series_listing_begin(roots->layout);
    int rc = roots_load(roots, 0, listing, err);
    series_listing_free(listing);
    return rc;
}

int roots_load_once(struct roots *roots, struct error *err)
{
    return atomic_load(&roots->loaded) ? 0 : roots_look(roots, err);
}

uint32_t roots_count(struct roots *roots)
{
    uint32_t last = 0;
    pthread_mutex_lock(&roots->lock);
    for (size_t i = 0; i < roots->count; i++)
        last = roots->roots[i].seq ? roots->roots[i].id : last;
    pthread_mutex_unlock(&roots->lock);
    return last;
}

/* The known root with the least id above `after`: false if there is none. */
static bool copy_next(struct roots *roots, uint32_t after, struct root *ret)
{
    bool found = false;
    pthread_mutex_lock(&roots->lock);
    for (size_t i = 0; i < roots->count && !found; i++) {
        found = roots->roots[i].id > after && roots->roots[i].seq;
        if (found)
            *ret = root_copy(&roots->roots[i]);
    }
    pthread_mutex_unlock(&roots->lock);
    return found;
}

int roots_each(struct roots *roots, roots_fn *each, void *ctx, struct error *err)
{
    struct root root;
    int rc = 0;
    for (uint32_t after = 0; !rc && copy_next(roots, after, &root);) {
        const char *urls[ROOT_PLACES_MAX];
        for (size_t i = 0; i < root.record.count; i++)
            urls[i] = root.record.places[i].url;
        after = root.id;
        rc = each(ctx, root.id, urls, root.record.count, err);
        root_done(&root);
    }
    return rc;
}

static int each_of_record(struct roots *roots, uint32_t id, uint32_t seq, roots_url_fn *each, void *ctx,
                          struct error *err)
{
    const char *own = store_url(roots->layout->store);
    CLEANUP_FREE char *label = mem_printf("%s: root %u", own, id);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct root_record record = {0};
    char name[16], path[LAYOUT_PATH_BYTES];
    snprintf(name, sizeof name, "%u", id);
    series_path(SERIES_ROOTS, name, seq, path);
    int rc = layout_read(roots->layout, path, MANIFEST_BYTES_MAX, &bytes, err);
    if (!rc)
        rc = root_record_parse(label, own, &bytes, &record, err);
    for (size_t i = 0; !rc && i < record.count; i++)
        rc = each(ctx, record.places[i].url, err);
    root_record_done(&record);
    return rc;
}

int roots_history(struct roots *roots, uint32_t id, roots_url_fn *each, void *ctx, struct error *err)
{
    uint32_t newest = roots_known_seq(roots, id);
    int rc = 0;
    for (uint32_t seq = newest; !rc && seq; seq--)
        rc = each_of_record(roots, id, seq, each, ctx, err);
    return rc;
}

int roots_copy(struct roots *roots, uint32_t id, struct root *ret)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    if (root)
        *ret = root_copy(root);
    pthread_mutex_unlock(&roots->lock);
    return root ? 0 : -ENOENT;
}

int roots_know(struct roots *roots, uint32_t id, bool nowait, struct root *ret, struct error *err)
{
    if (!roots_copy(roots, id, ret))
        return 0;
    if (nowait)
        return error_set(err, EAGAIN, "root %u has not been read yet", id);
    CLEANUP_SERIES struct series_list series = {0};
    add(roots, &series, id);
    int rc = follow(roots, &series, err);
    if (rc < 0)
        return rc;
    if (roots_copy(roots, id, ret))
        return error_set(err, EUCLEAN, "%s: the catalog names root %u, which is not recorded",
                         store_url(roots->layout->store), id);
    return 0;
}

int roots_url(struct roots *roots, uint32_t id, bool nowait, struct buf *buf, struct error *err)
{
    struct root root;
    int rc = roots_know(roots, id, nowait, &root, err);
    if (rc)
        return rc;
    buf_text_append(buf, root.record.places[0].url);
    root_done(&root);
    return 0;
}

bool roots_recorded(struct roots *roots, uint32_t id, const char *url, const char *path,
                    struct store_object *was)
{
    bool found = false;
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    for (size_t i = 0; root && i < root->record.count && !found; i++)
        found = !strcmp(root->record.places[i].url, url) && root_pins_find(root->pins[i], path, was);
    pthread_mutex_unlock(&roots->lock);
    return found;
}

bool roots_recorded_anywhere(struct roots *roots, uint32_t id, const char *path, struct store_object *was)
{
    bool found = false;
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    for (size_t i = 0; root && i < root->record.count && !found; i++)
        found = root_pins_find(root->pins[i], path, was);
    pthread_mutex_unlock(&roots->lock);
    return found;
}

struct learnt *roots_learnt(struct roots *roots)
{
    return roots->learnt;
}
