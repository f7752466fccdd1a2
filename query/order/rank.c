// SPDX-License-Identifier: Apache-2.0
/* The values of all texts are walked once: each is read into words and counted for the clips that have it. */
#include "query/order/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "index/base/words.h"

/* ---- words ---- */

static char *lower_word(const char *word, size_t len)
{
    char *lower = mem_copy(word, len);
    for (size_t i = 0; i < len; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    return lower;
}

static size_t find_word(const struct rank_words *words, const char *lower)
{
    size_t at = 0;
    while (at < words->count && strcmp(words->list[at], lower) < 0)
        at++;
    return at;
}

static bool is_word(const struct rank_words *words, size_t at, const char *lower)
{
    return at < words->count && strcmp(words->list[at], lower) == 0;
}

bool rank_words_read(const char *text, size_t len, struct rank_words *ret)
{
    struct rank_words words = {.count = 0};
    const char *word;
    size_t at = 0, word_len;
    bool fits = true;
    while (fits && words_next(text, len, &at, &word, &word_len)) {
        CLEANUP_FREE char *lower = lower_word(word, word_len);
        size_t place = find_word(&words, lower);
        if (is_word(&words, place, lower))
            continue;
        fits = words.count < RANK_WORDS_MAX;
        if (!fits)
            break;
        memmove(words.list + place + 1, words.list + place, (words.count - place) * sizeof *words.list);
        words.list[place] = STEAL(lower);
        words.count++;
    }
    if (fits && words.count)
        *ret = words;
    else
        rank_words_done(&words);
    return fits && words.count;
}

void rank_words_done(struct rank_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    words->count = 0;
}

/* ---- counting ---- */

struct hit {
    uint32_t row, word, times;
};
struct counting {
    const struct rank_words *words;
    struct catalog_reader *reader;
    const struct rowset *live;
    uint32_t *lengths; /* words that each row has */
    struct hit *hits;
    size_t count, cap;
    uint64_t length; /* of all */
};

static void counting_done(struct counting *counting)
{
    free(counting->lengths);
    free(counting->hits);
}
#define CLEANUP_COUNTING CLEANUP(counting_done)

/* How often each word stands in the text; how many words there are. */
static uint32_t count_words(const struct rank_words *words, const struct value *text,
                            uint32_t times[RANK_WORDS_MAX])
{
    const char *word;
    size_t at = 0, len;
    uint32_t all = 0;
    for (; words_next(text->text, text->len, &at, &word, &len); all++) {
        CLEANUP_FREE char *lower = lower_word(word, len);
        size_t place = find_word(words, lower);
        if (is_word(words, place, lower))
            times[place]++;
    }
    return all;
}

static void add_row(struct counting *counting, uint32_t row, uint32_t length,
                    const uint32_t times[RANK_WORDS_MAX])
{
    counting->lengths[row] += length;
    counting->length += length;
    for (uint32_t word = 0; word < counting->words->count; word++) {
        if (!times[word])
            continue;
        mem_grow(&counting->hits, &counting->cap, counting->count + 1, sizeof *counting->hits);
        counting->hits[counting->count++] = (struct hit){row, word, times[word]};
    }
}

static int count_value(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    enum { ROWS_AT = 1024 };
    struct counting *counting = ctx;
    uint32_t times[RANK_WORDS_MAX] = {0}, list[ROWS_AT];
    uint32_t length = count_words(counting->words, value, times);
    uint64_t from = 0;
    (void)err;
    for (size_t n; (n = rowset_rows(rows, from, list, ROWS_AT)); from = list[n - 1] + UINT64_C(1))
        for (size_t i = 0; i < n; i++)
            add_row(counting, list[i], length, times);
    return 0;
}

static int count_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct counting *counting = ctx;
    return attribute->type == VALUE_TEXT ? catalog_values_within(counting->reader, attribute->id,
                                                                 counting->live, count_value, counting, err)
                                         : 0;
}

static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->word > y->word) - (x->word < y->word);
}

/* By row and word, each once. */
static void merge_hits(struct counting *counting)
{
    size_t kept = 0;
    if (counting->count)
        qsort(counting->hits, counting->count, sizeof *counting->hits, compare_hits);
    for (size_t i = 0; i < counting->count; i++)
        if (kept && !compare_hits(&counting->hits[kept - 1], &counting->hits[i]))
            counting->hits[kept - 1].times += counting->hits[i].times;
        else
            counting->hits[kept++] = counting->hits[i];
    counting->count = kept;
}

/* ---- scores ---- */

uint64_t rank_log2(uint64_t number)
{
    unsigned whole = 63 - (unsigned)__builtin_clzll(number);
    unsigned __int128 x = (unsigned __int128)number << 64 >> whole; /* from 1 to 2, in 2^-64 */
    uint64_t log = (uint64_t)whole << 32;
    uint64_t y = (uint64_t)(x >> 1); /* in 2^-63 */
    for (int bit = 31; bit >= 0; bit--) {
        unsigned __int128 square = (unsigned __int128)y * y >> 63;
        bool two = square >> 64;
        log |= (uint64_t)two << bit;
        y = (uint64_t)(square >> two);
    }
    return log;
}

struct scored {
    double score;
    uint32_t row;
};

/* ln(1 + (clips - having + 0.5) / (having + 0.5)), but for a factor that all words share. */
static double rareness(uint64_t clips, uint64_t having)
{
    return (double)(rank_log2(2 * clips + 2) - rank_log2(2 * having + 1)) / 4294967296.0;
}

static void find_rareness(const struct counting *counting, uint64_t clips, double rare[RANK_WORDS_MAX])
{
    uint64_t having[RANK_WORDS_MAX] = {0};
    for (size_t i = 0; i < counting->count; i++)
        having[counting->hits[i].word]++;
    for (size_t i = 0; i < counting->words->count; i++)
        rare[i] = rareness(clips, having[i]);
}

static size_t score_rows(const struct counting *counting, uint64_t clips, const struct rowset *rows,
                         struct scored *scored)
{
    const double k1 = 1.2, b = 0.75, mean = (double)counting->length / (double)clips;
    double rare[RANK_WORDS_MAX];
    size_t count = 0;
    find_rareness(counting, clips, rare);
    for (size_t i = 0; i < counting->count; i++) {
        const struct hit *hit = &counting->hits[i];
        double times = hit->times, length = counting->lengths[hit->row];
        double score = rare[hit->word] * times * (k1 + 1) / (times + k1 * (1 - b + b * length / mean));
        if (!rowset_contains(rows, hit->row))
            continue;
        if (count && scored[count - 1].row == hit->row)
            scored[count - 1].score += score;
        else
            scored[count++] = (struct scored){score, hit->row};
    }
    return count;
}

static int compare_scores(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* ---- ahead ---- */

struct texts {
    uint32_t *ids;
    size_t count, cap;
};

static int note_text(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct texts *texts = ctx;
    (void)err;
    mem_grow(&texts->ids, &texts->cap, texts->count + 1, sizeof *texts->ids);
    if (attribute->type == VALUE_TEXT)
        texts->ids[texts->count++] = attribute->id;
    return 0;
}

void rank_ahead(struct catalog_reader *reader, bool again)
{
    struct texts texts = {0};
    if (!catalog_attributes(reader, note_text, &texts, NULL) && texts.count) {
        const struct catalog_some some = {texts.ids, texts.count};
        (again ? catalog_values_ahead : catalog_values_ahead_once)(reader, &some, true);
    }
    free(texts.ids);
}

/* ---- all of it ---- */

int rank_rows(struct catalog_reader *reader, const struct rowset *rows, const struct rank_words *words,
              size_t most, uint32_t **ret, size_t *ret_count, struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    CLEANUP_COUNTING struct counting counting = {.words = words, .reader = reader};
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = catalog_live(reader, &live, err);
    if (rc)
        return rc;
    counting.live = live;
    counting.lengths = mem_zero((info.rows + 1) * sizeof *counting.lengths);
    if (!catalog_reader_nowait(reader))
        rank_ahead(reader, false);
    rc = catalog_attributes(reader, count_attribute, &counting, err);
    if (rc == -EAGAIN)
        rank_ahead(reader, true);
    if (rc)
        return rc;
    merge_hits(&counting);
    CLEANUP_FREE struct scored *scored = mem_alloc((counting.count + 1) * sizeof *scored);
    size_t count = score_rows(&counting, rowset_count(live), rows, scored);
    if (count)
        qsort(scored, count, sizeof *scored, compare_scores);
    count = count < most ? count : most;
    *ret = mem_alloc((count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++)
        (*ret)[i] = scored[i].row;
    *ret_count = count;
    return 0;
}
