// SPDX-License-Identifier: Apache-2.0
/* One rule for all commands: DATASET PATH, or one path inside a mount. */
#include "tools/session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/file.h"
#include "index/roots/learnt.h"
#include "tools/mount_list.h"
#include "tools/no_dataset.h"

int session_open_stores(const struct arguments *arguments, struct session *ret, struct error *err)
{
    struct stores_options options = {
        .endpoint_url = arguments_text(arguments, "endpoint-url"),
        .region = arguments_text(arguments, "region"),
        .profile = arguments_text(arguments, "profile"),
        .ca_bundle = arguments_text(arguments, "ca-bundle"),
        .no_sign_request = arguments_flag(arguments, "no-sign-request"),
    };
    return stores_new(&options, &ret->stores, err);
}

static int take_fill(const struct arguments *arguments, enum cache_fill_policy *ret, struct error *err)
{
    static const struct {
        const char *name;
        enum cache_fill_policy policy;
    } policies[] = {{"auto", CACHE_FILL_AUTO}, {"whole", CACHE_FILL_WHOLE}, {"exact", CACHE_FILL_EXACT}};
    const char *name = arguments_text(arguments, "fill");
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (!name || !strcmp(name, policies[i].name)) {
            *ret = policies[i].policy;
            return 0;
        }
    return error_set(err, EINVAL, "--fill '%s': expected auto, whole or exact", name);
}

static int open_cache(const struct arguments *arguments, struct session *session, struct error *err)
{
    struct cache_options options = {.folder = arguments_text(arguments, "cache")};
    if (!options.folder && session->cache_folder) {
        options.folder = session->cache_folder;
        options.size_bytes = session->cache_size;
    }
    int rc = take_fill(arguments, &options.fill, err);
    if (rc)
        return rc;
    const char *size = arguments_text(arguments, "cache-size");
    unsigned long long bytes;
    if (size) {
        rc = arguments_size("cache-size", size, &bytes, err);
        if (rc)
            return rc;
        options.size_bytes = bytes;
    }
    rc = cache_new(&options, &session->cache, err);
    if (!rc && cache_warning(session->cache))
        fprintf(stderr, "note: %s\n", cache_warning(session->cache));
    return rc;
}

/* A mount stands for its data set: /mnt/kitchen, /mnt/kitchen/latest. *ret: the URL (owned), if it is one. */
static int take_mount(const struct stores *stores, const char *given, char **ret, struct error *err)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    bool named = strstr(given, "://") || stores_dataset_url(stores, given);
    int rc = named ? 0 : mount_list_read(&mounts, err);
    const struct mount_entry *mount = rc || !mounts.count ? NULL : mount_list_find(&mounts, given, &rest);
    if (!mount)
        return rc;
    if (*rest && strcmp(rest, "latest") != 0)
        return error_set(err, EINVAL,
                         "%s is a path in the data set that is mounted on %s: here the data set is meant, %s",
                         given, mount->mountpoint, mount->mountpoint);
    *ret = mem_text(mount->url);
    return 0;
}

int session_open(const struct arguments *arguments, const char *url, const char *const *trust,
                 struct session *ret, struct error *err)
{
    int rc = ret->stores ? 0 : session_open_stores(arguments, ret, err);
    if (!rc)
        rc = open_cache(arguments, ret, err);
    if (rc)
        return rc;
    struct dataset_options options = {.stores = ret->stores,
                                      .cache = ret->cache,
                                      .trust = trust,
                                      .ahead = ret->for_paths,
                                      .roots = ret->for_roots};
    struct error why = {0};
    rc = take_mount(ret->stores, url, &ret->url, err);
    if (rc)
        return rc;
    if (!ret->url)
        ret->url = mem_text(url);
    url = ret->url;
    rc = dataset_open(&options, url, &ret->dataset, &why);
    if (rc == -ENOENT || rc == -ENOTDIR)
        rc = no_dataset_explain(ret->stores, url, &why);
    if (!rc && dataset_note(ret->dataset))
        fprintf(stderr, "note: %s\n", dataset_note(ret->dataset));
    return rc ? error_copy(err, &why) : 0;
}

int session_open_path(const struct arguments *arguments, struct session *ret, struct error *err)
{
    ret->for_paths = true;
    if (arguments->count >= 2) {
        ret->path = mem_text(arguments->positional[1]);
        return session_open(arguments, arguments->positional[0], NULL, ret, err);
    }
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    int rc = mount_list_read(&mounts, err);
    if (rc)
        return rc;
    const struct mount_entry *mount = mount_list_find(&mounts, arguments->positional[0], &ret->path);
    if (!mount)
        ret->path = mem_text("");
    return session_open(arguments, mount ? mount->url : arguments->positional[0], NULL, ret, err);
}

struct naming {
    const char *given;
    char *url;
};

static int take_name(void *ctx, const char *name, const char *url)
{
    struct naming *naming = ctx;
    if (strcmp(naming->given, name))
        return 0;
    naming->url = mem_text(url);
    return 1;
}

int session_dataset_url(const char *given, char **ret_url, struct error *err)
{
    struct naming naming = {.given = given};
    int rc = stores_each_dataset(take_name, &naming, err);
    if (rc < 0)
        return rc;
    *ret_url = naming.url ? naming.url : mem_text(given);
    return 0;
}

/* Said once: what was found is kept. */
static void tell_sampled(struct dataset *dataset)
{
    struct learnt_counts learnt;
    dataset_learnt(dataset, &learnt);
    if (learnt.sampled)
        fprintf(
            stderr,
            "note: %s, such as '%s', %s touched (chmod, a link, a rename, or a forged time), or moved as a "
            "copy without its time, and no hash of all bytes is known: the headers and %d samples are the "
            "same (`elidefs verify --deep`, while all "
            "is well, notes such hashes)\n",
            COUNT(learnt.sampled, "recording"), learnt.example, learnt.sampled == 1 ? "was" : "were",
            EVIDENCE_SAMPLES);
}

void session_close(struct session *session)
{
    if (session->stores)
        stores_stop(session->stores); /* what nobody waits for any more */
    if (session->dataset) {
        tell_sampled(session->dataset);
        dataset_free(session->dataset);
    }
    if (session->cache)
        cache_free(session->cache);
    if (session->stores)
        stores_free(session->stores);
    free(session->url);
    free(session->path);
    free(session->cache_folder);
    *session = (struct session){0};
}

int session_resolve(struct session_place *place, struct error *err)
{
    int rc = place_resolve(place->session.dataset, place->session.path, &place->place, err);
    if (!rc)
        rc = catalog_reader_acquire(place->place.catalog, PATIENCE_ENDLESS, &place->reader, err);
    return rc;
}

int session_open_place(const struct arguments *arguments, struct session_place *ret, struct error *err)
{
    int rc = session_open_path(arguments, &ret->session, err);
    return rc ? rc : session_resolve(ret, err);
}

void session_close_place(struct session_place *place)
{
    catalog_reader_release(place->reader);
    place_done(&place->place);
    session_close(&place->session);
    place->reader = NULL;
}
