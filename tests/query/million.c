// SPDX-License-Identifier: Apache-2.0
/* Plain loops over all rows, and sorting by what was drawn for them. */
#include "tests/query/million.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/hash.h"

enum { ALL = 100000000, SESSIONS = MILLION_CLIPS / MILLION_SESSION + 1, NONE = -1 };

const char *const million_words[MILLION_WORDS] = {
    "",    "a/b", "100%",      "x,y", "a..b",          "k=v",
    "a+b", "@x",  "l\xc3\xa9", "%41", "pick the cube", "Pick up pick, the ball"};
enum { COMMA = 3, PLUS = 6, ACCENT = 8 };

static uint64_t random_state;

size_t million_draw(size_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % below;
}

/* ---- the catalog ---- */

static void key_of(uint32_t row, char key[16])
{
    snprintf(key, 16, "ep%07" PRIu32, row);
}

static void session_text(int session, char text[24])
{
    snprintf(text, 24, "s/%d,=+@%%", session);
}

static void put_clip(struct million *million, struct changeset *set, uint32_t row)
{
    static const uint8_t zero[16];
    char key[16], text[24];
    key_of(row, key);
    set_clip(set, key, (int)row);
    snprintf(text, sizeof text, "%" PRIu32, row);
    set_value(set, "place", VALUE_INT, text);
    million->hashes[row] = (uint32_t)(siphash24(zero, key, strlen(key)) >> 32);
    million->word[row] = (int8_t)(million_draw(8) ? (int)million_draw(MILLION_WORDS) : NONE);
    if (million->word[row] != NONE)
        set_value(set, "word", VALUE_TEXT, million_words[million->word[row]]);
    million->session[row] = (int16_t)(million_draw(16) ? (int)(row / MILLION_SESSION) : NONE);
    session_text(million->session[row], text);
    if (million->session[row] != NONE)
        set_value(set, "crew", VALUE_TEXT, text);
    for (size_t n = million_draw(3); n > 0; n--) {
        unsigned mark = (unsigned)million_draw(10);
        snprintf(text, sizeof text, "%u", mark);
        if (!(million->marks[row] >> mark & 1))
            set_value(set, "marks", VALUE_INT, text);
        million->marks[row] |= (uint16_t)(1 << mark);
    }
}

static bool is_labelled(uint32_t row)
{
    return row % 977 == 0 || row == 65535 || row == 65536 || row >= MILLION_CLIPS - 3;
}

static void label(struct million *million)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    char key[16];
    set_attribute(set, "word", VALUE_TEXT, false);
    set_attribute(set, "seen", VALUE_BOOL, false);
    for (uint32_t row = 0, line = 1; row < MILLION_CLIPS; row++) {
        if (!is_labelled(row))
            continue;
        key_of(row, key);
        set_labels(set, key, line++);
        million->changed[row] = row % 2 ? 2 : 1;
        if (row % 2) {
            million->word[row] = million->word[row] == COMMA ? PLUS : COMMA;
            set_value(set, "word", VALUE_TEXT, million_words[million->word[row]]);
        } else {
            set_value(set, "seen", VALUE_BOOL, "true");
        }
    }
    cr_assert_eq(versions_apply(&million->versions, set), 0, "%s", million->versions.err.text);
}

static int open_version(void *ctx, uint32_t version, const struct catalog_patience *patience,
                        struct catalog **ret, struct error *err)
{
    const struct million *million = ctx;
    CLEANUP_FREE char *path = versions_path(&million->versions, version);
    (void)patience;
    return catalog_open_path(path, ret, err);
}

/* ---- scores (query/order/rank.h), of the clips of each word, with a session and without ---- */

/* How many words there are, and how often "cube" and "pick" are among them. */
static size_t count_words(const char *text, size_t times[2])
{
    size_t count = 0;
    for (const char *at = text; *at;) {
        char word[16] = "";
        size_t len = 0;
        for (; (unsigned char)*at > 127 || isalnum((unsigned char)*at); at++)
            word[len++] = (char)tolower((unsigned char)*at);
        times[0] += !strcmp(word, "cube");
        times[1] += !strcmp(word, "pick");
        count += len > 0;
        at += !len;
    }
    return count;
}

static void find_scores(struct million *million)
{
    uint64_t clips[MILLION_WORDS + 1][2] = {{0}}, having[2] = {0}, all = 0;
    for (size_t row = 0; row < MILLION_CLIPS; row++)
        clips[million->word[row] == NONE ? MILLION_WORDS : million->word[row]]
             [million->session[row] != NONE]++;
    for (int pass = 0; pass < 2; pass++) /* what is rare, and how long texts are, is known before any score */
        for (size_t i = 0; i < (MILLION_WORDS + 1) * 2; i++) {
            size_t times[2] = {0}, length = i % 2 ? 2 : 0;
            length += i / 2 < MILLION_WORDS ? count_words(million_words[i / 2], times) : 0;
            all += pass ? 0 : length * clips[i / 2][i % 2];
            for (int word = 0; word < 2; word++) {
                having[word] += !pass && times[word] ? clips[i / 2][i % 2] : 0;
                double rare = log2((2.0 * MILLION_CLIPS + 2) / (2.0 * (double)having[word] + 1));
                double often = (double)times[word], mean = (double)all / MILLION_CLIPS;
                million->scores[i / 2][i % 2] +=
                    pass ? rare * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * (double)length / mean)) : 0;
            }
        }
}

struct million *million_new(uint64_t seed)
{
    struct million *million = MEM_NEW(struct million);
    struct changeset *set = changeset_new();
    random_state = seed;
    versions_init(&million->versions);
    set_attribute(set, "place", VALUE_INT, false);
    set_attribute(set, "word", VALUE_TEXT, false);
    set_attribute(set, "crew", VALUE_TEXT, false); /* not "session": rows would be in its order */
    set_attribute(set, "marks", VALUE_INT, true);
    for (uint32_t row = 0; row < MILLION_CLIPS; row++)
        put_clip(million, set, row);
    cr_assert_eq(versions_apply(&million->versions, set), 0, "%s", million->versions.err.text);
    label(million);
    catalog_set_siblings(million->versions.catalog, open_version, million);
    find_scores(million);
    return million;
}

void million_free(struct million *million)
{
    versions_done(&million->versions);
    free(million);
}

/* ---- what is drawn (query/order/keyed.h), and what is put in order ---- */

static uint64_t drawn(uint64_t seed, uint64_t epoch, const void *message, size_t len)
{
    uint8_t key[16];
    for (int i = 0; i < 8; i++) {
        key[i] = (uint8_t)(seed >> 8 * i);
        key[8 + i] = (uint8_t)(epoch >> 8 * i);
    }
    return siphash24(key, message, len);
}

static uint64_t drawn_clip(uint64_t seed, uint64_t epoch, char purpose, uint32_t hash)
{
    const uint8_t message[5] = {(uint8_t)purpose, (uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16),
                                (uint8_t)(hash >> 24)};
    return drawn(seed, epoch, message, sizeof message);
}

struct lot {
    uint64_t by;
    uint32_t row;
};

static int compare_lots(const void *a, const void *b)
{
    const struct lot *x = a, *y = b;
    if (x->by != y->by)
        return x->by < y->by ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void keep_marked(struct million_list *list, const bool *marked)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (marked[list->rows[i]])
            list->rows[kept++] = list->rows[i];
    list->count = kept;
}

static void cut(struct million_list *list, size_t first, size_t step, size_t most)
{
    size_t kept = 0;
    for (size_t i = first; i < list->count && kept < most; i += step)
        list->rows[kept++] = list->rows[i];
    list->count = kept;
}

/* So many as a path may ask for of so many: few, about all, or any. */
static size_t draw_count(const struct million_list *list)
{
    const size_t counts[] = {million_draw(20), list->count + 1 - million_draw(list->count ? 3 : 1),
                             million_draw(list->count + 1), list->count / 2};
    return counts[million_draw(4)];
}

/* ---- stages ---- */

static void apply_key(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    char key[16];
    buf_text_append(path, "@key=");
    for (size_t i = 0, count = 1 + million_draw(30); i < count; i++) {
        uint32_t row = i == 1 && list->count ? list->rows[million_draw(list->count)]
                                             : (uint32_t)million_draw(MILLION_CLIPS);
        key_of(row, key);
        buf_printf(path, "%s%s", i ? "," : "", key);
        marked[row] = true;
    }
    keep_marked(list, marked);
}

static void apply_streams(struct million_list *list, struct buf *path)
{
    (void)list;
    buf_text_append(path, "@streams=json");
}

static void apply_since(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    bool word = million_draw(2);
    buf_text_append(path, word ? "@since=v1,word" : "@since=v1");
    for (size_t row = 0; row < MILLION_CLIPS; row++)
        marked[row] = list->of->changed[row] > word;
    keep_marked(list, marked);
}

static void sort_by(struct million_list *list, const uint64_t *by)
{
    CLEANUP_FREE struct lot *lots = mem_alloc((list->count + 1) * sizeof *lots);
    for (size_t i = 0; i < list->count; i++)
        lots[i] = (struct lot){by[list->rows[i]], list->rows[i]};
    qsort(lots, list->count, sizeof *lots, compare_lots);
    for (size_t i = 0; i < list->count; i++)
        list->rows[i] = lots[i].row;
}

static void apply_text(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE uint64_t *by = mem_zero(MILLION_CLIPS * sizeof *by);
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    const struct million *of = list->of;
    for (size_t row = 0; row < MILLION_CLIPS; row++) {
        double score =
            of->scores[of->word[row] == NONE ? MILLION_WORDS : of->word[row]][of->session[row] != NONE];
        by[row] = UINT64_MAX - (uint64_t)(score * 1e9);
        marked[row] = score > 0;
    }
    keep_marked(list, marked);
    sort_by(list, by);
    size_t most = draw_count(list);
    buf_printf(path, "@text=Cube pick,%zu", most);
    cut(list, 0, 1, most);
}

/* Texts are in the order of their bytes; of several values the first that comes. */
static uint64_t place_of(const struct million *of, uint32_t row, const char *attribute, bool falling)
{
    uint64_t less = 0;
    if (!strcmp(attribute, "place"))
        return row;
    if (!strcmp(attribute, "marks"))
        return !of->marks[row] ? UINT64_MAX
               : falling       ? (uint64_t)(31 - __builtin_clz(of->marks[row]))
                               : (uint64_t)__builtin_ctz(of->marks[row]);
    for (size_t i = 0; i < MILLION_WORDS && of->word[row] != NONE; i++)
        less += strcmp(million_words[i], million_words[of->word[row]]) < 0;
    return of->word[row] == NONE ? UINT64_MAX : less;
}

static void apply_sort(struct million_list *list, struct buf *path)
{
    static const char *const attributes[] = {"place", "marks", "word"};
    CLEANUP_FREE uint64_t *by = mem_zero(MILLION_CLIPS * sizeof *by);
    const char *attribute = attributes[million_draw(3)];
    bool falling = million_draw(2);
    buf_printf(path, "@sort=%s%s", falling ? "-" : "", attribute);
    for (size_t i = 0; i < list->count; i++) {
        uint64_t place = place_of(list->of, list->rows[i], attribute, falling);
        by[list->rows[i]] = falling && place != UINT64_MAX ? MILLION_CLIPS - place : place;
    }
    sort_by(list, by);
}

static void apply_skip(struct million_list *list, struct buf *path)
{
    size_t fewer = draw_count(list);
    buf_printf(path, "@skip=%zu", fewer);
    cut(list, fewer, 1, SIZE_MAX);
}

static void apply_head(struct million_list *list, struct buf *path)
{
    size_t most = draw_count(list);
    buf_printf(path, "@head=%zu", most);
    cut(list, 0, 1, most);
}

static void apply_shard(struct million_list *list, struct buf *path)
{
    size_t of = 1 + (million_draw(2) ? million_draw(7) : million_draw(2000)), number = million_draw(of);
    bool even = million_draw(2);
    buf_printf(path, "@shard=%zu,%zu%s", number, of, even ? ",even" : "");
    cut(list, number, of, even ? list->count / of : SIZE_MAX);
}

static void apply_sample(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE struct lot *lots = mem_alloc((list->count + 1) * sizeof *lots);
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    size_t count = draw_count(list), seed = million_draw(4), epoch = million_draw(2);
    buf_printf(path, "@sample=%zu,%zu.%zu", count, seed, epoch);
    for (size_t i = 0; i < list->count; i++)
        lots[i] = (struct lot){drawn_clip(seed, epoch, 's', list->of->hashes[list->rows[i]]), list->rows[i]};
    qsort(lots, list->count, sizeof *lots, compare_lots);
    for (size_t i = 0; i < count && i < list->count; i++)
        marked[lots[i].row] = true;
    keep_marked(list, marked);
}

/* query/order/shuffle.h */
static uint32_t shuffled(uint64_t seed, uint64_t epoch, uint32_t count, uint32_t x)
{
    unsigned bits = 2;
    while (UINT64_C(1) << bits < count)
        bits++;
    uint32_t low = bits / 2, mask = (UINT32_C(1) << low) - 1, high = (UINT32_C(1) << (bits - low)) - 1;
    do
        for (uint8_t round = 0; round < 8; round++) {
            uint32_t half = round % 2 ? x >> low : x & mask;
            const uint8_t message[6] = {'f',
                                        round,
                                        (uint8_t)half,
                                        (uint8_t)(half >> 8),
                                        (uint8_t)(half >> 16),
                                        (uint8_t)(half >> 24)};
            uint32_t hash = (uint32_t)drawn(seed, epoch, message, sizeof message);
            x ^= round % 2 ? hash & mask : (hash & high) << low;
        }
    while (x >= count);
    return x;
}

static void apply_shuffle(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE uint32_t *was = mem_copy(list->rows, list->count * sizeof *was);
    size_t seed = million_draw(5), epoch = million_draw(3);
    buf_printf(path, epoch ? "@shuffle=%zu.%zu" : "@shuffle=%zu", seed, epoch);
    for (size_t i = 0; i < list->count; i++)
        list->rows[i] = was[shuffled(seed, epoch, (uint32_t)list->count, (uint32_t)i)];
}

static bool is_within(const uint32_t part[2], uint64_t x)
{
    return x >= part[0] && x < part[1];
}

/* The groups that lie within, by where the middle of each is among all clips that are in one. */
static void choose_groups(const struct million_list *list, const uint32_t part[2], uint64_t seed,
                          bool within[SESSIONS])
{
    CLEANUP_FREE struct lot *lots = mem_zero(SESSIONS * sizeof *lots);
    uint64_t clips[SESSIONS] = {0}, before = 0, all = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->of->session[list->rows[i]] != NONE)
            clips[list->of->session[list->rows[i]]]++, all++;
    for (uint32_t i = 0; i < SESSIONS; i++) {
        char message[25] = "g";
        session_text((int)i, message + 1);
        lots[i] = (struct lot){drawn(seed, 0, message, strlen(message)), i};
    }
    qsort(lots, SESSIONS, sizeof *lots, compare_lots);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        uint64_t own = clips[lots[i].row];
        within[lots[i].row] =
            own && is_within(part, (uint64_t)((unsigned __int128)(2 * before + own) * ALL / (2 * all)));
        before += own;
    }
}

void million_split(struct million_list *list, const uint32_t part[2], bool whole, struct buf *path)
{
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    bool within[SESSIONS] = {false};
    size_t seed = million_draw(4);
    buf_printf(path, "@split=%.6f..%.6f,%zu%s", part[0] / 1e6, part[1] / 1e6, seed, whole ? ",crew" : "");
    choose_groups(list, part, seed, within);
    for (size_t i = 0; i < list->count; i++) {
        uint32_t row = list->rows[i];
        uint64_t own = drawn_clip(seed, 0, 'p', list->of->hashes[row]);
        bool alone = !whole || list->of->session[row] == NONE;
        marked[row] = alone ? is_within(part, (uint64_t)((unsigned __int128)own * ALL >> 64))
                            : within[list->of->session[row]];
    }
    keep_marked(list, marked);
}

static void apply_split(struct million_list *list, struct buf *path)
{
    const uint32_t part[2] = {(uint32_t)million_draw(60) * 1000000,
                              ALL - (uint32_t)million_draw(40) * 500001};
    million_split(list, part, million_draw(2), path);
}

/* In millionths; all the same if none is given. */
static void draw_weights(uint64_t weights[MILLION_WORDS], struct buf *path)
{
    static const uint8_t weighed[] = {COMMA, PLUS, ACCENT};
    static const char *const amounts[] = {"1", "2.5", "0"};
    bool given = million_draw(2);
    buf_text_append(path, "@balance=word");
    for (size_t i = 0; i < MILLION_WORDS; i++)
        weights[i] = given ? 0 : 1000000;
    for (size_t i = 0; i < 3 && given; i++) {
        const char *word = million_words[weighed[i]];
        buf_u8(path, ',');
        escape_append(path, word, strlen(word), NULL, 1);
        buf_printf(path, ",%s", amounts[i]);
        weights[weighed[i]] = (uint64_t)(strtod(amounts[i], NULL) * 1e6);
    }
}

static void apply_balance(struct million_list *list, struct buf *path)
{
    CLEANUP_FREE struct lot *lots = mem_alloc((list->count + 1) * sizeof *lots);
    CLEANUP_FREE bool *marked = mem_zero(MILLION_CLIPS);
    uint64_t weights[MILLION_WORDS], clips[MILLION_WORDS] = {0}, least = MILLION_WORDS;
    draw_weights(weights, path);
    bool all_there = weights[0] == 0; /* who gives weights means these values, also those that nobody has */
    for (size_t i = 0; i < list->count; i++) {
        uint32_t row = list->rows[i];
        lots[i] = (struct lot){drawn_clip(0, 0, 'b', list->of->hashes[row]), row};
        if (list->of->word[row] != NONE)
            clips[list->of->word[row]]++;
    }
    qsort(lots, list->count, sizeof *lots, compare_lots);
    for (size_t i = 0; i < MILLION_WORDS; i++)
        if (weights[i] && (clips[i] || all_there) &&
            (least == MILLION_WORDS || clips[i] * weights[least] < clips[least] * weights[i]))
            least = i;
    uint64_t left[MILLION_WORDS] = {0};
    for (size_t i = 0; i < MILLION_WORDS && least < MILLION_WORDS; i++)
        left[i] = clips[least] * weights[i] / weights[least];
    for (size_t i = 0; i < list->count; i++) {
        int word = list->of->word[lots[i].row];
        marked[lots[i].row] = word != NONE && left[word];
        if (marked[lots[i].row])
            left[word]--;
    }
    keep_marked(list, marked);
}

const struct million_stage million_stages[MILLION_STAGES] = {
    {"key", apply_key},     {"streams", apply_streams}, {"since", apply_since},
    {"text", apply_text},   {"sort", apply_sort},       {"skip", apply_skip},
    {"head", apply_head},   {"sample", apply_sample},   {"shuffle", apply_shuffle},
    {"shard", apply_shard}, {"split", apply_split},     {"balance", apply_balance},
};
