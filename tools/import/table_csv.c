// SPDX-License-Identifier: Apache-2.0
/*
 * CSV (RFC 4180): header line, fields quoted or not, LF or CRLF, UTF-8. Strict: a line with another number of
 * fields, an open quote or bad UTF-8 is an error; but empty lines are none. Fields are unquoted in place: a
 * field is never longer than its source text.
 *
 * Spreadsheets write semicolons where a comma is decimal, and tabs: the header tells, if it has no comma, or
 * a line "sep=;" before it, which they write and read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/utf8.h"
#include "tools/import/table_format.h"

struct csv {
    struct table_input *input;
    size_t columns;
    uint64_t header; /* its line */
    char separator;  /* 0: not known yet */
};

struct parser {
    char *at, *end;
    char separator;
    uint64_t line;
    bool cut;
};

struct field {
    char *text;
    size_t len;
    bool missing; /* empty and not quoted */
};

static int fail(const struct parser *p, struct error *err, const char *reason)
{
    return error_set(err, EINVAL, "line %llu: %s", (unsigned long long)p->line, reason);
}

static int quoted_field(struct parser *p, struct field *ret, struct error *err)
{
    char *to = ++p->at;
    uint64_t started = p->line;
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
    if (p->at < p->end && *p->at != p->separator && *p->at != '\n' && *p->at != '\r')
        return fail(p, err, "there is text behind a closing quote");
    return 0;
}

static int plain_field(struct parser *p, struct field *ret, struct error *err)
{
    ret->text = p->at;
    while (p->at < p->end && *p->at != p->separator && *p->at != '\n' && *p->at != '\r') {
        if (*p->at == '"')
            return fail(p, err, "a quote stands inside a field that is not quoted");
        p->at++;
    }
    ret->len = (size_t)(p->at - ret->text);
    ret->missing = !ret->len;
    return 0;
}

/* One field; *ret_last tells whether it ends its line. */
static int read_field(struct parser *p, struct field *ret, bool *ret_last, struct error *err)
{
    *ret = (struct field){0};
    int rc = p->at < p->end && *p->at == '"' ? quoted_field(p, ret, err) : plain_field(p, ret, err);
    if (rc)
        return rc;
    if (memchr(ret->text, 0, ret->len))
        return fail(p, err, "a field holds a NUL byte");
    if (!utf8_valid(ret->text, ret->len))
        return fail(p, err, "the text is not UTF-8");
    *ret_last = p->at == p->end || *p->at != p->separator;
    if (p->at < p->end && *p->at == '\r')
        p->at++;
    if (p->at < p->end && *p->at != p->separator && *p->at != '\n')
        return fail(p, err, "a carriage return stands alone");
    p->at += p->at < p->end;
    return 0;
}

static int next_line(const struct csv *csv, struct parser *ret, struct error *err)
{
    struct table_line line;
    int rc = table_input_line(csv->input, true, &line, err);
    if (rc > 0)
        *ret = (struct parser){.at = line.text,
                               .end = line.text + line.len,
                               .separator = csv->separator,
                               .line = line.number,
                               .cut = line.cut};
    return rc;
}

static int check_cut(const struct parser *p, uint64_t line, struct error *err)
{
    return p->cut ? error_set(err, EFBIG, "line %llu: more than %d MiB, or a quote is not closed",
                              (unsigned long long)line, TABLE_LINE_MAX >> 20)
                  : 0;
}

/* Does the header have one outside of quotes? */
static bool has_separator(const struct parser *p, char separator)
{
    bool quoted = false;
    for (const char *at = p->at; at < p->end; at++) {
        quoted ^= *at == '"';
        if (!quoted && *at == separator)
            return true;
    }
    return false;
}

static int find_separator(struct csv *csv, struct parser *p, struct error *err)
{
    bool semicolon = has_separator(p, ';'), tab = has_separator(p, '\t');
    if (!csv->separator && !has_separator(p, ',')) {
        if (semicolon && tab)
            return fail(p, err,
                        "there are semicolons and tabs, but no commas: which of them separate columns?");
        csv->separator = semicolon ? ';' : tab ? '\t' : ',';
    }
    p->separator = csv->separator = csv->separator ? csv->separator : ',';
    return 0;
}

/* "sep=;" */
static bool is_separator_line(const struct parser *p)
{
    static const char start[] = "sep=";
    size_t len = (size_t)(p->end - p->at), at = sizeof start - 1;
    if (len <= at || memcmp(p->at, start, at) != 0 || p->at[at] == '\n' || p->at[at] == '\r')
        return false;
    return len == at + 1 || p->at[at + 1] == '\n' || p->at[at + 1] == '\r';
}

static int header_line(struct csv *csv, struct parser *ret, struct error *err)
{
    int rc = next_line(csv, ret, err);
    if (rc > 0 && is_separator_line(ret)) {
        csv->separator = ret->at[sizeof "sep=" - 1];
        rc = next_line(csv, ret, err);
    }
    return rc > 0 ? 0 : rc < 0 ? rc : error_set(err, EINVAL, "the file is empty");
}

static int read_header(struct csv *csv, struct table_cells *cells, struct error *err)
{
    struct parser p;
    int rc = header_line(csv, &p, err);
    if (rc)
        return rc;
    csv->header = p.line;
    rc = check_cut(&p, csv->header, err);
    if (!rc)
        rc = find_separator(csv, &p, err);
    if (!rc && (p.at == p.end || *p.at == '\n' || *p.at == '\r'))
        return fail(&p, err, "it is empty, but must name the columns");
    for (bool last = false, is_new; !rc && !last;) {
        struct field field;
        size_t column;
        rc = read_field(&p, &field, &last, err);
        if (!rc && !field.len)
            return error_set(err, EINVAL, "line %llu: column %zu has no name%s",
                             (unsigned long long)csv->header, csv->columns + 1,
                             csv->columns ? "" : " (if it is an index of pandas: to_csv(index=False))");
        if (!rc && table_cells_column(cells, field.text, field.len, &column, &is_new, err))
            return error_prefix(err, "line %llu", (unsigned long long)csv->header);
        if (!rc && !is_new)
            return error_set(err, EINVAL, "line %llu: the column '%.*s' stands there twice",
                             (unsigned long long)csv->header, (int)field.len, field.text);
        csv->columns++;
    }
    return rc;
}

static int read_cell(struct table_cells *cells, size_t column, const struct field *field, struct error *err)
{
    if (field->missing)
        return 0;
    table_cells_cell(cells, column);
    struct table_value value = {.value = {.type = VALUE_TEXT, .text = field->text, .len = field->len},
                                .written = true};
    return table_cells_add(cells, &value, err);
}

/* One of a table with one column is a row without a value. */
static bool is_empty(const struct csv *csv, const struct parser *p)
{
    size_t len = (size_t)(p->end - p->at);
    return csv->columns > 1 && len && p->at[len - 1] == '\n' && (len == 1 || (len == 2 && p->at[0] == '\r'));
}

static int csv_next(void *state, struct table_cells *cells, struct error *err)
{
    const struct csv *csv = state;
    struct parser p;
    int rc;
    do
        rc = next_line(csv, &p, err);
    while (rc > 0 && is_empty(csv, &p));
    if (rc <= 0)
        return rc;
    uint64_t line = p.line;
    size_t count = 0;
    table_cells_begin(cells, line);
    for (bool last = false; !last; count++) {
        struct field field;
        rc = read_field(&p, &field, &last, err);
        if (rc)
            return p.cut ? check_cut(&p, line, err) : rc;
        rc = count < csv->columns ? read_cell(cells, count, &field, err) : 0;
        if (rc)
            return error_prefix(err, "line %llu: column '%s'", (unsigned long long)line,
                                table_cells_name(cells, count));
    }
    rc = check_cut(&p, line, err);
    if (!rc && count != csv->columns)
        rc = error_set(err, EINVAL, "line %llu: %s, but the header has %zu", (unsigned long long)line,
                       COUNT(count, "field"), csv->columns);
    return rc ? rc : 1;
}

int table_csv_open(struct table_input *input, struct table_cells *cells, char separator,
                   struct table_format *ret, struct error *err)
{
    CLEANUP_FREE struct csv *csv = MEM_NEW(struct csv);
    csv->input = input;
    csv->separator = separator;
    int rc = read_header(csv, cells, err);
    if (!rc) {
        *ret = (struct table_format){
            .next = csv_next, .free = free, .place_name = "line", .header = csv->header};
        ret->state = STEAL(csv);
    }
    return rc;
}
