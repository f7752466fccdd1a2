// SPDX-License-Identifier: Apache-2.0
/* Distinct values, and guesses. A guess reads the block of a value, and of a range the blocks at its ends. */
#include <errno.h>
#include <string.h>

#include "index/catalog/select.h"
#include "index/catalog/shard/shard_walk.h"

/* ---- distinct values ---- */

/* Two lists in value order become one: values beneath, and by how much those above change their counts. */
struct telling {
    const struct patch_index *patch_index; /* NULL: nothing is above */
    size_t at;                             /* of the next term */
    catalog_value_fn *each;
    void *ctx;
};

static int tell_one(struct telling *telling, const struct value *value, int64_t clips, struct error *err)
{
    return clips > 0 ? telling->each(telling->ctx, value, (uint64_t)clips, err) : 0;
}

/* The terms before `value`; all that are left: NULL. */
static int tell_terms(struct telling *telling, const struct value *value, struct error *err)
{
    const struct patch_index *patch_index = telling->patch_index;
    int rc = 0;
    for (; !rc && patch_index && telling->at < patch_index->term_count; telling->at++) {
        const struct patch_index_term *term = &patch_index->terms[telling->at];
        if (value && value_compare(&term->value, value) >= 0)
            break;
        rc = tell_one(telling, &term->value, term->clips, err);
    }
    return rc;
}

static int tell(struct telling *telling, const struct value *value, uint64_t clips, struct error *err)
{
    const struct patch_index *patch_index = telling->patch_index;
    int64_t above = 0;
    int rc = tell_terms(telling, value, err);
    if (!rc && patch_index && telling->at < patch_index->term_count &&
        !value_compare(&patch_index->terms[telling->at].value, value))
        above = patch_index->terms[telling->at++].clips;
    return rc ? rc : tell_one(telling, value, (int64_t)clips + above, err);
}

static int tell_all(struct catalog_reader *reader, const struct attribute *attribute, struct telling *telling,
                    struct error *err)
{
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    int rc = cells_patch_index(reader->db, &reader->cells, attribute, &telling->patch_index, err);
    if (!rc)
        rc = reader_walk(reader, attribute, false, &walk, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1) {
        struct value value = shard_key_value(&walk.key, attribute->info.type);
        rc = value_check(&value, NULL)
                 ? db_damaged(reader->db, err, "a block of '%s' holds what is no value", attribute->info.name)
                 : tell(telling, &value, walk.clips, err);
    }
    return rc ? rc : tell_terms(telling, NULL, err);
}

int catalog_values(struct catalog_reader *reader, uint32_t id, catalog_value_fn *each, void *ctx,
                   struct error *err)
{
    const struct attribute *attribute;
    struct telling telling = {.each = each, .ctx = ctx};
    int rc = reader_attribute(reader, id, &attribute, err);
    if (rc)
        return rc;
    if (!catalog_reader_nowait(reader))
        catalog_values_ahead_once(reader, &(struct catalog_some){&id, 1}, false);
    return reader_walk_missed(reader, id, false, tell_all(reader, attribute, &telling, err));
}

/* ---- counts ---- */

/* Values of several shards may be the same: a few are compared. */
static int count_distinct(const struct shards *shards, uint64_t sum, uint64_t *ret, struct error *err)
{
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    *ret = sum;
    if (shards->count < 2 || sum > READER_COMPARED_MAX)
        return 0;
    uint64_t count = 0;
    int rc = shards_walk_init(&walk, shards, NULL, false, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1) {
        count++;
        rc = 0;
    }
    if (!rc)
        *ret = count;
    return rc;
}

/* Those beneath, and what stands above. */
static int count_clips(const struct catalog_reader *reader, const struct attribute *attribute,
                       const struct shards *shards, uint64_t *ret, struct error *err)
{
    int64_t clips = attribute->state.clips;
    for (size_t i = 0; i < shards->count; i++)
        clips += (int64_t)shards->list[i].dict.clips;
    if (clips < 0 || clips > UINT32_MAX)
        return db_damaged(reader->db, err, "the counts of the attribute '%s' are out of range",
                          attribute->info.name);
    *ret = (uint64_t)clips;
    return 0;
}

int catalog_attribute_counts(struct catalog_reader *reader, uint32_t id, struct catalog_counts *ret,
                             struct error *err)
{
    const struct attribute *attribute;
    const struct shards *shards;
    struct catalog_counts counts;
    uint64_t values = 0;
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc)
        rc = reader_shards(reader, attribute, &shards, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < shards->count; i++)
        values += shards->list[i].dict.values;
    rc = count_clips(reader, attribute, shards, &counts.clips, err);
    if (!rc)
        rc = count_distinct(shards, values, &counts.distinct, err);
    if (rc)
        return rc;
    int64_t distinct = (int64_t)counts.distinct + attribute->state.different;
    if (distinct < 0)
        return db_damaged(reader->db, err, "the values of the attribute '%s' are less than none",
                          attribute->info.name);
    counts.distinct = (uint64_t)distinct;
    *ret = counts;
    return 0;
}

/* Adds up to *sum how many clips beneath have it; with `any` until there is one: shards take none away. */
static int count_beneath(const struct shards *shards, const struct value *value, bool any, int64_t *sum,
                         struct error *err)
{
    struct shard_key key = shard_key_of(value);
    int rc = 0;
    for (size_t i = 0; !rc && i < shards->count && !(any && *sum > 0); i++) {
        uint64_t clips;
        rc = shard_count(&shards->list[i], &key, &clips, err);
        *sum += rc ? 0 : (int64_t)clips;
    }
    return rc;
}

/* Is there a clip that has the value now? Tail runs only add: where nothing else stands above, they need not
 * be read to know that there is one. */
static int has_value(struct catalog_reader *reader, const struct attribute *attribute,
                     const struct value *value, struct error *err)
{
    const struct patch_index *patch_index = NULL;
    const struct shards *shards;
    int64_t sum = 0;
    int rc = reader_shards(reader, attribute, &shards, err);
    if (!rc && !attribute->state.patches.count)
        rc = count_beneath(shards, value, true, &sum, err);
    if (!rc && !sum) {
        rc = cells_patch_index(reader->db, &reader->cells, attribute, &patch_index, err);
        sum = !rc && patch_index ? patch_index_clips(patch_index, value) : 0;
        if (!rc)
            rc = count_beneath(shards, value, true, &sum, err);
    }
    return rc ? rc : sum > 0;
}

int catalog_value_known(struct catalog_reader *reader, uint32_t id, const struct value *value,
                        struct error *err)
{
    const struct attribute *attribute;
    struct catalog_literal literal = {.attribute = id, .op = CATALOG_EQ, .values = value, .count = 1};
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc)
        rc = select_check(attribute, &literal, err);
    return rc ? rc : has_value(reader, attribute, value, err);
}

/* ---- guesses ---- */

enum { PRINTED_MAX = 256 }; /* as many values are printed to see what they start with */

struct guess {
    struct catalog_reader *reader;
    const struct attribute *attribute;
    struct shards shards;                  /* of the literal's window */
    const struct patch_index *patch_index; /* NULL: nothing is above */
    const struct catalog_literal *literal;
    uint64_t all; /* clips that have the attribute */
    int64_t clips;
};

static int guess_equal(struct guess *guess, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < guess->literal->count; i++) {
        const struct value *value = &guess->literal->values[i];
        int64_t clips = guess->patch_index ? patch_index_clips(guess->patch_index, value) : 0;
        rc = count_beneath(&guess->shards, value, false, &clips, err);
        guess->clips += clips > 0 ? clips : 0;
    }
    return rc;
}

static void guess_terms(void *ctx, size_t from, size_t to)
{
    struct guess *guess = ctx;
    guess->clips += guess->patch_index->term_below[to] - guess->patch_index->term_below[from];
}

static int guess_many(struct guess *guess, struct error *err)
{
    struct select_range range;
    int found = select_range(guess->attribute, guess->literal, &range), rc = 0;
    for (size_t i = 0; found == 1 && !rc && i < guess->shards.count; i++) {
        uint64_t pairs = 0;
        rc = shard_count_between(&guess->shards.list[i], &range.range, &pairs, err);
        guess->clips += (int64_t)pairs;
    }
    buf_done(&range.bound);
    bool printed = found == -ENOENT; /* a prefix of numbers, a suffix, words */
    bool few = !guess->shards.count && guess->patch_index && guess->patch_index->term_count <= PRINTED_MAX;
    if (printed && !few)
        guess->clips = (int64_t)guess->all / 2;
    else if (!rc && guess->patch_index)
        select_terms(guess->patch_index, guess->attribute, guess->literal, guess_terms, guess);
    return rc;
}

static int guess_op(struct guess *guess, struct error *err)
{
    switch (guess->literal->op) {
    case CATALOG_EQ:
    case CATALOG_NE:
        return guess_equal(guess, err);
    case CATALOG_RANGE:
    case CATALOG_PREFIX:
    case CATALOG_SUFFIX:
    case CATALOG_WORDS:
        return guess_many(guess, err);
    case CATALOG_NULL:
    case CATALOG_HAS:
        break;
    }
    guess->clips = (int64_t)guess->all;
    return 0;
}

int catalog_estimate(struct catalog_reader *reader, const struct catalog_literal *literal, uint64_t *ret,
                     struct error *err)
{
    struct guess guess = {.reader = reader, .literal = literal};
    const struct shards *shards;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = reader_attribute(reader, literal->attribute, &guess.attribute, err);
    if (!rc)
        rc = select_check(guess.attribute, literal, err);
    if (!rc)
        rc = reader_shards(reader, guess.attribute, &shards, err);
    if (!rc)
        rc = select_above(reader, guess.attribute, literal->window, &guess.patch_index, err);
    if (!rc)
        rc = count_clips(reader, guess.attribute, shards, &guess.all, err);
    if (!rc)
        guess.shards = select_shards(shards, literal);
    if (!rc)
        rc = guess_op(&guess, err);
    if (rc)
        return rc;
    uint64_t some = guess.clips > 0 ? (uint64_t)guess.clips : 0;
    some = some < guess.all ? some : guess.all;
    if (literal->op == CATALOG_NE)
        some = guess.all - some;
    if (literal->op == CATALOG_NULL)
        some = info.clips > guess.all ? info.clips - guess.all : 0;
    *ret = some;
    return 0;
}
