// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks of hashes that are drawn are read back and searched; those that are damaged are found out. The seed
 * is printed and taken from ELIDEFS_SEED.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/hash/hash_cache.h"
#include "tests/test_leaks.h"
#include "tests/test_rounds.h"
#include "tests/test_seed.h"

static uint64_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return below ? (uint32_t)((seed >> 32) * below >> 32) : (uint32_t)(seed >> 32);
}

static void seed_from_environment(void)
{
    seed = test_seed();
}

static int compare(const void *a, const void *b)
{
    const struct hash_entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Up to `count` entries in order, none twice; hashes from `from` on, within `span`. */
static size_t make(struct hash_entry *list, size_t count, uint32_t from, uint32_t span, uint32_t numbers)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        list[i] = (struct hash_entry){from + draw(span), draw(numbers)};
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++)
        if (!kept || compare(&list[i], &list[kept - 1]) != 0)
            list[kept++] = list[i];
    while (kept > 1 && hash_block_bytes(kept, list[kept - 1].hash - list[0].hash,
                                        numbers ? numbers - 1 : UINT32_MAX) > HASH_BLOCK_BYTES)
        kept--;
    return kept;
}

static int read_all(const struct hash_block *block, struct hash_entry *list)
{
    struct hash_block_reader reader;
    int rc, count = 0;
    hash_block_seek(block, 0, &reader);
    while ((rc = hash_block_next(&reader, &list[count])) == 1)
        count++;
    return rc < 0 ? rc : count;
}

/* Each hash is found by a seek that passes 64 entries of less hash at most. */
static void check_seek(const struct hash_block *block, const struct hash_entry *list, size_t count,
                       uint32_t hash)
{
    struct hash_block_reader reader;
    struct hash_entry entry = {0};
    size_t at = 0, passed = 0;
    int rc;
    while (at < count && list[at].hash < hash)
        at++;
    hash_block_seek(block, hash, &reader);
    while ((rc = hash_block_next(&reader, &entry)) == 1 && entry.hash < hash)
        passed++;
    cr_assert_leq(passed, 64);
    cr_assert_eq(rc, at < count);
    for (; at < count && list[at].hash == hash; at++, rc = hash_block_next(&reader, &entry)) {
        cr_assert_eq(rc, 1);
        cr_assert_eq(entry.number, list[at].number);
    }
    cr_assert(!rc || entry.hash > hash);
}

Test(hash_block, entries_of_any_spread_come_back_and_are_found_within_64)
{
    static const uint32_t spans[] = {1, 2, 100, 70000, 1 << 30, 0}, numbers[] = {1, 2, 3000, 1 << 20, 0};
    struct hash_entry list[2000], read[2000];
    seed_from_environment();
    for (int round = test_rounds(600); round--;) {
        uint32_t span = spans[draw(6)], of = numbers[draw(5)], from = span ? draw(UINT32_MAX - span) : 0;
        size_t count = make(list, 1 + draw(round % 3 ? 2000 : 130), from, span, of);
        struct buf bytes = BUF_INIT;
        struct hash_block block;
        hash_block_encode(list, count, UINT32_MAX, &bytes);
        cr_assert_leq(bytes.len,
                      hash_block_bytes(count, list[count - 1].hash - list[0].hash, of ? of - 1 : UINT32_MAX));
        cr_assert(hash_block_open(from, bytes.data, bytes.len, &block));
        cr_assert_eq(read_all(&block, read), (int)count, "round %d", round);
        cr_assert_eq(memcmp(list, read, count * sizeof *list), 0, "round %d", round);
        for (int i = 0; i < 20; i++)
            check_seek(&block, list, count, i % 2 ? list[draw((uint32_t)count)].hash : from + draw(span));
        check_seek(&block, list, count, 0);
        check_seek(&block, list, count, UINT32_MAX);
        buf_done(&bytes);
    }
    check_leaks();
}

Test(hash_block, one_hash_may_have_more_entries_than_a_block_should_hold)
{
    enum { COUNT = 200000 };
    struct hash_entry *list = mem_alloc(COUNT * sizeof *list), *read = mem_alloc((COUNT + 1) * sizeof *read);
    struct buf bytes = BUF_INIT;
    struct hash_block block;
    for (uint32_t i = 0; i < COUNT; i++)
        list[i] = (struct hash_entry){UINT32_MAX, i * 3};
    hash_block_encode(list, COUNT, UINT32_MAX, &bytes);
    cr_assert(hash_block_open(0, bytes.data, bytes.len, &block));
    cr_assert_eq(read_all(&block, read), COUNT);
    cr_assert_eq(memcmp(list, read, COUNT * sizeof *list), 0);
    buf_done(&bytes);
    free(list), free(read);
    check_leaks();
}

/* Golden: three entries and, by hand, what index/FORMAT.md says of them. */
Test(hash_block, bytes_are_the_golden_ones)
{
    static const struct hash_entry list[] = {{10, 7}, {10, 9}, {17, 8}};
    static const uint8_t golden[] = {
        1,    2,    7, 0, 0, 0, 99, 0, 0,
        0,    10,   0, 0, 0, 3, 0,  0, 0, /* k, width, least, last, first, count */
        0x91, 0x38, /* 1 0 00, 1 0 01, 000 1 1 10, 0: the lowest bit of each byte and number first */
    };
    struct buf bytes = BUF_INIT;
    hash_block_encode(list, 3, 99, &bytes);
    cr_assert_eq(bytes.len, sizeof golden);
    cr_assert_eq(memcmp(bytes.data, golden, sizeof golden), 0, "%02x %02x", bytes.data[18], bytes.data[19]);
    buf_done(&bytes);
    check_leaks();
}

/* ---- kept in memory ---- */

static const struct hash_entry alone[] = {{100, 1}};

static void keep(struct hash_cache *cache, uint32_t run, uint32_t last)
{
    struct buf bytes = BUF_INIT;
    hash_block_encode(alone, 1, last, &bytes);
    hash_cache_add_block(cache, (int64_t)run << 32, bytes.data, bytes.len);
    buf_done(&bytes);
}

Test(hash_block, a_block_in_memory_answers_for_its_run_and_range_only)
{
    struct hash_cache cache = {0};
    cr_assert_null(hash_cache_block(&cache, 7));
    keep(&cache, 1, 200);
    keep(&cache, 3, 200);
    cr_assert_null(hash_cache_block(&cache, 50), "a run before");
    cr_assert_not_null(hash_cache_block(&cache, INT64_C(1) << 32));
    cr_assert_eq(hash_cache_block(&cache, INT64_C(1) << 32 | 200)->last, 200);
    cr_assert_null(hash_cache_block(&cache, INT64_C(1) << 32 | 201), "behind its end");
    cr_assert_null(hash_cache_block(&cache, INT64_C(2) << 32 | 50), "a run between");
    hash_cache_add_block(&cache, INT64_C(4) << 32, (const uint8_t *)"none", 4);
    cr_assert_null(hash_cache_block(&cache, INT64_C(4) << 32 | 50), "no block");
    hash_cache_done(&cache);
    check_leaks();
}

Test(hash_block, blocks_in_memory_are_bounded_and_those_in_use_stay)
{
    struct hash_cache cache = {0};
    for (uint32_t run = 1; run <= 5 * HASH_CACHE_SPANS; run++) {
        keep(&cache, run, 200);
        cr_assert_not_null(hash_cache_block(&cache, INT64_C(1) << 32 | 50), "run 1 went at %u", run);
        cr_assert_leq(cache.count, HASH_CACHE_SPANS);
    }
    cr_assert_eq(cache.count, HASH_CACHE_SPANS);
    hash_cache_done(&cache);
    check_leaks();
}

/* ---- damage ---- */

enum { K, WIDTH, LEAST, LAST = 6, FIRST = 10, COUNT = 14, SKIPS = 18 };

static void put_le32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* 0: it was read whole; -EUCLEAN: found out. */
static int verdict(uint32_t from, const struct buf *bytes)
{
    struct hash_entry list[2001];
    struct hash_block block;
    if (!hash_block_open(from, bytes->data, bytes->len, &block))
        return -EUCLEAN;
    int rc = read_all(&block, list);
    return rc < 0 ? rc : 0;
}

struct damage {
    const char *what;
    size_t at, len;
    uint32_t value;
};

Test(hash_block, each_kind_of_damage_is_found)
{
    static const struct damage all[] = {
        {"steps wider than 31 bits", K, 1, 32},
        {"numbers wider than 32 bits", WIDTH, 1, 33},
        {"numbers beyond 32 bits", LEAST, 4, UINT32_MAX},
        {"an end before the last entry", LAST, 4, 100000},
        {"an end before its start", LAST, 4, 3},
        {"a first hash behind the end", FIRST, 4, 2000001},
        {"a first hash before its start", FIRST, 4, 4},
        {"no entry", COUNT, 4, 0},
        {"one entry less", COUNT, 4, 199},
        {"one entry more", COUNT, 4, 201},
        {"more entries than there are bits", COUNT, 4, UINT32_MAX},
        {"a skip with another hash", SKIPS, 1, 0},
        {"a skip to another place", SKIPS + 4, 2, 0xffff},
    };
    struct hash_entry list[200];
    struct buf good = BUF_INIT, bad = BUF_INIT;
    for (uint32_t i = 0; i < 200; i++)
        list[i] = (struct hash_entry){5 + i * 5001, i * 37 % 200};
    hash_block_encode(list, 200, 2000000, &good);
    cr_assert_eq(verdict(5, &good), 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint8_t value[4];
        put_le32(value, all[i].value);
        buf_clear(&bad);
        buf_append(&bad, good.data, good.len);
        cr_assert_neq(memcmp(bad.data + all[i].at, value, all[i].len), 0, "%s: no change", all[i].what);
        memcpy(bad.data + all[i].at, value, all[i].len);
        cr_assert_eq(verdict(5, &bad), -EUCLEAN, "%s", all[i].what);
    }
    for (size_t len = 0; len < good.len; len++) {
        buf_clear(&bad);
        buf_append(&bad, good.data, len);
        cr_assert_eq(verdict(5, &bad), -EUCLEAN, "cut to %zu bytes", len);
    }
    buf_clear(&bad);
    buf_append(&bad, good.data, good.len);
    buf_u8(&bad, 0);
    cr_assert_eq(verdict(5, &bad), -EUCLEAN, "a byte too many");
    buf_done(&good), buf_done(&bad);
    check_leaks();
}

Test(hash_block, equal_hashes_whose_numbers_do_not_ascend_are_damage)
{
    static const struct hash_entry twice[] = {{8, 3}, {8, 3}}, back[] = {{8, 3}, {8, 2}};
    struct buf bytes = BUF_INIT;
    hash_block_encode(twice, 2, 9, &bytes);
    cr_assert_eq(verdict(8, &bytes), -EUCLEAN);
    buf_clear(&bytes);
    hash_block_encode(back, 2, 9, &bytes);
    cr_assert_eq(verdict(8, &bytes), -EUCLEAN);
    buf_done(&bytes);
    check_leaks();
}

Test(hash_block, flipped_bits_never_give_hashes_out_of_order_or_out_of_range)
{
    struct hash_entry list[300], read[2001];
    seed_from_environment();
    size_t count = make(list, 300, 1000, 1 << 24, 5000);
    struct buf good = BUF_INIT;
    hash_block_encode(list, count, 1 << 25, &good);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        struct hash_block block;
        good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (hash_block_open(1000, good.data, good.len, &block)) {
            int n = block.count <= 2000 ? read_all(&block, read) : -EUCLEAN;
            for (int i = 0; i < n; i++)
                cr_assert(read[i].hash >= 1000 && read[i].hash <= block.last &&
                          (!i || compare(&read[i - 1], &read[i]) < 0));
        }
        good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&good);
    check_leaks();
}
