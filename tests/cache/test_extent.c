// SPDX-License-Identifier: Apache-2.0
/* Extent maps and side files: golden keys and bytes, and what breaks an invariant. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/extent.h"
#include "cache/side.h"
#include "tests/test_leaks.h"

struct place {
    struct stores *stores;
    struct store *store;
};

static struct place place_new(void)
{
    struct place place;
    cr_assert_eq(stores_new(&(struct stores_options){0}, &place.stores, NULL), 0);
    cr_assert_eq(store_open(place.stores, "/data/kitchen", &place.store, NULL), 0);
    return place;
}

static void place_done(struct place *place)
{
    store_unref(place->store);
    stores_free(place->stores);
    check_leaks();
}

static void expect_key(struct extent_map *map, const char *hex)
{
    uint8_t key[SHA256_BYTES];
    char got[SHA256_HEX_BYTES];
    struct error err = {0};
    cr_assert_eq(extent_map_seal(map, &err), 0, "%s", err.text);
    extent_map_key(map, key);
    hex_print(key, sizeof key, got);
    cr_assert_str_eq(got, hex);
}

static struct extent_map *golden_clip(struct place *place)
{
    struct extent_map *map = extent_map_new();
    uint32_t object = extent_map_object(map, place->store, "videos/front.mp4", 1000000, "mtime=5;inode=7");
    extent_map_append_inline(map, "head", 4);
    extent_map_append(map, EXTENT_OBJECT, object, 70000, 5000);
    extent_map_append(map, EXTENT_ZERO, 0, 0, 3);
    extent_map_append(map, EXTENT_OBJECT, object, 0, 100);
    return map;
}

static const char golden_clip_key[] = "d8dc39ef11da5847c2f0d81402a9d1a6bd98ea16a551d40967ed4088332c9229";

Test(extent, the_keys_are_the_golden_ones)
{
    struct place place = place_new();
    struct extent_map *empty = extent_map_new(), *hello = extent_map_new(), *clip = golden_clip(&place),
                      *cut = extent_map_new();
    expect_key(empty, "1fd1fb1addd9db0df30f4959a6bbaa94c3e132c2c2759d9c17638d4878fd681a");
    extent_map_append_inline(hello, "hello", 5);
    expect_key(hello, "338bee825a5a4fbb834beade09f5ecd1b0cb6fbd7f8cd565b7bdd3e9d8ccba0e");
    expect_key(clip, golden_clip_key);
    extent_map_append_inline(cut, "0123456789", 10);
    extent_map_append(cut, EXTENT_STREAM, extent_map_stream(cut, clip), 104, 200);
    extent_map_append(cut, EXTENT_ZERO, 0, 0, 7);
    expect_key(cut, "3ab4af19c479efd656ab274b93ab8ef627505a1ab7c08072eba4d844ad9cb0d2");
    extent_map_unref(empty), extent_map_unref(hello), extent_map_unref(clip), extent_map_unref(cut);
    place_done(&place);
}

Test(extent, a_map_cut_otherwise_has_the_same_key)
{
    struct place place = place_new();
    struct extent_map *map = extent_map_new();
    extent_map_object(map, place.store, "unused", 5, "x");
    uint32_t a = extent_map_object(map, place.store, "videos/front.mp4", 1000000, "mtime=5;inode=7");
    uint32_t b = extent_map_object(map, place.store, "videos/front.mp4", 1000000, "mtime=5;inode=7");
    extent_map_append_inline(map, "he", 2);
    extent_map_append_inline(map, "ad", 2);
    extent_map_append(map, EXTENT_OBJECT, a, 70000, 1000);
    extent_map_append(map, EXTENT_OBJECT, a, 71000, 4000);
    extent_map_append(map, EXTENT_ZERO, 0, 0, 1);
    extent_map_append(map, EXTENT_ZERO, 0, 0, 2);
    extent_map_append(map, EXTENT_OBJECT, b, 0, 100);
    expect_key(map, golden_clip_key);
    cr_assert_eq(extent_map_count(map), 4);
    extent_map_unref(map);
    place_done(&place);
}

Test(extent, every_offset_is_found_in_the_extent_that_holds_it)
{
    struct place place = place_new();
    struct extent_map *map = golden_clip(&place);
    cr_assert_eq(extent_map_seal(map, NULL), 0);
    cr_assert_eq(extent_map_size(map), 5107);
    for (uint64_t offset = 0; offset < 5107; offset++) {
        const struct extent *extent = extent_map_at(map, extent_map_find(map, offset));
        cr_assert(extent->start <= offset && offset < extent->start + extent->len, "offset %u",
                  (unsigned)offset);
    }
    cr_assert(!memcmp(extent_map_inline(map, extent_map_at(map, 0)), "head", 4));
    cr_assert_str_eq(extent_map_object_at(map, 0)->path, "videos/front.mp4");
    extent_map_unref(map);
    place_done(&place);
}

static void expect_refused(struct extent_map *map, int code, const char *words)
{
    struct error err = {0};
    cr_assert_eq(extent_map_seal(map, &err), -code, "%s", err.text);
    cr_assert(strstr(err.text, words), "%s", err.text);
    extent_map_unref(map);
}

Test(extent, what_breaks_an_invariant_is_refused_with_the_place)
{
    struct place place = place_new();
    struct extent_map *map = golden_clip(&place);
    extent_map_append(map, EXTENT_OBJECT, 0, 999999, 2);
    expect_refused(map, EINVAL,
                   "extent at 5107: bytes 999999+2 lie outside the 1000000 bytes of videos/front.mp4");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_OBJECT, 0, UINT64_MAX, 2);
    expect_refused(map, EINVAL, "outside");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_OBJECT, 1, 0, 2);
    expect_refused(map, EINVAL, "names object 1, the map has 1");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_STREAM, 0, 0, 2);
    expect_refused(map, EINVAL, "names stream 0, the map has 0");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_STREAM, 0, 0, 0);
    expect_refused(map, EINVAL, "empty");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_INLINE, 0, 3, 2);
    expect_refused(map, EINVAL, "inline bytes");
    map = golden_clip(&place);
    extent_map_append(map, EXTENT_ZERO, 0, 0, UINT64_MAX - 5);
    expect_refused(map, EFBIG, "longer");
    map = golden_clip(&place);
    extent_map_append(map, (enum extent_kind)9, 0, 0, 1);
    expect_refused(map, EINVAL, "unknown kind 9");
    place_done(&place);
}

Test(extent, objects_and_streams_in_one_map_are_refused_and_both_extents_named)
{
    struct place place = place_new();
    struct extent_map *clip = golden_clip(&place);
    cr_assert_eq(extent_map_seal(clip, NULL), 0);
    for (int stream_first = 0; stream_first < 2; stream_first++) {
        struct extent_map *map = extent_map_new();
        uint32_t object = extent_map_object(map, place.store, "b", 60, "mtime=1;inode=2");
        uint32_t stream = extent_map_stream(map, clip);
        extent_map_append_inline(map, "0123456789", 10);
        extent_map_append(map, stream_first ? EXTENT_STREAM : EXTENT_OBJECT, stream_first ? stream : object,
                          3, 50);
        extent_map_append(map, EXTENT_ZERO, 0, 0, 5);
        extent_map_append(map, stream_first ? EXTENT_OBJECT : EXTENT_STREAM, stream_first ? object : stream,
                          3, 50);
        expect_refused(map, EINVAL,
                       stream_first ? "extent at 10 is of a stream and that at 65 of an object"
                                    : "extent at 10 is of an object and that at 65 of a stream");
    }
    extent_map_unref(clip);
    place_done(&place);
}

Test(extent, streams_nest_eight_deep_and_no_deeper)
{
    struct extent_map *map = extent_map_new();
    extent_map_append_inline(map, "x", 1);
    cr_assert_eq(extent_map_seal(map, NULL), 0);
    for (int depth = 1; depth <= EXTENT_DEPTH_MAX + 1; depth++) {
        struct extent_map *outer = extent_map_new();
        extent_map_append(outer, EXTENT_STREAM, extent_map_stream(outer, map), 0, 1);
        extent_map_unref(map);
        map = outer;
        cr_assert_eq(extent_map_seal(map, NULL), depth > EXTENT_DEPTH_MAX ? -ELOOP : 0, "depth %d", depth);
    }
    extent_map_unref(map);
    check_leaks();
}

/* ---- the side file ---- */

static const struct blocks ten_thousand = {.size = 10000, .block_bytes = CACHE_BLOCK_BYTES};

Test(side, header_and_record_are_the_golden_ones)
{
    uint8_t key[SHA256_BYTES], header[SIDE_HEADER_BYTES], record[SIDE_RECORD_BYTES];
    static const uint8_t zeros[CACHE_BLOCK_BYTES];
    char hex[2 * SIDE_HEADER_BYTES + 1];
    for (int i = 0; i < SHA256_BYTES; i++)
        key[i] = (uint8_t)i;
    side_header(header, key, &ten_thousand);
    hex_print(header, sizeof header, hex);
    cr_assert_str_eq(hex, "656c696465626c6b010000000010000010270000000000000001020304050607"
                          "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000000004047456a");
    cr_assert_eq(side_header_check(header, sizeof header, key, &ten_thousand, NULL), 0);
    side_record(record, crc32c(0, zeros, sizeof zeros));
    hex_print(record, sizeof record, hex);
    cr_assert_str_eq(hex, "018941f998");
}

Test(side, a_header_with_any_bit_changed_or_of_another_file_is_refused)
{
    uint8_t key[SHA256_BYTES] = {1}, header[SIDE_HEADER_BYTES];
    struct error err = {0};
    side_header(header, key, &ten_thousand);
    for (int bit = 0; bit < 8 * SIDE_HEADER_BYTES; bit++) {
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(side_header_check(header, sizeof header, key, &ten_thousand, &err), -EINVAL, "bit %d",
                     bit);
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    struct blocks longer = {.size = 10001, .block_bytes = CACHE_BLOCK_BYTES};
    cr_assert_eq(side_header_check(header, sizeof header, key, &longer, &err), -EINVAL);
    cr_assert(strstr(err.text, "another version, size, key or block"), "%s", err.text);
    struct blocks finer = {.size = 10000, .block_bytes = 512};
    cr_assert_eq(side_header_check(header, sizeof header, key, &finer, &err), -EINVAL);
    cr_assert_eq(side_header_check(header, sizeof header - 1, key, &ten_thousand, &err), -EINVAL);
}

Test(side, only_valid_records_of_absent_blocks_are_taken_over)
{
    struct blocks blocks;
    cr_assert_eq(blocks_init(&blocks, 4 * CACHE_BLOCK_BYTES + 1, CACHE_BLOCK_BYTES, NULL), 0);
    blocks_set(&blocks, 1, 2, BLOCK_COMING);
    const uint8_t records[] = {1, 1, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 0, 0, 0,
                               2, 4, 0, 0, 0, 1, 5, 0, 0, 0, 1, 6, 0, 0, 0};
    cr_assert_eq(side_records_load(records, sizeof records, 0, &blocks), 1, "the fourth is neither");
    cr_assert_eq(blocks.state[0], BLOCK_DISK);
    cr_assert_eq(blocks.state[1], BLOCK_COMING);
    cr_assert_eq(blocks.state[2], BLOCK_ABSENT);
    cr_assert_eq(blocks.state[3], BLOCK_ABSENT);
    cr_assert_eq(blocks.state[4], BLOCK_DISK);
    cr_assert_eq(blocks.crc[4], 5);
    cr_assert_eq(blocks_bytes(&blocks, 3, 5), CACHE_BLOCK_BYTES + 1);
    blocks_check(&blocks);
    blocks_done(&blocks);
    check_leaks();
}
