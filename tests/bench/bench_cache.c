// SPDX-License-Identifier: Apache-2.0
/*
 * Warm reads through the cache against pread(2) of a plain file with the same bytes, one thread, everything
 * in the page cache: 1 MiB sequential and 4 KiB random. Prints rates and ratios (cache / pread; 1.00 is
 * native). The two alternate, and the best of several rounds counts. "first" is the first pass of a process
 * over a file that is on disk already: each block is checked against its CRC32C. Arguments: [MiB].
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/cache.h"
#include "tests/cache/test_source.h"

enum { ROUNDS = 5, LARGE = 1 << 20, SMALL = 4096, RANDOM_READS = 100000 };

struct bench {
    char *folder;
    uint64_t size;
    int plain_fd;
    struct cache *cache;
    struct cache_file *file;
    struct test_counts counts;
    uint8_t *buffer;
    uint64_t sum; /* keeps the compiler from dropping reads */
};

static void must(int rc, const struct error *err)
{
    if (rc) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static void use(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    must(rc, err);
    struct bench *bench = read->ctx;
    bench->sum += *(const uint8_t *)bytes;
}

static void by_cache(struct bench *bench, uint64_t offset, size_t len)
{
    struct cache_read read = {.offset = offset, .len = len, .done = use, .ctx = bench};
    cache_read(bench->file, &read);
}

static void by_cache_now(struct bench *bench, uint64_t offset, size_t len)
{
    struct error err;
    must(cache_read_now(bench->file, offset, len, bench->buffer, &err), &err);
    bench->sum += bench->buffer[0];
}

static void by_pread(struct bench *bench, uint64_t offset, size_t len)
{
    if (pread(bench->plain_fd, bench->buffer, len, (off_t)offset) != (ssize_t)len)
        exit(1);
    bench->sum += bench->buffer[0];
}

typedef void read_fn(struct bench *bench, uint64_t offset, size_t len);

static double sequential_ns(struct bench *bench, read_fn *read)
{
    int64_t start = clock_now_ns();
    for (uint64_t at = 0; at < bench->size; at += LARGE)
        read(bench, at, LARGE);
    return (double)(clock_now_ns() - start) / (double)(bench->size / LARGE);
}

static double random_ns(struct bench *bench, read_fn *read)
{
    uint64_t x = 88172645463325252ULL;
    int64_t start = clock_now_ns();
    for (int i = 0; i < RANDOM_READS; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        read(bench, x % (bench->size / SMALL) * SMALL, SMALL);
    }
    return (double)(clock_now_ns() - start) / RANDOM_READS;
}

static void compare(struct bench *bench, const char *name, double (*pass)(struct bench *, read_fn *),
                    double bytes)
{
    read_fn *const fns[3] = {by_pread, by_cache, by_cache_now};
    double best[3] = {1e18, 1e18, 1e18};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 3; i++) {
            double ns = pass(bench, fns[i]);
            best[i] = ns < best[i] ? ns : best[i];
        }
    printf("%-18s pread %8.0f ns (%5.2f GB/s)   cache_read %8.0f ns  ratio %.2f   cache_read_now %8.0f ns  "
           "ratio %.2f\n",
           name, best[0], bytes / best[0], best[1], best[0] / best[1], best[2], best[0] / best[2]);
}

static void open_cache(struct bench *bench)
{
    static const uint8_t key[SHA256_BYTES] = {1};
    struct error err;
    struct cache_options options = {
        .folder = bench->folder, .size_bytes = UINT64_C(1) << 40, .keep_free_percent = 1};
    struct test_source_options source = {.seed = 1, .size = bench->size};
    must(cache_new(&options, &bench->cache, &err), &err);
    must(cache_open(bench->cache, key, bench->size, test_source(&source, &bench->counts), &bench->file, &err),
         &err);
}

static void close_cache(struct bench *bench)
{
    cache_close(bench->file);
    cache_free(bench->cache);
}

static void make_plain(struct bench *bench)
{
    CLEANUP_FREE char *path = mem_printf("%s/plain", bench->folder);
    bench->plain_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (uint64_t at = 0; at < bench->size; at += LARGE) {
        test_bytes(1, at, bench->buffer, LARGE);
        if (file_write_all(bench->plain_fd, bench->buffer, LARGE))
            exit(1);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {.size = (argc > 1 ? strtoull(argv[1], NULL, 0) : 256) << 20};
    struct error err;
    bench.buffer = mem_alloc(LARGE);
    must(file_make_temp_folder(NULL, "elidefs-bench", &bench.folder, &err), &err);
    make_plain(&bench);
    open_cache(&bench);
    for (uint64_t at = 0; at < bench.size; at += LARGE)
        must(cache_read_wait(bench.file, at, LARGE, bench.buffer, 0, &err), &err);
    close_cache(&bench);
    unsigned fills = bench.counts.fills;
    open_cache(&bench);
    double first = sequential_ns(&bench, by_cache), plain = sequential_ns(&bench, by_pread);
    printf("%-18s pread %8.0f ns (%5.2f GB/s)   cache_read %8.0f ns  ratio %.2f\n", "1 MiB first", plain,
           LARGE / plain, first, plain / first);
    compare(&bench, "1 MiB sequential", sequential_ns, LARGE);
    compare(&bench, "4 KiB random", random_ns, SMALL);
    printf("fills after the restart: %u (sum %llu)\n", bench.counts.fills - fills,
           (unsigned long long)bench.sum);
    close_cache(&bench);
    close(bench.plain_fd);
    file_remove_tree(bench.folder, NULL);
    free(bench.folder);
    free(bench.buffer);
    return 0;
}
