// SPDX-License-Identifier: Apache-2.0
/*
 * The plain tables as Parquet: a folder with a file each. The files have no names until all of them are
 * whole, so that nothing is left of an export that is killed; where a file system has no such files, they
 * grow in a folder of another name.
 *
 * A column is of one type here. What SQLite keeps in a column without a type stands in three: its text, the
 * number that it is, and, exactly, the integer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "index/containers/parquet/writer.h"
#include "tools/export_format.h"

enum { COLUMNS_MAX = 16 }; /* of a table */

struct table {
    int fd; /* -1: not open */
    struct parquet_writer *writer;
};

struct tables {
    char *path, *partial; /* partial NULL: there is no such folder */
    bool named;           /* the files are in it from the start */
    struct table tables[PLAIN_TABLES];
};

/* ---- cells ---- */

static const struct parquet_cell null_cell = {.null = true};

static struct parquet_cell text_cell(const char *text, size_t len)
{
    return (struct parquet_cell){.text = text, .len = len};
}

static struct parquet_cell integer_cell(int64_t integer)
{
    return (struct parquet_cell){.integer = integer};
}

static struct parquet_cell real_cell(double real)
{
    return (struct parquet_cell){.real = real};
}

static double seconds(const struct value *value)
{
    return (double)value->integer / 1e9;
}

static bool number_of(const struct value *value, double *ret)
{
    switch (value->type) {
    case VALUE_BOOL:
        *ret = value->boolean;
        return true;
    case VALUE_INT:
        *ret = (double)value->integer;
        return true;
    case VALUE_FLOAT:
        *ret = value->real;
        return true;
    case VALUE_DURATION:
        *ret = seconds(value);
        return true;
    case VALUE_TEXT:
    case VALUE_TIME:
    case VALUE_LIST:
        break;
    }
    return false;
}

/* A text is lent as it is; what is printed goes into `room`. */
static struct parquet_cell printed_cell(const struct value *value, struct buf *room)
{
    if (value->type == VALUE_TEXT)
        return text_cell(value->text, value->len);
    if (value->type == VALUE_BOOL)
        return text_cell(value->boolean ? "1" : "0", 1);
    if (value->type == VALUE_DURATION || value->type == VALUE_LIST)
        value_print_json(room, value);
    else
        value_print(room, value);
    return text_cell(buf_text(room), room->len);
}

/* value, number, integer */
static void cells_of_any(const struct value *value, struct buf *room, struct parquet_cell to[3])
{
    double number;
    bool whole = value->type == VALUE_INT || value->type == VALUE_BOOL;
    to[0] = value->type ? printed_cell(value, room) : null_cell;
    to[1] = number_of(value, &number) ? real_cell(number) : null_cell;
    to[2] = whole ? integer_cell(value->type == VALUE_INT ? value->integer : value->boolean) : null_cell;
}

static struct parquet_cell cell_of(const struct value *value)
{
    switch (value->type) {
    case VALUE_TEXT:
        return text_cell(value->text, value->len);
    case VALUE_DURATION:
        return real_cell(seconds(value));
    case VALUE_INT:
    case VALUE_TIME:
        return integer_cell(value->integer);
    default: /* no column of the tables is of another type */
        return null_cell;
    }
}

int export_parquet_add(void *tables, enum plain_table table, const struct value *cells, struct error *err)
{
    struct tables *to = tables;
    CLEANUP_BUF struct buf room = BUF_INIT;
    struct parquet_cell row[COLUMNS_MAX];
    size_t count = 0;
    const struct plain_column *columns = plain_tables[table].columns;
    for (size_t i = 0; columns[i].name; i++) {
        if (columns[i].type) {
            row[count++] = cell_of(&cells[i]);
        } else {
            cells_of_any(&cells[i], &room, row + count);
            count += 3;
        }
    }
    return parquet_writer_add(to->tables[table].writer, row, err);
}

/* ---- files ---- */

static enum parquet_kind kind_of(enum value_type type)
{
    return type == VALUE_TEXT       ? PARQUET_TEXT
           : type == VALUE_TIME     ? PARQUET_TIMESTAMP
           : type == VALUE_DURATION ? PARQUET_DOUBLE
                                    : PARQUET_INT;
}

static int make_partial(struct tables *tables, struct error *err)
{
    CLEANUP_FREE char *partial = mem_printf("%s.%ld.partial", tables->path, (long)getpid());
    if (mkdir(partial, 0777) < 0)
        return error_set(err, errno, "%s: %s", partial, strerror(errno));
    tables->partial = STEAL(partial);
    return 0;
}

static char *file_path(const struct tables *tables, size_t number)
{
    return mem_printf("%s/%s.parquet", tables->partial, plain_tables[number].name);
}

/* The folder that `path` lies in. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? mem_text(".") : slash == path ? mem_text("/") : mem_copy(path, (size_t)(slash - path));
}

/* Without a name if that can be: the descriptor, or -errno. */
static int open_file(struct tables *tables, size_t number, struct error *err)
{
    CLEANUP_FREE char *parent = parent_of(tables->path);
    int fd = tables->partial ? -1 : open(parent, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0)
        return fd;
    if (number && !tables->named) /* those before have no names */
        return error_set(err, errno, "%s: %s", parent, strerror(errno));
    int rc = tables->partial ? 0 : make_partial(tables, err);
    if (rc)
        return rc;
    tables->named = true;
    CLEANUP_FREE char *path = file_path(tables, number);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd < 0 ? error_set(err, errno, "%s: %s", path, strerror(errno)) : fd;
}

static int open_table(struct tables *tables, size_t number, struct error *err)
{
    const struct plain_layout *layout = &plain_tables[number];
    struct parquet_written columns[COLUMNS_MAX];
    struct table *table = &tables->tables[number];
    size_t count = 0;
    for (const struct plain_column *column = layout->columns; column->name; column++) {
        if (column->type) {
            columns[count++] = (struct parquet_written){column->name, kind_of(column->type), 0};
            continue;
        }
        columns[count++] = (struct parquet_written){column->name, PARQUET_TEXT, 0};
        columns[count++] = (struct parquet_written){"number", PARQUET_DOUBLE, 0};
        columns[count++] = (struct parquet_written){"integer", PARQUET_INT, 0};
    }
    table->fd = open_file(tables, number, err);
    if (table->fd < 0)
        return table->fd;
    CLEANUP_FREE char *name = mem_printf("%s/%s.parquet", tables->path, layout->name);
    const struct parquet_writer_to to = {.name = name, .fd = table->fd};
    return parquet_writer_new(&to, columns, count, &table->writer, err);
}

int export_parquet_begin(const char *path, void **ret, struct error *err)
{
    struct tables *tables = MEM_NEW(struct tables);
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    *tables = (struct tables){.path = mem_copy(path, len)};
    for (size_t i = 0; i < PLAIN_TABLES; i++)
        tables->tables[i].fd = -1;
    struct stat found;
    int rc =
        lstat(tables->path, &found) ? 0 : error_set(err, EEXIST, "%s: %s", tables->path, strerror(EEXIST));
    for (size_t i = 0; !rc && i < PLAIN_TABLES; i++)
        rc = open_table(tables, i, err);
    if (rc)
        export_parquet_free(tables);
    else
        *ret = tables;
    return rc;
}

static int give_name(struct tables *tables, size_t number, struct error *err)
{
    char open_file_path[64];
    CLEANUP_FREE char *path = file_path(tables, number);
    snprintf(open_file_path, sizeof open_file_path, "/proc/self/fd/%d", tables->tables[number].fd);
    if (linkat(AT_FDCWD, open_file_path, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    return 0;
}

static int finish_table(struct tables *tables, size_t number, struct error *err)
{
    struct table *table = &tables->tables[number];
    int rc = parquet_writer_finish(table->writer, err);
    if (!rc && !tables->named)
        rc = give_name(tables, number, err);
    int fd = table->fd;
    table->fd = -1;
    if (close(fd) < 0 && !rc) /* a full disk may be told only now */
        rc = error_set(err, errno, "%s/%s.parquet: %s", tables->path, plain_tables[number].name,
                       strerror(errno));
    return rc;
}

/* Where a file system cannot rename so, whoever made `path` meanwhile keeps it if anything lies in it. */
static int take_name(struct tables *tables, struct error *err)
{
    int rc = renameat2(AT_FDCWD, tables->partial, AT_FDCWD, tables->path, RENAME_NOREPLACE);
    if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
        rc = rename(tables->partial, tables->path);
    if (rc < 0)
        return error_set(err, errno, "%s: %s", tables->path, strerror(errno));
    free(STEAL(tables->partial));
    return 0;
}

int export_parquet_finish(void *handle, struct error *err)
{
    struct tables *tables = handle;
    int rc = tables->named ? 0 : make_partial(tables, err);
    for (size_t i = 0; !rc && i < PLAIN_TABLES; i++)
        rc = finish_table(tables, i, err);
    return rc ? rc : take_name(tables, err);
}

void export_parquet_free(void *handle)
{
    struct tables *tables = handle;
    for (size_t i = 0; i < PLAIN_TABLES; i++) {
        parquet_writer_free(tables->tables[i].writer);
        if (tables->tables[i].fd >= 0)
            close(tables->tables[i].fd);
    }
    if (tables->partial)
        file_remove_tree(tables->partial, NULL);
    free(tables->partial);
    free(tables->path);
    free(tables);
}
