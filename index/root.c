// SPDX-License-Identifier: Apache-2.0
/*
 * States of a root in memory:
 *
 *     reserved --roots_publish()--> known --roots_resolve(), trusted--> resolved
 *                                     ^---- roots_load() saw a newer place ----'
 *
 * Nothing that was found untrusted is remembered: trust may be given while we run.
 */
#include "index/root.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/strmap.h"
#include "index/root_pins.h"
#include "index/trust.h"

struct root {
    uint32_t id;
    uint32_t seq;           /* 0: reserved */
    char *place;            /* as recorded: ".", "./sub" or a URL */
    char *url;              /* the same, absolute */
    struct root_pins *pins; /* NULL: as catalogs say */
    struct root_place at;   /* set once resolved */
};

struct roots {
    struct stores *stores;
    struct layout *layout;
    char *uuid;
    struct strmap *trust; /* canonical URLs trusted for this run; immutable */
    pthread_mutex_t lock; /* guards what follows */
    struct root *roots;   /* by id */
    size_t count, cap;
};

static void root_done(struct root *root)
{
    free(root->place);
    free(root->url);
    root_pins_free(root->pins);
    root_place_done(&root->at);
}

/* ---- places ---- */

const char *root_below(const char *own, const char *url)
{
    size_t len = strlen(own);
    if (strncmp(own, url, len))
        return NULL;
    if (len && own[len - 1] == '/') /* the folder "/" itself */
        return url + len;
    return !url[len] ? url + len : url[len] == '/' ? url + len + 1 : NULL;
}

static bool has_only_names(const char *path)
{
    for (;;) {
        size_t len = strcspn(path, "/");
        if (!len || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}

static char *place_of(const char *own, const char *url)
{
    const char *below = root_below(own, url);
    return !below ? mem_text(url) : *below ? mem_printf("./%s", below) : mem_text(".");
}

/* The absolute URL of a recorded place; NULL if it is neither a sound relative one nor absolute. */
static char *url_of(const char *own, const char *place)
{
    size_t own_len = strlen(own);
    if (!strcmp(place, "."))
        return mem_text(own);
    if (!strncmp(place, "./", 2))
        return has_only_names(place + 2)
                   ? mem_printf("%s%s%s", own, own[own_len - 1] == '/' ? "" : "/", place + 2)
                   : NULL;
    return *place == '/' || strstr(place, "://") ? mem_text(place) : NULL;
}

/* Pins that were found at the new place, in an object of their own: there may be many. */
static int read_pins(struct roots *roots, uint32_t id, const char *pins, struct root *root, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    if (strlen(pins) != LAYOUT_ID_BYTES - 1 || pins[strspn(pins, "0123456789abcdef")])
        return error_set(err, EUCLEAN, "%s: root %u: 'pins' is no id", store_url(roots->layout->store), id);
    layout_pins_path(id, pins, path);
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(roots->layout->store), path);
    int rc = layout_get(roots->layout, path, ROOT_PINS_BYTES_MAX, &bytes, err);
    return rc < 0 ? rc : root_pins_parse(name, bytes.data, bytes.len, &root->pins, err);
}

static int place_parse(struct roots *roots, uint32_t id, const struct buf *bytes, struct root *ret,
                       struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    const char *own = store_url(roots->layout->store);
    CLEANUP_FREE char *name = mem_printf("%s: root %u", own, id);
    if (json_parse(name, bytes->data, bytes->len, &json, err) < 0) {
        if (err)
            err->code = EUCLEAN;
        return -EUCLEAN;
    }
    const char *place = json_get_text(json, "url");
    CLEANUP_FREE char *url = place ? url_of(own, place) : NULL;
    if (!url)
        return error_set(err, EUCLEAN, "%s: 'url' is no absolute URL and no folder below the data set", name);
    struct root root = {.id = id, .place = mem_text(place), .url = STEAL(url)};
    const char *pins = json_get_text(json, "pins");
    int rc = pins ? read_pins(roots, id, pins, &root, err) : 0;
    if (rc < 0)
        root_done(&root);
    else
        *ret = root;
    return rc;
}

static void place_print(struct buf *buf, const char *place, const char *pins)
{
    buf_text_append(buf, "{\"url\": ");
    json_write_text(buf, place, strlen(place));
    if (pins)
        buf_printf(buf, ", \"pins\": \"%s\"", pins);
    buf_text_append(buf, "}\n");
}

/* ---- the table ---- */

static struct root *find_locked(struct roots *roots, uint32_t id)
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

/* Takes `root`; an older entry of the same id is replaced, a newer one stays. */
static void put_locked(struct roots *roots, struct root *root)
{
    struct root *old = find_locked(roots, root->id);
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

static uint32_t known_seq(struct roots *roots, uint32_t id)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = find_locked(roots, id);
    uint32_t seq = root ? root->seq : 0;
    pthread_mutex_unlock(&roots->lock);
    return seq;
}

static int keep(struct roots *roots, uint32_t id, uint32_t seq, const struct buf *bytes, struct error *err)
{
    struct root root;
    int rc = place_parse(roots, id, bytes, &root, err);
    if (rc < 0)
        return rc;
    root.seq = seq;
    pthread_mutex_lock(&roots->lock);
    put_locked(roots, &root);
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
        rc = keep(roots, id, seq, &bytes, err);
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
        uint32_t seq = known_seq(roots, id);
        int rc = follow(roots, id, seq, err);
        if (rc < 0 || (!rc && !seq))
            return rc;
    }
}

int roots_load(struct roots *roots, struct error *err)
{
    struct newest newest CLEANUP(newest_done) = {0};
    struct error list_err = {0};
    int rc = layout_series_list(roots->layout, "roots", take_listed, &newest, &list_err);
    if (rc == -EACCES || rc == -ENOTSUP)
        return load_one_by_one(roots, err);
    if (rc < 0)
        return error_copy(err, &list_err);
    for (size_t i = 0; i < newest.count; i++) {
        if (newest.seqs[i] <= known_seq(roots, newest.ids[i]))
            continue;
        rc = follow(roots, newest.ids[i], newest.seqs[i] - 1, err);
        if (rc < 0)
            return rc;
    }
    return 0;
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
    const struct root *root = find_locked(roots, id);
    bool resolved = root && root->at.store;
    if (resolved)
        *ret = place_copy(&root->at);
    pthread_mutex_unlock(&roots->lock);
    return resolved;
}

static int copy_url(struct roots *roots, uint32_t id, char **ret_url)
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = find_locked(roots, id);
    if (root)
        *ret_url = mem_text(root->url);
    pthread_mutex_unlock(&roots->lock);
    return root ? 0 : -ENOENT;
}

static int known_url(struct roots *roots, uint32_t id, bool nowait, char **ret_url, struct error *err)
{
    if (!copy_url(roots, id, ret_url))
        return 0;
    if (nowait)
        return error_set(err, EAGAIN, "root %u has not been read yet", id);
    int rc = follow(roots, id, 0, err);
    if (rc < 0)
        return rc;
    if (copy_url(roots, id, ret_url))
        return error_set(err, EUCLEAN, "%s: the catalog names root %u, which is not recorded",
                         store_url(roots->layout->store), id);
    return 0;
}

static int check_trust(struct roots *roots, const char *url, struct error *err)
{
    if (strmap_find(roots->trust, url, strlen(url)))
        return 0;
    int rc = trust_check(roots->uuid, url, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const char *own = store_url(roots->layout->store);
    return error_set(err, EPERM,
                     "%s reads from %s, which lies outside it and which you have not trusted; if you do, "
                     "type: elidefs trust %s %s",
                     own, url, own, url);
}

int roots_trust(struct roots *roots, const char *url, struct error *err)
{
    struct error why = {0};
    if (root_below(store_url(roots->layout->store), url))
        return ROOT_OWN;
    int rc = check_trust(roots, url, &why);
    if (rc < 0 && rc != -EPERM)
        return error_copy(err, &why);
    return rc ? ROOT_FOREIGN : ROOT_TRUSTED;
}

/* Where `url` is read from, once it is known to be allowed. Compared is what the store makes of the URL, so
 * links and '..' are gone. */
static int open_root(struct roots *roots, const char *url, struct root_place *ret, struct error *err)
{
    const char *own = store_url(roots->layout->store);
    const char *below = root_below(own, url);
    CLEANUP_STORE struct store *store = NULL;
    if (!below || (*below && !has_only_names(below))) {
        int rc = store_open(roots->stores, url, &store, err);
        if (rc < 0)
            return rc;
        below = root_below(own, store_url(store));
    }
    if (below) {
        *ret = (struct root_place){.store = store_ref(roots->layout->store),
                                   .prefix = *below ? mem_printf("%s/", below) : mem_text("")};
        return 0;
    }
    int rc = check_trust(roots, store_url(store), err);
    if (!rc)
        *ret = (struct root_place){.store = STEAL(store), .prefix = mem_text("")};
    return rc;
}

static void keep_resolved(struct roots *roots, uint32_t id, const char *url, const struct root_place *place)
{
    pthread_mutex_lock(&roots->lock);
    struct root *root = find_locked(roots, id);
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
    int rc = known_url(roots, id, false, &url, err);
    if (!rc)
        rc = open_root(roots, url, ret, err);
    if (!rc)
        keep_resolved(roots, id, url, ret);
    return rc;
}

int roots_url(struct roots *roots, uint32_t id, bool nowait, struct buf *buf, struct error *err)
{
    CLEANUP_FREE char *url = NULL;
    int rc = known_url(roots, id, nowait, &url, err);
    if (!rc)
        buf_text_append(buf, url);
    return rc;
}

/* ---- for commits ---- */

int roots_id(struct roots *roots, const char *url, uint32_t *ret, struct error *err)
{
    CLEANUP_FREE char *place = place_of(store_url(roots->layout->store), url);
    pthread_mutex_lock(&roots->lock);
    uint32_t id = 0;
    for (size_t i = 0; i < roots->count && !id; i++)
        if (!strcmp(roots->roots[i].url, url))
            id = roots->roots[i].id;
    if (!id) {
        id = roots->count ? roots->roots[roots->count - 1].id + 1 : 1;
        struct root root = {.id = id, .place = STEAL(place), .url = mem_text(url)};
        if (id)
            put_locked(roots, &root);
        else
            root_done(&root);
    }
    pthread_mutex_unlock(&roots->lock);
    if (!id)
        return error_set(err, EOVERFLOW, "all root ids are taken");
    *ret = id;
    return 0;
}

void roots_forget_reserved(struct roots *roots)
{
    pthread_mutex_lock(&roots->lock);
    size_t kept = 0;
    for (size_t i = 0; i < roots->count; i++) {
        if (roots->roots[i].seq)
            roots->roots[kept++] = roots->roots[i];
        else
            root_done(&roots->roots[i]);
    }
    roots->count = kept;
    pthread_mutex_unlock(&roots->lock);
}

static int taken(const struct roots *roots, struct error *err)
{
    return error_set(err, EAGAIN,
                     "%s: another import recorded a new root at the same time; nothing was committed, import "
                     "again",
                     store_url(roots->layout->store));
}

/* The id is taken: by this very place (our own lost reply, or another import of it), or by another. */
static int check_taken(struct roots *roots, const char *path, const struct buf *ours, struct error *err)
{
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    int rc = layout_get(roots->layout, path, ours->len, &theirs, err);
    if (rc < 0 && rc != -EFBIG)
        return rc;
    if (!rc && theirs.len == ours->len && !memcmp(theirs.data, ours->data, ours->len))
        return 0;
    return taken(roots, err);
}

struct written {
    uint32_t id, seq;
    const char *url, *pins_id;
};

static int write_place(struct roots *roots, const struct written *root, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_FREE char *place = place_of(store_url(roots->layout->store), root->url);
    char name[16], path[LAYOUT_PATH_BYTES];
    place_print(&bytes, place, root->pins_id);
    snprintf(name, sizeof name, "%u", root->id);
    layout_series_path("roots", name, root->seq, path);
    struct error put_err = {0};
    int rc =
        store_put(roots->layout->store, path, bytes.data, bytes.len, STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc == -EEXIST)
        rc = check_taken(roots, path, &bytes, &put_err);
    return rc < 0 ? error_copy(err, &put_err) : keep(roots, root->id, root->seq, &bytes, err);
}

int roots_publish(struct roots *roots, uint32_t id, const char *url, struct error *err)
{
    CLEANUP_FREE char *known = NULL;
    if (!known_seq(roots, id))
        return write_place(roots, &(struct written){.id = id, .seq = 1, .url = url}, err);
    copy_url(roots, id, &known);
    return known && !strcmp(known, url) ? 0 : taken(roots, err);
}

/* *ret_id: of the object, or "" if there are none. */
static int write_pins(struct roots *roots, uint32_t id, const struct buf *pins, char ret_id[LAYOUT_ID_BYTES],
                      struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    *ret_id = 0;
    if (!pins || !pins->len)
        return 0;
    layout_random_id(ret_id);
    layout_pins_path(id, ret_id, path);
    return store_put(roots->layout->store, path, pins->data, pins->len, STORE_PUT_REPLACE, NULL, err);
}

int roots_move(struct roots *roots, uint32_t id, const char *url, const struct buf *pins, struct error *err)
{
    CLEANUP_FREE char *known = NULL;
    char pins_id[LAYOUT_ID_BYTES];
    uint32_t seq = known_seq(roots, id);
    struct error put_err = {0};
    if (!seq)
        return error_set(err, ENOENT, "%s: there is no root %u", store_url(roots->layout->store), id);
    if (!pins && !copy_url(roots, id, &known) && !strcmp(known, url))
        return 0;
    int rc = write_pins(roots, id, pins, pins_id, err);
    if (rc < 0)
        return rc;
    struct written written = {.id = id, .seq = seq + 1, .url = url, .pins_id = *pins_id ? pins_id : NULL};
    rc = write_place(roots, &written, &put_err);
    if (rc == -EAGAIN)
        return error_set(err, EAGAIN, "%s: somebody else moved root %u at the same time",
                         store_url(roots->layout->store), id);
    return rc < 0 ? error_copy(err, &put_err) : 0;
}

void roots_pin(struct roots *roots, uint32_t id, const char *path, char pin[STORE_PIN_BYTES])
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = find_locked(roots, id);
    const char *now = root && root->pins ? root_pins_find(root->pins, path, pin) : NULL;
    if (now)
        strcpy(pin, now);
    pthread_mutex_unlock(&roots->lock);
}
