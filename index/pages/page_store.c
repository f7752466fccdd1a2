// SPDX-License-Identifier: Apache-2.0
/* What is fetched ahead is a read of the cache whose bytes nobody takes: they are in its file afterwards. */
#include "index/pages/page_store.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "index/base/layout.h"
#include "index/pages/frame.h"
#include "index/pages/packs.h"

enum { MEMORY_BYTES = 32 << 20, FRAMERS = 16, WANTS_MAX = 1024 };

struct want {
    struct page_store *store;
    struct pack_file *file;
    struct cache_read read;
    struct want *prev, *next;
};

struct page_store {
    atomic_uint refs;
    struct store *inner;
    struct cache *cache;
    char *uuid;
    struct packs *packs;
    struct page_cache *memory;
    _Atomic(struct framer *) framers[FRAMERS]; /* spare ones */
    pthread_mutex_t lock;                      /* guards what follows */
    pthread_cond_t ended;
    struct want *wants;
    unsigned want_count;
    bool stopping;
};

struct page_store *page_store_new(struct store *store, struct cache *cache, const char *uuid)
{
    struct page_store *made = MEM_NEW(struct page_store);
    atomic_init(&made->refs, 1);
    made->inner = store_ref(store);
    made->cache = cache;
    made->uuid = mem_text(uuid);
    made->packs = packs_new(store, cache, made->uuid);
    made->memory = page_cache_new(MEMORY_BYTES);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->ended, NULL);
    return made;
}

void page_store_settle(struct page_store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->want_count)
        pthread_cond_wait(&store->ended, &store->lock);
    pthread_mutex_unlock(&store->lock);
}

static void end_wants(struct page_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    for (struct want *want = store->wants; want; want = want->next)
        cache_read_cancel(pack_file_cached(want->file), &want->read);
    pthread_mutex_unlock(&store->lock);
    page_store_settle(store);
}

struct page_store *page_store_ref(struct page_store *store)
{
    atomic_fetch_add(&store->refs, 1);
    return store;
}

void page_store_unref(struct page_store *store)
{
    if (!store || atomic_fetch_sub(&store->refs, 1) != 1)
        return;
    end_wants(store);
    packs_free(store->packs);
    page_cache_free(store->memory);
    for (int i = 0; i < FRAMERS; i++)
        framer_free(atomic_load(&store->framers[i]));
    pthread_cond_destroy(&store->ended);
    pthread_mutex_destroy(&store->lock);
    store_unref(store->inner);
    free(store->uuid);
    free(store);
}

struct store *page_store_inner(const struct page_store *store)
{
    return store->inner;
}

int page_store_damaged(const struct piece *piece, struct error *err, const char *what)
{
    char hex[LAYOUT_ID_BYTES], path[LAYOUT_PATH_BYTES];
    hex_print(piece->at.id, MAP_ID_BYTES, hex);
    layout_pack_path(hex, path);
    return error_set(err, EUCLEAN, "the catalog %s is damaged: %s %u in %s at %u+%u %s", piece->name,
                     piece->what, piece->number, path, piece->at.offset, piece->at.len, what);
}

/* ---- ahead ---- */

static void want_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct want *want = read->ctx;
    struct page_store *store = want->store;
    packs_close(want->file);
    pthread_mutex_lock(&store->lock);
    *(want->prev ? &want->prev->next : &store->wants) = want->next;
    if (want->next)
        want->next->prev = want->prev;
    store->want_count--;
    pthread_cond_broadcast(&store->ended); /* the store may be gone behind the unlock */
    pthread_mutex_unlock(&store->lock);
    free(want);
}

/* Listed before it is asked for: it may end in this thread. A cancel must find it begun, so it waits for
 * the last reference, which whoever asks for pages has one of. */
static bool list_want(struct page_store *store, struct want *want)
{
    pthread_mutex_lock(&store->lock);
    bool room = store->want_count < WANTS_MAX && !store->stopping;
    if (room) {
        want->next = store->wants;
        if (want->next)
            want->next->prev = want;
        store->wants = want;
        store->want_count++;
    }
    pthread_mutex_unlock(&store->lock);
    return room;
}

void page_store_want(struct page_store *store, const struct map_extent *extent)
{
    struct pack_file *file;
    if (!extent->len || packs_open(store->packs, extent, &file, NULL) < 0)
        return;
    struct want *want = MEM_NEW(struct want);
    *want = (struct want){.store = store, .file = file};
    want->read =
        (struct cache_read){.offset = extent->offset, .len = extent->len, .done = want_done, .ctx = want};
    if (list_want(store, want)) {
        cache_read(pack_file_cached(file), &want->read);
        return;
    }
    packs_close(file);
    free(want);
}

/* ---- pieces ---- */

static int read_once(struct page_store *store, struct cache_file *file, const struct piece *piece,
                     const struct catalog_patience *patience, void *to, struct error *err)
{
    int rc = patience_check(patience, err);
    if (!rc)
        rc = cache_read_now(file, piece->at.offset, piece->at.len, to, err);
    if (rc != -EAGAIN)
        return rc;
    if (!patience->nowait)
        return patience_read(file, piece->at.offset, piece->at.len, to, patience, err);
    if (!patience->local)
        page_store_want(store, &piece->at);
    return error_set(err, EAGAIN, "%s %u of the catalog %s is not here yet", piece->what, piece->number,
                     piece->name);
}

static bool has_hash(const struct piece *piece, const void *bytes)
{
    uint8_t hash[MAP_HASH_BYTES];
    map_hash(bytes, piece->at.len, hash);
    return !memcmp(hash, piece->hash, MAP_HASH_BYTES);
}

/* The local file may hold what was damaged on its way here: that is fetched again once. */
static int read_verified(struct page_store *store, const struct piece *piece,
                         const struct catalog_patience *patience, void *to, struct error *err)
{
    WITH_ERROR(err);
    struct pack_file *pack;
    int rc = packs_open(store->packs, &piece->at, &pack, err);
    if (rc < 0)
        return rc;
    struct cache_file *file = pack_file_cached(pack);
    rc = read_once(store, file, piece, patience, to, err);
    if (!rc && !has_hash(piece, to)) {
        cache_forget(file, piece->at.offset, piece->at.len);
        rc = read_once(store, file, piece, patience, to, err);
        if (!rc && !has_hash(piece, to)) {
            cache_forget(file, piece->at.offset, piece->at.len);
            rc = page_store_damaged(piece, err, "has another SHA-256 than its page map says");
        }
    }
    packs_close(pack);
    bool named = rc >= 0 || rc == -EAGAIN || strstr(err->text, piece->name);
    return named ? rc : error_within(err, rc, "the catalog %s", piece->name);
}

static int unpack(struct page_store *store, const struct piece *piece, const void *bytes, void *to,
                  struct error *err)
{
    struct framer *framer = NULL;
    struct error why;
    for (int i = 0; i < FRAMERS && !framer; i++)
        framer = atomic_exchange(&store->framers[i], NULL);
    if (!framer)
        framer = framer_new();
    int rc = framer_unpack(framer, bytes, piece->at.len, piece->page_bytes, to, &why);
    for (int i = 0; i < FRAMERS && framer; i++) {
        struct framer *none = NULL;
        if (atomic_compare_exchange_strong(&store->framers[i], &none, framer))
            framer = NULL;
    }
    framer_free(framer);
    return rc < 0 ? page_store_damaged(piece, err, why.text) : 0;
}

static int bring(struct page_store *store, const struct piece *piece, const struct catalog_patience *patience,
                 struct page_bytes **ret, struct error *err)
{
    CLEANUP_PAGE_BYTES struct page_bytes *stored = page_bytes_new(piece->at.len);
    int rc = read_verified(store, piece, patience, stored->bytes, err);
    if (rc < 0 || !piece->page_bytes) {
        if (!rc)
            *ret = STEAL(stored);
        return rc;
    }
    CLEANUP_PAGE_BYTES struct page_bytes *page = page_bytes_new(piece->page_bytes);
    rc = unpack(store, piece, stored->bytes, page->bytes, err);
    if (!rc)
        *ret = STEAL(page);
    return rc;
}

int page_store_piece(struct page_store *store, const struct piece *piece,
                     const struct catalog_patience *patience, struct page_bytes **ret, struct error *err)
{
    uint32_t len = piece->page_bytes ? piece->page_bytes : piece->at.len;
    struct page_bytes *found = page_cache_find(store->memory, piece->hash);
    if (found && found->len == len) {
        *ret = found;
        return 0;
    }
    if (found) { /* a map that takes a node for a page */
        page_bytes_unref(found);
        return page_store_damaged(piece, err, "is of another kind");
    }
    int rc = bring(store, piece, patience, &found, err);
    if (rc < 0)
        return rc;
    page_cache_add(store->memory, piece->hash, found);
    *ret = found;
    return 0;
}

struct page_bytes *page_store_find(struct page_store *store, const uint8_t hash[MAP_HASH_BYTES], uint32_t len)
{
    struct page_bytes *found = page_cache_find(store->memory, hash);
    if (found && found->len != len) {
        page_bytes_unref(found);
        found = NULL;
    }
    return found;
}

bool page_store_here(struct page_store *store, const struct piece *piece)
{
    struct page_bytes *found = page_cache_find(store->memory, piece->hash);
    if (found)
        page_bytes_unref(found);
    return found;
}

int page_store_raw(struct page_store *store, const struct piece *piece,
                   const struct catalog_patience *patience, struct buf *buf, struct error *err)
{
    int rc = read_verified(store, piece, patience, buf_room(buf, piece->at.len), err);
    if (rc < 0)
        return rc;
    buf->len += piece->at.len;
    buf->data[buf->len] = 0;
    return 0;
}
