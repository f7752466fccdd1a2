// SPDX-License-Identifier: Apache-2.0
/*
 * What is read of many clips that come one after the other. Nothing is asked for before something is missed,
 * so where all is here it costs nothing. Then pages are named table by table, for clips of one page come
 * together as a rule: as many clips as PAGES_AT pages of records hold, or of names. Of what stands above
 * records all runs are asked for where they are few; else growth, which comes with the names, says which: a
 * second round.
 */
#include <errno.h>
#include <string.h>

#include "index/catalog/groups/streams.h"
#include "index/catalog/pieces.h"
#include "index/catalog/reader.h"

enum { PAGES_AT = 512, RUN_PAGES_MAX = 128, LISTS_MAX = 16 };

void catalog_expect(struct catalog_reader *reader, const struct catalog_coming *coming)
{
    reader->coming = (struct reader_coming){0};
    if (coming && db_pages(reader->db))
        reader->coming.rows = *coming;
}

/* ---- groups of rows ---- */

struct rows_at { /* those that are named: [from, to) of the list */
    const uint32_t *list;
    size_t from, to;
};

/* The groups of a table that hold the rows: row >> bits behind `first`. How far the pages go that may be
 * named. */
static size_t name_groups(struct catalog_reader *reader, enum ahead_table table, unsigned bits, int64_t first,
                          const struct rows_at *rows, size_t pages)
{
    size_t before = reader->ahead.count;
    for (size_t i = rows->from; i < rows->to; i++) {
        int64_t group = rows->list[i] >> bits;
        if (i > rows->from && rows->list[i - 1] >> bits == group)
            continue;
        if (reader->ahead.count - before >= pages)
            return i;
        reader_name_row(reader, table, first + group);
    }
    return rows->to;
}

static void name_all_groups(struct catalog_reader *reader, enum ahead_table table, unsigned bits,
                            int64_t first, const struct rows_at *rows)
{
    name_groups(reader, table, bits, first, rows, SIZE_MAX);
}

static unsigned bits_of(uint32_t rows)
{
    return (unsigned)__builtin_ctz(rows);
}

static void name_growth(struct catalog_reader *reader)
{
    const int64_t growth[] = {pieces_first(&pieces_growth, pieces_growth_ids[0]),
                              pieces_last(&pieces_growth, pieces_growth_ids[1])};
    if (!reader->growth)
        ahead_rows(&reader->ahead, reader->db, AHEAD_GROWTH, growth, AHEAD_ALL);
}

static void name_lists(struct catalog_reader *reader, const struct rows_at *rows)
{
    const struct attributes *attributes = &reader->attributes;
    for (size_t i = 0, lists = 0; i < attributes->count && lists < LISTS_MAX; i++) {
        const struct catalog_attribute *info = &attributes->list[i].info;
        if (info->type != VALUE_LIST)
            continue;
        name_all_groups(reader, AHEAD_LIST, bits_of(SCHEMA_GROUP_ROWS), (int64_t)info->id << SCHEMA_LIST_BITS,
                        rows);
        lists++;
    }
}

/* ---- what stands above ---- */

static void name_late(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct rows_at *rows)
{
    if (attribute->state.late)
        name_all_groups(reader, AHEAD_LATE, bits_of(SCHEMA_LATE_ROWS),
                        (int64_t)attribute->info.id << SCHEMA_LATE_BITS, rows);
}

/* Those that growth tells of, as far as it is here: is it, of all of them? */
static bool name_above(struct catalog_reader *reader, const struct rows_at *rows)
{
    struct cells_row of;
    bool all = true;
    for (size_t i = rows->from; i < rows->to; i++)
        if (reader_cells_row(reader, rows->list[i], &of, NULL))
            all = false;
        else
            reader_name_above(reader, &of);
    return all;
}

/* All runs of patched attributes, unless they are many. */
static bool name_runs(struct catalog_reader *reader)
{
    const struct attributes *attributes = &reader->attributes;
    size_t before = reader->ahead.count;
    for (size_t i = 0; i < attributes->patched_count; i++) {
        const struct attribute *attribute = &attributes->list[attributes->patched[i]];
        if (!cells_indexed(&reader->cells, attribute))
            reader_name_patches(reader, attribute);
        if (reader->ahead.count > before + RUN_PAGES_MAX) {
            reader->ahead.count = before;
            return false;
        }
    }
    return true;
}

/* False: there is more to name when what tells it has come. */
static bool name_values(struct catalog_reader *reader, const struct rows_at *rows)
{
    const struct attributes *attributes = &reader->attributes;
    reader_name_attributes(reader);
    if (reader_attributes(reader, NULL))
        return false;
    name_lists(reader, rows);
    if (attributes_by_name(attributes, EVENT_ATTRIBUTE, strlen(EVENT_ATTRIBUTE)))
        name_all_groups(reader, AHEAD_EVENT, bits_of(SCHEMA_GROUP_ROWS), 0, rows);
    for (size_t i = 0; i < attributes->patched_count; i++)
        name_late(reader, &attributes->list[attributes->patched[i]], rows);
    return name_runs(reader) || name_above(reader, rows);
}

static bool name_some(struct catalog_reader *reader, const struct rows_at *rows)
{
    const struct catalog_some *some = reader->coming.rows.some;
    reader_name_attributes(reader);
    if (reader_attributes(reader, NULL))
        return false;
    for (size_t i = 0; i < some->count; i++) {
        const struct attribute *attribute = attributes_by_id(&reader->attributes, some->ids[i]);
        if (!attribute)
            continue;
        name_late(reader, attribute, rows);
        if (!cells_indexed(&reader->cells, attribute))
            reader_name_patches(reader, attribute);
    }
    return true;
}

/* ---- all of it ---- */

static bool name_coming(struct catalog_reader *reader, struct rows_at *rows)
{
    enum catalog_coming_what what = reader->coming.rows.what;
    const unsigned forward = bits_of(SCHEMA_FORWARD_ROWS);
    bool all = true;
    if (what == CATALOG_COMING_FILES)
        rows->to = name_groups(reader, AHEAD_NAMES, NAMES_ROW_BITS, 0, rows, PAGES_AT);
    else
        rows->to = name_groups(reader, AHEAD_FORWARD, forward, 0, rows, PAGES_AT);
    if (what == CATALOG_COMING_SOME)
        return name_some(reader, rows);
    if (what != CATALOG_COMING_FILES)
        name_all_groups(reader, AHEAD_NAMES, NAMES_ROW_BITS, 0, rows);
    name_all_groups(reader, AHEAD_SIZES, NAMES_ROW_BITS, 0, rows);
    name_all_groups(reader, AHEAD_GROWN, GROWN_ROW_BITS, 0, rows);
    name_growth(reader);
    if (what != CATALOG_COMING_FILES)
        all = name_values(reader, rows);
    if (what == CATALOG_COMING_STREAMS)
        name_all_groups(reader, AHEAD_STREAM, STREAMS_ROW_BITS, 0, rows);
    return all;
}

static bool name_here(struct catalog_reader *reader, struct rows_at *rows)
{
    const struct catalog_patience own = reader_only_here(reader);
    bool all = name_coming(reader, rows);
    db_set_patience(reader->db, &own);
    ahead_ask(&reader->ahead, reader->db);
    return all;
}

/* What growth says of each: all of it is on its way. */
static void await_growth(struct catalog_reader *reader, const struct rows_at *rows)
{
    struct cells_row of;
    int rc = 0;
    for (size_t i = rows->from; !rc && i < rows->to; i++)
        rc = reader_cells_row(reader, rows->list[i], &of, NULL);
}

bool reader_ask_coming(struct catalog_reader *reader, uint32_t row)
{
    struct reader_coming *coming = &reader->coming;
    size_t at = coming->at;
    while (at < coming->rows.count && coming->rows.rows[at] != row)
        at++;
    if (at == coming->rows.count)
        return false;
    coming->at = at;
    if (at < coming->asked)
        return false;
    struct rows_at rows = {coming->rows.rows, at, coming->rows.count};
    if (!name_here(reader, &rows) && !db_nowait(reader->db)) {
        await_growth(reader, &rows);
        rows.to = coming->rows.count;
        name_here(reader, &rows);
    }
    coming->asked = rows.to;
    return true;
}
