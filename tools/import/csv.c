// SPDX-License-Identifier: Apache-2.0
/* Fields are unquoted in place: a field is never longer than its source text. */
#include "tools/import/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "cache/base/utf8.h"

struct parser {
    struct csv *csv;
    char *at, *end;
    size_t line;
};

static int fail(const struct parser *p, struct error *err, const char *reason)
{
    return error_set(err, EINVAL, "%s: line %zu: %s", p->csv->name, p->line, reason);
}

static int quoted_field(struct parser *p, struct csv_field *ret, struct error *err)
{
    char *to = ++p->at;
    size_t started = p->line;
    ret->text = to;
    for (;; p->at++) {
        if (p->at == p->end) {
            p->line = started;
            return fail(p, err, "a quote is not closed");
        }
        p->line += *p->at == '\n';
        if (*p->at == '"' && p->at + 1 < p->end && p->at[1] == '"')
            p->at++;
        else if (*p->at == '"')
            break;
        *to++ = *p->at;
    }
    p->at++;
    ret->len = (size_t)(to - ret->text);
    if (p->at < p->end && *p->at != ',' && *p->at != '\n' && *p->at != '\r')
        return fail(p, err, "there is text behind a closing quote");
    return 0;
}

static int plain_field(struct parser *p, struct csv_field *ret, struct error *err)
{
    ret->text = p->at;
    while (p->at < p->end && *p->at != ',' && *p->at != '\n' && *p->at != '\r') {
        if (*p->at == '"')
            return fail(p, err, "a quote stands inside a field that is not quoted");
        p->at++;
    }
    ret->len = (size_t)(p->at - ret->text);
    ret->missing = !ret->len;
    return 0;
}

/* One field; *ret_last tells whether it ends its line. The separator is overwritten by the field's NUL. */
static int read_field(struct parser *p, struct csv_field *ret, bool *ret_last, struct error *err)
{
    *ret = (struct csv_field){0};
    int rc = p->at < p->end && *p->at == '"' ? quoted_field(p, ret, err) : plain_field(p, ret, err);
    if (rc)
        return rc;
    if (memchr(ret->text, 0, ret->len))
        return fail(p, err, "a field holds a NUL byte");
    if (!utf8_valid(ret->text, ret->len))
        return fail(p, err, "the text is not UTF-8");
    *ret_last = p->at == p->end || *p->at != ',';
    if (p->at < p->end && *p->at == '\r')
        p->at++;
    if (p->at < p->end && *p->at != ',' && *p->at != '\n')
        return fail(p, err, "a carriage return stands alone");
    p->line += p->at < p->end && *p->at == '\n';
    if (p->at < p->end)
        p->at++;
    ret->text[ret->len] = 0;
    return 0;
}

static void add_cell(struct csv *csv, const struct csv_field *field)
{
    mem_grow(&csv->cells, &csv->cell_cap, csv->cell_count + 1, sizeof *csv->cells);
    csv->cells[csv->cell_count++] = (struct csv_cell){
        .at = (uint32_t)(field->text - csv->bytes), .len = (uint32_t)field->len, .missing = field->missing};
}

static int read_header(struct parser *p, struct error *err)
{
    struct csv *csv = p->csv;
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    size_t cap = 0;
    for (bool last = false, is_new; !last;) {
        struct csv_field field;
        int rc = read_field(p, &field, &last, err);
        if (rc)
            return rc;
        strmap_put(names, field.text, field.len, &is_new);
        if (!is_new)
            return error_set(err, EINVAL, "%s: line 1: the column '%s' stands there twice", csv->name,
                             field.text);
        if (!field.len)
            return error_set(err, EINVAL, "%s: line 1: column %zu has no name", csv->name, csv->columns + 1);
        mem_grow(&csv->header, &cap, csv->columns + 1, sizeof *csv->header);
        csv->header[csv->columns++] = field;
    }
    return 0;
}

static int read_row(struct parser *p, struct error *err)
{
    struct csv *csv = p->csv;
    size_t line = p->line, count = 0;
    mem_grow(&csv->lines, &csv->line_cap, csv->rows + 1, sizeof *csv->lines);
    csv->lines[csv->rows] = (uint32_t)line;
    for (bool last = false; !last; count++) {
        struct csv_field field;
        int rc = read_field(p, &field, &last, err);
        if (rc)
            return rc;
        add_cell(csv, &field);
    }
    if (count != csv->columns)
        return error_set(err, EINVAL, "%s: line %zu: %zu field%s, but the header has %zu", csv->name, line,
                         count, count == 1 ? "" : "s", csv->columns);
    csv->rows++;
    return 0;
}

int csv_parse(const char *name, const void *bytes, size_t len, struct csv **ret, struct error *err)
{
    if (len > CSV_BYTES_MAX)
        return error_set(err, EFBIG, "%s: %zu bytes, more than the %d a table may have", name, len,
                         CSV_BYTES_MAX);
    CLEANUP_CSV struct csv *csv = MEM_NEW(struct csv);
    csv->name = mem_text(name);
    csv->bytes = mem_copy(bytes, len);
    struct parser p = {.csv = csv, .at = csv->bytes, .end = csv->bytes + len, .line = 1};
    if (len >= 3 && !memcmp(p.at, "\xef\xbb\xbf", 3))
        p.at += 3;
    if (p.at == p.end)
        return error_set(err, EINVAL, "%s: the file is empty", name);
    int rc = read_header(&p, err);
    while (!rc && p.at < p.end)
        rc = read_row(&p, err);
    if (rc)
        return rc;
    *ret = STEAL(csv);
    return 0;
}

void csv_free(struct csv *csv)
{
    free(csv->name);
    free(csv->bytes);
    free(csv->header);
    free(csv->cells);
    free(csv->lines);
    free(csv);
}

struct csv_field csv_at(const struct csv *csv, size_t row, size_t column)
{
    struct csv_cell cell = csv->cells[row * csv->columns + column];
    return (struct csv_field){.text = csv->bytes + cell.at, .len = cell.len, .missing = cell.missing};
}
