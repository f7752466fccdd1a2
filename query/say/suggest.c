// SPDX-License-Identifier: Apache-2.0
/* A value is suggested in its canonical spelling, and only if the query that it makes has clips. */
#include "query/say/suggest.h"

#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/coming.h"
#include "query/files.h"
#include "query/literal.h"
#include "query/stage/stage.h"

struct suggesting {
    const struct query *parent;
    struct catalog_reader *reader;
    const char *typed;
    int head_len;     /* of `typed`, with the last '+' */
    const char *part; /* what stands behind it */
    size_t part_len, value_at;
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
    CLEANUP_FREE char *text = mem_printf(attribute->type == VALUE_LIST ? "%s.null=" : "%s=", attribute->name);
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

/* ---- operators: "outcome.", "outcome.n" ---- */

static bool is_for(const struct op *op, enum value_type type)
{
    return type == VALUE_LIST ? op->types == OP_ANY : op->types != OP_ORDERED || type != VALUE_BOOL;
}

static int suggest_operators(struct suggesting *s, size_t name_len, struct error *err)
{
    const char *begun = s->part + name_len + 1;
    int rc = catalog_attribute_find(s->reader, s->part, name_len, &s->attribute, err);
    const struct op *op;
    for (size_t i = 0; !rc && (op = op_at(i)); i++) {
        if (!op->help || !*op->name || strncmp(op->name, begun, strlen(begun)) ||
            !is_for(op, s->attribute.type))
            continue;
        CLEANUP_FREE char *text = mem_printf("%.*s.%s=", (int)name_len, s->part, op->name);
        rc = suggest(s, text, op->help, err);
    }
    return rc;
}

/* ---- values: "outcome=f", "outcome.in=fail,s" ---- */

/* What stands in front of the value that is typed: "outcome.in=fail,". */
static size_t value_at(const char *part, size_t equals)
{
    const char *comma = strrchr(part + equals, ',');
    return comma ? (size_t)(comma - part) + 1 : equals + 1;
}

static int take_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct suggesting *s = ctx;
    CLEANUP_BUF struct buf text = BUF_INIT, component = BUF_INIT;
    struct value copy = *value;
    struct literal literal = {
        .name = s->attribute.name, .op = &op_eq, .values = &copy, .count = 1, .attribute = s->attribute.id};
    literal_print(&literal, &text);
    const char *printed = strchr(buf_text(&text), '=') + 1;
    if (strncmp(printed, s->part + s->value_at, s->part_len - s->value_at))
        return 0;
    buf_append(&component, s->part, s->value_at);
    buf_text_append(&component, printed);
    int rc = leaves_clips(s, &component, err);
    return rc > 0 ? suggest(s, buf_text(&component), COUNT(clips, "clip"), err) : rc;
}

/* "outcome.null=" */
static int suggest_choices(struct suggesting *s, const struct op *op, struct error *err)
{
    bool begun = s->part_len > s->value_at;
    int rc = 0;
    for (const struct op_choice *choice = op->choices; !rc && !begun && choice->text; choice++) {
        CLEANUP_FREE char *text = mem_printf("%s%s", s->part, choice->text);
        rc = suggest(s, text, choice->help, err);
    }
    return rc;
}

static int suggest_values(struct suggesting *s, size_t equals, struct error *err)
{
    size_t name_len = strcspn(s->part, ".=");
    s->value_at = value_at(s->part, equals);
    const struct op *op = name_len < equals ? op_find(s->part + name_len + 1, equals - name_len - 1) : NULL;
    if (op && op->choices)
        return suggest_choices(s, op, err);
    int rc = catalog_attribute_find(s->reader, s->part, name_len, &s->attribute, err);
    return rc ? rc : catalog_values(s->reader, s->attribute.id, take_value, s, err);
}

/* "@", "@sh": not @since, whose versions are known to who has a data set. */
static int suggest_stages(struct suggesting *s, size_t equals, struct error *err)
{
    const struct stage *stage;
    int rc = 0;
    for (size_t i = 0; !rc && !s->part[equals] && (stage = stage_at(i)); i++) {
        if (!stage->bind || stage == &stage_since || strncmp(stage->name, s->part + 1, s->part_len - 1) != 0)
            continue;
        CLEANUP_FREE char *text = mem_printf("@%s=", stage->name),
                          *what = mem_printf("%s: %s", stage->usage, stage->help);
        rc = suggest(s, text, what, err);
    }
    return rc;
}

int suggest_components(const struct query *parent, const char *typed, struct catalog_reader *reader,
                       suggest_fn *each, void *ctx, struct error *err)
{
    const char *plus = strrchr(typed, '+'), *part = plus ? plus + 1 : typed;
    size_t equals = strcspn(part, "="), dot = strcspn(part, ".");
    struct suggesting s = {.parent = parent,
                           .reader = reader,
                           .typed = typed,
                           .head_len = (int)(part - typed),
                           .part = part,
                           .part_len = strlen(part),
                           .each = each,
                           .ctx = ctx};
    int rc;
    if (*typed == '@')
        rc = suggest_stages(&s, equals, err);
    else if (part[equals])
        rc = suggest_values(&s, equals, err);
    else if (part[dot])
        rc = suggest_operators(&s, dot, err);
    else
        rc = catalog_attributes(reader, take_attribute, &s, err);
    return rc > 0 && s.count == SUGGEST_MOST ? 0 : rc;
}

/* ---- files ---- */

struct naming {
    const char *typed;
    suggest_fn *each;
    void *ctx;
    struct catalog_reader *reader;
    const struct query *query;
    unsigned count, looked_at;
};

static int take_file(void *ctx, const struct files_entry *file, struct error *err)
{
    struct naming *naming = ctx;
    if (strncmp(file->name, naming->typed, strlen(naming->typed)) != 0)
        return 0;
    int rc = naming->each(naming->ctx, file->name, "file", err);
    return rc ? rc : ++naming->count == SUGGEST_MOST;
}

static int take_clip(void *ctx, uint32_t row, struct error *err)
{
    struct naming *naming = ctx;
    int rc = files_of_clip(naming->reader, naming->query, row, take_file, naming, err);
    return rc ? rc : ++naming->looked_at == SUGGEST_CLIPS_MOST;
}

int suggest_files(const struct query *parent, const char *typed, struct catalog_reader *reader,
                  suggest_fn *each, void *ctx, struct error *err)
{
    struct naming naming = {.typed = typed, .each = each, .ctx = ctx, .reader = reader, .query = parent};
    CLEANUP_SET struct set *first = NULL;
    int rc = query_first(parent, SUGGEST_CLIPS_MOST, reader, &first, err);
    if (!rc)
        rc = coming_each(first, reader, CATALOG_COMING_FILES, take_clip, &naming, err);
    bool enough = naming.count == SUGGEST_MOST || naming.looked_at == SUGGEST_CLIPS_MOST;
    return rc > 0 && enough ? 0 : rc;
}
