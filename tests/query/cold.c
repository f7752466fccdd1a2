// SPDX-License-Identifier: Apache-2.0
/* Each question has a cache of its own. A round ends when somebody has to wait: then all reads that are held
 * are given, and what was asked for is here before the question goes on. */
#include "tests/query/cold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "cold: %s\n", err->text);
    abort();
}

void cold_init(struct cold *cold, const char *path)
{
    struct error err = {0};
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    *cold = (struct cold){0};
    must(paged_init(&cold->paged, &err), &err);
    must(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &overlay, &err), &err);
    must(paged_put(&cold->paged, overlay, &cold->top, &err), &err);
}

void cold_done(struct cold *cold)
{
    paged_done(&cold->paged);
}

/* ---- one question ---- */

struct asking {
    struct held_store *held;
    struct page_store *store;
    struct catalog *catalog;
    unsigned rounds;
};
static struct asking *waited_for; /* by who waits: patience_read() has no other way to it */

/* All that was asked for comes. */
static void end_round(struct asking *asking)
{
    held_set_mode(asking->held, HELD_GIVE);
    page_store_settle(asking->store);
    asking->rounds++;
}

int __wrap_patience_read(struct cache_file *file, uint64_t offset, size_t len, void *to,
                         const struct catalog_patience *patience, struct error *err);
int __real_patience_read(struct cache_file *file, uint64_t offset, size_t len, void *to,
                         const struct catalog_patience *patience, struct error *err);

int __wrap_patience_read(struct cache_file *file, uint64_t offset, size_t len, void *to,
                         const struct catalog_patience *patience, struct error *err)
{
    if (!waited_for)
        return __real_patience_read(file, offset, len, to, patience, err);
    end_round(waited_for);
    int rc = __real_patience_read(file, offset, len, to, patience, err);
    held_set_mode(waited_for->held, HELD_HOLD);
    return rc;
}

static int ask_now(struct asking *asking, const struct cold_asked *asked, struct buf *answer,
                   struct error *err)
{
    enum { ENOUGH = 20000 };
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = catalog_reader_acquire(asking->catalog, PATIENCE_NONE, &reader, err);
    while (!rc && (rc = asked->ask(asked->ctx, reader, answer, err)) == -EAGAIN && asking->rounds < ENOUGH) {
        end_round(asking);
        held_set_mode(asking->held, HELD_HOLD);
        rc = 0;
    }
    return rc;
}

static int ask_once(struct asking *asking, const struct cold_asked *asked, struct buf *answer,
                    struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = catalog_reader_acquire(asking->catalog, PATIENCE_NONE, &reader, err);
    return rc ? rc : asked->ask(asked->ctx, reader, answer, err);
}

static int ask_waiting(struct asking *asking, const struct cold_asked *asked, struct buf *answer,
                       struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = catalog_reader_acquire(asking->catalog, PATIENCE_ENDLESS, &reader, err);
    waited_for = asking;
    if (!rc)
        rc = asked->ask(asked->ctx, reader, answer, err);
    waited_for = NULL;
    return rc;
}

static int ask_as_mount(struct asking *asking, const struct cold_asked *asked, struct buf *answer,
                        struct error *err)
{
    int rc = ask_once(asking, asked, answer, err);
    return rc == -EAGAIN ? ask_waiting(asking, asked, answer, err) : rc;
}

static struct cold_cost count(struct asking *asking, const struct cold_asked *asked, struct buf *answer)
{
    static int (*const ways[])(struct asking *, const struct cold_asked *, struct buf *, struct error *) = {
        [COLD_NOWAIT] = ask_now, [COLD_WAITS] = ask_waiting, [COLD_MOUNT] = ask_as_mount};
    struct error err = {0};
    struct held_store *held = asking->held;
    struct cold_cost cost = {.reads = atomic_load(&held->reads), .bytes = atomic_load(&held->bytes)};
    held_set_mode(held, HELD_HOLD);
    must(ways[asked->way](asking, asked, answer, &err), &err);
    held_set_mode(held, HELD_GIVE);
    page_store_settle(asking->store);
    cost.rounds = asking->rounds;
    cost.reads = atomic_load(&held->reads) - cost.reads;
    cost.bytes = atomic_load(&held->bytes) - cost.bytes;
    return cost;
}

static void ask_first(struct asking *asking, const struct cold_asked *asked)
{
    CLEANUP_BUF struct buf answer = BUF_INIT;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct error err = {0};
    must(catalog_reader_acquire(asking->catalog, PATIENCE_ENDLESS, &reader, &err), &err);
    must(asked->first(asked->ctx, reader, &answer, &err), &err);
    page_store_settle(asking->store);
}

struct cold_cost cold_ask(struct cold *cold, const struct cold_asked *asked, struct buf *answer)
{
    struct error err = {0};
    struct asking asking = {.held = cold->paged.held};
    CLEANUP_FREE char *folder = mem_printf("%s/cache%u", cold->paged.folder, ++cold->opened);
    struct cache_options options = {.folder = folder, .size_bytes = 1 << 30, .fill = CACHE_FILL_EXACT};
    struct cache *cache;
    must(cache_new(&options, &cache, &err), &err);
    asking.store = page_store_new(&cold->paged.held->base, cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    struct pages *pages = pages_new(asking.store, &cold->top, "it");
    asking.catalog = catalog_open_pages(pages);
    pages_want_hot(pages);
    page_store_settle(asking.store);
    if (asked->first)
        ask_first(&asking, asked);
    struct cold_cost cost = count(&asking, asked, answer);
    catalog_unref(asking.catalog);
    pages_unref(pages);
    page_store_unref(asking.store);
    cache_free(cache);
    file_remove_tree(folder, NULL);
    return cost;
}
