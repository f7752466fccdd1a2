// SPDX-License-Identifier: Apache-2.0
/* The parts that decide and remember, without any file: ranges, key table, SIEVE, fill policy, blocks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cache/block.h"
#include "cache/pace.h"
#include "cache/pattern.h"
#include "cache/ranges.h"
#include "cache/sieve.h"
#include "tests/test_leaks.h"

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
    return *seed;
}

Test(ranges, random_ranges_equal_a_bitmap)
{
    enum { BYTES = 200 };
    uint64_t seed = 12345;
    for (int round = 0; round < 200; round++) {
        struct ranges ranges = {0};
        char have[BYTES + 1] = {0};
        for (int i = 0; i < 20; i++) {
            uint64_t start = next(&seed) % BYTES, end = start + next(&seed) % (BYTES - start + 1) / 4;
            ranges_add(&ranges, start, end);
            memset(have + start, 1, end - start);
            for (uint64_t at = 0; at < BYTES; at++) {
                uint64_t to = at;
                while (to < BYTES && have[to])
                    to++;
                cr_assert_eq(ranges_covered_to(&ranges, at), to, "round %d at %d", round, (int)at);
            }
        }
        for (size_t i = 1; i < ranges.count; i++)
            cr_assert_gt(ranges.all[i].start, ranges.all[i - 1].end, "sorted, and not touching");
        ranges_done(&ranges);
    }
    check_leaks();
}

static void key_of(uint32_t number, uint8_t ret[SHA256_BYTES])
{
    sha256_of(&number, sizeof number, ret);
}

Test(keytable, a_thousand_keys_are_found_until_they_are_removed)
{
    struct keytable table = {0};
    struct keytable_node *nodes = mem_zero(1000 * sizeof *nodes);
    cr_assert_null(keytable_find(&table, nodes[0].key));
    for (uint32_t i = 0; i < 1000; i++) {
        key_of(i, nodes[i].key);
        keytable_add(&table, &nodes[i]);
    }
    for (uint32_t i = 0; i < 1000; i += 3)
        keytable_remove(&table, &nodes[i]);
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(keytable_find(&table, nodes[i].key), i % 3 ? &nodes[i] : NULL);
    cr_assert_eq(table.count, 666);
    keytable_done(&table);
    free(nodes);
    check_leaks();
}

static struct sieve_file *add(struct sieve *sieve, uint32_t number, uint64_t bytes)
{
    uint8_t key[SHA256_BYTES];
    bool is_new;
    key_of(number, key);
    struct sieve_file *file = sieve_file(sieve, key, &is_new);
    file->touched = !is_new;
    sieve_resize(sieve, file, bytes);
    return file;
}

Test(sieve, touched_files_are_spared_once_and_the_oldest_other_goes)
{
    struct sieve sieve = {0};
    struct sieve_file *files[5];
    for (uint32_t i = 0; i < 5; i++)
        files[i] = add(&sieve, i, 10);
    add(&sieve, 0, 15);
    add(&sieve, 2, 10);
    cr_assert_eq(sieve.bytes, 55);
    cr_assert_eq(sieve_next(&sieve), files[1], "0 was touched");
    sieve_remove(&sieve, files[1]);
    cr_assert_eq(sieve_next(&sieve), files[3], "2 was touched");
    sieve_remove(&sieve, files[3]);
    cr_assert_eq(sieve_next(&sieve), files[4]);
    sieve_remove(&sieve, files[4]);
    cr_assert_eq(sieve_next(&sieve), files[0], "spared once");
    sieve_remove(&sieve, files[0]);
    cr_assert_eq(sieve.bytes, 10);
    files[2]->touched = true;
    cr_assert_eq(sieve_next(&sieve), files[2], "the only one, touched or not");
    sieve_remove(&sieve, files[2]);
    cr_assert_null(sieve_next(&sieve));
    cr_assert_eq(sieve.bytes, 0);
    sieve_done(&sieve);
    check_leaks();
}

/* What the policy fetches ahead, as text. */
static const char *ahead(struct pattern *pattern, struct pattern_file file, uint64_t offset, uint64_t len)
{
    static char text[64];
    uint64_t from = 0, to = pattern_ahead(pattern, &file, offset, len, &from);
    snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)from, (unsigned long long)to);
    return to > from ? text : "nothing";
}

enum { MB = 1000000 };

Test(pattern, exact_fetches_nothing_more_and_whole_everything)
{
    struct pattern p = {0};
    struct pattern_file file = {.policy = CACHE_FILL_EXACT, .size = 10 * MB, .blocks = 2442, .opens = 9};
    cr_assert_str_eq(ahead(&p, file, 0, MB), "nothing");
    cr_assert_str_eq(ahead(&p, file, MB, MB), "nothing");
    file.policy = CACHE_FILL_WHOLE;
    cr_assert_str_eq(ahead(&p, file, 5 * MB, 10), "0-10000000");
}

Test(pattern, auto_doubles_while_reads_follow_each_other_and_stops_at_a_jump)
{
    struct pattern p = {0};
    struct pattern_file file = {.policy = CACHE_FILL_AUTO, .size = 10 * MB, .blocks = 2442};
    cr_assert_str_eq(ahead(&p, file, 0, 100000), "nothing", "the first read may be a header alone");
    cr_assert_str_eq(ahead(&p, file, 100000, 100000), "200000-400000");
    cr_assert_str_eq(ahead(&p, file, 200000, 100000), "300000-600000");
    cr_assert_str_eq(ahead(&p, file, 7 * MB, 100000), "nothing");
    cr_assert_str_eq(ahead(&p, file, 7 * MB + 100000, 100000), "7200000-7400000");
    cr_assert_str_eq(ahead(&p, file, 10 * MB - 100, 100), "nothing");
}

Test(pattern, auto_completes_a_file_half_read_or_opened_again_and_again)
{
    struct pattern p = {0};
    struct pattern_file file = {.policy = CACHE_FILL_AUTO, .size = 10 * MB, .blocks = 2442};
    file.blocks_here = 1221;
    cr_assert_str_eq(ahead(&p, file, 5 * MB, 10), "nothing");
    file.blocks_here = 1222;
    cr_assert_str_eq(ahead(&p, file, 2 * MB, 10), "0-10000000");
    file.blocks_here = 0;
    file.opens = PATTERN_OPENS;
    cr_assert_str_eq(ahead(&p, file, 8 * MB, 10), "0-10000000");
}

Test(pattern, auto_completes_a_small_file_at_the_first_touch)
{
    struct pattern p = {0};
    struct pattern_file file = {.policy = CACHE_FILL_AUTO, .size = MB, .blocks = 245, .round_bytes = MB};
    cr_assert_str_eq(ahead(&p, file, 5000, 10), "0-1000000");
    file.size++;
    cr_assert_str_eq(ahead(&p, file, 500000, 10), "nothing");
}

Test(pattern, a_window_is_fetched_as_far_as_windows_of_its_kind_went)
{
    struct habit habit = {0};
    struct pattern first = {.habit = &habit}, second = {.habit = &habit}, other = {0};
    struct pattern_file file = {.policy = CACHE_FILL_AUTO, .size = 10 * MB, .blocks = 2442};
    cr_assert_str_eq(ahead(&first, file, 0, 100000), "nothing");
    cr_assert_str_eq(ahead(&first, file, 2 * MB, 30000), "nothing", "none was seen yet");
    cr_assert_str_eq(ahead(&first, file, 2 * MB + 30000, 50000), "2080000-2160000");
    pattern_rest(&first);
    cr_assert_eq(habit.window, 80000);
    cr_assert_str_eq(ahead(&second, file, 0, 100000), "nothing", "a header is no window");
    cr_assert_str_eq(ahead(&second, file, 5 * MB, 30000), "5030000-5080000");
    cr_assert_str_eq(ahead(&second, file, 5 * MB + 30000, 50000), "nothing", "it was asked for at its begin");
    cr_assert_str_eq(ahead(&second, file, 5 * MB + 80000, 10000), "5090000-5180000", "a longer one");
    cr_assert_str_eq(ahead(&second, file, 10 * MB - 40000, 30000), "9990000-10000000");
    cr_assert_str_eq(ahead(&other, file, 5 * MB, 30000), "nothing", "of another kind");
}

Test(pattern, a_habit_follows_longer_windows_at_once_and_shorter_ones_slowly_and_no_copies)
{
    struct habit habit = {0};
    struct pattern p = {.habit = &habit};
    struct pattern_file file = {.policy = CACHE_FILL_AUTO, .size = 100 * MB, .blocks = 24415};
    ahead(&p, file, 3 * MB, 80000);
    ahead(&p, file, 9 * MB, 160000);
    cr_assert_eq(habit.window, 80000);
    ahead(&p, file, 3 * MB, 80000);
    cr_assert_eq(habit.window, 160000);
    ahead(&p, file, 9 * MB, 80000);
    cr_assert_eq(habit.window, 150000);
    for (uint64_t at = 20 * MB; at < 24 * MB; at += 100000)
        ahead(&p, file, at, 100000);
    pattern_rest(&p);
    cr_assert_eq(habit.window, 150000 - 70000 / 8);
}

Test(pace, a_round_is_worth_what_comes_in_the_time_that_a_request_waits)
{
    struct pace pace = {0};
    cr_assert_eq(pace_round_bytes(&pace), PACE_ROUND_GUESS);
    pace_note(&pace, 20000000, 1000, 1);
    cr_assert_eq(pace_round_bytes(&pace), PACE_ROUND_GUESS, "a thousand bytes tell nothing of the speed");
    pace_note(&pace, 20000000, 1 << 20, 10000000);
    cr_assert_eq(pace_round_bytes(&pace), 2 << 20);
    for (unsigned i = 0; i < 1000; i++)
        pace_note(&pace, 20000000, 1 << 20, 1000000000);
    cr_assert_eq(pace_round_bytes(&pace), PACE_ROUND_MIN);
    for (unsigned i = 0; i < 100; i++)
        pace_note(&pace, 200000000, 1 << 20, 0);
    cr_assert_eq(pace_round_bytes(&pace), PACE_ROUND_MAX);
}

Test(blocks, a_file_too_large_for_the_machine_is_an_error)
{
    struct blocks blocks;
    struct error err = {0};
    cr_assert_eq(blocks_init(&blocks, UINT64_MAX, CACHE_BLOCK_BYTES, &err), -27, "EFBIG");
    cr_assert(strstr(err.text, "too large"), "%s", err.text);
    cr_assert_eq(blocks_init(&blocks, 0, CACHE_BLOCK_BYTES, &err), 0);
    cr_assert_eq(blocks.count, 0);
    blocks_done(&blocks);
    check_leaks();
}
