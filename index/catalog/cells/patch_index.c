// SPDX-License-Identifier: Apache-2.0
/* A patch is in row order; a question is about a value. Rows by code answer it, and sets where many rows have
 * one, so that they need not be added one by one. */
#include "index/catalog/cells/patch_index.h"

#include <stdlib.h>
#include <string.h>

enum {
    MANY = 256,      /* rows of a code that are kept as a set, too */
    SCAN_SHARE = 64, /* with one row of so many wanted, all cells are looked at in order */
};

/* ---- by row ---- */

/* Rows that come in order, gathered 64 at a time, and 2^16 at a time. */
struct adding {
    struct rowset *rows;
    uint32_t part;
    bool any;
    uint64_t words[ROWSET_PART_WORDS];
};

static void flush(struct adding *adding)
{
    if (adding->any)
        rowset_add_words(adding->rows, adding->part * ROWSET_PART_ROWS, adding->words);
    memset(adding->words, 0, sizeof adding->words);
    adding->any = false;
}

/* The bits of the rows 64 * at .. 64 * at + 63. */
static void add_word(struct adding *adding, uint32_t at, uint64_t word)
{
    uint32_t part = at / ROWSET_PART_WORDS;
    if (part != adding->part)
        flush(adding);
    adding->part = part;
    adding->any |= word != 0;
    adding->words[at % ROWSET_PART_WORDS] |= word;
}

/* Adds the rows of the cells for which `is` holds; `i` is the cell's number. Nothing here branches on it. */
#define ADD_CELLS(patch, to, is)                                                                             \
    do {                                                                                                     \
        struct adding adding = {.rows = (to)};                                                               \
        uint64_t word = 0;                                                                                   \
        uint32_t at = 0;                                                                                     \
        for (size_t i = 0; i < (patch)->count; i++) {                                                        \
            uint32_t row = (patch)->cells[i].row;                                                            \
            if (row / 64 != at) {                                                                            \
                add_word(&adding, at, word);                                                                 \
                at = row / 64;                                                                               \
                word = 0;                                                                                    \
            }                                                                                                \
            word |= (uint64_t)(bool)(is) << row % 64;                                                        \
        }                                                                                                    \
        add_word(&adding, at, word);                                                                         \
        flush(&adding);                                                                                      \
    } while (0)

static void index_rows(struct patch_index *patch_index)
{
    const struct patch *patch = &patch_index->patch;
    patch_index->rows = rowset_new();
    patch_index->has = rowset_new();
    ADD_CELLS(patch, patch_index->rows, true);
    ADD_CELLS(patch, patch_index->has, patch_code_seen(&patch->cells[i]) != PATCH_NONE);
    for (size_t i = 0; i < patch->count; i++)
        patch_index->clips +=
            (patch_code_seen(&patch->cells[i]) != PATCH_NONE) - (patch->cells[i].old != PATCH_NONE);
}

/* Counted, then placed: rows of a code stay in order. */
static void index_codes(struct patch_index *patch_index)
{
    const struct patch *patch = &patch_index->patch;
    size_t codes = patch->set_count + 1;
    patch_index->code_at = mem_zero((codes + 1) * sizeof *patch_index->code_at);
    patch_index->code_rows = mem_alloc(patch->count * sizeof *patch_index->code_rows);
    for (size_t i = 0; i < patch->count; i++)
        patch_index->code_at[patch_code_seen(&patch->cells[i]) + 1]++;
    for (size_t code = 0; code < codes; code++)
        patch_index->code_at[code + 1] += patch_index->code_at[code];
    CLEANUP_FREE uint32_t *next = mem_copy(patch_index->code_at, codes * sizeof *next);
    for (size_t i = 0; i < patch->count; i++)
        patch_index->code_rows[next[patch_code_seen(&patch->cells[i])]++] = patch->cells[i].row;
    patch_index->code_sets = mem_zero(codes * sizeof *patch_index->code_sets);
    for (size_t code = 1; code < codes; code++) {
        uint32_t from = patch_index->code_at[code], count = patch_index->code_at[code + 1] - from;
        if (count < MANY)
            continue;
        patch_index->code_sets[code] = rowset_new();
        rowset_add_many(patch_index->code_sets[code], patch_index->code_rows + from, count);
    }
}

/* ---- by value ---- */

struct use { /* a value in a set */
    const struct value *value;
    uint32_t code;
};

static int compare_uses(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    int order = value_compare(x->value, y->value);
    return order ? order : (x->code > y->code) - (x->code < y->code);
}

static struct use *sorted_uses(const struct patch *patch)
{
    struct use *uses = mem_alloc(patch->value_count * sizeof *uses);
    for (size_t set = 0, at = 0; set < patch->set_count; set++)
        for (uint32_t i = 0; i < patch->sets[set].count; i++, at++)
            uses[at] = (struct use){&patch->values[patch->sets[set].at + i], (uint32_t)set + 1};
    if (patch->value_count)
        qsort(uses, patch->value_count, sizeof *uses, compare_uses);
    return uses;
}

/* As many live clips more have each code than beneath. */
static int64_t *code_clips(const struct patch_index *patch_index)
{
    const struct patch *patch = &patch_index->patch;
    int64_t *clips = mem_zero((patch->set_count + 1) * sizeof *clips);
    for (size_t i = 0; i < patch->count; i++) {
        clips[patch_code_seen(&patch->cells[i])]++;
        clips[patch->cells[i].old]--;
    }
    return clips;
}

static void index_values(struct patch_index *patch_index)
{
    const struct patch *patch = &patch_index->patch;
    CLEANUP_FREE struct use *uses = sorted_uses(patch);
    CLEANUP_FREE int64_t *clips = code_clips(patch_index);
    patch_index->terms = mem_alloc(patch->value_count * sizeof *patch_index->terms);
    patch_index->term_codes = mem_alloc(patch->value_count * sizeof *patch_index->term_codes);
    for (size_t i = 0; i < patch->value_count; i++) {
        bool is_new = !i || value_compare(uses[i - 1].value, uses[i].value) != 0;
        if (is_new)
            patch_index->terms[patch_index->term_count++] =
                (struct patch_index_term){*uses[i].value, 0, (uint32_t)i, 0};
        struct patch_index_term *term = &patch_index->terms[patch_index->term_count - 1];
        term->clips += clips[uses[i].code];
        patch_index->term_codes[term->first + term->count++] = uses[i].code;
    }
    patch_index->term_below = mem_zero((patch_index->term_count + 1) * sizeof *patch_index->term_below);
    for (size_t i = 0; i < patch_index->term_count; i++)
        patch_index->term_below[i + 1] = patch_index->term_below[i] + patch_index->terms[i].clips;
}

/* Where a clip has one value, its place among them tells whether it is in a range. */
static void index_ranks(struct patch_index *patch_index)
{
    const struct patch *patch = &patch_index->patch;
    if (patch->value_count != patch->set_count)
        return;
    CLEANUP_FREE uint32_t *of_code = mem_alloc((patch->set_count + 1) * sizeof *of_code);
    of_code[PATCH_NONE] = UINT32_MAX;
    for (size_t i = 0; i < patch_index->term_count; i++)
        of_code[patch_index->term_codes[patch_index->terms[i].first]] = (uint32_t)i;
    patch_index->ranks = mem_alloc(patch->count * sizeof *patch_index->ranks);
    for (size_t i = 0; i < patch->count; i++)
        patch_index->ranks[i] = of_code[patch_code_seen(&patch->cells[i])];
}

/* ---- all of it ---- */

struct patch_index *patch_index_new(struct patch *patch)
{
    struct patch_index *patch_index = MEM_NEW(struct patch_index);
    atomic_init(&patch_index->refs, 1);
    patch_index->patch = *patch;
    *patch = (struct patch){0};
    index_rows(patch_index);
    index_codes(patch_index);
    if (!patch_index->patch.value_count || patch_index->patch.values[0].type != VALUE_LIST) {
        index_values(patch_index);
        index_ranks(patch_index);
    }
    const struct patch *own = &patch_index->patch;
    enum { TEXT_BYTES = 64 }; /* a set's share of the map */
    patch_index->bytes = sizeof *patch_index + own->cap * sizeof *own->cells +
                         own->count * sizeof *patch_index->code_rows +
                         own->set_count * (TEXT_BYTES + sizeof *own->sets) +
                         own->value_count * (sizeof *own->values + sizeof *patch_index->terms);
    return patch_index;
}

struct patch_index *patch_index_ref(struct patch_index *patch_index)
{
    atomic_fetch_add(&patch_index->refs, 1);
    return patch_index;
}

void patch_index_unref(struct patch_index *patch_index)
{
    if (!patch_index || atomic_fetch_sub(&patch_index->refs, 1) != 1)
        return;
    size_t codes = patch_index->patch.set_count;
    patch_done(&patch_index->patch);
    rowset_unref(patch_index->rows);
    rowset_unref(patch_index->has);
    for (size_t code = 0; code <= codes; code++)
        rowset_unref(patch_index->code_sets[code]);
    void *const all[] = {patch_index->code_sets, patch_index->code_rows,  patch_index->code_at,
                         patch_index->terms,     patch_index->term_codes, patch_index->term_below,
                         patch_index->ranks};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(patch_index);
}

size_t patch_index_term_at(const struct patch_index *patch_index, const struct value *value, bool behind)
{
    size_t low = 0, high = patch_index->term_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value_compare(&patch_index->terms[middle].value, value) < (behind ? 1 : 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t patch_index_clips(const struct patch_index *patch_index, const struct value *value)
{
    size_t at = patch_index_term_at(patch_index, value, false);
    bool found = at < patch_index->term_count && !value_compare(&patch_index->terms[at].value, value);
    return found ? patch_index->terms[at].clips : 0;
}

static void add_code(const struct patch_index *patch_index, uint32_t code, struct rowset *rows)
{
    uint32_t from = patch_index->code_at[code];
    if (patch_index->code_sets[code])
        rowset_or(rows, patch_index->code_sets[code]);
    else
        rowset_add_many(rows, patch_index->code_rows + from, patch_index->code_at[code + 1] - from);
}

/* All cells in order, which is faster than code by code where many codes have many rows. */
static void scan_ranks(const struct patch_index *patch_index, uint32_t from, uint32_t to, struct rowset *rows)
{
    const uint32_t *ranks = patch_index->ranks;
    ADD_CELLS(&patch_index->patch, rows, ranks[i] - from < to - from);
}

static void scan(const struct patch_index *patch_index, size_t from, size_t to, struct rowset *rows)
{
    const struct patch *patch = &patch_index->patch;
    CLEANUP_FREE uint8_t *marks = mem_zero(patch->set_count + 1);
    for (size_t i = from; i < to; i++)
        for (uint32_t k = 0; k < patch_index->terms[i].count; k++)
            marks[patch_index->term_codes[patch_index->terms[i].first + k]] = 1;
    ADD_CELLS(patch, rows, marks[patch_code_seen(&patch->cells[i])]);
}

/* Rows of many codes come in no order, which costs more than to look at so many cells. */
static bool has_few(const struct patch_index *patch_index, size_t from, size_t to)
{
    uint64_t rows = 0, most = patch_index->patch.count / SCAN_SHARE + 1;
    for (size_t i = from; i < to && rows <= most; i++)
        for (uint32_t k = 0; k < patch_index->terms[i].count; k++) {
            uint32_t code = patch_index->term_codes[patch_index->terms[i].first + k];
            rows += patch_index->code_sets[code]
                        ? 1
                        : patch_index->code_at[code + 1] - patch_index->code_at[code];
        }
    return rows <= most;
}

void patch_index_add_rows(const struct patch_index *patch_index, size_t from, size_t to, struct rowset *rows)
{
    bool few = to - from == 1 || has_few(patch_index, from, to);
    for (size_t i = from; few && i < to; i++)
        for (uint32_t k = 0; k < patch_index->terms[i].count; k++)
            add_code(patch_index, patch_index->term_codes[patch_index->terms[i].first + k], rows);
    if (!few && patch_index->ranks)
        scan_ranks(patch_index, (uint32_t)from, (uint32_t)to, rows);
    else if (!few)
        scan(patch_index, from, to, rows);
}
