// SPDX-License-Identifier: Apache-2.0
/* A value is suggested in its canonical spelling, and only if the query that it makes has clips. */
#include "query/suggest.h"

#include <stdio.h>
#include <string.h>

#include "query/literal.h"

struct suggesting {
    const struct query *parent;
    struct catalog_reader *reader;
    const char *typed;
    int head_len;     /* of `typed`, with the last '+' */
    const char *part; /* what stands behind it */
    size_t part_len;
    struct catalog_attribute attribute; /* whose values are suggested */
    suggest_fn *each;
    void *ctx;
    unsigned count;
};

static int suggest(struct suggesting *s, const char *text, const char *what, struct error *err)
{
    CLEANUP_FREE char *whole = mem_printf("%.*s%s", s->head_len, s->typed, text);
    int rc = s->each(s->ctx, whole, what, err);
    return rc ? rc : ++s->count == SUGGEST_MOST;
}

static int take_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct suggesting *s = ctx;
    if (strncmp(attribute->name, s->part, s->part_len))
        return 0;
    CLEANUP_FREE char *text = mem_printf("%s=", attribute->name);
    return suggest(s, text, value_type_name(attribute->type), err);
}

/* 1, 0 or -errno. */
static int leaves_clips(const struct suggesting *s, const struct buf *component, struct error *err)
{
    CLEANUP_QUERY struct query *query = NULL;
    bool any = false;
    int rc = query_extend(s->parent, buf_text(component), component->len, s->reader, &query, err);
    if (!rc)
        rc = query_exists(query, s->reader, &any, err);
    return rc ? rc : any;
}

static int take_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct suggesting *s = ctx;
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct value copy = *value;
    struct literal literal = {.name = s->attribute.name,
                              .op = GRAMMAR_EQ,
                              .values = &copy,
                              .count = 1,
                              .attribute = s->attribute.id};
    literal_print(&literal, &text);
    if (text.len < s->part_len || memcmp(text.data, s->part, s->part_len))
        return 0;
    char what[40];
    snprintf(what, sizeof what, "%llu clip%s", (unsigned long long)clips, clips == 1 ? "" : "s");
    int rc = leaves_clips(s, &text, err);
    return rc > 0 ? suggest(s, buf_text(&text), what, err) : rc;
}

int suggest_components(const struct query *parent, const char *typed, struct catalog_reader *reader,
                       suggest_fn *each, void *ctx, struct error *err)
{
    const char *plus = strrchr(typed, '+'), *part = plus ? plus + 1 : typed, *equals = strchr(part, '=');
    struct suggesting s = {.parent = parent,
                           .reader = reader,
                           .typed = typed,
                           .head_len = (int)(part - typed),
                           .part = part,
                           .part_len = strlen(part),
                           .each = each,
                           .ctx = ctx};
    int rc;
    if (equals) {
        rc = catalog_attribute_find(reader, part, (size_t)(equals - part), &s.attribute, err);
        if (!rc)
            rc = catalog_values(reader, s.attribute.id, take_value, &s, err);
    } else {
        rc = catalog_attributes(reader, take_attribute, &s, err);
    }
    return rc > 0 && s.count == SUGGEST_MOST ? 0 : rc;
}
