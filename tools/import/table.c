// SPDX-License-Identifier: Apache-2.0
/* A column is typed by all of its cells before the first is used: one "n/a" makes it text, wherever it
 * stands. */
#include "tools/import/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "index/name.h"
#include "tools/import/csv.h"

/* ---- inference ---- */

static bool is_number_start(const char *text, size_t len, bool *ret_leading_zero)
{
    size_t i = len && text[0] == '-';
    if (i >= len || !isdigit((unsigned char)text[i]))
        return false;
    *ret_leading_zero = text[i] == '0' && i + 1 < len && isdigit((unsigned char)text[i + 1]);
    return true;
}

static bool fits(enum value_type type, const char *text, size_t len)
{
    struct value value;
    bool leading_zero = false;
    int64_t limit = INT64_C(1) << 53;
    switch (type) {
    case VALUE_BOOL:
        return (len == 4 && !memcmp(text, "true", 4)) || (len == 5 && !memcmp(text, "false", 5));
    case VALUE_INT:
        return is_number_start(text, len, &leading_zero) && !leading_zero &&
               !value_parse(VALUE_INT, text, len, &value, NULL) && value.integer <= limit &&
               value.integer >= -limit;
    case VALUE_FLOAT:
        if (!is_number_start(text, len, &leading_zero) || leading_zero)
            return false;
        /* an integer that is too large for one stays text, it must not be rounded */
        return (strcspn(text, ".eE") < len || fits(VALUE_INT, text, len)) &&
               !value_parse(VALUE_FLOAT, text, len, &value, NULL);
    case VALUE_TIME:
        return !value_parse(VALUE_TIME, text, len, &value, NULL);
    case VALUE_DURATION:
        return is_number_start(text, len, &leading_zero) && !leading_zero &&
               isalpha((unsigned char)text[len - 1]) && !value_parse(VALUE_DURATION, text, len, &value, NULL);
    case VALUE_TEXT:
        break;
    }
    return true;
}

enum value_type table_infer(const char *const *texts, const size_t *lens, size_t count)
{
    static const enum value_type order[] = {VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TIME, VALUE_DURATION};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        size_t i = 0;
        while (i < count && fits(order[k], texts[i], lens[i]))
            i++;
        if (count && i == count)
            return order[k];
    }
    return VALUE_TEXT;
}

/* ---- one attribute from one origin ---- */

struct column {
    size_t attribute;
    const char *name;
    bool multi;
    const char **texts; /* values, borrowed from the table; parallel arrays */
    size_t *lens;
    size_t *rows; /* the row each belongs to */
    size_t count, cap, len_cap, row_cap;
};

static void column_done(struct column *column)
{
    free(column->texts);
    free(column->lens);
    free(column->rows);
}

static void column_add(struct column *column, const char *text, size_t len, size_t row)
{
    mem_grow(&column->texts, &column->cap, column->count + 1, sizeof *column->texts);
    mem_grow(&column->lens, &column->len_cap, column->count + 1, sizeof *column->lens);
    mem_grow(&column->rows, &column->row_cap, column->count + 1, sizeof *column->rows);
    column->texts[column->count] = text;
    column->lens[column->count] = len;
    column->rows[column->count++] = row;
}

/* "a;b;c" gives three values; empty parts are none. */
static void column_add_field(struct column *column, char *text, size_t len, size_t row)
{
    if (!column->multi) {
        column_add(column, text, len, row);
        return;
    }
    for (char *part = text, *end = text + len; part < end;) {
        char *semicolon = memchr(part, ';', (size_t)(end - part));
        size_t part_len = (size_t)((semicolon ? semicolon : end) - part);
        part[part_len] = 0; /* over the ';' or the field's own NUL */
        if (part_len)
            column_add(column, part, part_len, row);
        part += part_len + 1;
    }
}

static bool is_multi(const struct table_join *join, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < join->multi_count; i++)
        if (!strcmp(join->multi[i], name))
            is = join->multi_used[i] = true;
    return is;
}

/* What people say replaces what the importer found, for all clips: a mix of both would be neither. */
static int claim_attribute(const struct table_join *join, struct column *column, const char *origin,
                           struct error *err)
{
    int rc = drafts_attribute(join->drafts, column->name, origin, &column->attribute, err);
    if (rc)
        return rc;
    struct draft_attribute *attribute = &join->drafts->attributes[column->attribute];
    if (!strcmp(attribute->origin, "--set") && !strcmp(origin, "--set") && attribute->typed)
        return error_set(err, EEXIST, "'%s' is set twice", attribute->name);
    if (!strcmp(attribute->origin, origin) || !strncmp(attribute->origin, "table ", 6))
        return 0;
    for (size_t i = 0; i < join->drafts->count; i++)
        draft_remove_values(&join->drafts->clips[i], column->attribute);
    CLEANUP_FREE char *note = mem_printf("replaced by what %s says", origin);
    notes_add(join->notes, note, attribute->name);
    free(attribute->origin);
    attribute->origin = mem_text(origin);
    attribute->typed = attribute->multi = false;
    return 0;
}

/* ---- tables ---- */

struct joined {
    const struct table_join *join;
    const struct csv *csv;
    char *origin; /* "table FILE" */
    size_t key_column;
    bool by_key;
    size_t *clip; /* by row: its number */
};

/* Columns that say which clip a row is about are no attributes. */
static bool is_key_column(const char *column)
{
    return !strcmp(column, "key") || !strcmp(column, "episode_index");
}

static bool find_column(const struct csv *csv, const char *name, size_t *ret)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (!strcmp(csv->header[i].text, name)) {
            *ret = i;
            return true;
        }
    return false;
}

static int find_key_column(struct joined *j, struct error *err)
{
    j->by_key = find_column(j->csv, "key", &j->key_column);
    if (j->by_key)
        return 0;
    if (!find_column(j->csv, "episode_index", &j->key_column))
        return error_set(err, EINVAL, "%s: line 1: there is neither a column 'key' nor 'episode_index'",
                         j->csv->name);
    if (!j->join->one_root)
        return error_set(err, EINVAL,
                         "%s: line 1: episode_index is ambiguous here: the source is not one LeRobot data "
                         "set; give the table a column 'key'",
                         j->csv->name);
    return 0;
}

struct episode_clip {
    int64_t episode;
    size_t clip;
};

static int compare_episodes(const void *a, const void *b)
{
    int64_t x = ((const struct episode_clip *)a)->episode, y = ((const struct episode_clip *)b)->episode;
    return (x > y) - (x < y);
}

/* Sorted by episode; *ret_count of them. */
static struct episode_clip *index_episodes(const struct drafts *drafts, size_t *ret_count)
{
    struct episode_clip *episodes = mem_alloc(drafts->count * sizeof *episodes);
    size_t count = 0;
    for (size_t i = 0; i < drafts->count; i++)
        if (drafts->clips[i].episode_index >= 0)
            episodes[count++] = (struct episode_clip){drafts->clips[i].episode_index, i};
    qsort(episodes, count, sizeof *episodes, compare_episodes);
    *ret_count = count;
    return episodes;
}

static bool find_clip(const struct joined *j, const struct episode_clip *episodes, size_t count,
                      const struct csv_field *field, size_t *ret)
{
    if (j->by_key) {
        const struct draft *clip = drafts_find(j->join->drafts, field->text);
        *ret = clip ? (size_t)(clip - j->join->drafts->clips) : 0;
        return clip != NULL;
    }
    struct value value;
    if (value_parse(VALUE_INT, field->text, field->len, &value, NULL))
        return false;
    struct episode_clip key = {.episode = value.integer};
    const struct episode_clip *found = bsearch(&key, episodes, count, sizeof key, compare_episodes);
    *ret = found ? found->clip : 0;
    return found != NULL;
}

static int find_clips(struct joined *j, struct error *err)
{
    size_t count;
    CLEANUP_FREE struct episode_clip *episodes = index_episodes(j->join->drafts, &count);
    CLEANUP_FREE uint32_t *seen = mem_zero(j->join->drafts->count * sizeof *seen); /* line of a clip's row */
    for (size_t row = 0; row < j->csv->rows; row++) {
        struct csv_field key = csv_at(j->csv, row, j->key_column);
        uint32_t line = j->csv->lines[row];
        const char *what = j->by_key ? "clip" : "episode";
        if (!find_clip(j, episodes, count, &key, &j->clip[row]))
            return error_set(err, EINVAL, "%s: line %u: there is no %s '%s' in this import", j->csv->name,
                             line, what, key.text);
        if (seen[j->clip[row]])
            return error_set(err, EINVAL,
                             "%s: line %u: the %s '%s' stands there a second time, first on line %u",
                             j->csv->name, line, what, key.text, seen[j->clip[row]]);
        seen[j->clip[row]] = line;
    }
    return 0;
}

static int set_values(const struct joined *j, const struct column *column, struct error *err)
{
    enum value_type type = table_infer(column->texts, column->lens, column->count);
    for (size_t i = 0; i < column->count; i++) {
        struct draft *clip = &j->join->drafts->clips[j->clip[column->rows[i]]];
        bool first = !i || column->rows[i] != column->rows[i - 1];
        uint32_t line = j->csv->lines[column->rows[i]];
        if (first && draft_has(clip, column->attribute))
            return error_set(err, EEXIST,
                             "%s: line %u: another table gave clip '%s' the attribute '%s' already",
                             j->csv->name, line, clip->key, column->name);
        struct value value;
        int rc = value_parse(type, column->texts[i], column->lens[i], &value, err);
        if (!rc)
            rc = draft_value(j->join->drafts, clip, column->attribute, &value, err);
        if (rc)
            return error_prefix(err, "%s: line %u: column '%s'", j->csv->name, line, column->name);
    }
    return 0;
}

static int join_column(const struct joined *j, size_t i, struct error *err)
{
    struct column column = {.name = j->csv->header[i].text,
                            .multi = is_multi(j->join, j->csv->header[i].text)};
    for (size_t row = 0; row < j->csv->rows; row++) {
        struct csv_field field = csv_at(j->csv, row, i);
        if (!field.missing)
            column_add_field(&column, field.text, field.len, row);
    }
    int rc = column.count ? claim_attribute(j->join, &column, j->origin, err) : 0;
    if (!rc && column.count)
        rc = set_values(j, &column, err);
    column_done(&column);
    return rc;
}

static int read_table(const struct table_join *join, const char *file, struct buf *bytes, struct error *err)
{
    if (!strstr(file, "://"))
        return file_read(file, CSV_BYTES_MAX, bytes, err);
    const char *slash = strrchr(file, '/');
    CLEANUP_FREE char *folder = mem_copy(file, (size_t)(slash - file));
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(join->stores, folder, &store, err);
    return rc ? rc : store_read_all(store, slash + 1, CSV_BYTES_MAX, bytes, NULL, err);
}

static int check_columns(const struct joined *j, struct error *err)
{
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    for (size_t i = 0; i < j->csv->columns; i++) {
        CLEANUP_BUF struct buf name = BUF_INIT;
        const char *column = j->csv->header[i].text;
        if (is_key_column(column))
            continue;
        if (name_attribute(&name, column, strlen(column), err))
            return error_prefix(err, "%s: line 1: column '%s'", j->csv->name, column);
        bool is_new;
        struct strmap_entry *entry = strmap_put(names, buf_text(&name), name.len, &is_new);
        if (!is_new)
            return error_set(err, EEXIST,
                             "%s: line 1: the columns '%s' and '%s' would both become the attribute '%s'",
                             j->csv->name, j->csv->header[entry->value].text, column, entry->key);
        entry->value = i;
    }
    return 0;
}

static int join_columns(struct joined *j, struct error *err)
{
    int rc = check_columns(j, err);
    if (!rc)
        rc = find_key_column(j, err);
    if (!rc)
        rc = find_clips(j, err);
    for (size_t i = 0; !rc && i < j->csv->columns; i++) {
        if (!is_key_column(j->csv->header[i].text))
            rc = join_column(j, i, err);
    }
    return rc;
}

int table_join_file(const struct table_join *join, const char *file, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_CSV struct csv *csv = NULL;
    int rc = read_table(join, file, &bytes, err);
    if (!rc)
        rc = csv_parse(file, bytes.data, bytes.len, &csv, err);
    if (rc)
        return rc;
    struct joined j = {.join = join, .csv = csv, .origin = mem_printf("table %s", file)};
    j.clip = mem_zero(csv->rows * sizeof *j.clip);
    buf_done(&bytes); /* the table keeps a copy of its own */
    rc = join_columns(&j, err);
    free(j.clip);
    free(j.origin);
    return rc;
}

int table_set(const struct table_join *join, const char *assignment, struct error *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return error_set(err, EINVAL, "--set '%s': expected NAME=VALUE", assignment);
    CLEANUP_FREE char *name = mem_copy(assignment, (size_t)(equals - assignment));
    CLEANUP_FREE char *text = mem_text(equals + 1);
    struct column column = {.name = name, .multi = is_multi(join, name)};
    column_add_field(&column, text, strlen(text), 0);
    enum value_type type = table_infer(column.texts, column.lens, column.count);
    int rc = claim_attribute(join, &column, "--set", err);
    for (size_t i = 0; !rc && i < column.count; i++) {
        struct value value;
        rc = value_parse(type, column.texts[i], column.lens[i], &value, err);
        for (size_t k = 0; !rc && k < join->drafts->count; k++)
            rc = draft_value(join->drafts, &join->drafts->clips[k], column.attribute, &value, err);
    }
    column_done(&column);
    return rc < 0 ? error_prefix(err, "--set '%s'", assignment) : 0;
}
