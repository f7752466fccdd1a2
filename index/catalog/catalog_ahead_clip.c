// SPDX-License-Identifier: Apache-2.0
/*
 * What is read of clips, told by their rows: names, sizes, growth and records lie in groups of rows, and of
 * what stands above records a clip's growth tells the rest. So a first round is of the groups, a second one
 * of patches.
 */
#include "index/catalog/ahead.h"

#include <errno.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/catalog/reader.h"

/* ---- clips ---- */

static void name_clips(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    static const struct {
        enum ahead_table table;
        unsigned bits; /* of a row's number that clips of one group share */
    } groups[] = {
        {AHEAD_NAMES, NAMES_ROW_BITS}, {AHEAD_SIZES, NAMES_ROW_BITS}, {AHEAD_GROWN, GROWN_ROW_BITS}};
    const int64_t growth[] = {pieces_first(&pieces_growth, pieces_growth_ids[0]),
                              pieces_last(&pieces_growth, pieces_growth_ids[1])};
    if (!reader->growth)
        ahead_rows(&reader->ahead, reader->db, AHEAD_GROWTH, growth, AHEAD_ALL);
    for (size_t k = 0; k < sizeof groups / sizeof *groups; k++)
        for (size_t i = 0; i < count; i++) {
            int64_t group = rows[i] >> groups[k].bits;
            if (!i || rows[i - 1] >> groups[k].bits != group)
                reader_name_row(reader, groups[k].table, group);
        }
}

void catalog_clips_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    name_clips(reader, rows, count);
    ahead_ask(&reader->ahead, reader->db);
}

/* ---- one clip ---- */

static void name_late(struct catalog_reader *reader, const struct attribute *attribute, uint32_t row)
{
    if (attribute->state.late)
        reader_name_row(reader, AHEAD_LATE,
                        (int64_t)attribute->info.id << SCHEMA_LATE_BITS | row / SCHEMA_LATE_ROWS);
}

/* Not tail runs: of such clips records tell. Those alone in which it was changed last, where `only`. */
static void name_above(struct catalog_reader *reader, const struct attribute *attribute,
                       const struct cells_row *of, bool only)
{
    const struct state *state = &attribute->state;
    uint32_t since, newest = cells_newest(attribute, of, &since);
    int64_t ids[2];
    for (size_t i = state->patches.count; i--;) {
        struct runs_id id = {attribute, RUNS_PATCH, &state->patches.list[i]};
        if (only && id.run->version <= since)
            break;
        if (!cells_matters(attribute, i, of, newest))
            continue;
        runs_ids_of_row(&id, of->row, ids);
        ahead_rows(&reader->ahead, reader->db, AHEAD_RUN, ids, AHEAD_ALL);
    }
}

/* The version that last changed an attribute of the clip tells which run has it; or none has, as where an
 * attribute got another name: then all are asked for the next time. */
void reader_name_above(struct catalog_reader *reader, const struct cells_row *of)
{
    const struct attributes *attributes = &reader->attributes;
    uint64_t place = of->row + UINT64_C(1);
    for (size_t i = 0; i < attributes->patched_count; i++) {
        const struct attribute *attribute = &attributes->list[attributes->patched[i]];
        if (!cells_touched(attribute, of))
            continue;
        if (cells_alone(&reader->cells, attribute))
            name_above(reader, attribute, of, reader->ahead_of != place);
        else
            reader_name_patches(reader, attribute);
        name_late(reader, attribute, of->row);
    }
    reader->ahead_of = place;
}

static bool is_recent(const struct cells_row *of, const struct attribute *attribute)
{
    bool found = false;
    for (size_t i = 0; i < of->recent_count; i++)
        found |= of->recent[i].touched & json_growth_touch(attribute->info.id);
    return found;
}

/* Before it is known which attributes have a patch of the clip: of all of them, where that is little. */
static void name_few_above(struct catalog_reader *reader, uint32_t row)
{
    enum { LEAVES_MAX = 4 };
    const struct attributes *attributes = &reader->attributes;
    struct cells_row of = CELLS_ROW_ANY(row, cursor_of(NULL, 0));
    size_t before = reader->ahead.count;
    if (reader->growth)
        of.recent = json_growth_find(reader->growth, row, &of.recent_count);
    for (size_t i = 0; i < attributes->patched_count; i++) {
        const struct attribute *attribute = &attributes->list[attributes->patched[i]];
        of.newest = is_recent(&of, attribute) ? 0 : UINT32_MAX;
        if (cells_alone(&reader->cells, attribute))
            name_above(reader, attribute, &of, true);
        name_late(reader, attribute, row);
        if (reader->ahead.count > before + LEAVES_MAX) {
            reader->ahead.count = before;
            return;
        }
    }
}

static void name_lists(struct catalog_reader *reader, uint32_t row)
{
    enum { LISTS_MAX = 16 };
    const struct attributes *attributes = &reader->attributes;
    size_t lists = 0;
    for (size_t i = 0; i < attributes->count && lists < LISTS_MAX; i++) {
        const struct catalog_attribute *info = &attributes->list[i].info;
        if (info->type != VALUE_LIST)
            continue;
        reader_name_row(reader, AHEAD_LIST, (int64_t)info->id << SCHEMA_LIST_BITS | row / SCHEMA_GROUP_ROWS);
        lists++;
    }
}

int reader_name_clip(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    (void)err;
    name_clips(reader, &row, 1);
    return 0;
}

int reader_name_json(struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct cells_row of;
    name_clips(reader, &row, 1);
    reader_name_row(reader, AHEAD_FORWARD, row / SCHEMA_FORWARD_ROWS);
    reader_name_attributes(reader);
    if (reader_attributes(reader, err))
        return 1;
    name_lists(reader, row);
    if (attributes_by_name(&reader->attributes, EVENT_ATTRIBUTE, strlen(EVENT_ATTRIBUTE)))
        reader_name_row(reader, AHEAD_EVENT, row / SCHEMA_GROUP_ROWS);
    if (!reader_cells_row(reader, row, &of, err)) {
        reader_name_above(reader, &of);
        return 0;
    }
    name_few_above(reader, row);
    return 1;
}

/* From now on with no patience at all; what is asked for ahead is asked for with the reader's own. */
struct catalog_patience reader_only_here(struct catalog_reader *reader)
{
    const struct catalog_patience own = *db_patience(reader->db);
    struct catalog_patience here = own;
    here.nowait = here.local = true;
    db_set_patience(reader->db, &here);
    return own;
}

int reader_with_what_is_here(struct catalog_reader *reader, uint32_t row, reader_fn *read, struct error *err)
{
    const struct catalog_patience own = reader_only_here(reader);
    int rc = read(reader, row, err);
    db_set_patience(reader->db, &own);
    return rc;
}

int reader_at_once(struct catalog_reader *reader, uint32_t row, reader_fn *name, reader_fn *read,
                   struct error *err)
{
    struct cells_row of;
    if (!db_pages(reader->db))
        return read(reader, row, err);
    int rc = reader_with_what_is_here(reader, row, read, err);
    if (rc != -EAGAIN)
        return rc;
    if (reader_ask_coming(reader, row))
        return read(reader, row, err);
    bool more = reader_with_what_is_here(reader, row, name, NULL);
    ahead_ask(&reader->ahead, reader->db);
    if (more && !db_nowait(reader->db) && !reader_cells_row(reader, row, &of, NULL)) {
        reader_with_what_is_here(reader, row, name, NULL);
        ahead_ask(&reader->ahead, reader->db);
    }
    return read(reader, row, err);
}
