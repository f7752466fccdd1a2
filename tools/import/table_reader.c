// SPDX-License-Identifier: Apache-2.0
/*
 * Finds out what a table is, opens the reader of that kind, and gives its rows; says in each message where in
 * the table it was.
 */
#include "tools/import/table_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/import/table_format.h"

struct table_reader {
    struct table_input *input;
    struct table_cells *cells;
    struct table_format format;
};

enum kind { KIND_CSV, KIND_TSV, KIND_JSONL, KIND_PARQUET };

static bool suffix_kind(const char *name, enum kind *ret)
{
    static const struct {
        const char *suffix;
        enum kind kind;
    } known[] = {{".csv", KIND_CSV},
                 {".tsv", KIND_TSV},
                 {".jsonl", KIND_JSONL},
                 {".ndjson", KIND_JSONL},
                 {".parquet", KIND_PARQUET}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(dot, known[i].suffix)) {
            *ret = known[i].kind;
            return true;
        }
    return false;
}

bool table_reader_knows(const char *file)
{
    enum kind kind;
    return suffix_kind(file, &kind);
}

/* What people have, and how they get a table of it. */
static const char *foreign_kind(const uint8_t *bytes, int len)
{
    static const struct {
        const char *magic;
        int len;
        const char *says;
    } known[] = {
        {"\x1f\x8b", 2, "it is compressed by gzip: `gunzip -c FILE` can be piped into -"},
        {"\x28\xb5\x2f\xfd", 4, "it is compressed by zstd: `zstd -dc FILE` can be piped into -"},
        {"\xfd\x37zX", 4, "it is compressed by xz: `xz -dc FILE` can be piped into -"},
        {"BZh", 3, "it is compressed by bzip2: `bzip2 -dc FILE` can be piped into -"},
        {"PK\3\4", 4,
         "it is a ZIP archive, as spreadsheets are (.xlsx, .ods): save the sheet as CSV in UTF-8"},
        {"\xd0\xcf\x11\xe0", 4, "it is an old spreadsheet (.xls): save the sheet as CSV in UTF-8"},
        {"\xff\xfe", 2, "it is UTF-16, not UTF-8: `iconv -f utf-16 -t utf-8 FILE` can be piped into -"},
        {"\xfe\xff", 2, "it is UTF-16, not UTF-8: `iconv -f utf-16 -t utf-8 FILE` can be piped into -"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (len >= known[i].len && !memcmp(bytes, known[i].magic, (size_t)known[i].len))
            return known[i].says;
    if (len >= 4 && bytes[0] && !bytes[1] && bytes[2] && !bytes[3])
        return "it is UTF-16, not UTF-8: `iconv -f utf-16le -t utf-8 FILE` can be piped into -";
    return NULL;
}

static int check_foreign(struct table_input *input, struct error *err)
{
    const char *bytes;
    int len = table_input_peek(input, 4, &bytes, err);
    const char *says = len < 0 ? NULL : foreign_kind((const uint8_t *)bytes, len);
    return len < 0 ? len : says ? error_set(err, EINVAL, "%s", says) : 0;
}

static int check_array(struct table_input *input, struct error *err)
{
    const char *bytes;
    int len = table_input_peek(input, 4, &bytes, err);
    if (len < 0)
        return len;
    return bytes[strspn(bytes, " \t\r\n")] == '['
               ? error_set(
                     err, EINVAL,
                     "it is one JSON array, but a table is JSON Lines, an object a line: `jq -c '.[]' FILE` "
                     "can be piped into -")
               : 0;
}

/* No header of a CSV table can be meant that starts as an object or an array does. */
static int sniff(struct table_input *input, enum kind *ret, struct error *err)
{
    const char *bytes;
    int len = table_input_peek(input, 4, &bytes, err);
    if (len < 0)
        return len;
    *ret = len >= 4 && !memcmp(bytes, "PAR1", 4) ? KIND_PARQUET : KIND_CSV;
    bytes += len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    char first = bytes[strspn(bytes, " \t\r\n")];
    if (first == '{' || first == '[')
        *ret = KIND_JSONL;
    return 0;
}

static int open_format(struct table_reader *reader, const struct table_options *options, struct error *err)
{
    enum kind kind = KIND_CSV;
    const char *name = table_input_name(reader->input);
    int rc = check_foreign(reader->input, err);
    if (!rc && !suffix_kind(name, &kind))
        rc = sniff(reader->input, &kind, err);
    if (rc < 0)
        return rc;
    switch (kind) {
    case KIND_JSONL:
        rc = check_array(reader->input, err);
        return rc ? rc : table_jsonl_open(reader->input, options->nested, &reader->format);
    case KIND_PARQUET:
        return table_parquet_open(reader->input, options, reader->cells, &reader->format, err);
    case KIND_CSV:
    case KIND_TSV:
        break;
    }
    return table_csv_open(reader->input, reader->cells, kind == KIND_TSV ? '\t' : 0, &reader->format, err);
}

/* What reads bytes names the table already, what makes cells of them does not. */
static int name_table(const struct table_reader *reader, int rc, const struct error *why, struct error *err)
{
    const char *name = table_input_name(reader->input);
    error_copy(err, why);
    return !strncmp(why->text, name, strlen(name)) ? rc : (error_prefix(err, "%s", name), rc);
}

int table_reader_over(struct table_input *input, const struct table_options *options,
                      struct table_reader **ret, struct error *err)
{
    static const struct table_options none = {0};
    CLEANUP_TABLE_READER struct table_reader *reader = MEM_NEW(struct table_reader);
    options = options ? options : &none;
    reader->input = input;
    reader->cells = table_cells_new(options->multi, options->multi_count);
    struct error why = {0};
    int rc = open_format(reader, options, &why);
    if (rc < 0)
        return name_table(reader, rc, &why, err);
    *ret = STEAL(reader);
    return 0;
}

int table_reader_open(struct stores *stores, const char *file, const struct table_options *options,
                      struct table_reader **ret, struct error *err)
{
    struct table_input *input;
    int rc = table_input_open(stores, file, &input, err);
    return rc < 0 ? rc : table_reader_over(input, options, ret, err);
}

void table_reader_free(struct table_reader *reader)
{
    if (reader->format.free)
        reader->format.free(reader->format.state);
    table_cells_free(reader->cells);
    table_input_free(reader->input);
    free(reader);
}

int table_reader_next(struct table_reader *reader, struct table_row *ret, struct error *err)
{
    struct error why = {0};
    int rc = reader->format.next(reader->format.state, reader->cells, &why);
    if (rc < 0)
        return name_table(reader, rc, &why, err);
    if (rc > 0)
        table_cells_end(reader->cells, ret);
    return rc;
}

void table_reader_deadline(struct table_reader *reader, int64_t deadline_ns)
{
    table_input_deadline(reader->input, deadline_ns);
}

const char *table_reader_name(const struct table_reader *reader)
{
    return table_input_name(reader->input);
}

size_t table_reader_columns(const struct table_reader *reader)
{
    return table_cells_columns(reader->cells);
}

const char *table_reader_column(const struct table_reader *reader, size_t column)
{
    return table_cells_name(reader->cells, column);
}

bool table_reader_find(const struct table_reader *reader, const char *name, size_t *ret)
{
    return table_cells_find(reader->cells, name, ret);
}

/* ---- messages ---- */

int table_reader_prefix(const struct table_reader *reader, uint64_t place, size_t column, struct error *err)
{
    char at[64] = "";
    if (place)
        snprintf(at, sizeof at, ": %s %llu", reader->format.place_name, (unsigned long long)place);
    if (column == SIZE_MAX)
        return error_prefix(err, "%s%s", table_reader_name(reader), at);
    return error_prefix(err, "%s%s: column '%s'", table_reader_name(reader), at,
                        table_reader_column(reader, column));
}

int table_reader_fail(const struct table_reader *reader, uint64_t place, struct error *err,
                      const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(err, EINVAL, "%s", text);
    table_reader_prefix(reader, place, SIZE_MAX, err);
    return -EINVAL;
}

int table_reader_fail_key(const struct table_reader *reader, uint64_t place, struct error *err)
{
    enum { SHOWN = 4, SHOWN_BYTES = 40 };
    CLEANUP_BUF struct buf text = BUF_INIT;
    size_t count = table_reader_columns(reader);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        buf_printf(&text, "%s '%.*s'", i ? "," : ", but", SHOWN_BYTES, table_reader_column(reader, i));
    return table_reader_fail(reader, place, err, "there is neither a column 'key' nor 'episode_index'%s%s",
                             buf_text(&text), count > SHOWN ? ", ..." : "");
}

const char *table_reader_place_name(const struct table_reader *reader)
{
    return reader->format.place_name;
}

uint64_t table_reader_header(const struct table_reader *reader)
{
    return reader->format.header;
}
