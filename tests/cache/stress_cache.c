// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that open, read, cancel, probe and close a few files at random, through two caches on one folder,
 * with a source that fails now and then and a size limit that keeps eviction busy. Every byte is compared.
 * A plain program, so that it runs under ThreadSanitizer. Arguments: seconds [seed].
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/handle.h"
#include "tests/cache/test_source.h"

enum { FILES = 12, CACHES = 2, READERS = 4, READ_MAX = 300000 };

struct stress {
    struct cache *caches[CACHES];
    struct test_counts counts;
    int64_t end_ns;
    uint64_t seed;
    atomic_uint ok, failed, cancelled, wrong;
};

struct reader {
    struct stress *stress;
    uint64_t random;
    unsigned number;
};

static uint64_t below(struct reader *reader, uint64_t limit)
{
    uint64_t *x = &reader->random;
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x % limit;
}

static uint64_t size_of(uint64_t file)
{
    return 20000 + file * file * 40009;
}

static void check(struct stress *stress, uint64_t file, uint64_t offset, const uint8_t *bytes, size_t len)
{
    CLEANUP_FREE uint8_t *want = mem_alloc(len);
    test_bytes(file, offset, want, len);
    if (!memcmp(want, bytes, len))
        return;
    fprintf(stderr, "file %d: wrong bytes at %llu+%zu\n", (int)file, (unsigned long long)offset, len);
    atomic_fetch_add(&stress->wrong, 1);
}

static void count_end(struct stress *stress, int rc)
{
    if (!rc)
        atomic_fetch_add(&stress->ok, 1);
    else if (rc == -ECANCELED || rc == -ETIMEDOUT)
        atomic_fetch_add(&stress->cancelled, 1);
    else
        atomic_fetch_add(&stress->failed, 1);
}

/* ---- reads that may be cancelled ---- */

struct asked {
    struct cache_read read; /* first */
    struct stress *stress;
    uint64_t file;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended;
};

static void asked_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct asked *asked = (struct asked *)read;
    if (!rc)
        check(asked->stress, asked->file, read->offset, bytes, read->len);
    count_end(asked->stress, rc);
    pthread_mutex_lock(&asked->lock);
    asked->ended = true;
    pthread_cond_signal(&asked->wake);
    pthread_mutex_unlock(&asked->lock);
}

static void read_and_cancel(struct reader *reader, struct cache_file *file, struct asked *asked)
{
    pthread_mutex_init(&asked->lock, NULL);
    pthread_cond_init(&asked->wake, NULL);
    cache_read(file, &asked->read);
    if (below(reader, 2))
        nanosleep(&(struct timespec){.tv_nsec = (long)below(reader, 300000)}, NULL);
    pthread_mutex_lock(&asked->lock);
    if (!asked->ended && below(reader, 4))
        cache_read_cancel(file, &asked->read);
    while (!asked->ended)
        pthread_cond_wait(&asked->wake, &asked->lock);
    pthread_mutex_unlock(&asked->lock);
    pthread_cond_destroy(&asked->wake);
    pthread_mutex_destroy(&asked->lock);
}

/* ---- one reader ---- */

static void read_once(struct reader *reader, struct cache_file *file, uint64_t number, uint8_t *buffer)
{
    struct stress *stress = reader->stress;
    struct error err;
    uint64_t offset = below(reader, size_of(number)), left = size_of(number) - offset;
    size_t len = 1 + below(reader, left < READ_MAX ? left : READ_MAX);
    uint64_t how = below(reader, 8);
    if (how == 0) {
        struct asked asked = {
            .read = {.offset = offset, .len = len, .done = asked_done}, .stress = stress, .file = number};
        read_and_cancel(reader, file, &asked);
    } else if (how == 1) {
        if (!cache_read_now(file, offset, len, buffer, &err))
            check(stress, number, offset, buffer, len);
    } else if (how == 2) {
        cached_check(file->cached);
        int fd = cache_complete_fd(file);
        if (fd >= 0 && pread(fd, buffer, len, (off_t)offset) == (ssize_t)len)
            check(stress, number, offset, buffer, len);
    } else {
        int64_t deadline = how == 3 ? clock_now_ns() + (int64_t)below(reader, 2000000) : 0;
        int rc = cache_read_wait(file, offset, len, buffer, deadline, &err);
        if (!rc)
            check(stress, number, offset, buffer, len);
        count_end(stress, rc);
    }
}

static void read_file(struct reader *reader, uint8_t *buffer)
{
    struct stress *stress = reader->stress;
    uint64_t number = below(reader, FILES);
    uint8_t key[SHA256_BYTES] = {(uint8_t)number, 1, 2, 3};
    struct test_source_options options = {.seed = number,
                                          .size = size_of(number),
                                          .piece_bytes = 2000 + below(reader, 40000),
                                          .delay_us = (unsigned)below(reader, 60),
                                          .fail_every = 16,
                                          .inside_start = below(reader, 4) == 0};
    struct cache *cache = stress->caches[below(reader, CACHES)];
    struct cache_file *file;
    struct error err;
    if (cache_open(cache, key, options.size, test_source(&options, &stress->counts), &file, &err)) {
        fprintf(stderr, "%s\n", err.text);
        atomic_fetch_add(&stress->wrong, 1);
        return;
    }
    for (uint64_t reads = 1 + below(reader, 12); reads; reads--)
        read_once(reader, file, number, buffer);
    cache_close(file);
}

static void *run_reader(void *ctx)
{
    struct reader *reader = ctx;
    uint8_t *buffer = mem_alloc(READ_MAX);
    while (clock_now_ns() < reader->stress->end_ns)
        read_file(reader, buffer);
    free(buffer);
    return NULL;
}

static int report(struct stress *stress)
{
    struct cache_stats stats;
    printf("seed %llu: %u reads ok, %u failed, %u cancelled, %u wrong; fills %u\n",
           (unsigned long long)stress->seed, stress->ok, stress->failed, stress->cancelled, stress->wrong,
           stress->counts.fills);
    for (int i = 0; i < CACHES; i++) {
        cache_stats(stress->caches[i], &stats);
        printf("cache %d: %llu fetched, %llu on disk, %llu evicted, %llu bad blocks%s%s\n", i,
               (unsigned long long)stats.bytes_fetched, (unsigned long long)stats.bytes_on_disk,
               (unsigned long long)stats.evicted_bytes, (unsigned long long)stats.blocks_bad,
               stats.disk_failed ? ", disk failed: " : "", stats.disk_reason);
    }
    return stress->wrong || !stress->ok;
}

int main(int argc, char **argv)
{
    struct stress stress = {.seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)instant_now()};
    struct error err;
    char *folder = NULL;
    stress.end_ns = clock_now_ns() + (argc > 1 ? atoi(argv[1]) : 3) * INT64_C(1000000000);
    if (file_make_temp_folder(NULL, "elidefs-stress", &folder, &err))
        return fprintf(stderr, "%s\n", err.text), 1;
    for (int i = 0; i < CACHES; i++) {
        struct cache_options options = {.folder = folder,
                                        .size_bytes = 6 << 20,
                                        .keep_free_percent = 1,
                                        .fill = (enum cache_fill_policy)i,
                                        .inflight_bytes = 2 << 20,
                                        .memory_bytes = 2 << 20,
                                        .no_io_uring = i == 1};
        if (cache_new(&options, &stress.caches[i], &err))
            return fprintf(stderr, "%s\n", err.text), 1;
    }
    pthread_t threads[READERS];
    struct reader readers[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.stress = &stress, .number = i, .random = stress.seed * 31 + i + 1};
        pthread_create(&threads[i], NULL, run_reader, &readers[i]);
    }
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    int rc = report(&stress);
    for (int i = 0; i < CACHES; i++)
        cache_free(stress.caches[i]);
    while (atomic_load(&stress.counts.running)) /* the source's threads touch its counts last */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    file_remove_tree(folder, NULL);
    free(folder);
    return rc;
}
