// SPDX-License-Identifier: Apache-2.0
/* A source's files stand side by side, each page of them named by the pages above: so all are read in one
 * round. */
#include "index/catalog/source_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "index/catalog/groups/clips.h"
#include "index/catalog/pieces.h"

_Static_assert(SOURCE_FILES_MAX == (1 << SCHEMA_FILE_BITS) - 1, "numbers of files in ids of rows");
enum { LIST = 0, LIST_BYTES_MAX = SOURCE_FILES_MAX * (SOURCE_FILE_NAME_MAX + 8) + 8 };

int source_row_take(struct db *db, sqlite3_stmt *stmt, struct source_row *ret, struct error *err)
{
    enum { ID, ROOT, FOLDER, VERSION };
    int64_t id, root, version;
    int rc = db_column_number(db, stmt, ID, 1, &id, err);
    if (!rc)
        rc = db_column_number(db, stmt, ROOT, 0, &root, err);
    if (!rc)
        rc = db_column_text(db, stmt, FOLDER, &ret->folder, err);
    if (!rc)
        rc = db_column_number(db, stmt, VERSION, 0, &version, err);
    if (rc)
        return rc;
    if (*ret->folder && !source_folder_is(ret->folder))
        return db_damaged_row(db, stmt, err, "the folder is none");
    if (id > SCHEMA_SOURCES_MAX || root > UINT32_MAX || version >= SCHEMA_VERSIONS_MAX)
        return db_damaged_row(db, stmt, err, "a number is out of range");
    ret->id = (uint32_t)id;
    ret->root = (uint32_t)root;
    ret->version = (uint32_t)version;
    return 0;
}

/* ---- files ---- */

void source_files_done(struct source_files *files)
{
    buf_done(&files->bytes);
    free(files->list);
    *files = (struct source_files){0};
}

void source_files_encode(const struct source_file *list, size_t count, struct buf *buf)
{
    buf_varint(buf, count);
    for (size_t i = 0; i < count; i++) {
        buf_append(buf, list[i].name, strlen(list[i].name) + 1);
        buf_varint(buf, list[i].size);
    }
}

static bool take_file(struct cursor *c, const struct source_file *before, struct source_file *ret)
{
    ret->name = cursor_text(c);
    ret->size = cursor_varint(c);
    return !c->failed && source_file_name_is(ret->name) && ret->size <= SOURCE_FILE_BYTES_MAX &&
           (!before || strcmp(before->name, ret->name) < 0);
}

int source_files_decode(struct source_files *files, const struct buf *bytes)
{
    buf_append(&files->bytes, bytes->data, bytes->len);
    struct cursor c = cursor_of(files->bytes.data, files->bytes.len);
    uint64_t count = cursor_varint(&c), sum = 0;
    if (c.failed || count > SOURCE_FILES_MAX)
        return -EUCLEAN;
    files->list = mem_zero((count + 1) * sizeof *files->list);
    for (; files->count < count; files->count++) {
        struct source_file *file = &files->list[files->count];
        if (!take_file(&c, files->count ? file - 1 : NULL, file))
            return -EUCLEAN;
        sum += file->size;
    }
    return cursor_left(&c) || sum > SOURCE_BYTES_MAX ? -EUCLEAN : 0;
}

static int64_t file_id(uint32_t source, size_t number)
{
    return (int64_t)source << SCHEMA_FILE_BITS | (int64_t)number;
}

void source_file_ids(uint32_t source, int64_t ret[2])
{
    ret[0] = pieces_first(&pieces_file, file_id(source, LIST));
    ret[1] = pieces_last(&pieces_file, file_id(source, SOURCE_FILES_MAX));
}

/* Appends what stands under a number: 1, 0: it is missing, or cannot be expanded. */
static int read_packed(struct db *db, uint32_t source, size_t number, size_t most, struct buf *buf,
                       struct error *err)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    int rc = pieces_read(db, &pieces_file, file_id(source, number), &packed, err);
    if (rc < 1)
        return rc;
    return !packer_unpack(db_packer(db), packed.data, packed.len, most, buf);
}

int source_files_read(struct db *db, uint32_t source, struct source_files *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_SOURCE_FILES struct source_files files = {0};
    int rc = read_packed(db, source, LIST, LIST_BYTES_MAX, &bytes, err);
    if (rc < 0)
        return rc;
    if (!rc || source_files_decode(&files, &bytes))
        return db_damaged(db, err, "the list of file names of source %u is missing or not in order", source);
    *ret = files;
    files = (struct source_files){0};
    return 0;
}

size_t source_files_find(const struct source_files *files, const char *name)
{
    size_t low = 0, high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(files->list[middle].name, name);
        if (!order)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

int source_file_read(struct db *db, uint32_t source, const struct source_files *files, size_t at,
                     struct buf *buf, struct error *err)
{
    const struct source_file *file = &files->list[at];
    size_t before = buf->len;
    int rc = read_packed(db, source, at + 1, file->size, buf, err);
    if (rc == 1 && buf->len - before == file->size)
        return 0;
    buf_truncate(buf, before);
    return rc < 0 ? rc
                  : db_damaged(db, err, "the file '%s' of source %u is missing or cannot be expanded",
                               file->name, source);
}

int source_file_put(struct db *db, uint32_t source, size_t number, const void *bytes, size_t len,
                    struct error *err)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    packer_pack(db_packer(db), bytes, len, PACKER_SAVING_PERCENT, &packed);
    return pieces_put(db, &pieces_file, file_id(source, number), packed.data, packed.len, err);
}

int source_files_drop(struct db *db, uint32_t source, struct error *err)
{
    return pieces_drop(db, &pieces_file, file_id(source, LIST), file_id(source, SOURCE_FILES_MAX), err);
}

/* ---- which clip ---- */

void sourced_done(struct sourced *sourced)
{
    buf_done(&sourced->bytes);
    *sourced = (struct sourced){0};
}

void sourced_encode(const uint32_t sources[SOURCED_ROWS], struct buf *buf)
{
    int64_t numbers[SOURCED_ROWS];
    uint32_t count = SOURCED_ROWS;
    while (count && !sources[count - 1])
        count--;
    if (!count)
        return;
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = sources[i];
    buf_varint(buf, count);
    numbers_encode(numbers, count, buf);
}

int sourced_decode(const void *bytes, size_t len, struct numbers *ret)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t count = cursor_varint(&c);
    if (c.failed || count > SOURCED_ROWS || !numbers_decode(&c, (uint32_t)count, ret) || cursor_left(&c))
        return -EUCLEAN;
    for (uint32_t i = 0; i < count; i++)
        if (numbers_at(ret, i) < 0 || numbers_at(ret, i) > SCHEMA_SOURCES_MAX)
            return -EUCLEAN;
    return 0;
}

static int enter(struct db *db, struct sourced *sourced, uint32_t group, struct error *err)
{
    sourced->group = 0;
    sourced->numbers = (struct numbers){0};
    buf_clear(&sourced->bytes);
    int rc = clips_bytes(db, QUERY_SOURCED, group, &sourced->bytes, err);
    if (rc < 0)
        return rc;
    if (rc && sourced_decode(sourced->bytes.data, sourced->bytes.len, &sourced->numbers))
        return db_damaged(db, err, "the sources of row %u and its neighbours are not in order",
                          group << SCHEMA_SOURCED_BITS);
    sourced->group = group + UINT64_C(1);
    return 0;
}

int sourced_get(struct db *db, struct sourced *sourced, uint32_t row, uint32_t *ret, struct error *err)
{
    uint32_t group = row >> SCHEMA_SOURCED_BITS, at = row % SOURCED_ROWS;
    int rc = sourced->group == group + UINT64_C(1) ? 0 : enter(db, sourced, group, err);
    if (!rc)
        *ret = at < sourced->numbers.count ? (uint32_t)numbers_at(&sourced->numbers, at) : 0;
    return rc;
}
