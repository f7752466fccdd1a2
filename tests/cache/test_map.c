// SPDX-License-Identifier: Apache-2.0
/* Extent maps read through the cache, against a model: the bytes that the map means, put together in memory.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "tests/cache/test_source.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { OBJECTS = 3, OBJECT_BYTES = 3000000, STREAMS = 3 };

struct place {
    char *folder, *cache_folder;
    struct stores *stores;
    struct store *store;
    struct store_object objects[OBJECTS];
    struct cache *cache;
    struct error err;
};

#define OK(call) cr_assert_eq((call), 0, #call ": %s", p->err.text)

static void open_cache(struct place *p, enum cache_fill_policy fill)
{
    struct cache_options options = {
        .folder = p->cache_folder, .fill = fill, .size_bytes = 1 << 30, .keep_free_percent = 1};
    OK(cache_new(&options, &p->cache, &p->err));
}

static void place_init(struct place *p, enum cache_fill_policy fill)
{
    *p = (struct place){0};
    OK(file_make_temp_folder(NULL, "elidefs-map", &p->folder, &p->err));
    p->cache_folder = mem_printf("%s/cache", p->folder);
    CLEANUP_FREE char *data = mem_printf("%s/data", p->folder);
    OK(file_make_folders(data, 0755, &p->err));
    OK(stores_new(&(struct stores_options){0}, &p->stores, &p->err));
    OK(store_open(p->stores, data, &p->store, &p->err));
    CLEANUP_FREE uint8_t *bytes = mem_alloc(OBJECT_BYTES);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "object%d", (int)i);
        test_bytes(i, 0, bytes, OBJECT_BYTES);
        OK(store_put(p->store, name, bytes, OBJECT_BYTES, STORE_PUT_REPLACE, NULL, &p->err));
        OK(store_head(p->store, name, &p->objects[i], &p->err));
    }
    open_cache(p, fill);
}

static void place_done(struct place *p)
{
    cache_free(p->cache);
    store_unref(p->store);
    stores_free(p->stores);
    file_remove_tree(p->folder, NULL);
    free(p->folder);
    free(p->cache_folder);
    check_leaks();
}

/* A map and the bytes it means. */
struct model {
    struct extent_map *map;
    struct buf bytes;
};

static void model_done(struct model *model)
{
    extent_map_unref(model->map);
    buf_done(&model->bytes);
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
    return *seed;
}

static uint64_t below(uint64_t *seed, uint64_t limit)
{
    return next(seed) % limit;
}

static void add_object(struct place *p, struct model *model, uint64_t number, uint64_t offset, uint64_t len)
{
    char name[16];
    snprintf(name, sizeof name, "object%d", (int)number);
    const struct store_object *object = &p->objects[number];
    extent_map_append(model->map, EXTENT_OBJECT,
                      extent_map_object(model->map, p->store, name, object->size, object->pin), offset, len);
    test_bytes(number, offset, buf_room(&model->bytes, len), len);
    model->bytes.len += len;
}

static void add_inline(struct model *model, uint64_t seed, size_t len)
{
    uint8_t *to = buf_room(&model->bytes, len);
    test_bytes(seed, 0, to, len);
    extent_map_append_inline(model->map, to, len);
    model->bytes.len += len;
}

static void add_zeros(struct model *model, uint64_t len)
{
    extent_map_append(model->map, EXTENT_ZERO, 0, 0, len);
    buf_zero(&model->bytes, len);
}

static void add_stream(struct model *model, const struct model *stream, uint64_t offset, uint64_t len)
{
    extent_map_append(model->map, EXTENT_STREAM, extent_map_stream(model->map, stream->map), offset, len);
    buf_append(&model->bytes, stream->bytes.data + offset, len);
}

/* Some random extents; of `streams` instead of objects, if there are any. */
static struct model random_model(struct place *p, uint64_t *seed, const struct model *streams)
{
    struct model model = {.map = extent_map_new()};
    for (uint64_t i = 0, count = 1 + below(seed, 12); i < count; i++) {
        uint64_t kind = below(seed, streams ? 5 : 3), len = 1 + below(seed, below(seed, 2) ? 200000 : 300);
        uint64_t at = below(seed, OBJECT_BYTES - len);
        if (kind == 0 && !streams)
            add_object(p, &model, below(seed, OBJECTS), at, len);
        else if (kind <= 1)
            add_inline(&model, next(seed), len % 5000 + 1);
        else if (kind == 2)
            add_zeros(&model, len % 20000 + 1);
        else {
            const struct model *stream = &streams[below(seed, STREAMS)];
            uint64_t offset = below(seed, stream->bytes.len);
            len = len < stream->bytes.len - offset ? len : stream->bytes.len - offset;
            add_stream(&model, stream, offset, len);
        }
    }
    OK(extent_map_seal(model.map, &p->err));
    return model;
}

static void expect_same(struct place *p, struct cache_file *file, const struct model *model, uint64_t offset,
                        size_t len)
{
    CLEANUP_FREE uint8_t *got = mem_alloc(len);
    OK(cache_read_wait(file, offset, len, got, 0, &p->err));
    cr_assert(!memcmp(got, model->bytes.data + offset, len), "wrong bytes at %llu+%zu of %zu",
              (unsigned long long)offset, len, model->bytes.len);
}

static void expect_same_at_random(struct place *p, const struct model *model, uint64_t *seed)
{
    struct cache_file *file = NULL;
    OK(cache_open_map(p->cache, model->map, &file, &p->err));
    cr_assert_eq(cache_size(file), model->bytes.len);
    for (int i = 0; i < 20; i++) {
        uint64_t offset = below(seed, model->bytes.len);
        expect_same(p, file, model, offset, 1 + below(seed, model->bytes.len - offset));
    }
    expect_same(p, file, model, 0, model->bytes.len);
    CLEANUP_FREE uint8_t *got = mem_alloc(model->bytes.len);
    OK(cache_read_now(file, 0, model->bytes.len, got, &p->err));
    cr_assert(!memcmp(got, model->bytes.data, model->bytes.len));
    cache_close(file);
}

static void random_maps(enum cache_fill_policy fill)
{
    struct place place, *p = &place;
    uint64_t seed = test_seed() | 1;
    place_init(p, fill);
    for (int round = 0; round < 15; round++) {
        struct model streams[STREAMS];
        for (int i = 0; i < STREAMS; i++)
            streams[i] = random_model(p, &seed, NULL);
        struct model outer = random_model(p, &seed, streams);
        expect_same_at_random(p, &outer, &seed);
        for (int i = 0; i < STREAMS; i++) {
            expect_same_at_random(p, &streams[i], &seed);
            model_done(&streams[i]);
        }
        model_done(&outer);
        if (round % 5 == 4) { /* what is on disk now must do as well */
            cache_free(p->cache);
            open_cache(p, fill);
        }
    }
    place_done(p);
}

Test(map, random_reads_of_random_maps_equal_the_model_when_filled_exactly)
{
    random_maps(CACHE_FILL_EXACT);
}

Test(map, random_reads_of_random_maps_equal_the_model_when_filled_whole)
{
    random_maps(CACHE_FILL_WHOLE);
}

Test(map, random_reads_of_random_maps_equal_the_model_when_filled_automatically)
{
    random_maps(CACHE_FILL_AUTO);
}

static struct cache_stats stats_of(struct place *p)
{
    struct cache_stats stats;
    cache_stats(p->cache, &stats);
    return stats;
}

Test(map, inline_bytes_and_zeros_cost_no_request)
{
    struct place place, *p = &place;
    place_init(p, CACHE_FILL_EXACT);
    struct model model = {.map = extent_map_new()};
    struct cache_file *file = NULL;
    add_inline(&model, 9, 1500);
    add_zeros(&model, 700);
    add_object(p, &model, 0, 5, 10000);
    OK(extent_map_seal(model.map, &p->err));
    OK(cache_open_map(p->cache, model.map, &file, &p->err));
    expect_same(p, file, &model, 0, 1500);
    expect_same(p, file, &model, 1500, 700);
    cr_assert_eq(stats_of(p).fetches, 0);
    expect_same(p, file, &model, 100, 3000);
    cr_assert_eq(stats_of(p).fetches, 1);
    cr_assert_eq(stats_of(p).bytes_fetched, 4096 - 2200, "the object's share of block 0");
    cache_close(file);
    model_done(&model);
    place_done(p);
}

Test(map, a_map_of_inline_bytes_alone_leaves_nothing_on_disk)
{
    struct place place, *p = &place;
    place_init(p, CACHE_FILL_EXACT);
    struct model model = {.map = extent_map_new()};
    struct cache_file *file = NULL;
    add_inline(&model, 9, 15000);
    add_zeros(&model, 100);
    OK(extent_map_seal(model.map, &p->err));
    OK(cache_open_map(p->cache, model.map, &file, &p->err));
    expect_same(p, file, &model, 10, 15050);
    cr_assert_eq(cache_complete_fd(file), -1);
    cr_assert_eq(stats_of(p).files_on_disk, 0);
    cache_close(file);
    model_done(&model);
    place_done(p);
}

Test(map, a_byte_read_through_a_derived_file_is_kept_once_in_the_clips_own)
{
    struct place place, *p = &place;
    place_init(p, CACHE_FILL_EXACT);
    struct model clip = {.map = extent_map_new()}, cut = {.map = extent_map_new()};
    struct cache_file *file = NULL;
    add_inline(&clip, 1, 100);
    add_object(p, &clip, 1, 1000, 500000);
    OK(extent_map_seal(clip.map, &p->err));
    add_inline(&cut, 2, 50);
    add_stream(&cut, &clip, 4096, 8192);
    OK(extent_map_seal(cut.map, &p->err));
    OK(cache_open_map(p->cache, cut.map, &file, &p->err));
    expect_same(p, file, &cut, 0, 8242);
    cr_assert_eq(stats_of(p).bytes_fetched, 8192);
    cr_assert_eq(stats_of(p).files_on_disk, 1, "the clip's");
    cache_close(file);
    OK(cache_open_map(p->cache, clip.map, &file, &p->err));
    expect_same(p, file, &clip, 4096, 8192);
    cr_assert_eq(stats_of(p).bytes_fetched, 8192);
    cache_close(file);
    model_done(&clip);
    model_done(&cut);
    place_done(p);
}

Test(map, small_gaps_between_extents_are_read_through_and_large_ones_are_not)
{
    struct place place, *p = &place;
    place_init(p, CACHE_FILL_EXACT);
    struct model model = {.map = extent_map_new()};
    struct cache_file *file = NULL;
    add_object(p, &model, 0, 1000, 3000);
    add_inline(&model, 3, 10);
    add_object(p, &model, 0, 5000, 3000);    /* 1000 bytes behind: the same request */
    add_object(p, &model, 0, 1000000, 3000); /* far behind: another one */
    add_object(p, &model, 0, 500000, 3000);  /* before: another one */
    OK(extent_map_seal(model.map, &p->err));
    OK(cache_open_map(p->cache, model.map, &file, &p->err));
    expect_same(p, file, &model, 0, model.bytes.len);
    cr_assert_eq(stats_of(p).fetches, 3);
    cr_assert_eq(stats_of(p).bytes_fetched, 4 * 3000 + 1000);
    cache_close(file);
    model_done(&model);
    place_done(p);
}

Test(map, an_object_overwritten_after_import_is_an_error_that_names_it_and_never_mixed_bytes)
{
    struct place place, *p = &place;
    place_init(p, CACHE_FILL_EXACT);
    struct model model = {.map = extent_map_new()};
    struct cache_file *file = NULL;
    uint8_t got[20];
    add_object(p, &model, 0, 0, 100000);
    OK(extent_map_seal(model.map, &p->err));
    OK(cache_open_map(p->cache, model.map, &file, &p->err));
    expect_same(p, file, &model, 0, 20);
    OK(store_put(p->store, "object0", "other bytes", 11, STORE_PUT_REPLACE, NULL, &p->err));
    int rc = cache_read_wait(file, 50000, 20, got, 0, &p->err);
    cr_assert_lt(rc, 0);
    cr_assert_eq(rc, -p->err.code);
    cr_assert(strstr(p->err.text, "object0"), "%s", p->err.text);
    expect_same(p, file, &model, 0, 20); /* what was pinned and fetched stays right */
    cache_close(file);
    model_done(&model);
    place_done(p);
}
