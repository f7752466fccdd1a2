// SPDX-License-Identifier: Apache-2.0
/* Line by line in a copy that is wiped afterwards, because credentials files come this way, too. */
#include "cache/store/ini.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/memory.h"

int ini_error(const struct ini_entry *entry, struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, EINVAL, "%s:%u: %s", entry->file, entry->line, text);
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len && strchr(" \t\r", text[len - 1]))
        text[--len] = 0;
    return text;
}

struct parser {
    struct ini_entry entry;
    enum ini_nesting nesting;
    ini_fn *each;
    void *ctx;
};

static int take_section(struct parser *parser, char *line, struct error *err)
{
    size_t len = strlen(line);
    if (line[len - 1] != ']')
        return ini_error(&parser->entry, err, "a section ends with ']'");
    line[len - 1] = 0;
    char *name = trim(line + 1);
    if (!*name)
        return ini_error(&parser->entry, err, "a section needs a name");
    parser->entry.section = name;
    parser->entry.key = parser->entry.value = NULL;
    return parser->each(parser->ctx, &parser->entry, err);
}

static int take_setting(struct parser *parser, char *line, struct error *err)
{
    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return ini_error(&parser->entry, err, "expected [section] or key = value");
    *equals = 0;
    if (!parser->entry.section)
        return ini_error(&parser->entry, err, "a setting before the first [section]");
    parser->entry.key = trim(line);
    parser->entry.value = trim(equals + 1);
    return parser->each(parser->ctx, &parser->entry, err);
}

static int take_line(struct parser *parser, char *raw, struct error *err)
{
    bool nested = parser->nesting == INI_NESTED && (*raw == ' ' || *raw == '\t');
    char *line = trim(raw);
    if (!*line || *line == '#' || *line == ';' || nested)
        return 0;
    return *line == '[' ? take_section(parser, line, err) : take_setting(parser, line, err);
}

int ini_parse(const char *file, const char *text, size_t len, enum ini_nesting nesting, ini_fn *each,
              void *ctx, struct error *err)
{
    struct parser parser = {.entry = {.file = file}, .nesting = nesting, .each = each, .ctx = ctx};
    char *copy = mem_copy(text, len);
    int rc = 0;
    /* A section's name stays valid: lines are cut in place. */
    for (char *line = copy, *end; rc >= 0 && line < copy + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(copy + len - line));
        if (!end)
            end = copy + len;
        *end = 0;
        parser.entry.line++;
        rc = strlen(line) == (size_t)(end - line) ? take_line(&parser, line, err)
                                                  : ini_error(&parser.entry, err, "a NUL byte");
    }
    explicit_bzero(copy, len);
    free(copy);
    return rc < 0 ? rc : 0;
}
