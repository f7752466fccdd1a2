// SPDX-License-Identifier: Apache-2.0
/* A layout becomes an anchored regular expression: the C library's matcher, no second one of ours. */
#include "tools/import/layout.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "cache/base/buf.h"

enum { FIELD_KEY, FIELD_STREAM, FIELD_EXT, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"key", "stream", "ext"};

struct layout {
    regex_t regex;
    bool compiled;
    size_t group[FIELD_COUNT]; /* 0: not in the layout */
};

static int add_field(struct layout *layout, struct buf *pattern, const char *name, size_t len, size_t group,
                     struct error *err)
{
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (strlen(field_names[field]) != len || memcmp(field_names[field], name, len))
            continue;
        if (layout->group[field])
            return error_set(err, EINVAL, "{%s} stands there twice", field_names[field]);
        layout->group[field] = group;
        buf_text_append(pattern, field == FIELD_EXT ? "([A-Za-z0-9-][A-Za-z0-9_-]*)" : "([^/]+)");
        return 0;
    }
    return error_set(err, EINVAL, "{%.*s} is not known: fields are {key}, {stream} and {ext}", (int)len,
                     name);
}

static int translate(struct layout *layout, const char *text, struct buf *pattern, struct error *err)
{
    size_t group = 0;
    bool after_field = false;
    buf_u8(pattern, '^');
    for (const char *p = text; *p; p++) {
        if (*p == '{') {
            const char *end = strchr(p, '}');
            if (!end)
                return error_set(err, EINVAL, "a '{' is not closed");
            if (after_field)
                return error_set(err, EINVAL, "there must be something between two fields");
            int rc = add_field(layout, pattern, p + 1, (size_t)(end - p - 1), ++group, err);
            if (rc)
                return rc;
            p = end;
            after_field = true;
            continue;
        }
        after_field = false;
        if (strchr(".[]()*+?^$|\\{}", *p))
            buf_u8(pattern, '\\');
        buf_u8(pattern, (uint8_t)*p);
    }
    buf_u8(pattern, '$');
    return layout->group[FIELD_KEY] ? 0 : error_set(err, EINVAL, "there is no {key} in it");
}

int layout_parse(const char *text, struct layout **ret, struct error *err)
{
    CLEANUP_LAYOUT struct layout *layout = MEM_NEW(struct layout);
    CLEANUP_BUF struct buf pattern = BUF_INIT;
    int rc = translate(layout, text, &pattern, err);
    if (rc)
        return error_prefix(err, "--layout '%s'", text);
    if (regcomp(&layout->regex, buf_text(&pattern), REG_EXTENDED))
        return error_set(err, EINVAL, "--layout '%s' is not understood", text);
    layout->compiled = true;
    *ret = STEAL(layout);
    return 0;
}

void layout_free(struct layout *layout)
{
    if (layout->compiled)
        regfree(&layout->regex);
    free(layout);
}

static char *field_text(const struct layout *layout, int field, const char *path, const regmatch_t *groups)
{
    if (!layout->group[field])
        return mem_text("");
    regmatch_t group = groups[layout->group[field]];
    return mem_copy(path + group.rm_so, (size_t)(group.rm_eo - group.rm_so));
}

bool layout_match(const struct layout *layout, const char *path, struct layout_match *ret)
{
    regmatch_t groups[FIELD_COUNT + 1];
    if (regexec(&layout->regex, path, FIELD_COUNT + 1, groups, 0))
        return false;
    ret->key = field_text(layout, FIELD_KEY, path, groups);
    ret->stream = field_text(layout, FIELD_STREAM, path, groups);
    ret->ext = field_text(layout, FIELD_EXT, path, groups);
    return true;
}

void layout_match_done(struct layout_match *match)
{
    free(match->key);
    free(match->stream);
    free(match->ext);
}
