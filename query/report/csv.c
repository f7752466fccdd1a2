// SPDX-License-Identifier: Apache-2.0
/* Which columns there are is told by the index; a clip's values come in the order of the columns, by name. */
#include "query/report/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/coming.h"
#include "query/facets.h"
#include "query/files.h"
#include "query/report/report.h"

struct csv {
    struct catalog_reader *reader;
    const struct query *query;
    const struct rowset *rows;         /* of the clips */
    struct catalog_attribute *columns; /* by name */
    size_t count, cap;
    struct buf files, cell;
    struct buf *line; /* of the clip under way */
    size_t at;        /* the column that the next cell is of, */
    bool there;       /* and whether the clip has a value of it */
    FILE *to;         /* NULL: lines stay */
};

static void csv_done(struct csv *csv)
{
    buf_done(&csv->files);
    buf_done(&csv->cell);
    free(csv->columns);
}
#define CLEANUP_CSV CLEANUP(csv_done)

/* An empty text is "", a value that is not there is nothing: readers that tell them apart do. */
static void add_cell(struct buf *line, const void *bytes, size_t len, bool there)
{
    const char *text = bytes;
    bool quoted = there && !len;
    for (size_t i = 0; i < len; i++)
        quoted |= text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r';
    if (quoted)
        buf_u8(line, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            buf_u8(line, '"');
        buf_u8(line, (uint8_t)text[i]);
    }
    if (quoted)
        buf_u8(line, '"');
}

/* ---- columns ---- */

static int note_column(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct csv *csv = ctx;
    (void)err;
    mem_grow(&csv->columns, &csv->cap, csv->count + 1, sizeof *csv->columns);
    csv->columns[csv->count++] = *attribute;
    return 0;
}

static int keep_columns(struct csv *csv, struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < csv->count; i++) {
        CLEANUP_ROWSET struct rowset *has = NULL;
        const struct catalog_literal literal = {.attribute = csv->columns[i].id, .op = CATALOG_HAS};
        int rc = catalog_select(csv->reader, &literal, &has, err);
        if (rc)
            return rc;
        if (rowset_intersects(has, csv->rows))
            csv->columns[kept++] = csv->columns[i];
    }
    csv->count = kept;
    return 0;
}

/* Those that some of the clips have. */
static int find_columns(struct csv *csv, struct error *err)
{
    int rc = catalog_attributes(csv->reader, note_column, csv, err);
    const struct facets_attributes of = {csv->reader, csv->rows, csv->columns, csv->count};
    if (!rc && !catalog_reader_nowait(csv->reader))
        facets_has_ahead(&of, false);
    if (!rc)
        rc = keep_columns(csv, err);
    if (rc == -EAGAIN)
        facets_has_ahead(&of, true);
    return rc;
}

static void add_head(const struct csv *csv)
{
    buf_text_append(csv->line, "key,files");
    for (size_t i = 0; i < csv->count; i++) {
        buf_u8(csv->line, ',');
        add_cell(csv->line, csv->columns[i].name, strlen(csv->columns[i].name), true);
    }
    buf_u8(csv->line, '\n');
}

/* ---- a clip ---- */

static int add_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct csv *csv = ctx;
    buf_text_append(&csv->files, csv->files.len ? "," : "");
    buf_text_append(&csv->files, entry->name);
    return 0;
}

/* The cell of the column under way, and on to the next. */
static void end_cell(struct csv *csv)
{
    if (csv->columns[csv->at].multi && csv->cell.len)
        buf_u8(&csv->cell, ']');
    buf_u8(csv->line, ',');
    add_cell(csv->line, csv->cell.data, csv->cell.len, csv->there);
    csv->there = false;
    buf_clear(&csv->cell);
    csv->at++;
}

static int add_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                     struct error *err)
{
    struct csv *csv = ctx;
    while (csv->at < csv->count && csv->columns[csv->at].id != attribute->id)
        end_cell(csv);
    csv->there = true;
    if (attribute->multi) {
        buf_u8(&csv->cell, csv->cell.len ? ',' : '[');
        value_print_json(&csv->cell, value);
    } else if (attribute->type == VALUE_LIST) {
        value_print_json(&csv->cell, value);
    } else {
        value_print(&csv->cell, value);
    }
    return 0;
}

static int add_clip(void *ctx, uint32_t row, struct error *err)
{
    struct csv *csv = ctx;
    struct catalog_clip clip;
    buf_clear(&csv->files);
    csv->at = 0;
    int rc = files_of_clip(csv->reader, csv->query, row, add_file, csv, err);
    if (!rc)
        rc = catalog_clip(csv->reader, row, &clip, err);
    if (rc)
        return rc;
    add_cell(csv->line, clip.key, strlen(clip.key), true);
    buf_u8(csv->line, ',');
    add_cell(csv->line, csv->files.data, csv->files.len, false);
    rc = catalog_clip_values(csv->reader, row, add_value, csv, err);
    while (!rc && csv->at < csv->count)
        end_cell(csv);
    buf_u8(csv->line, '\n');
    if (!rc && csv->line->len > REPORT_BYTES_MAX)
        rc = error_set(err, EFBIG,
                       "manifest.csv: of this many clips it would be too large: narrow the path, or print it "
                       "(elidefs query --csv)");
    if (rc || !csv->to)
        return rc;
    fwrite(csv->line->data, 1, csv->line->len, csv->to);
    buf_clear(csv->line);
    return 0;
}

static int make(const struct query *query, struct catalog_reader *reader, struct buf *buf, FILE *to,
                struct error *err)
{
    CLEANUP_SET struct set *set = NULL;
    int rc = query_run(query, reader, &set, err);
    if (rc)
        return rc;
    CLEANUP_ROWSET struct rowset *rows = set_rows(set);
    CLEANUP_CSV struct csv csv = {.reader = reader, .query = query, .rows = rows, .line = buf, .to = to};
    rc = find_columns(&csv, err);
    if (rc)
        return rc;
    add_head(&csv);
    return coming_each(set, reader, CATALOG_COMING_VALUES, add_clip, &csv, err);
}

int csv_append(const struct query *query, struct catalog_reader *reader, struct buf *buf, struct error *err)
{
    size_t start = buf->len;
    int rc = make(query, reader, buf, NULL, err);
    if (rc)
        buf_truncate(buf, start);
    return rc;
}

int csv_print(const struct query *query, struct catalog_reader *reader, FILE *to, struct error *err)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    int rc = make(query, reader, &line, to, err);
    if (!rc)
        fwrite(line.data, 1, line.len, to);
    return rc;
}
