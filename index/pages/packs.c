// SPDX-License-Identifier: Apache-2.0
/* A short list, searched from its start: a reader of pages works on few packs at a time. */
#include "index/pages/packs.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/memory.h"
#include "index/base/layout.h"
#include "index/pages/pack_source.h"

enum { OPEN_MAX = 64 }; /* those that nobody uses included */

struct pack_file {
    struct packs *packs;
    struct pack_file *next; /* used longer ago */
    uint8_t id[MAP_ID_BYTES];
    uint32_t size;
    unsigned users;
    struct cache_file *file;
};

struct packs {
    struct store *store;
    struct cache *cache;
    const char *uuid;
    pthread_mutex_t lock; /* guards what follows, and `next` and `users` of the files */
    struct pack_file *first;
    unsigned count;
};

struct packs *packs_new(struct store *store, struct cache *cache, const char *uuid)
{
    struct packs *packs = MEM_NEW(struct packs);
    packs->store = store;
    packs->cache = cache;
    packs->uuid = uuid;
    pthread_mutex_init(&packs->lock, NULL);
    return packs;
}

static void close_all(struct pack_file *file)
{
    for (struct pack_file *next; file; file = next) {
        next = file->next;
        cache_close(file->file);
        free(file);
    }
}

void packs_free(struct packs *packs)
{
    if (!packs)
        return;
    close_all(packs->first);
    pthread_mutex_destroy(&packs->lock);
    free(packs);
}

void packs_key(const struct packs *packs, const uint8_t id[MAP_ID_BYTES], uint32_t size,
               uint8_t ret[SHA256_BYTES])
{
    char hex[LAYOUT_ID_BYTES], path[LAYOUT_PATH_BYTES];
    CLEANUP_BUF struct buf text = BUF_INIT;
    hex_print(id, MAP_ID_BYTES, hex);
    layout_pack_path(hex, path);
    buf_printf(&text, "elidefs pack\n%s\n%u\n", packs->uuid, size);
    store_object_identity(packs->store, path, &text);
    sha256_of(text.data, text.len, ret);
}

/* The file, moved to the front and with one more user. */
static struct pack_file *take_locked(struct packs *packs, const struct map_extent *extent)
{
    struct pack_file **link = &packs->first;
    while (*link &&
           ((*link)->size != extent->pack_size || memcmp((*link)->id, extent->id, MAP_ID_BYTES) != 0))
        link = &(*link)->next;
    struct pack_file *file = *link;
    if (!file)
        return NULL;
    *link = file->next;
    file->next = packs->first;
    packs->first = file;
    file->users++;
    return file;
}

/* Takes out what was used longest ago by nobody, down to the limit. */
static struct pack_file *shed_locked(struct packs *packs)
{
    struct pack_file *gone = NULL;
    while (packs->count > OPEN_MAX) {
        struct pack_file **last = NULL;
        for (struct pack_file **link = &packs->first; *link; link = &(*link)->next)
            if (!(*link)->users)
                last = link;
        if (!last)
            return gone;
        struct pack_file *file = *last;
        *last = file->next;
        file->next = gone;
        gone = file;
        packs->count--;
    }
    return gone;
}

static int open_file(struct packs *packs, const struct map_extent *extent, struct cache_file **ret,
                     struct error *err)
{
    char hex[LAYOUT_ID_BYTES], path[LAYOUT_PATH_BYTES];
    uint8_t key[SHA256_BYTES];
    hex_print(extent->id, MAP_ID_BYTES, hex);
    layout_pack_path(hex, path);
    packs_key(packs, extent->id, extent->pack_size, key);
    struct cache_source *source = pack_source_new(packs->store, path, extent->pack_size);
    int rc = cache_open(packs->cache, key, extent->pack_size, source, ret, err);
    if (rc < 0)
        source->ops->free(source);
    return rc;
}

int packs_open(struct packs *packs, const struct map_extent *extent, struct pack_file **ret,
               struct error *err)
{
    pthread_mutex_lock(&packs->lock);
    struct pack_file *file = take_locked(packs, extent);
    pthread_mutex_unlock(&packs->lock);
    if (file) {
        *ret = file;
        return 0;
    }
    struct cache_file *opened;
    int rc = open_file(packs, extent, &opened, err);
    if (rc < 0)
        return rc;
    struct pack_file *own = MEM_NEW(struct pack_file);
    *own = (struct pack_file){.packs = packs, .size = extent->pack_size, .users = 1, .file = opened};
    memcpy(own->id, extent->id, MAP_ID_BYTES);
    pthread_mutex_lock(&packs->lock);
    struct pack_file *gone = NULL;
    file = take_locked(packs, extent); /* of two threads that opened it at once, one keeps its own */
    if (file) {
        gone = own;
    } else {
        own->next = packs->first;
        packs->first = file = own;
        packs->count++;
        gone = shed_locked(packs);
    }
    pthread_mutex_unlock(&packs->lock);
    close_all(gone);
    *ret = file;
    return 0;
}

void packs_close(struct pack_file *file)
{
    struct packs *packs = file->packs;
    pthread_mutex_lock(&packs->lock);
    file->users--;
    pthread_mutex_unlock(&packs->lock);
}

struct cache_file *pack_file_cached(const struct pack_file *file)
{
    return file->file;
}
