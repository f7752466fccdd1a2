// SPDX-License-Identifier: Apache-2.0
/* Threads read two versions that share packs through a cache that is too small for them, some giving up
 * early; every page that arrives is right. A plain program, so that it runs under ThreadSanitizer. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "tests/catalog/paged.h"

enum { THREADS = 6, READS = 300, ROUNDS = 3, PAGES = 3000, PAGE_BYTES = 4096, CHANGED_EVERY = 10 };

struct reader {
    struct pages *pages;
    unsigned version, seed;
    pthread_t thread;
};

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

static void fill(uint32_t page, unsigned version, uint8_t bytes[PAGE_BYTES])
{
    unsigned seed = page * 31 + version;
    memset(bytes, 0, PAGE_BYTES);
    for (size_t i = 100; i < 3000; i++)
        bytes[i] = (uint8_t)rand_r(&seed);
}

static unsigned version_of(uint32_t page, unsigned version)
{
    return page % CHANGED_EVERY ? 1 : version;
}

static void *read_some(void *ctx)
{
    struct reader *reader = ctx;
    uint8_t got[PAGE_BYTES], want[PAGE_BYTES];
    for (int i = 0; i < READS; i++) {
        struct error err = {0};
        uint32_t page = (uint32_t)rand_r(&reader->seed) % PAGES;
        int64_t deadline = rand_r(&reader->seed) % 3 ? 0 : clock_now_ns() + 200000;
        struct catalog_patience patience = {.nowait = i % 5 == 0, .deadline_ns = deadline};
        struct page_range range = {.page = page, .len = PAGE_BYTES};
        int rc = pages_read(reader->pages, &range, got, &patience, &err);
        if (rc == -ETIMEDOUT || rc == -EAGAIN)
            continue;
        must(rc, &err);
        fill(page, version_of(page, reader->version), want);
        if (memcmp(got, want, PAGE_BYTES) != 0)
            abort();
    }
    return NULL;
}

static struct map_top put_version(struct paged *paged, const struct map_top *parent, unsigned version)
{
    struct error err = {0};
    struct overlay *overlay = NULL;
    struct pages *pages = parent ? pages_new(paged->store, parent, "of v1") : NULL;
    struct pages_written written;
    uint8_t bytes[PAGE_BYTES];
    must(overlay_new(pages, PAGE_BYTES, &overlay, &err), &err);
    for (uint32_t page = 0; page < PAGES; page += parent ? CHANGED_EVERY : 1) {
        fill(page, version, bytes);
        must(overlay_write(overlay, page, bytes, &err), &err);
    }
    struct pages_write write = {.overlay = overlay};
    must(pages_write(paged->store, &write, &written, &err), &err);
    struct map_top top = written.top;
    pages_written_done(&written);
    overlay_free(overlay);
    pages_unref(pages);
    return top;
}

/* Both versions cold, read by all threads. */
static void run_round(struct paged *paged, const struct map_top tops[2], unsigned round)
{
    struct error err = {0};
    struct reader readers[THREADS];
    struct pages *pages[2];
    page_store_unref(paged->store);
    cache_free(paged->cache);
    CLEANUP_FREE char *folder = mem_printf("%s/cache%u", paged->folder, round);
    must(cache_new(&(struct cache_options){.folder = folder, .size_bytes = 2 << 20}, &paged->cache, &err),
         &err);
    paged->store = page_store_new(&paged->held->base, paged->cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    for (int i = 0; i < 2; i++)
        pages[i] = pages_new(paged->store, &tops[i], "of a version");
    for (unsigned i = 0; i < THREADS; i++) {
        readers[i] =
            (struct reader){.pages = pages[i % 2], .version = i % 2 + 1, .seed = round * THREADS + i + 1};
        pthread_create(&readers[i].thread, NULL, read_some, &readers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(readers[i].thread, NULL);
    pages_unref(pages[0]);
    pages_unref(pages[1]);
}

int main(void)
{
    struct error err = {0};
    struct paged paged;
    struct map_top tops[2];
    must(paged_init(&paged, &err), &err);
    tops[0] = put_version(&paged, NULL, 1);
    tops[1] = put_version(&paged, &tops[0], 2);
    for (unsigned round = 0; round < ROUNDS; round++)
        run_round(&paged, tops, round);
    paged_done(&paged);
    return 0;
}
