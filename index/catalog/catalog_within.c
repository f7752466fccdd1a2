// SPDX-License-Identifier: Apache-2.0
/*
 * Which of some rows have which value: the values beneath in order, those above merged in (cells.h), and of
 * each what it has in common with the rows. Of few rows of an attribute whose index is long each clip is read
 * instead, and the values are put in order: a page of records is read about as fast as two blocks.
 */
#include <errno.h>
#include <stdlib.h>

#include "index/catalog/event.h"
#include "index/catalog/select.h"
#include "index/catalog/shard/shard_walk.h"

struct within {
    const struct rowset *rows;
    const struct patch_index *above; /* NULL: nothing is */
    size_t at;                       /* of its next term */
    catalog_value_rows_fn *each;
    void *ctx;
};

/* `have` is an own set: the rows that have the value. */
static int tell(struct within *within, const struct value *value, struct rowset *have, struct error *err)
{
    rowset_and(have, within->rows);
    return rowset_empty(have) ? 0 : within->each(within->ctx, value, have, err);
}

/* The terms before `value`; all that are left: NULL. */
static int tell_terms(struct within *within, const struct value *value, struct error *err)
{
    const struct patch_index *above = within->above;
    int rc = 0;
    for (; !rc && above && within->at < above->term_count; within->at++) {
        CLEANUP_ROWSET struct rowset *have = rowset_new();
        if (value && value_compare(&above->terms[within->at].value, value) >= 0)
            break;
        patch_index_add_rows(above, within->at, within->at + 1, have);
        rc = tell(within, &above->terms[within->at].value, have, err);
    }
    return rc;
}

static int tell_beneath(struct within *within, struct shards_walk *walk, const struct value *value,
                        struct error *err)
{
    const struct patch_index *above = within->above;
    CLEANUP_ROWSET struct rowset *have = rowset_new();
    int rc = tell_terms(within, value, err);
    if (!rc)
        rc = shards_walk_rows(walk, have, err);
    if (rc)
        return rc;
    if (above) {
        rowset_andnot(have, above->rows);
        if (within->at < above->term_count && !value_compare(&above->terms[within->at].value, value)) {
            patch_index_add_rows(above, within->at, within->at + 1, have);
            within->at++;
        }
    }
    return tell(within, value, have, err);
}

static int tell_all(struct catalog_reader *reader, const struct attribute *attribute, struct within *within,
                    struct error *err)
{
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    int rc = reader_walk(reader, attribute, true, &walk, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1) {
        struct value value = shard_key_value(&walk.key, attribute->info.type);
        rc = value_check(&value, NULL)
                 ? db_damaged(reader->db, err, "a block of '%s' holds what is no value", attribute->info.name)
                 : tell_beneath(within, &walk, &value, err);
    }
    return rc ? rc : tell_terms(within, NULL, err);
}

/* ---- clip by clip ---- */

enum { CLIPS_MAX = 4096, CLIPS_FEW = 4, PAGE_ROW_BITS = 7, BLOCKS_OF_PAGE = 2 };

struct had { /* a text is at this place in `texts` */
    struct value value;
    uint32_t row;
};
struct reading {
    struct had *list;
    size_t count, cap;
    struct buf texts;
    uint32_t row;
};

static void reading_done(struct reading *reading)
{
    free(reading->list);
    buf_done(&reading->texts);
}
#define CLEANUP_READING CLEANUP(reading_done)

/* About as many pages of records as the rows are on. */
static uint64_t pages_of(const struct rowset *rows)
{
    uint64_t pages = 0, from = 0;
    uint32_t row;
    for (; rowset_rows(rows, from, &row, 1); pages++)
        from = ((uint64_t)(row >> PAGE_ROW_BITS) + 1) << PAGE_ROW_BITS;
    return pages;
}

int catalog_values_by_clips(struct catalog_reader *reader, uint32_t id, const struct rowset *rows, bool *ret,
                            struct error *err)
{
    const struct attribute *attribute;
    const struct shards *shards;
    uint64_t blocks = 0;
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc)
        rc = reader_shards(reader, attribute, &shards, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < shards->count; i++)
        blocks += shards->list[i].dict.block_count;
    uint64_t clips = rowset_count(rows);
    bool readable = !event_is_of(attribute->info.name) && attribute->info.type != VALUE_LIST;
    *ret = readable && (clips <= CLIPS_FEW || (clips <= CLIPS_MAX && blocks > BLOCKS_OF_PAGE &&
                                               pages_of(rows) * BLOCKS_OF_PAGE < blocks));
    return 0;
}

static int note(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                struct error *err)
{
    struct reading *reading = ctx;
    (void)attribute, (void)err;
    mem_grow(&reading->list, &reading->cap, reading->count + 1, sizeof *reading->list);
    reading->list[reading->count++] = (struct had){*value, reading->row};
    if (value_borrows(value))
        buf_append(&reading->texts, value->text, value->len);
    return 0;
}

/* Texts are all there and do not move any more. */
static void place_texts(struct reading *reading)
{
    const char *text = buf_text(&reading->texts);
    for (size_t i = 0; i < reading->count; i++)
        if (value_borrows(&reading->list[i].value)) {
            reading->list[i].value.text = text;
            text += reading->list[i].value.len;
        }
}

static int compare_had(const void *a, const void *b)
{
    const struct had *x = a, *y = b;
    int order = value_compare(&x->value, &y->value);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int read_clips(struct catalog_reader *reader, uint32_t id, const struct rowset *rows,
                      struct reading *reading, struct error *err)
{
    CLEANUP_FREE uint32_t *list = mem_alloc((rowset_count(rows) + 1) * sizeof *list);
    const struct catalog_some some = {&id, 1};
    const struct catalog_coming coming = {list, rowset_rows(rows, 0, list, (size_t)rowset_count(rows)),
                                          CATALOG_COMING_SOME, &some};
    int rc = 0;
    catalog_expect(reader, &coming);
    for (size_t i = 0; !rc && i < coming.count; i++) {
        reading->row = list[i];
        rc = catalog_clip_some(reader, list[i], &some, note, reading, err);
        rc = rc == -ENOENT ? 0 : rc; /* purged meanwhile */
    }
    catalog_expect(reader, NULL);
    return rc;
}

static int tell_clips(struct catalog_reader *reader, uint32_t id, const struct within *within,
                      struct error *err)
{
    CLEANUP_READING struct reading reading = {0};
    int rc = read_clips(reader, id, within->rows, &reading, err);
    place_texts(&reading);
    if (!rc && reading.count)
        qsort(reading.list, reading.count, sizeof *reading.list, compare_had);
    for (size_t i = 0, next; !rc && i < reading.count; i = next) {
        CLEANUP_ROWSET struct rowset *have = rowset_new();
        const struct value *value = &reading.list[i].value;
        for (next = i; next < reading.count && !value_compare(&reading.list[next].value, value); next++)
            rowset_add(have, reading.list[next].row);
        rc = within->each(within->ctx, value, have, err);
    }
    return rc;
}

/* ---- whichever way ---- */

int catalog_values_within(struct catalog_reader *reader, uint32_t id, const struct rowset *rows,
                          catalog_value_rows_fn *each, void *ctx, struct error *err)
{
    const struct attribute *attribute;
    struct within within = {.rows = rows, .each = each, .ctx = ctx};
    bool by_clips;
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc && !rowset_empty(rows))
        rc = catalog_values_by_clips(reader, id, rows, &by_clips, err);
    if (rc || rowset_empty(rows))
        return rc;
    if (by_clips)
        return tell_clips(reader, id, &within, err);
    if (!catalog_reader_nowait(reader))
        catalog_values_ahead_once(reader, &(struct catalog_some){&id, 1}, true);
    rc = cells_patch_index(reader->db, &reader->cells, attribute, &within.above, err);
    if (!rc)
        rc = tell_all(reader, attribute, &within, err);
    return reader_walk_missed(reader, id, true, rc);
}
