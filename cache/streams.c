// SPDX-License-Identifier: Apache-2.0
/* A few slots, reused by age; a stream is opened outside the lock, by its first read. */
#include "cache/streams.h"

#include <pthread.h>
#include <stdbool.h>

enum { STREAMS_OPEN = 4 };

struct slot {
    struct cache_file *file;
    uint32_t source;
    unsigned users;
    uint64_t used; /* when: the clock of takes */
};

struct streams {
    struct cache *cache;
    struct extent_map *map;
    pthread_mutex_t lock; /* guards what follows */
    struct slot slots[STREAMS_OPEN];
    uint64_t clock;
};

struct streams *streams_new(struct cache *cache, struct extent_map *map)
{
    struct streams *streams = MEM_NEW(struct streams);
    streams->cache = cache;
    streams->map = map;
    pthread_mutex_init(&streams->lock, NULL);
    return streams;
}

void streams_free(struct streams *streams)
{
    if (!streams)
        return;
    for (int i = 0; i < STREAMS_OPEN; i++)
        if (streams->slots[i].file)
            cache_close(streams->slots[i].file);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}

static struct cache_file *take_open(struct streams *streams, uint32_t source)
{
    struct cache_file *file = NULL;
    pthread_mutex_lock(&streams->lock);
    for (int i = 0; i < STREAMS_OPEN && !file; i++) {
        struct slot *slot = &streams->slots[i];
        if (!slot->file || slot->source != source)
            continue;
        file = slot->file;
        slot->users++;
        slot->used = ++streams->clock;
    }
    pthread_mutex_unlock(&streams->lock);
    return file;
}

/* Puts a new file into the slot unused for longest; the one it replaces is returned for closing. If all are
 * in use the new one has no slot and is closed when it is given back. */
static struct cache_file *remember(struct streams *streams, uint32_t source, struct cache_file *file)
{
    struct cache_file *old = NULL;
    struct slot *best = NULL;
    pthread_mutex_lock(&streams->lock);
    for (int i = 0; i < STREAMS_OPEN; i++) {
        struct slot *slot = &streams->slots[i];
        if (!slot->users && (!best || slot->used < best->used))
            best = slot;
    }
    if (best) {
        old = best->file;
        *best = (struct slot){.file = file, .source = source, .users = 1, .used = ++streams->clock};
    }
    pthread_mutex_unlock(&streams->lock);
    return old;
}

int streams_take(struct streams *streams, uint32_t source, struct cache_file **ret, struct error *err)
{
    struct cache_file *file = take_open(streams, source);
    if (!file) {
        int rc = cache_open_map(streams->cache, extent_map_stream_at(streams->map, source), &file, err);
        if (rc)
            return rc;
        struct cache_file *old = remember(streams, source, file);
        if (old)
            cache_close(old);
    }
    *ret = file;
    return 0;
}

void streams_give(struct streams *streams, struct cache_file *file)
{
    bool has_slot = false;
    pthread_mutex_lock(&streams->lock);
    for (int i = 0; i < STREAMS_OPEN && !has_slot; i++)
        if (streams->slots[i].file == file) {
            streams->slots[i].users--;
            has_slot = true;
        }
    pthread_mutex_unlock(&streams->lock);
    if (!has_slot)
        cache_close(file);
}
