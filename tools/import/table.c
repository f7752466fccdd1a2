// SPDX-License-Identifier: Apache-2.0
/* A column is typed by all of its cells before the first is used: one "n/a" makes it text, wherever it
 * stands. */
#include "tools/import/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/base/name.h"
#include "tools/import/table_attribute.h"

/* ---- one attribute from one origin ---- */

static bool is_multi(const struct table_join *join, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < join->multi_count; i++)
        if (!strcmp(join->multi[i], name))
            is = join->multi_used[i] = true;
    return is;
}

/* What people say replaces what the importer found, for all clips: a mix of both would be neither. */
static int claim_attribute(const struct table_join *join, const char *column, const char *origin, size_t *ret,
                           struct error *err)
{
    int rc = drafts_attribute(join->drafts, column, origin, ret, err);
    if (rc)
        return rc;
    struct draft_attribute *attribute = &join->drafts->attributes[*ret];
    attribute->partial = strcmp(origin, "--set") != 0;
    if (!strcmp(attribute->origin, "--set") && !strcmp(origin, "--set") && attribute->typed)
        return error_set(err, EEXIST, "'%s' is set twice", attribute->name);
    if (!strcmp(attribute->origin, origin) || !strncmp(attribute->origin, "table ", 6))
        return 0;
    for (size_t i = 0; i < join->drafts->count; i++)
        draft_values_remove(&join->drafts->clips[i].values, *ret);
    CLEANUP_FREE char *note = mem_printf("replaced by what %s says", origin);
    notes_add(join->notes, note, attribute->name);
    free(attribute->origin);
    attribute->origin = mem_text(origin);
    attribute->typed = attribute->multi = false;
    return 0;
}

/* ---- which clip a row is about ---- */

struct episode_clip {
    int64_t episode;
    size_t clip;
};

struct joined {
    const struct table_join *join;
    struct table_reader *reader;
    struct table_batch *batch;
    char *origin;                  /* "table FILE" */
    struct episode_clip *episodes; /* sorted; if rows are joined on them */
    size_t episode_count;
    uint64_t *seen;     /* by clip: the place of its row */
    size_t *attributes; /* by column, once claimed; SIZE_MAX: none */
};

/* Columns that say which clip a row is about are no attributes. */
static bool is_key_column(const char *column)
{
    return !strcmp(column, "key") || !strcmp(column, "episode_index");
}

static int compare_episodes(const void *a, const void *b)
{
    int64_t x = ((const struct episode_clip *)a)->episode, y = ((const struct episode_clip *)b)->episode;
    return (x > y) - (x < y);
}

static void index_episodes(struct joined *j)
{
    const struct drafts *drafts = j->join->drafts;
    j->episodes = mem_alloc(drafts->count * sizeof *j->episodes);
    for (size_t i = 0; i < drafts->count; i++)
        if (drafts->clips[i].episode_index >= 0)
            j->episodes[j->episode_count++] = (struct episode_clip){drafts->clips[i].episode_index, i};
    qsort(j->episodes, j->episode_count, sizeof *j->episodes, compare_episodes);
}

/* Keys stand as the mount shows them, or as they were before they were escaped. */
static const struct draft *find_key(const struct joined *j, const char *key, size_t len)
{
    const struct draft *clip = drafts_find(j->join->drafts, key);
    CLEANUP_BUF struct buf escaped = BUF_INIT;
    if (clip || name_check(key, len, NULL) == 0)
        return clip;
    name_escape(&escaped, key, len);
    return drafts_find(j->join->drafts, buf_text(&escaped));
}

static bool find_episode(const struct joined *j, const char *text, size_t len, size_t *ret)
{
    struct value value;
    if (value_parse(VALUE_INT, text, len, &value, NULL))
        return false;
    struct episode_clip key = {.episode = value.integer};
    const struct episode_clip *found =
        bsearch(&key, j->episodes, j->episode_count, sizeof key, compare_episodes);
    if (found)
        *ret = found->clip;
    return found != NULL;
}

static int check_key_columns(const struct joined *j, uint64_t place, struct error *err)
{
    size_t column;
    if (table_reader_find(j->reader, "key", &column))
        return 0;
    if (!table_reader_find(j->reader, "episode_index", &column))
        return table_reader_fail_key(j->reader, place, err);
    if (!j->join->one_root)
        return table_reader_fail(j->reader, place, err,
                                 "episode_index is ambiguous here: the source is not one LeRobot data set; "
                                 "give the table a column 'key'");
    return 0;
}

static const struct table_cell *cell_of(const struct joined *j, const struct table_row *row, const char *name)
{
    size_t column;
    return table_reader_find(j->reader, name, &column) && !row->cells[column].missing ? &row->cells[column]
                                                                                      : NULL;
}

/* `key` wins over `episode_index`, where a row has both. */
static const struct table_cell *key_cell(const struct joined *j, const struct table_row *row,
                                         bool *ret_by_key)
{
    const struct table_cell *key = cell_of(j, row, "key"), *episode = cell_of(j, row, "episode_index");
    size_t column;
    *ret_by_key = key || (!episode && table_reader_find(j->reader, "key", &column));
    return key || !j->join->one_root ? key : episode;
}

/* *ret: the clip, for a row that comes too late as well; SIZE_MAX: none. */
static int find_clip(struct joined *j, const struct table_row *row, size_t *ret, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    bool by_key;
    *ret = SIZE_MAX;
    const struct table_cell *cell = key_cell(j, row, &by_key);
    if (cell && cell->count == 1)
        value_print(&text, &cell->values[0].value);
    const struct draft *clip = by_key ? find_key(j, buf_text(&text), text.len) : NULL;
    bool found = by_key ? clip != NULL : find_episode(j, buf_text(&text), text.len, ret);
    if (clip)
        *ret = (size_t)(clip - j->join->drafts->clips);
    const char *what = by_key ? "clip" : "episode";
    if (!found)
        return table_reader_fail(j->reader, row->place, err, "there is no %s '%s' in this import", what,
                                 buf_text(&text));
    if (j->seen[*ret])
        return table_reader_fail(
            j->reader, row->place, err, "the %s '%s' stands there a second time, first on %s %llu", what,
            buf_text(&text), table_reader_place_name(j->reader), (unsigned long long)j->seen[*ret]);
    j->seen[*ret] = row->place;
    return 0;
}

/* ---- joining ---- */

/* Hands over what is wrong with a row: it costs its clip, which would lack what the row says. */
static int settle(const struct joined *j, uint64_t place, size_t clip, int rc, struct error *err)
{
    if (!rc)
        return 0;
    struct drafts *drafts = j->join->drafts;
    CLEANUP_FREE char *where =
        mem_printf("%s %llu", table_reader_place_name(j->reader), (unsigned long long)place);
    return drafts_fault(drafts, clip == SIZE_MAX ? NULL : &drafts->clips[clip], table_reader_name(j->reader),
                        where, err);
}

/* Rows may bring new columns. */
static int mention_columns(struct joined *j, size_t known, struct error *err)
{
    int rc = 0;
    for (size_t i = known; !rc && i < table_reader_columns(j->reader); i++) {
        const char *name = table_reader_column(j->reader, i);
        is_multi(j->join, name);
        if (is_key_column(name))
            table_batch_skip(j->batch, i);
        else
            rc = table_attribute_type(j->join->drafts, name, table_batch_type(j->batch, i), err);
    }
    return rc;
}

static int read_rows(struct joined *j, struct error *err)
{
    struct table_row row;
    size_t clip = 0, column = 0, known = 0;
    int rc = mention_columns(j, 0, err);
    known = table_reader_columns(j->reader);
    while (!rc && (rc = table_reader_next(j->reader, &row, err)) > 0) {
        rc = mention_columns(j, known, err);
        known = row.count;
        if (!rc)
            rc = check_key_columns(j, row.place, err);
        if (rc)
            return rc;
        rc = find_clip(j, &row, &clip, err);
        if (!rc && table_batch_add(j->batch, &row, clip, &column, err))
            rc = table_reader_prefix(j->reader, row.place, column, err);
        rc = settle(j, row.place, clip, rc, err);
        if (!rc)
            rc = table_batch_check(j->batch, err);
    }
    return rc;
}

static int check_columns(const struct joined *j, struct error *err)
{
    size_t count = table_reader_columns(j->reader);
    CLEANUP_FREE bool *keys = mem_alloc(count * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = is_key_column(table_reader_column(j->reader, i));
    return table_attribute_check(j->reader, keys, err);
}

/* A column without any value claims an attribute that clips may have one of, unless the importer found some.
 */
static int claim_empty(struct joined *j, size_t column, struct error *err)
{
    struct drafts *drafts = j->join->drafts;
    enum value_type was = 0;
    size_t number;
    int rc = drafts_attribute(drafts, table_reader_column(j->reader, column), j->origin, &number, err);
    struct draft_attribute *attribute = rc ? NULL : &drafts->attributes[number];
    if (rc || attribute->forced || strncmp(attribute->origin, "table ", 6) != 0)
        return rc;
    rc = drafts->known ? known_attribute(drafts->known, attribute->name, &was, err) : 0;
    if (rc || !was)
        return rc;
    j->attributes[column] = number;
    if (was == VALUE_LIST) /* lists may be empty */
        table_batch_type(j->batch, column)->forced = was;
    attribute->partial = true;
    if (!attribute->typed)
        attribute->type = was;
    attribute->typed = true;
    return 0;
}

static int note_column(const struct joined *j, size_t column, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    const char *spelled = table_reader_column(j->reader, column);
    int rc = name_attribute(&name, spelled, strlen(spelled), err);
    if (rc)
        return rc;
    table_attribute_note_name(j->reader, spelled, buf_text(&name), j->join->notes);
    table_attribute_note(j->reader, column, table_batch_type(j->batch, column), buf_text(&name),
                         j->join->notes);
    return 0;
}

static int claim_columns(struct joined *j, struct error *err)
{
    int rc = 0;
    size_t count = table_reader_columns(j->reader);
    j->attributes = mem_alloc(count * sizeof *j->attributes);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *name = table_reader_column(j->reader, i);
        j->attributes[i] = SIZE_MAX;
        if (is_key_column(name))
            continue;
        rc = table_batch_type(j->batch, i)->seen
                 ? claim_attribute(j->join, name, j->origin, &j->attributes[i], err)
                 : claim_empty(j, i, err);
        if (!rc)
            rc = note_column(j, i, err);
    }
    return rc;
}

static int set_values(const struct joined *j, const struct table_kept *cell, struct draft *clip,
                      struct error *err)
{
    size_t attribute = j->attributes[cell->column];
    if (draft_has(clip, attribute))
        return error_set(err, EEXIST, "another table gave clip '%s' this attribute already", clip->key);
    return table_attribute_set(j->join->drafts, clip, attribute, table_batch_type(j->batch, cell->column),
                               cell, err);
}

static bool says_value(const struct joined *j, const struct table_kept *cell)
{
    return cell->count || table_type_of(table_batch_type(j->batch, cell->column)) == VALUE_LIST;
}

static int set_row(const struct joined *j, const struct table_kept_row *row, struct error *err)
{
    struct draft *clip = &j->join->drafts->clips[row->tag];
    const size_t *attributes = j->attributes;
    size_t columns = table_reader_columns(j->reader);
    for (size_t column = 0, i = 0; column < columns; column++) {
        const struct table_kept *cell =
            i < row->count && row->cells[i].column == column ? &row->cells[i++] : NULL;
        if (attributes[column] == SIZE_MAX)
            continue;
        if (cell && cell->refused)
            continue;
        if (cell && says_value(j, cell) && set_values(j, cell, clip, err))
            return table_reader_prefix(j->reader, row->place, column, err);
        if (!draft_has(clip, attributes[column]))
            draft_none(clip, attributes[column]);
    }
    return 0;
}

static int set_rows(const struct joined *j, struct error *err)
{
    struct table_kept_row row;
    int rc = 0;
    while (!rc && table_batch_next(j->batch, &row)) {
        if (j->join->renumbered)
            rc = table_renumbered_row(j->join->renumbered, j->reader, &row, row.tag, err);
        if (!rc)
            rc = settle(j, row.place, row.tag, set_row(j, &row, err), err);
    }
    return rc;
}

int table_join_file(const struct table_join *join, const char *file, struct error *err)
{
    struct table_options options = {
        .multi = join->multi, .multi_count = join->multi_count, .notes = join->notes, .needs = is_key_column};
    CLEANUP_TABLE_READER struct table_reader *reader = NULL;
    int rc = table_reader_open(join->stores, file, &options, &reader, err);
    if (rc)
        return rc;
    CLEANUP_TABLE_BATCH struct table_batch *batch = table_batch_new();
    struct joined j = {.join = join, .reader = reader, .batch = batch};
    j.origin = mem_printf("table %s", table_reader_name(reader));
    j.seen = mem_zero(join->drafts->count * sizeof *j.seen);
    index_episodes(&j);
    if (table_reader_columns(reader))
        rc = check_key_columns(&j, table_reader_header(reader), err);
    if (!rc)
        rc = read_rows(&j, err);
    if (!rc)
        rc = check_columns(&j, err);
    if (!rc && join->renumbered)
        table_renumbered_begin(join->renumbered, reader);
    if (!rc)
        rc = claim_columns(&j, err);
    if (!rc)
        rc = set_rows(&j, err);
    free(j.attributes);
    free(j.episodes);
    free(j.seen);
    free(j.origin);
    return rc;
}

/* ---- --set and --type ---- */

static int set_all(const struct table_join *join, size_t attribute, const struct table_type *type,
                   const struct table_cell *cell, struct error *err)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    int rc = 0;
    for (size_t i = 0; !rc && i < cell->count; i++) {
        struct value value;
        const char *name = join->drafts->attributes[attribute].name;
        rc = table_type_value(type, &cell->values[i], &scratch, &value, err);
        if (rc == 1)
            rc = error_set(err, EINVAL, "that is no value (--type '%s=text' makes a text of it)", name);
        else if (rc)
            rc = table_type_explain(type, name, err);
        for (size_t k = 0; !rc && k < join->drafts->count; k++)
            rc = draft_value(join->drafts, &join->drafts->clips[k], attribute, &value, err);
    }
    return rc;
}

int table_set(const struct table_join *join, const char *assignment, struct error *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return error_set(err, EINVAL, "--set '%s': expected NAME=VALUE", assignment);
    CLEANUP_FREE char *name = mem_copy(assignment, (size_t)(equals - assignment));
    struct table_value whole = {.value = {.type = VALUE_TEXT, .text = equals + 1, .len = strlen(equals + 1)},
                                .written = true};
    struct table_cells *cells = table_cells_new(join->multi, join->multi_count);
    struct table_type type = {0};
    struct table_row row = {0};
    size_t column = 0, attribute = 0;
    is_multi(join, name);
    int rc = table_attribute_type(join->drafts, name, &type, err);
    if (!rc)
        rc = table_cells_column(cells, name, strlen(name), &column, NULL, err);
    if (!rc) {
        table_cells_begin(cells, 1);
        table_cells_cell(cells, column);
        rc = table_cells_add(cells, &whole, err);
        table_cells_end(cells, &row);
    }
    for (size_t i = 0; !rc && i < row.cells[column].count; i++)
        rc = table_type_see(&type, &row.cells[column].values[i], 0, err);
    if (!rc)
        rc = claim_attribute(join, name, "--set", &attribute, err);
    if (!rc)
        rc = set_all(join, attribute, &type, &row.cells[column], err);
    table_cells_free(cells);
    return rc < 0 ? error_prefix(err, "--set '%s'", assignment) : 0;
}

int table_force(struct drafts *drafts, const char *assignment, struct error *err)
{
    const char *equals = strrchr(assignment, '=');
    enum value_type type;
    if (!equals || equals == assignment)
        return error_set(err, EINVAL, "--type '%s': expected NAME=TYPE", assignment);
    CLEANUP_FREE char *name = mem_copy(assignment, (size_t)(equals - assignment));
    int rc = table_type_parse(equals + 1, &type, err);
    if (!rc)
        rc = drafts_force_type(drafts, name, type, err);
    return rc ? error_prefix(err, "--type '%s'", assignment) : 0;
}

int table_check_forced(const struct drafts *drafts, struct error *err)
{
    for (size_t i = 0; i < drafts->attribute_count; i++)
        if (drafts->attributes[i].forced && !drafts->attributes[i].typed)
            return error_set(err, ENOENT, "--type '%s=%s': no clip has this attribute",
                             drafts->attributes[i].name, value_type_name(drafts->attributes[i].type));
    return 0;
}
