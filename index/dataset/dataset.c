// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a data set: which versions there are and what they hold.
 *
 * What was read of a version is kept: its manifest, and the pages of its catalog once somebody asks for them.
 * Which is the newest is found in discover.c.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/instant.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages.h"

/* ---- init ---- */

char *dataset_author(void)
{
    char host[HOST_NAME_MAX + 1] = "", text[4096];
    struct passwd entry, *found = NULL;
    if (gethostname(host, sizeof host))
        host[0] = 0;
    host[sizeof host - 1] = 0;
    getpwuid_r(geteuid(), &entry, text, sizeof text, &found);
    const char *at = *host ? host : "localhost";
    return found ? mem_printf("%s@%s", found->pw_name, at) : mem_printf("%u@%s", geteuid(), at);
}

/* v0's bytes and its commit id. */
static void first_manifest(struct buf *buf, char ret_id[LAYOUT_ID_BYTES])
{
    static char message[] = "init";
    CLEANUP_FREE char *author = dataset_author();
    struct manifest manifest = {.time_ns = instant_now(), .author = author, .message = message};
    manifest_new_uuid(manifest.uuid);
    manifest_clean_text(author);
    layout_random_id(manifest.commit_id);
    manifest_print(buf, &manifest);
    memcpy(ret_id, manifest.commit_id, LAYOUT_ID_BYTES);
}

static int exists_already(const struct store *store, struct error *err)
{
    return error_set(err, EEXIST, "%s: there is a data set already", store_url(store));
}

/* Somebody's v0 is there: ours, if only the reply was lost. */
static int check_first(struct store *store, const char *path, const struct buf *ours, struct error *err)
{
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    int rc = store_read_all(store, path, MANIFEST_BYTES_MAX, &theirs, NULL, err);
    if (rc < 0)
        return rc;
    bool same = theirs.len == ours->len && !memcmp(theirs.data, ours->data, ours->len);
    return same ? 0 : exists_already(store, err);
}

int dataset_init_store(struct store *store, struct error *err)
{
    char path[LAYOUT_PATH_BYTES], id[LAYOUT_ID_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error put_err = {0};
    layout_manifest_path(0, path);
    if (!store_read_all(store, path, MANIFEST_BYTES_MAX, &bytes, NULL, NULL))
        return exists_already(store, err);
    int rc = store_probe(store, err);
    if (rc < 0)
        return rc;
    buf_clear(&bytes);
    first_manifest(&bytes, id);
    rc = store_put(store, path, bytes.data, bytes.len, STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc == -EEXIST)
        return check_first(store, path, &bytes, err);
    return rc < 0 ? error_copy(err, &put_err) : 0;
}

/* A name of the configuration stands for its URL wherever a data set's URL may stand. */
static int open_store(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    const char *named = stores_dataset_url(stores, url);
    return store_open(stores, named ? named : url, ret, err);
}

int dataset_init(struct stores *stores, const char *url, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = open_store(stores, url, &store, err);
    return rc < 0 ? rc : dataset_init_store(store, err);
}

int dataset_exists(struct stores *stores, const char *url, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    char path[LAYOUT_PATH_BYTES];
    struct store_object object;
    layout_manifest_path(0, path);
    int rc = open_store(stores, url, &store, err);
    if (rc < 0)
        return rc;
    rc = store_head(store, path, &object, err);
    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* ---- known versions ---- */

static size_t place_locked(const struct dataset *dataset, uint32_t version)
{
    size_t low = 0, high = dataset->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (dataset->versions[mid].version < version)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct known_version *find_locked(struct dataset *dataset, uint32_t version)
{
    size_t at = place_locked(dataset, version);
    return at < dataset->count && dataset->versions[at].version == version ? &dataset->versions[at] : NULL;
}

static int check_neighbours_locked(struct dataset *dataset, const struct manifest *manifest,
                                   struct error *err)
{
    const struct known_version *before = manifest->version ? find_locked(dataset, manifest->parent) : NULL;
    const struct known_version *after = find_locked(dataset, manifest->version + 1);
    int rc = before ? manifest_check_parent(manifest, before->manifest, err) : 0;
    if (!rc && after)
        rc = manifest_check_parent(after->manifest, manifest, err);
    if (!rc && strcmp(manifest->uuid, dataset->uuid))
        rc =
            error_set(err, EUCLEAN, "v%u belongs to another data set, %s", manifest->version, manifest->uuid);
    return rc;
}

static void insert_locked(struct dataset *dataset, struct manifest *manifest)
{
    size_t at = place_locked(dataset, manifest->version);
    mem_grow(&dataset->versions, &dataset->cap, dataset->count + 1, sizeof *dataset->versions);
    struct known_version *slot = dataset->versions + at;
    memmove(slot + 1, slot, (dataset->count - at) * sizeof *slot);
    *slot = (struct known_version){.version = manifest->version, .manifest = manifest};
    dataset->count++;
}

int dataset_keep_manifest(struct dataset *dataset, struct manifest *manifest, const struct manifest **ret,
                          struct error *err)
{
    int rc = 0;
    pthread_mutex_lock(&dataset->lock);
    const struct known_version *known = find_locked(dataset, manifest->version);
    if (known) {
        *ret = known->manifest;
    } else if (!(rc = check_neighbours_locked(dataset, manifest, err))) {
        insert_locked(dataset, manifest);
        *ret = STEAL(manifest);
    }
    pthread_mutex_unlock(&dataset->lock);
    manifest_free(manifest);
    return rc < 0 ? error_within(err, rc, "%s", dataset_url(dataset)) : 0;
}

void dataset_move_head(struct dataset *dataset, uint32_t version)
{
    pthread_mutex_lock(&dataset->lock);
    if (version > dataset->head)
        dataset->head = version;
    pthread_mutex_unlock(&dataset->lock);
}

const struct manifest *dataset_known_manifest(struct dataset *dataset, uint32_t version)
{
    pthread_mutex_lock(&dataset->lock);
    const struct known_version *known = find_locked(dataset, version);
    const struct manifest *manifest = known ? known->manifest : NULL;
    pthread_mutex_unlock(&dataset->lock);
    return manifest;
}

/* ---- manifests ---- */

int dataset_find_manifest(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                          const struct manifest **ret, struct error *err)
{
    const struct manifest *known = dataset_known_manifest(dataset, version);
    uint32_t head = dataset_head(dataset);
    if (known) {
        *ret = known;
        return 0;
    }
    if (version > head)
        return error_set(err, ENOENT, "%s: there is no v%u; the newest is v%u", dataset_url(dataset), version,
                         head);
    return dataset_read_manifest(dataset, version, patience, ret, err);
}

int dataset_manifest(struct dataset *dataset, uint32_t version, const struct manifest **ret,
                     struct error *err)
{
    return dataset_find_manifest(dataset, version, PATIENCE_ENDLESS, ret, err);
}

uint32_t dataset_head(const struct dataset *dataset)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&dataset->lock;
    pthread_mutex_lock(lock);
    uint32_t head = dataset->head;
    pthread_mutex_unlock(lock);
    return head;
}

/* ---- open ---- */

int dataset_open_store(const struct dataset_options *options, struct store *store, struct dataset **ret,
                       struct error *err)
{
    CLEANUP_DATASET struct dataset *dataset = MEM_NEW(struct dataset);
    dataset->stores = options->stores;
    dataset->cache = options->cache;
    dataset->layout.store = store_ref(store);
    dataset->layout.cache = options->cache;
    dataset->tags = tags_new(&dataset->layout);
    dataset->forgotten = forgotten_new(&dataset->layout);
    dataset->purges = purges_new(&dataset->layout);
    pthread_mutex_init(&dataset->lock, NULL);
    int rc = dataset_discover(dataset, options, err);
    if (rc < 0)
        return rc;
    *ret = STEAL(dataset);
    return 0;
}

int dataset_open(const struct dataset_options *options, const char *url, struct dataset **ret,
                 struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = open_store(options->stores, url, &store, err);
    return rc < 0 ? rc : dataset_open_store(options, store, ret, err);
}

void dataset_free(struct dataset *dataset)
{
    if (!dataset)
        return;
    series_listing_free(dataset->stray);
    for (size_t i = 0; i < dataset->count; i++) {
        catalog_unref(dataset->versions[i].catalog);
        manifest_free(dataset->versions[i].manifest);
    }
    free(dataset->versions);
    free(dataset->note);
    page_store_unref(dataset->pages);
    roots_free(dataset->roots);
    tags_free(dataset->tags);
    forgotten_free(dataset->forgotten);
    purges_free(dataset->purges);
    store_unref(dataset->layout.store);
    pthread_mutex_destroy(&dataset->lock);
    free(dataset);
}

const char *dataset_note(const struct dataset *dataset)
{
    return dataset->note;
}

const char *dataset_url(const struct dataset *dataset)
{
    return store_url(dataset->layout.store);
}

int dataset_check_writable(const struct dataset *dataset, struct error *err)
{
    const char *url = dataset_url(dataset);
    if (!store_is_read_only(dataset->layout.store))
        return 0;
    return error_set(err, ENOTSUP, "%s: what is reached over %.*s is read-only", url, (int)strcspn(url, ":"),
                     url);
}

const char *dataset_uuid(const struct dataset *dataset)
{
    return dataset->uuid;
}

void dataset_store_stats(const struct dataset *dataset, struct store_stats *ret)
{
    stores_stats(dataset->stores, ret);
}

void dataset_store_answers(const struct dataset *dataset, struct store_answers *ret)
{
    stores_answers(dataset->stores, ret);
}

/* ---- catalogs ---- */

static struct catalog *known_catalog(struct dataset *dataset, uint32_t version)
{
    pthread_mutex_lock(&dataset->lock);
    const struct known_version *known = find_locked(dataset, version);
    struct catalog *catalog = known && known->catalog ? catalog_ref(known->catalog) : NULL;
    pthread_mutex_unlock(&dataset->lock);
    return catalog;
}

int dataset_pages(struct dataset *dataset, const struct manifest *manifest, struct pages **ret,
                  struct error *err)
{
    CLEANUP_FREE char *name = mem_printf("of v%u of %s", manifest->version, dataset_url(dataset));
    const struct purge_list *list = purges_list(dataset->purges);
    const struct purge_version *purged = list ? purge_list_find(list, manifest->version) : NULL;
    int rc = dataset_check_readable(dataset, manifest, PATIENCE_ENDLESS, err);
    if (!rc)
        *ret = pages_new(dataset->pages, purged ? &purged->top : &manifest->catalog, name);
    return rc;
}

static int open_sibling(void *ctx, uint32_t version, const struct catalog_patience *patience,
                        struct catalog **ret, struct error *err)
{
    int rc = dataset_check_forgotten(ctx, version, err);
    return rc ? rc : dataset_catalog(ctx, version, patience, ret, err);
}

static int open_catalog(struct dataset *dataset, const struct manifest *manifest, struct catalog **ret,
                        struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    int rc = dataset_pages(dataset, manifest, &pages, err);
    if (rc)
        return rc;
    pages_want_hot(pages);
    *ret = catalog_open_pages(pages);
    catalog_set_siblings(*ret, open_sibling, dataset);
    return 0;
}

/* Of two threads that opened it at once, one keeps its own; one that was opened before the purge `purged` was
 * known is not kept. Takes `catalog`, gives a reference. */
static struct catalog *keep_catalog(struct dataset *dataset, uint32_t version, uint32_t purged,
                                    struct catalog *catalog)
{
    struct catalog *unused = NULL;
    pthread_mutex_lock(&dataset->lock);
    struct known_version *known = find_locked(dataset, version);
    if (purged == dataset->purged && known->catalog)
        unused = catalog, catalog = catalog_ref(known->catalog);
    else if (purged == dataset->purged)
        known->catalog = catalog_ref(catalog);
    pthread_mutex_unlock(&dataset->lock);
    catalog_unref(unused);
    return catalog;
}

/* Whoever reads one goes on reading it. */
static void drop_catalog(struct dataset *dataset, uint32_t version)
{
    pthread_mutex_lock(&dataset->lock);
    struct known_version *known = find_locked(dataset, version);
    struct catalog *dropped = known ? STEAL(known->catalog) : NULL;
    pthread_mutex_unlock(&dataset->lock);
    catalog_unref(dropped);
}

int dataset_load_purges(struct dataset *dataset, const struct manifest *newest,
                        struct series_listing *listing, struct error *err)
{
    int rc = purges_load(dataset->purges, newest, listing, err);
    const struct purge_list *list = purges_list(dataset->purges);
    if (rc < 1)
        return rc;
    pthread_mutex_lock(&dataset->lock);
    dataset->purged = purges_now(dataset->purges).seq;
    pthread_mutex_unlock(&dataset->lock);
    for (size_t i = 0; i < list->version_count; i++)
        drop_catalog(dataset, list->versions[i].version);
    return 0;
}

int dataset_catalog(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                    struct catalog **ret, struct error *err)
{
    struct catalog *catalog = known_catalog(dataset, version);
    const struct manifest *manifest;
    int rc = 0;
    if (catalog) {
        *ret = catalog;
        return 0;
    }
    if (version == 0 || version > dataset_head(dataset))
        return error_set(err, ENOENT, "%s: there is no v%u", dataset_url(dataset), version);
    if (patience->nowait)
        return error_set(err, EAGAIN, "%s: v%u is not open yet", dataset_url(dataset), version);
    uint32_t purged = purges_now(dataset->purges).seq;
    rc = dataset_find_manifest(dataset, version, patience, &manifest, err);
    if (!rc)
        rc = dataset_check_readable(dataset, manifest, patience, err);
    if (!rc)
        rc = open_catalog(dataset, manifest, &catalog, err);
    if (!rc)
        *ret = keep_catalog(dataset, version, purged, catalog);
    return rc;
}

/* ---- tags ---- */

int dataset_tag_check(const char *name, struct error *err)
{
    return manifest_check_tag(name, err);
}

static int put_tag(struct dataset *dataset, const char *name, uint32_t version, bool move, struct error *err)
{
    uint32_t head = dataset_head(dataset);
    if (version == 0 || version > head)
        return error_set(err, ENOENT, "%s: there is no v%u to tag; the newest is v%u", dataset_url(dataset),
                         version, head);
    int rc = forgotten_look(dataset->forgotten, dataset_known_manifest(dataset, head), err);
    if (!rc)
        rc = dataset_check_forgotten(dataset, version, err);
    return rc ? rc : tags_put(dataset->tags, name, version, move, err);
}

int dataset_tag_put(struct dataset *dataset, const char *name, uint32_t version, struct error *err)
{
    return put_tag(dataset, name, version, false, err);
}

int dataset_tag_move(struct dataset *dataset, const char *name, uint32_t version, struct error *err)
{
    return put_tag(dataset, name, version, true, err);
}

int dataset_tag_remove(struct dataset *dataset, const char *name, struct error *err)
{
    return tags_remove(dataset->tags, name, err);
}

uint32_t dataset_tag(const struct dataset *dataset, const char *name)
{
    return tags_find(dataset->tags, name);
}

int dataset_tags(struct dataset *dataset, dataset_tag_fn *each, void *ctx, struct error *err)
{
    CLEANUP_FREE struct manifest_tag *tags = NULL;
    size_t count = tags_copy(dataset->tags, &tags);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = each(ctx, tags[i].name, tags[i].version, err);
    return rc;
}
