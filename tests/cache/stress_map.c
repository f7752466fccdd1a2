// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that read clips and files derived from clips at random over a local store, with deadlines that cut
 * some reads short, two caches on one folder, and a size limit. Every byte is compared with a model.
 * A plain program, so that it runs under ThreadSanitizer. Arguments: seconds [seed].
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "tests/cache/test_source.h"

enum {
    CLIPS = 6,
    DERIVED = 6,
    MAPS = CLIPS + DERIVED,
    OBJECT_BYTES = 4 << 20,
    READERS = 4,
    READ_MAX = 200000
};

struct model {
    struct extent_map *map;
    struct buf bytes;
};

struct stress {
    struct cache *caches[2];
    struct store *store;
    struct store_object object;
    struct model models[MAPS];
    int64_t end_ns;
    atomic_uint ok, late, wrong;
};

struct reader {
    struct stress *stress;
    uint64_t random;
};

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static uint64_t below(uint64_t *x, uint64_t limit)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x % limit;
}

static void append_object(struct stress *stress, struct model *model, uint64_t offset, uint64_t len)
{
    uint32_t object =
        extent_map_object(model->map, stress->store, "object", stress->object.size, stress->object.pin);
    extent_map_append(model->map, EXTENT_OBJECT, object, offset, len);
    test_bytes(1, offset, buf_room(&model->bytes, len), len);
    model->bytes.len += len;
}

static void append_header(struct model *model, uint64_t seed)
{
    uint8_t header[700];
    test_bytes(seed, 0, header, sizeof header);
    extent_map_append_inline(model->map, header, sizeof header);
    buf_append(&model->bytes, header, sizeof header);
}

static void append_stream(struct model *model, const struct model *clip, uint64_t offset, uint64_t len)
{
    extent_map_append(model->map, EXTENT_STREAM, extent_map_stream(model->map, clip->map), offset, len);
    buf_append(&model->bytes, clip->bytes.data + offset, len);
}

static void make_models(struct stress *stress, uint64_t *seed)
{
    struct error err;
    for (int i = 0; i < MAPS; i++) {
        struct model *model = &stress->models[i];
        *model = (struct model){.map = extent_map_new()};
        append_header(model, (uint64_t)i + 5);
        for (int k = 0; k < 4; k++) {
            uint64_t len = 1 + below(seed, 200000);
            if (i < CLIPS)
                append_object(stress, model, below(seed, OBJECT_BYTES - len), len);
            else {
                const struct model *clip = &stress->models[below(seed, CLIPS)];
                append_stream(model, clip, below(seed, clip->bytes.len / 2), clip->bytes.len / 3);
            }
        }
        must(extent_map_seal(model->map, &err), &err);
    }
}

static void read_map(struct reader *reader, uint8_t *buffer)
{
    struct stress *stress = reader->stress;
    const struct model *model = &stress->models[below(&reader->random, MAPS)];
    struct cache_file *file;
    struct error err;
    must(cache_open_map(stress->caches[below(&reader->random, 2)], model->map, &file, &err), &err);
    for (uint64_t reads = 1 + below(&reader->random, 10); reads; reads--) {
        uint64_t offset = below(&reader->random, model->bytes.len), left = model->bytes.len - offset;
        size_t len = 1 + below(&reader->random, left < READ_MAX ? left : READ_MAX);
        int64_t deadline =
            below(&reader->random, 5) ? 0 : clock_now_ns() + (int64_t)below(&reader->random, 500000);
        int rc = cache_read_wait(file, offset, len, buffer, deadline, &err);
        if (!rc && memcmp(buffer, model->bytes.data + offset, len))
            atomic_fetch_add(&stress->wrong, 1);
        else if (rc && (!deadline || rc != -ETIMEDOUT))
            must(rc, &err);
        atomic_fetch_add(rc ? &stress->late : &stress->ok, 1);
    }
    cache_close(file);
}

static void *run_reader(void *ctx)
{
    struct reader *reader = ctx;
    uint8_t *buffer = mem_alloc(READ_MAX);
    while (clock_now_ns() < reader->stress->end_ns)
        read_map(reader, buffer);
    free(buffer);
    return NULL;
}

static void run_readers(struct stress *stress, uint64_t seed)
{
    pthread_t threads[READERS];
    struct reader readers[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.stress = stress, .random = seed * 31 + i + 1};
        pthread_create(&threads[i], NULL, run_reader, &readers[i]);
    }
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
}

static void put_object(struct stress *stress)
{
    struct error err;
    uint8_t *bytes = mem_alloc(OBJECT_BYTES);
    test_bytes(1, 0, bytes, OBJECT_BYTES);
    must(store_put(stress->store, "object", bytes, OBJECT_BYTES, STORE_PUT_REPLACE, NULL, &err), &err);
    must(store_head(stress->store, "object", &stress->object, &err), &err);
    free(bytes);
}

int main(int argc, char **argv)
{
    struct stress stress = {.end_ns = clock_now_ns() + (argc > 1 ? atoi(argv[1]) : 3) * INT64_C(1000000000)};
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)instant_now(), seed = first;
    struct stores *stores;
    struct error err;
    char *folder = NULL;
    must(file_make_temp_folder(NULL, "elidefs-stress", &folder, &err), &err);
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(store_open(stores, folder, &stress.store, &err), &err);
    put_object(&stress);
    make_models(&stress, &seed);
    char *cache_folder = mem_printf("%s/cache", folder);
    for (int i = 0; i < 2; i++) {
        struct cache_options options = {
            .folder = cache_folder, .size_bytes = 5 << 20, .keep_free_percent = 1, .memory_bytes = 1 << 20};
        must(cache_new(&options, &stress.caches[i], &err), &err);
    }
    run_readers(&stress, seed);
    printf("seed %llu: %u reads ok, %u late, %u wrong\n", (unsigned long long)first, stress.ok, stress.late,
           stress.wrong);
    for (int i = 0; i < 2; i++)
        cache_free(stress.caches[i]);
    for (int i = 0; i < MAPS; i++) {
        extent_map_unref(stress.models[i].map);
        buf_done(&stress.models[i].bytes);
    }
    store_unref(stress.store);
    stores_free(stores);
    file_remove_tree(folder, NULL);
    free(folder);
    free(cache_folder);
    return stress.wrong || !stress.ok;
}
