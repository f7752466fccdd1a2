// SPDX-License-Identifier: Apache-2.0
/* What a clip's source said of itself when this version was made. */
#include <errno.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/catalog/reader.h"
#include "index/catalog/source_files.h"

int catalog_clip_source(struct catalog_reader *reader, uint32_t row, uint32_t *ret_source, struct error *err)
{
    uint32_t source = 0;
    int rc = reader_check_row(reader, row, err);
    if (!rc)
        rc = sourced_get(reader->db, &reader->sourced, row, &source, err);
    if (rc)
        return rc;
    if (!source)
        return error_set(err, ENOENT, "the clip in row %u is of no source with files of its own", row);
    *ret_source = source;
    return 0;
}

/* ---- sources ---- */

static int no_source(struct catalog_reader *reader, uint32_t source, struct error *err)
{
    return error_set(err, ENOENT, "catalog %s has no source number %u", reader->catalog->name, source);
}

static int give_source(struct db *db, sqlite3_stmt *stmt, catalog_source_fn *each, void *ctx,
                       struct error *err)
{
    struct source_row row;
    int rc = source_row_take(db, stmt, &row, err);
    const struct catalog_source source = {row.id, row.root, row.version, row.folder};
    return rc ? rc : each(ctx, &source, err);
}

int catalog_sources(struct catalog_reader *reader, catalog_source_fn *each, void *ctx, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(reader->db, QUERY_SOURCES, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(reader->db, stmt, err)) == 1 &&
           !(rc = give_source(reader->db, stmt, each, ctx, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}

int catalog_source(struct catalog_reader *reader, uint32_t source, catalog_source_fn *each, void *ctx,
                   struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(reader->db, QUERY_SOURCE, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, source);
    rc = db_step(reader->db, stmt, err);
    if (!rc)
        rc = no_source(reader, source, err);
    else if (rc == 1)
        rc = give_source(reader->db, stmt, each, ctx, err);
    sqlite3_reset(stmt);
    return rc;
}

/* ---- files ---- */

static int check_source(void *ctx, const struct catalog_source *source, struct error *err)
{
    (void)ctx, (void)source, (void)err;
    return 0;
}

static void name_source(struct catalog_reader *reader, uint32_t source)
{
    int64_t ids[2];
    source_file_ids(source, ids);
    ahead_rows(&reader->ahead, reader->db, AHEAD_SOURCE, (int64_t[]){source, source}, AHEAD_ALL);
    ahead_rows(&reader->ahead, reader->db, AHEAD_FILE, ids, AHEAD_ALL);
}

void catalog_sources_ahead(struct catalog_reader *reader, const uint32_t *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        name_source(reader, sources[i]);
    ahead_ask(&reader->ahead, reader->db);
}

/* Who asks for one file asks for others next. */
static int read_files(struct catalog_reader *reader, uint32_t source, struct source_files *ret,
                      struct error *err)
{
    catalog_sources_ahead(reader, &source, 1);
    int rc = catalog_source(reader, source, check_source, NULL, err);
    return rc ? rc : source_files_read(reader->db, source, ret, err);
}

int catalog_source_files(struct catalog_reader *reader, uint32_t source, catalog_source_file_fn *each,
                         void *ctx, struct error *err)
{
    CLEANUP_SOURCE_FILES struct source_files files = {0};
    int rc = read_files(reader, source, &files, err);
    for (size_t i = 0; !rc && i < files.count; i++)
        rc = each(ctx, files.list[i].name, files.list[i].size, err);
    return rc;
}

int catalog_source_file(struct catalog_reader *reader, uint32_t source, const char *name, struct buf *buf,
                        struct error *err)
{
    CLEANUP_SOURCE_FILES struct source_files files = {0};
    int rc = read_files(reader, source, &files, err);
    size_t at = rc ? SIZE_MAX : source_files_find(&files, name);
    if (!rc && at == SIZE_MAX)
        rc = error_set(err, ENOENT, "catalog %s has no file '%s' of source %u", reader->catalog->name, name,
                       source);
    return rc ? rc : source_file_read(reader->db, source, &files, at, buf, err);
}

/* ---- of clips ---- */

void catalog_extras_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t group = rows[i] >> SCHEMA_SOURCED_BITS;
        const int64_t extra[] = {pieces_first(&pieces_extra, rows[i]), pieces_last(&pieces_extra, rows[i])};
        ahead_rows(&reader->ahead, reader->db, AHEAD_EXTRA, extra, AHEAD_ALL);
        if (!i || rows[i - 1] >> SCHEMA_SOURCED_BITS != group)
            ahead_rows(&reader->ahead, reader->db, AHEAD_SOURCED, (int64_t[]){group, group}, AHEAD_ALL);
    }
    ahead_ask(&reader->ahead, reader->db);
}
