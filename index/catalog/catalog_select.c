// SPDX-License-Identifier: Apache-2.0
/*
 * A literal becomes rows by the blocks that hold its values. A wide range of numbers is faster over columns:
 * parts whose zone map it does not meet are not expanded. A prefix of a number's text, a suffix, words are no
 * range: each value is printed. What the index says of patched rows does not count; the patch_index says what
 * they have (cells.h). NE and NULL are what is left of "has it" and of "live".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/base/words.h"
#include "index/catalog/column.h"
#include "index/catalog/select.h"
#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_walk.h"

enum {
    COLUMN_FROM_PERCENT =
        35,                /* of an attribute's clips in a shard: what is wider is looked up in its columns */
    TIME_FIXED_BYTES = 19, /* "2026-03-01T12:00:05": up to here the order of text is the order of time */
};

/* ---- ranges ---- */

static int compare_prefix(struct buf *text, int64_t ns, const struct value *prefix)
{
    buf_clear(text);
    instant_print(text, ns);
    return memcmp(text->data, prefix->text, prefix->len);
}

/* The first instant whose text is (or is behind) the prefix, by bisection; one past the last: none. */
static int64_t first_instant(const struct value *prefix, bool behind, bool *ret_none)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    uint64_t low = 0, high = UINT64_MAX; /* numbers from INT64_MIN */
    *ret_none = false;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = compare_prefix(&text, (int64_t)(middle + (uint64_t)INT64_MIN), prefix);
        if (order > 0 || (!behind && order == 0))
            high = middle;
        else
            low = middle + 1;
    }
    int order = compare_prefix(&text, (int64_t)(low + (uint64_t)INT64_MIN), prefix);
    *ret_none = !(order > 0 || (!behind && order == 0));
    return (int64_t)(low + (uint64_t)INT64_MIN);
}

static int instants_of_prefix(const struct value *prefix, struct shard_range *range)
{
    bool none, none_behind;
    range->low.number = first_instant(prefix, false, &none);
    range->high.number = first_instant(prefix, true, &none_behind);
    range->open_high = none_behind;
    range->inclusive_low = true;
    return !none && (none_behind || range->low.number < range->high.number);
}

/* The first text behind all that start with it: no text ends in a byte 255. */
static void texts_of_prefix(const struct value *prefix, struct select_range *to)
{
    struct shard_range *range = &to->range;
    *range = (struct shard_range){.open_low = !prefix->len, .open_high = !prefix->len, .inclusive_low = true};
    if (!prefix->len)
        return;
    buf_append(&to->bound, prefix->text, prefix->len);
    to->bound.data[prefix->len - 1]++;
    range->low = shard_key_of(prefix);
    range->high = (struct shard_key){.text = buf_text(&to->bound), .len = prefix->len};
}

int select_range(const struct attribute *attribute, const struct catalog_literal *literal,
                 struct select_range *ret)
{
    const struct value *values = literal->values;
    *ret = (struct select_range){0};
    if (literal->op == CATALOG_RANGE) {
        ret->range = (struct shard_range){.open_low = literal->open_low,
                                          .open_high = literal->open_high,
                                          .inclusive_low = literal->inclusive_low,
                                          .inclusive_high = literal->inclusive_high};
        if (!literal->open_low)
            ret->range.low = shard_key_of(&values[0]);
        if (!literal->open_high)
            ret->range.high = shard_key_of(&values[1]);
        bool both = !literal->open_low && !literal->open_high;
        return !both || shard_key_compare(&ret->range.low, &ret->range.high) <= 0;
    }
    if (literal->op != CATALOG_PREFIX)
        return -ENOENT;
    if (attribute->info.type == VALUE_TEXT)
        texts_of_prefix(&values[0], ret);
    else if (attribute->info.type == VALUE_TIME && values[0].len <= TIME_FIXED_BYTES)
        return instants_of_prefix(&values[0], &ret->range);
    else
        return -ENOENT;
    return 1;
}

/* ---- by the column ---- */

/* The numbers between the bounds; false: there are none. */
static bool numbers_of(const struct shard_range *range, int64_t numbers[2])
{
    numbers[0] = range->open_low ? INT64_MIN : range->low.number;
    numbers[1] = range->open_high ? INT64_MAX : range->high.number;
    if (!range->open_low && !range->inclusive_low && numbers[0]++ == INT64_MAX)
        return false;
    if (!range->open_high && !range->inclusive_high && numbers[1]-- == INT64_MIN)
        return false;
    return numbers[0] <= numbers[1];
}

static uint64_t rows_of(const struct state_runs *runs, size_t count)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < count && i < runs->count; i++)
        rows += runs->list[i].rows;
    return rows;
}

/* Parts know no shards: those of a shard's rows hold what it does, and smaller ones within it, or a larger
 * one around it. They may be ahead of these with clips of the tail, and by what is folded. Is it so many? */
static bool are_so_many(const struct shards *shards, const struct shard *shard, const struct state *state,
                        uint64_t clips)
{
    uint64_t folding = rows_of(&state->patches, state->folding), least = 0,
             most = folding + rows_of(&state->tails, state->tails.count);
    for (size_t i = 0; i < shards->count; i++) {
        const struct shard *other = &shards->list[i];
        uint64_t first = shard_first(other->number), end = shard_end(other->number);
        if (first >= shard_first(shard->number) && end <= shard_end(shard->number))
            least += other->dict.clips;
        if (first < shard_end(shard->number) && end > shard_first(shard->number))
            most += other->dict.clips;
    }
    return clips + folding >= least && clips <= most;
}

/* After the parts were read. */
static int check_parts(struct catalog_reader *reader, const struct shard *shard, uint64_t clips,
                       struct error *err)
{
    const struct attribute *attribute;
    const struct shards *shards;
    int rc = reader_attribute(reader, shard->attribute, &attribute, err);
    if (!rc)
        rc = reader_shards(reader, attribute, &shards, err);
    if (rc || are_so_many(shards, shard, &attribute->state, clips))
        return rc;
    return shard_damaged(shard, "part", shard_first(shard->number) >> SCHEMA_PART_BITS,
                         "it and those behind it have other clips than the shard", err);
}

int select_parts(struct catalog_reader *reader, const struct shard *shard, const struct shard_range *range,
                 select_part_fn *each, void *ctx, struct error *err)
{
    sqlite3_stmt *stmt;
    int64_t numbers[2];
    uint64_t clips = 0;
    if (!numbers_of(range, numbers))
        return 0;
    int rc = db_query(reader->db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    uint32_t first = shard_first(shard->number) >> SCHEMA_PART_BITS,
             end = (uint32_t)(shard_end(shard->number) >> SCHEMA_PART_BITS);
    db_bind_number(stmt, 1, shard_part_id(shard->attribute, first));
    db_bind_number(stmt, 2, shard_part_id(shard->attribute, end - 1));
    while ((rc = db_step(reader->db, stmt, err)) == 1) {
        struct column_part part;
        rc = column_part_read(reader->db, stmt, &part, err);
        if (!rc && numbers[1] >= part.low && numbers[0] <= part.high)
            rc = each(ctx, &part, numbers, err);
        if (rc)
            break;
        clips += part.clips;
    }
    sqlite3_reset(stmt);
    return rc ? rc : check_parts(reader, shard, clips, err);
}

struct matching {
    struct catalog_reader *reader;
    struct rowset *rows;
};

static int match_part(void *ctx, const struct column_part *part, const int64_t numbers[2], struct error *err)
{
    const struct matching *matching = ctx;
    struct buf *text = &matching->reader->text;
    uint64_t words[ROWSET_PART_WORDS] = {0};
    int rc = column_part_expand(matching->reader->db, part, text, err);
    if (rc)
        return rc;
    column_part_match(part, text, numbers, words);
    rowset_add_words(matching->rows, part->number << SCHEMA_PART_BITS, words);
    return 0;
}

/* Does the text a value is printed with begin or end so, or have the words? */
static bool is_match(enum catalog_op op, struct buf *text, const struct value *value,
                     const struct value *wanted)
{
    buf_clear(text);
    value_print(text, value);
    if (op == CATALOG_WORDS)
        return words_all_in(buf_text(text), text->len, wanted->text, wanted->len);
    size_t from = op == CATALOG_SUFFIX ? text->len - wanted->len : 0;
    return text->len >= wanted->len && !memcmp(buf_text(text) + from, wanted->text, wanted->len);
}

/* ---- above what is beneath ---- */

static void each_equal(const struct patch_index *patch_index, const struct catalog_literal *literal,
                       select_terms_fn *each, void *ctx)
{
    for (size_t i = 0; i < literal->count; i++) {
        size_t at = patch_index_term_at(patch_index, &literal->values[i], false);
        if (at < patch_index->term_count &&
            !value_compare(&patch_index->terms[at].value, &literal->values[i]))
            each(ctx, at, at + 1);
    }
}

static void terms_of_range(const struct patch_index *patch_index, const struct catalog_literal *literal,
                           size_t terms[2])
{
    terms[0] = literal->open_low
                   ? 0
                   : patch_index_term_at(patch_index, &literal->values[0], !literal->inclusive_low);
    terms[1] = literal->open_high
                   ? patch_index->term_count
                   : patch_index_term_at(patch_index, &literal->values[1], literal->inclusive_high);
}

/* Texts that start with the prefix follow one another. */
static void terms_of_text(const struct patch_index *patch_index, const struct value *prefix, size_t terms[2])
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    size_t high = patch_index->term_count;
    terms[0] = terms[1] = patch_index_term_at(patch_index, prefix, false);
    while (terms[1] < high) {
        size_t middle = terms[1] + (high - terms[1]) / 2;
        if (is_match(CATALOG_PREFIX, &text, &patch_index->terms[middle].value, prefix))
            terms[1] = middle + 1;
        else
            high = middle;
    }
}

/* A prefix of instants is a range of them: they need not be printed. */
static void terms_of_instants(const struct patch_index *patch_index, const struct value *prefix,
                              size_t terms[2])
{
    struct shard_range range = {0};
    terms[0] = terms[1] = 0;
    if (!instants_of_prefix(prefix, &range))
        return;
    struct value first = {.type = VALUE_TIME, .integer = range.low.number},
                 behind = {.type = VALUE_TIME, .integer = range.high.number};
    terms[0] = patch_index_term_at(patch_index, &first, false);
    terms[1] = range.open_high ? patch_index->term_count : patch_index_term_at(patch_index, &behind, false);
}

static void each_printed(const struct patch_index *patch_index, const struct catalog_literal *literal,
                         select_terms_fn *each, void *ctx)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t at = 0; at < patch_index->term_count; at++)
        if (is_match(literal->op, &text, &patch_index->terms[at].value, literal->values))
            each(ctx, at, at + 1);
}

void select_terms(const struct patch_index *patch_index, const struct attribute *attribute,
                  const struct catalog_literal *literal, select_terms_fn *each, void *ctx)
{
    size_t terms[2] = {0};
    const struct value *prefix = literal->op == CATALOG_PREFIX ? &literal->values[0] : NULL;
    if (literal->op == CATALOG_EQ || literal->op == CATALOG_NE)
        each_equal(patch_index, literal, each, ctx);
    else if (literal->op == CATALOG_RANGE)
        terms_of_range(patch_index, literal, terms);
    else if (prefix && attribute->info.type == VALUE_TEXT)
        terms_of_text(patch_index, prefix, terms);
    else if (prefix && attribute->info.type == VALUE_TIME && prefix->len <= TIME_FIXED_BYTES)
        terms_of_instants(patch_index, prefix, terms);
    else if (catalog_op_is_printed(literal->op))
        each_printed(patch_index, literal, each, ctx);
    if (terms[0] < terms[1])
        each(ctx, terms[0], terms[1]);
}

struct patching {
    const struct patch_index *patch_index;
    struct rowset *rows;
};

static void add_terms(void *ctx, size_t from, size_t to)
{
    struct patching *patching = ctx;
    patch_index_add_rows(patching->patch_index, from, to, patching->rows);
}

bool select_has_tail(struct catalog_reader *reader, const struct catalog_window *window)
{
    struct catalog_info info;
    return !window || catalog_info(reader, &info, NULL) || window->end > reader->sealed;
}

int select_above(struct catalog_reader *reader, const struct attribute *attribute,
                 const struct catalog_window *window, const struct patch_index **ret, struct error *err)
{
    uint32_t row;
    *ret = NULL;
    if (!attribute->state.patches.count && !select_has_tail(reader, window))
        return 0;
    int rc = cells_patch_index(reader->db, &reader->cells, attribute, ret, err);
    if (rc || !*ret || !window)
        return rc;
    if (!rowset_rows((*ret)->rows, window->first, &row, 1) || row >= window->end)
        *ret = NULL;
    return 0;
}

/* `rows` holds what is selected beneath. */
static int stand_over(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    const struct patch_index *patch_index;
    int rc = select_above(reader, attribute, literal->window, &patch_index, err);
    if (rc || !patch_index || literal->op == CATALOG_NULL || literal->op == CATALOG_HAS)
        return rc;
    rowset_andnot(rows, patch_index->rows);
    select_terms(patch_index, attribute, literal, add_terms, &(struct patching){patch_index, rows});
    return 0;
}

/* ---- the operators ---- */

struct shards select_shards(const struct shards *all, const struct catalog_literal *literal)
{
    const struct catalog_window *window = literal->window;
    return window ? shards_within(all, window->first, window->end) : *all;
}

static int select_equal(const struct shards *shards, const struct catalog_literal *literal,
                        struct rowset *rows, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < literal->count; i++) {
        struct shard_key key = shard_key_of(&literal->values[i]);
        for (size_t k = 0; !rc && k < shards->count; k++)
            rc = shard_equal(&shards->list[k], &key, rows, err);
    }
    return rc;
}

bool select_is_wide(const struct attribute *attribute, const struct shard *shard,
                    const struct shard_range *range)
{
    return attribute_has_column(attribute) &&
           shard_guess(shard, range) > shard->dict.clips * COLUMN_FROM_PERCENT / 100;
}

static int select_between(struct catalog_reader *reader, const struct attribute *attribute,
                          const struct shards *shards, const struct shard_range *range, struct rowset *rows,
                          struct error *err)
{
    struct matching matching = {reader, rows};
    int rc = 0;
    for (size_t i = 0; !rc && i < shards->count; i++) {
        const struct shard *shard = &shards->list[i];
        rc = select_is_wide(attribute, shard, range)
                 ? select_parts(reader, shard, range, match_part, &matching, err)
                 : shard_between(shard, range, rows, err);
    }
    return rc;
}

static int select_printed(struct catalog_reader *reader, const struct attribute *attribute,
                          const struct shards *shards, const struct catalog_literal *literal,
                          struct rowset *rows, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_SHARDS_WALK struct shards_walk walk;
    int rc = shards_walk_init(&walk, shards, NULL, true, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1) {
        struct value value = shard_key_value(&walk.key, attribute->info.type);
        if (value_check(&value, NULL))
            return db_damaged(reader->db, err, "a block of '%s' holds what is no value",
                              attribute->info.name);
        rc = is_match(literal->op, &text, &value, literal->values) ? shards_walk_rows(&walk, rows, err) : 0;
    }
    return rc;
}

static int select_op(struct catalog_reader *reader, const struct attribute *attribute,
                     const struct shards *shards, const struct catalog_literal *literal, struct rowset *rows,
                     struct error *err)
{
    struct select_range range;
    int rc = 0;
    switch (literal->op) {
    case CATALOG_EQ:
    case CATALOG_NE:
        return select_equal(shards, literal, rows, err);
    case CATALOG_RANGE:
    case CATALOG_PREFIX:
    case CATALOG_SUFFIX:
    case CATALOG_WORDS:
        rc = select_range(attribute, literal, &range);
        rc = rc == 1   ? select_between(reader, attribute, shards, &range.range, rows, err)
             : rc == 0 ? 0
                       : select_printed(reader, attribute, shards, literal, rows, err);
        buf_done(&range.bound);
        return rc;
    case CATALOG_NULL:
    case CATALOG_HAS:
        break;
    }
    return 0;
}

int select_check(const struct attribute *attribute, const struct catalog_literal *literal, struct error *err)
{
    enum value_type type = catalog_op_is_printed(literal->op) ? VALUE_TEXT : attribute->info.type;
    bool looked_at[2] = {!literal->open_low, !literal->open_high};
    size_t count = literal->op == CATALOG_RANGE ? 2 : literal->count;
    if (catalog_op_is_printed(literal->op) && count != 1)
        return error_set(err, EINVAL, "a prefix, a suffix, or words are one text");
    if (literal->op == CATALOG_NULL || literal->op == CATALOG_HAS)
        return 0;
    if (attribute->info.type == VALUE_LIST)
        return error_set(err, EINVAL, "the lists of '%s' are not compared", attribute->info.name);
    for (size_t i = 0; i < count; i++)
        if ((literal->op != CATALOG_RANGE || looked_at[i]) && literal->values[i].type != type)
            return error_set(err, EINVAL, "the attribute '%s' is %s, not %s", attribute->info.name,
                             value_type_name(type), value_type_name(literal->values[i].type));
    return 0;
}

/* The rows of live clips that have it. A new set. */
static int select_has(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct shards *shards, const struct catalog_window *window, struct rowset **ret,
                      struct error *err)
{
    CLEANUP_ROWSET struct rowset *has = rowset_new();
    const struct patch_index *above = NULL;
    int rc = 0;
    for (size_t i = 0; !rc && i < shards->count; i++)
        rc = shard_has(&shards->list[i], has, err);
    if (!rc)
        rc = select_above(reader, attribute, window, &above, err);
    if (rc)
        return rc;
    cells_stand_over(above, has);
    *ret = STEAL(has);
    return 0;
}

/* `rows` holds what the values select; what the operator makes of it. */
static int finish(struct catalog_reader *reader, const struct attribute *attribute,
                  const struct shards *shards, const struct catalog_literal *literal, struct rowset **rows,
                  struct error *err)
{
    enum catalog_op op = literal->op;
    if (op == CATALOG_NE || op == CATALOG_NULL || op == CATALOG_HAS) {
        CLEANUP_ROWSET struct rowset *has = NULL;
        int rc = select_has(reader, attribute, shards, literal->window, &has, err);
        if (rc)
            return rc;
        if (op == CATALOG_NULL) {
            struct rowset *rest = rowset_copy(reader->live);
            rowset_andnot(rest, has);
            rowset_unref(*rows);
            *rows = rest;
            return 0;
        }
        rowset_andnot(has, *rows);
        rowset_unref(*rows);
        *rows = STEAL(has);
    }
    rowset_and(*rows, reader->live);
    return 0;
}

int catalog_select(struct catalog_reader *reader, const struct catalog_literal *literal, struct rowset **ret,
                   struct error *err)
{
    const struct attribute *attribute;
    const struct shards *shards;
    int rc = reader_live(reader, err);
    if (!rc)
        rc = reader_attribute(reader, literal->attribute, &attribute, err);
    if (!rc)
        rc = select_check(attribute, literal, err);
    if (!rc)
        rc = reader_shards(reader, attribute, &shards, err);
    if (rc)
        return rc;
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    const struct shards within = select_shards(shards, literal);
    rc = select_op(reader, attribute, &within, literal, rows, err);
    if (!rc)
        rc = stand_over(reader, attribute, literal, rows, err);
    if (!rc)
        rc = finish(reader, attribute, &within, literal, &rows, err);
    if (!rc && literal->window)
        rowset_keep_range(rows, literal->window->first, literal->window->end);
    if (!rc)
        *ret = STEAL(rows);
    return rc;
}
