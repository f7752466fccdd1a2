// SPDX-License-Identifier: Apache-2.0
/*
 * What is shuffled, sampled, split, balanced and sorted, against what it must be of the plain model; and that
 * it is the same for ever (golden/order.txt).
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/buf.h"
#include "query/order/choose.h"
#include "query/order/rank.h"
#include "query/order/shuffle.h"
#include "query/order/sorted.h"
#include "tests/query/golden.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { CLIPS = 2000, SESSIONS = 37 };

static const struct world_attribute attributes[] = {
    {"outcome", VALUE_TEXT, false}, {"session", VALUE_INT, false}, {"tags", VALUE_TEXT, true},
    {"force", VALUE_FLOAT, false},  {"box", VALUE_LIST, false},    {NULL, VALUE_TEXT, false}};

struct stage {
    struct world world;
    struct world_catalog open;
    struct rowset *live;
};

/* Clip i: 1 in 20 failed; sessions of very different sizes; one in 11 has none, and so on. */
static void add_clip(struct world *world, unsigned i)
{
    char key[32], text[32];
    static const char *const tags[] = {"a", "b", "c"};
    snprintf(key, sizeof key, "ep%05u", i * 7919 % 100000);
    struct world_clip *clip = world_add(world, key);
    world_value(world, clip, "outcome", i % 20 ? "ok" : i % 40 ? "fail" : "drop");
    snprintf(text, sizeof text, "%u", i * i % SESSIONS);
    if (i % 11)
        world_value(world, clip, "session", text);
    for (unsigned k = 0; k < i % 3; k++)
        world_value(world, clip, "tags", tags[(i / 3 + k) % 3]);
    snprintf(text, sizeof text, "%g", (double)(i * 31 % 997) / 8 - 50);
    if (i % 5)
        world_value(world, clip, "force", text);
    world_value(world, clip, "box", "[1, 2]");
}

static void stage_init(struct stage *stage, unsigned clips)
{
    struct error err = {0};
    *stage = (struct stage){.world = {.attributes = attributes}};
    for (unsigned i = 0; i < clips; i++)
        add_clip(&stage->world, i);
    world_open(&stage->world, &stage->open);
    cr_assert_eq(catalog_live(stage->open.reader, &stage->live, &err), 0, "%s", err.text);
}

static void stage_done(struct stage *stage)
{
    rowset_unref(stage->live);
    world_close(&stage->open);
    world_done(&stage->world);
}

static const struct world_clip *clip_at(const struct stage *stage, uint32_t row)
{
    struct catalog_clip clip;
    cr_assert_eq(catalog_clip(stage->open.reader, row, &clip, NULL), 0);
    for (size_t i = 0; i < stage->world.count; i++)
        if (!strcmp(stage->world.clips[i].key, clip.key))
            return &stage->world.clips[i];
    cr_assert(false, "no clip '%s'", clip.key);
    return NULL;
}

static size_t index_of(const char *attribute)
{
    size_t at = 0;
    while (strcmp(attributes[at].name, attribute) != 0)
        at++;
    return at;
}

static uint32_t id_of(const struct stage *stage, const char *name)
{
    struct catalog_attribute attribute;
    cr_assert_eq(catalog_attribute_find(stage->open.reader, name, strlen(name), &attribute, NULL), 0);
    return attribute.id;
}

static bool contains_all(const struct rowset *of, const struct rowset *some)
{
    return rowset_and_count(of, some) == rowset_count(some);
}

/* ---- shuffling ---- */

Test(order, a_shuffle_gives_every_position_once_and_finds_it_again)
{
    static const uint32_t counts[] = {
        1, 2, 3, 4, 5, 7, 8, 9, 100, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const struct shuffle shuffle = {{7, i}, counts[i]};
        struct rowset *seen = rowset_new();
        uint32_t step = counts[i] > 100000 ? 8 : 1; /* the way back is tried of some */
        for (uint32_t position = 0; position < counts[i]; position++) {
            uint32_t number = shuffle_at(&shuffle, position);
            cr_assert_lt(number, counts[i]);
            rowset_add(seen, number);
            if (position % step == 0)
                cr_assert_eq(shuffle_find(&shuffle, number), position);
        }
        cr_assert_eq(rowset_count(seen), counts[i]);
        rowset_unref(seen);
    }
}

Test(order, a_shuffle_of_the_most_rows_there_can_be_is_one)
{
    const struct shuffle shuffle = {{3, 0}, UINT32_MAX};
    for (uint32_t position = 0; position < 100000; position += 997) {
        uint32_t number = shuffle_at(&shuffle, position);
        cr_assert_lt(number, UINT32_MAX);
        cr_assert_eq(shuffle_find(&shuffle, number), position);
    }
}

/* Each clip comes first, second, ... as often as any other: over many seeds, within five deviations. */
Test(order, small_sets_are_shuffled_evenly)
{
    enum { SEEDS = 20000 };
    for (uint32_t count = 2; count <= 9; count++) {
        unsigned times[9][9] = {{0}};
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            for (uint32_t position = 0; position < count; position++)
                times[position][shuffle_at(&(struct shuffle){{seed, 0}, count}, position)]++;
        double mean = (double)SEEDS / count, most = 5 * 5 * mean;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < count; k++)
                cr_assert_lt((times[i][k] - mean) * (times[i][k] - mean), most, "%u at %u of %u: %u times", k,
                             i, count, times[i][k]);
    }
}

/* ---- choosing ---- */

static struct rowset *sample(const struct stage *stage, const struct rowset *rows, uint64_t seed,
                             uint64_t count)
{
    struct rowset *chosen = NULL;
    struct error err = {0};
    const struct keyed key = {seed, 0};
    cr_assert_eq(choose_least(stage->open.reader, rows, &key, KEYED_SAMPLE, count, &chosen, &err), 0, "%s",
                 err.text);
    return chosen;
}

Test(order, a_sample_has_the_number_asked_for_and_lies_in_every_larger_one)
{
    struct stage stage;
    stage_init(&stage, CLIPS);
    CLEANUP_ROWSET struct rowset *all = sample(&stage, stage.live, 1, CLIPS + 5), *before = rowset_new();
    cr_assert_eq(rowset_count(all), CLIPS);
    for (uint64_t count = 0; count <= CLIPS; count += count < 20 ? 1 : 333) {
        CLEANUP_ROWSET struct rowset *some = sample(&stage, stage.live, 1, count), *other = NULL;
        cr_assert_eq(rowset_count(some), count);
        cr_assert(contains_all(some, before));
        rowset_unref(before);
        before = rowset_ref(some);
        other = sample(&stage, stage.live, 2, count);
        cr_assert(count < 5 || count > 1900 || rowset_and_count(some, other) < count,
                  "another seed is another sample");
    }
    stage_done(&stage);
}

Test(order, a_sample_loses_only_to_clips_that_came)
{
    struct stage stage;
    stage_init(&stage, CLIPS);
    CLEANUP_ROWSET struct rowset *fewer = rowset_copy(stage.live);
    rowset_keep_range(fewer, 0, CLIPS * 3 / 4);
    CLEANUP_ROWSET struct rowset *was = sample(&stage, fewer, 9, 100),
                                 *is = sample(&stage, stage.live, 9, 100);
    rowset_and(is, fewer);
    cr_assert(contains_all(was, is));
    cr_assert_gt(rowset_count(is), 50);
    stage_done(&stage);
}

static struct rowset *share(const struct stage *stage, uint32_t from, uint32_t to, const char *attribute)
{
    struct rowset *chosen = NULL;
    struct choose_groups groups;
    struct error err = {0};
    const struct choose_share part = {{5, 0}, from, to};
    int rc = attribute ? choose_share_of_groups(stage->open.reader, stage->live, &part,
                                                id_of(stage, attribute), &chosen, &groups, &err)
                       : choose_share(stage->open.reader, stage->live, &part, &chosen, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    return chosen;
}

static void check_shares(const struct stage *stage, const char *attribute)
{
    static const uint32_t borders[] = {0, 1, 10000000, 33333333, 33333334, 90000000, 99999999, CHOOSE_ALL};
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    uint64_t sum = 0;
    for (size_t i = 0; i + 1 < sizeof borders / sizeof *borders; i++) {
        CLEANUP_ROWSET struct rowset *part = share(stage, borders[i], borders[i + 1], attribute);
        double expected = (double)(borders[i + 1] - borders[i]) / CHOOSE_ALL * CLIPS;
        cr_assert_lt((double)rowset_count(part), expected + CLIPS / 10 + 1);
        cr_assert_gt((double)rowset_count(part), expected - CLIPS / 10 - 1);
        cr_assert_not(rowset_intersects(all, part), "shares have nothing in common");
        sum += rowset_count(part);
        rowset_or(all, part);
    }
    cr_assert_eq(sum, CLIPS);
    cr_assert(contains_all(all, stage->live), "and are all together");
}

Test(order, shares_are_disjoint_and_complete)
{
    struct stage stage;
    stage_init(&stage, CLIPS);
    check_shares(&stage, NULL);
    check_shares(&stage, "session");
    stage_done(&stage);
}

Test(order, no_value_is_on_two_sides_of_a_split)
{
    struct stage stage;
    stage_init(&stage, CLIPS);
    size_t at = index_of("session");
    for (uint32_t border = 5000000; border < CHOOSE_ALL; border += 5000000) {
        CLEANUP_ROWSET struct rowset *left = share(&stage, 0, border, "session");
        int side[SESSIONS] = {0};
        uint32_t row;
        for (uint64_t from = 0; rowset_rows(stage.live, from, &row, 1); from = row + UINT64_C(1)) {
            const struct world_clip *clip = clip_at(&stage, row);
            int is = rowset_contains(left, row) ? 1 : 2;
            if (!clip->values[at].count)
                continue;
            int *of = &side[clip->values[at].list[0].integer];
            cr_assert(!*of || *of == is, "session %lld", (long long)clip->values[at].list[0].integer);
            *of = is;
        }
    }
    stage_done(&stage);
}

Test(order, a_split_by_what_has_several_values_is_refused)
{
    struct stage stage;
    struct rowset *chosen = NULL;
    struct choose_groups groups;
    struct error err = {0};
    stage_init(&stage, 50);
    cr_assert_eq(choose_share_of_groups(stage.open.reader, stage.live,
                                        &(struct choose_share){{1, 0}, 0, CHOOSE_ALL / 2},
                                        id_of(&stage, "tags"), &chosen, &groups, &err),
                 -EINVAL);
    cr_assert_str_eq(err.text, "some clips have several values of it: they cannot be on one side only");
    stage_done(&stage);
}

static unsigned count_value(const struct stage *stage, const struct rowset *rows, const char *text)
{
    unsigned count = 0;
    uint32_t row;
    size_t at = index_of("outcome");
    for (uint64_t from = 0; rowset_rows(rows, from, &row, 1); from = row + UINT64_C(1)) {
        const struct value *value = &clip_at(stage, row)->values[at].list[0];
        count += value->len == strlen(text) && !memcmp(value->text, text, value->len);
    }
    return count;
}

static void check_balance(const struct stage *stage, const struct choose_weight *weights, size_t count,
                          const unsigned expected[3])
{
    CLEANUP_ROWSET struct rowset *chosen = NULL;
    struct error err = {0};
    cr_assert_eq(choose_balanced(stage->open.reader, stage->live, id_of(stage, "outcome"), weights, count,
                                 &chosen, &err),
                 0, "%s", err.text);
    cr_assert_eq(count_value(stage, chosen, "ok"), expected[0]);
    cr_assert_eq(count_value(stage, chosen, "fail"), expected[1]);
    cr_assert_eq(count_value(stage, chosen, "drop"), expected[2]);
    cr_assert_eq(rowset_count(chosen), expected[0] + expected[1] + expected[2]);
}

Test(order, a_balance_has_as_many_of_each_value_as_the_weights_allow)
{
    struct stage stage;
    struct choose_weight weights[] = {{{.type = VALUE_TEXT, .text = "ok", .len = 2}, 1000000},
                                      {{.type = VALUE_TEXT, .text = "fail", .len = 4}, 1000000},
                                      {{.type = VALUE_TEXT, .text = "gone", .len = 4}, 1000000}};
    stage_init(&stage, CLIPS); /* 1900 ok, 50 fail, 50 drop */
    check_balance(&stage, NULL, 0, (const unsigned[]){50, 50, 50});
    check_balance(&stage, weights, 2, (const unsigned[]){50, 50, 0});
    weights[0].weight = 2500000;
    check_balance(&stage, weights, 2, (const unsigned[]){125, 50, 0});
    weights[0].weight = 100000000;
    check_balance(&stage, weights, 2, (const unsigned[]){1900, 19, 0});
    weights[1].weight = 0;
    check_balance(&stage, weights, 2, (const unsigned[]){1900, 0, 0});
    check_balance(&stage, weights, 3, (const unsigned[]){0, 0, 0}); /* nothing can be as much as none */
    stage_done(&stage);
}

/* ---- sorting ---- */

static int compare_of(const struct stage *stage, size_t attribute, bool falling, uint32_t a, uint32_t b)
{
    const struct world_clip *x = clip_at(stage, a), *y = clip_at(stage, b);
    const struct value *v[2] = {NULL, NULL};
    const struct world_clip *clips[2] = {x, y};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < clips[k]->values[attribute].count; i++) {
            const struct value *value = &clips[k]->values[attribute].list[i];
            int order = v[k] ? value_compare(value, v[k]) : 0;
            if (!v[k] || (falling ? order > 0 : order < 0))
                v[k] = value;
        }
    int order = !v[0] || !v[1] ? !v[0] - !v[1] : (falling ? -1 : 1) * value_compare(v[0], v[1]);
    return order ? order : (a > b) - (a < b);
}

Test(order, sorted_clips_ascend_by_value_then_row_and_those_without_come_last)
{
    struct stage stage;
    static const char *const names[] = {"outcome", "session", "tags", "force"};
    stage_init(&stage, 400);
    CLEANUP_ROWSET struct rowset *some = rowset_copy(stage.live);
    rowset_keep_range(some, 50, 350);
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        const char *name = names[i / 2];
        CLEANUP_FREE uint32_t *rows = NULL;
        size_t count;
        struct error err = {0};
        cr_assert_eq(sorted_rows(stage.open.reader, some, id_of(&stage, name), i % 2, &rows, &count, &err),
                     0);
        cr_assert_eq(count, rowset_count(some));
        for (size_t k = 1; k < count; k++)
            cr_assert_lt(compare_of(&stage, index_of(name), i % 2, rows[k - 1], rows[k]), 0, "%s: %zu", name,
                         k);
    }
    stage_done(&stage);
}

Test(order, lists_are_not_sorted)
{
    struct stage stage;
    CLEANUP_FREE uint32_t *rows = NULL;
    size_t count;
    struct error err = {0};
    stage_init(&stage, 3);
    cr_assert_eq(sorted_rows(stage.open.reader, stage.live, id_of(&stage, "box"), false, &rows, &count, &err),
                 -EINVAL);
    cr_assert_str_eq(err.text, "'box' is a list, which has no order");
    stage_done(&stage);
}

/* ---- ranking ---- */

Test(order, logarithms_by_integers_are_logarithms)
{
    for (uint64_t number = 1; number < UINT64_C(1) << 60; number += number / 3 + 1)
        cr_assert_lt(fabs((double)rank_log2(number) / 4294967296.0 - log2((double)number)), 1e-8, "%llu",
                     (unsigned long long)number);
    cr_assert_eq(rank_log2(1), 0);
    cr_assert_eq(rank_log2(1024), UINT64_C(10) << 32);
}

static const struct world_attribute texts[] = {{"note", VALUE_TEXT, false},
                                               {"tags", VALUE_TEXT, true},
                                               {"length", VALUE_INT, false},
                                               {NULL, VALUE_TEXT, false}};
static const char *const vocabulary[] = {"pick", "Place", "cube",  "ball",         "up",
                                         "the",  "left",  "fails", "w\xc3\xbcrfel"};
enum { VOCABULARY = sizeof vocabulary / sizeof *vocabulary, TEXTS = 300 };

static void text_world(struct world *world, uint64_t seed)
{
    *world = (struct world){.attributes = texts};
    for (uint32_t i = 0; i < TEXTS; i++) {
        const struct keyed key = {seed, i};
        CLEANUP_BUF struct buf note = BUF_INIT;
        char name[16];
        snprintf(name, sizeof name, "t%04u", i);
        struct world_clip *clip = world_add(world, name);
        for (uint32_t k = 0; k < keyed_half(&key, 0, 0) % 12; k++) {
            uint64_t drawn = keyed_half(&key, 1, k);
            buf_printf(&note, "%s%s", k ? ", " : "",
                       vocabulary[drawn % VOCABULARY * (drawn >> 32) % VOCABULARY]);
        }
        if (note.len)
            world_value(world, clip, "note", buf_text(&note));
        if (i % 3 == 0)
            world_value(world, clip, "tags", vocabulary[i % VOCABULARY]);
        world_value(world, clip, "length", "7");
    }
}

/* How often the word stands in the clip's texts; NULL: how many words do. */
static double count_in(const struct world_clip *clip, const char *wanted)
{
    double count = 0;
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < clip->values[a].count; i++) {
            const struct value *value = &clip->values[a].list[i];
            CLEANUP_FREE char *text = mem_printf("%.*s", (int)value->len, value->text);
            for (char *word = strtok(text, ", "); word; word = strtok(NULL, ", "))
                count += !wanted || !strcasecmp(word, wanted);
        }
    return count;
}

static double score_of(const struct world *world, const struct world_clip *clip, const char *const *words)
{
    double sum = 0, length = 0;
    for (size_t i = 0; i < world->count; i++)
        length += count_in(&world->clips[i], NULL);
    for (; *words; words++) {
        double having = 0, times = count_in(clip, *words), mean = length / (double)world->count;
        for (size_t i = 0; i < world->count; i++)
            having += count_in(&world->clips[i], *words) > 0;
        sum += log(1 + ((double)world->count - having + 0.5) / (having + 0.5)) * times * 2.2 /
               (times + 1.2 * (0.25 + 0.75 * count_in(clip, NULL) / mean));
    }
    return sum;
}

Test(order, clips_are_ranked_by_what_their_texts_say)
{
    static const char *const wanted[] = {"cube", "fails", "place", NULL};
    struct stage stage = {.live = NULL};
    struct rank_words words;
    struct error err = {0};
    text_world(&stage.world, test_seed());
    world_open(&stage.world, &stage.open);
    cr_assert_eq(catalog_live(stage.open.reader, &stage.live, &err), 0);
    CLEANUP_ROWSET struct rowset *some = rowset_copy(stage.live);
    rowset_keep_range(some, 30, 280);
    cr_assert(rank_words_read("Fails: CUBE place, cube", 23, &words));
    CLEANUP_FREE uint32_t *all = NULL, *few = NULL;
    size_t count, few_count, having = 0;
    cr_assert_eq(rank_rows(stage.open.reader, some, &words, 1000, &all, &count, &err), 0, "%s", err.text);
    cr_assert_eq(rank_rows(stage.open.reader, some, &words, 7, &few, &few_count, &err), 0, "%s", err.text);
    for (uint32_t row = 30; row < 280; row++)
        having += score_of(&stage.world, clip_at(&stage, row), wanted) > 0;
    cr_assert_eq(count, having);
    cr_assert_eq(few_count, 7);
    cr_assert_eq(memcmp(all, few, sizeof *few * 7), 0);
    for (size_t i = 1; i < count; i++) {
        double before = score_of(&stage.world, clip_at(&stage, all[i - 1]), wanted),
               now = score_of(&stage.world, clip_at(&stage, all[i]), wanted);
        cr_assert_gt(before, now - 1e-6, "%zu: %f %f", i, before, now);
        cr_assert(fabs(before - now) > 1e-6 || all[i - 1] < all[i] || before > now, "equal ones by row");
    }
    rank_words_done(&words);
    stage_done(&stage);
}

/* ---- the same for ever ---- */

static void print_rows(const struct stage *stage, const struct rowset *rows, struct buf *result)
{
    uint32_t row;
    for (uint64_t from = 0; rowset_rows(rows, from, &row, 1); from = row + UINT64_C(1))
        buf_printf(result, "%s%s", result->len ? " " : "", clip_at(stage, row)->key);
}

static void golden_shuffle(uint64_t seed, uint64_t epoch, uint64_t count, struct buf *result)
{
    const struct shuffle shuffle = {{seed, epoch}, (uint32_t)count};
    for (uint32_t position = 0; position < count && position < 20; position++)
        buf_printf(result, "%s%u", position ? " " : "", shuffle_at(&shuffle, position));
}

static void golden_line(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct stage *stage = ctx;
    char what[16], attribute[16] = "";
    unsigned long long a, b, c;
    CLEANUP_FREE char *line = mem_printf("%.*s", (int)len, input);
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct choose_groups groups;
    cr_assert_geq(sscanf(line, "%15s %llu %llu %llu %15s", what, &a, &b, &c, attribute), 4, "%s", line);
    const struct choose_share part = {{a, 0}, (uint32_t)b, (uint32_t)c};
    if (!strcmp(what, "shuffle"))
        golden_shuffle(a, b, c, result);
    else if (!strcmp(what, "sample"))
        rows = sample(stage, stage->live, a, b);
    else if (!strcmp(what, "balance"))
        cr_assert_eq(
            choose_balanced(stage->open.reader, stage->live, id_of(stage, attribute), NULL, 0, &rows, NULL),
            0);
    else if (attribute[0])
        cr_assert_eq(choose_share_of_groups(stage->open.reader, stage->live, &part, id_of(stage, attribute),
                                            &rows, &groups, NULL),
                     0);
    else
        cr_assert_eq(choose_share(stage->open.reader, stage->live, &part, &rows, NULL), 0);
    if (rows)
        print_rows(stage, rows, result);
}

Test(order, chances_are_the_same_for_ever)
{
    struct stage stage;
    stage_init(&stage, 200);
    cr_assert_eq(golden_check("order.txt", golden_line, &stage), 0);
    stage_done(&stage);
}
