// SPDX-License-Identifier: Apache-2.0
/* A component that was refused is bound once more: what is to be said of it is looked up only now.
 * Suggestions are worth one pass over a bounded number of names. Texts are compared by spelling, numbers and
 * times by distance: their neighbours in value order are shown. */
#include "query/say/hint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/bind.h"
#include "query/say/keys.h"
#include "query/say/mend.h"
#include "query/say/nearest.h"
#include "query/show.h"

enum { HINT_SEEN_MAX = 4096, HINT_LISTED_MAX = 5 };

struct hints {
    struct nearest nearest;
    struct buf listed; /* the first few names: "arm, length, task" */
    size_t seen;
    const struct value *wanted; /* NULL: compare by spelling */
    struct buf below, above;    /* its neighbours, "" if there is none */
};

static void hints_done(struct hints *hints)
{
    nearest_done(&hints->nearest);
    buf_done(&hints->listed);
    buf_done(&hints->below);
    buf_done(&hints->above);
}
#define CLEANUP_HINTS CLEANUP(hints_done)

/* Non-zero once enough was seen. */
static int offer(struct hints *hints, const char *name, size_t len)
{
    if (hints->seen < HINT_LISTED_MAX) {
        if (hints->seen)
            buf_text_append(&hints->listed, ", ");
        show_append(&hints->listed, name, len);
    }
    nearest_offer(&hints->nearest, name, len);
    return ++hints->seen == HINT_SEEN_MAX;
}

static int offer_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    return offer(ctx, attribute->name, strlen(attribute->name));
}

static int offer_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct hints *hints = ctx;
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (!clips)
        return 0;
    value_print(&text, value);
    if (hints->wanted && value_compare(value, hints->wanted) > 0) {
        buf_append(&hints->above, buf_text(&text), text.len);
        return 1;
    }
    buf_clear(&hints->below);
    buf_append(&hints->below, buf_text(&text), text.len);
    return offer(hints, buf_text(&text), text.len);
}

void hint_print_corrected(const struct hint_place *place, const struct grammar_literal *replacement,
                          struct buf *text)
{
    buf_text_append(text, " (");
    for (size_t i = 0; i < place->component->literal_count; i++) {
        if (i)
            buf_u8(text, '+');
        grammar_print_literal(text, i == place->literal ? replacement : &place->component->literals[i]);
    }
    buf_u8(text, ')');
}

static void correct_key(const struct hint_place *place, const struct buf *name, struct buf *text)
{
    struct grammar_literal literal = place->component->literals[place->literal];
    literal.key = (struct grammar_text){(char *)name->data, name->len};
    hint_print_corrected(place, &literal, text);
}

static void correct_arg(const struct hint_place *place, const struct buf *value, struct buf *text)
{
    struct grammar_literal literal = place->component->literals[place->literal];
    struct grammar_text *args = mem_copy(literal.args, literal.arg_count * sizeof *args);
    args[place->arg] = (struct grammar_text){(char *)value->data, value->len};
    literal.args = args;
    hint_print_corrected(place, &literal, text);
    free(args);
}

static void print_listed(const struct hints *hints, const char *what, struct buf *text)
{
    if (!hints->seen)
        return;
    buf_printf(text, ": %s %s", what, buf_text(&hints->listed));
    if (hints->seen > HINT_LISTED_MAX)
        buf_text_append(text, ", ...");
}

/* Only capitals are wrong. */
static bool is_exact(const struct hints *hints)
{
    return hints->nearest.count && hints->nearest.best[0].distance == 0;
}

static void print_operators(struct buf *text)
{
    const struct op *op;
    buf_text_append(text, ": there are =");
    for (size_t i = 0; (op = op_at(i)); i++)
        if (op->help && *op->name)
            buf_printf(text, ", .%s", op->name);
}

/* "arm.eq=left": arm is there, so the name after the dot was meant as an operator. */
static int hint_operator(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
                         struct error *err)
{
    const struct grammar_literal *literal = &place->component->literals[place->literal];
    const char *dot = memrchr(literal->key.bytes, '.', literal->key.len);
    if (!dot)
        return 0;
    struct catalog_attribute attribute;
    size_t before = (size_t)(dot - literal->key.bytes), len = literal->key.len - before - 1;
    int rc = catalog_attribute_find(reader, literal->key.bytes, before, &attribute, err);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, dot + 1, len);
    buf_printf(text, "no operator '.");
    show_append(text, dot + 1, len);
    buf_u8(text, '\'');
    for (size_t i = 0; op_at(i); i++)
        nearest_offer(&nearest, op_at(i)->name, strlen(op_at(i)->name));
    rc = mend_key(place, reader, text, err);
    if (rc)
        return rc;
    nearest_print(&nearest, ".", text);
    if (!nearest.count)
        print_operators(text);
    return 1;
}

/* `text` is the reason already. */
static int hint_name(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
                     struct error *err)
{
    const struct grammar_text *key = &place->component->literals[place->literal].key;
    CLEANUP_HINTS struct hints hints = {0};
    nearest_init(&hints.nearest, key->bytes, key->len);
    int rc = catalog_attributes(reader, offer_attribute, &hints, err);
    if (rc < 0)
        return rc;
    rc = is_exact(&hints) ? 0 : mend_key(place, reader, text, err);
    if (rc)
        return rc < 0 ? rc : 0;
    nearest_print(&hints.nearest, "", text);
    if (hints.nearest.count)
        correct_key(place, &hints.nearest.best[0].name, text);
    else
        print_listed(&hints, "there are", text);
    return 0;
}

/* "key=ep000": keys are no attribute. */
static int hint_clip(const struct hint_place *place, struct buf *text)
{
    const struct grammar_literal *literal = &place->component->literals[place->literal];
    if (strcmp(literal->key.bytes, "key") != 0)
        return 0;
    buf_text_append(text, "no attribute 'key': a clip is found by the name of its files, such as ");
    show_append(text, literal->args[0].bytes, literal->args[0].len);
    buf_text_append(text, ".json");
    return 1;
}

static int hint_attribute(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
                          struct error *err)
{
    CLEANUP_BUF struct buf other = BUF_INIT;
    int rc = hint_clip(place, &other);
    if (rc == 0)
        rc = hint_operator(place, reader, &other, err);
    if (rc == 0)
        return hint_name(place, reader, text, err);
    if (rc < 0)
        return rc;
    buf_clear(text);
    buf_append(text, buf_text(&other), other.len);
    return 0;
}

/* ": the nearest are 249 and 251"; the nearer below, NULL if there is none. */
static const struct buf *print_neighbours(const struct hints *hints, struct buf *text)
{
    const struct buf *near[] = {&hints->below, &hints->above};
    bool both = near[0]->len && near[1]->len;
    if (!near[0]->len && !near[1]->len)
        return NULL;
    buf_printf(text, both ? ": the nearest are %s and %s" : ": the nearest is %s%s", buf_text(near[0]),
               buf_text(near[1]));
    return near[0]->len ? near[0] : near[1];
}

/* What is said of an attribute's values near `arg`: the nearest one, NULL if none is near. */
static const struct buf *print_values(const struct hints *hints, struct buf *text)
{
    nearest_print(&hints->nearest, "", text);
    if (hints->nearest.count)
        return &hints->nearest.best[0].name;
    if (hints->wanted)
        return print_neighbours(hints, text);
    print_listed(hints, "it has", text);
    return NULL;
}

/* `*wanted` is borrowed by the hints. */
static int find_values(const struct catalog_attribute *attribute, const struct grammar_text *arg,
                       struct catalog_reader *reader, struct value *wanted, struct hints *hints,
                       struct error *err)
{
    bool by_spelling = attribute->type == VALUE_TEXT || attribute->type == VALUE_BOOL;
    nearest_init(&hints->nearest, arg->bytes, by_spelling ? arg->len : 0);
    if (!by_spelling && !value_parse(attribute->type, arg->bytes, arg->len, wanted, NULL))
        hints->wanted = wanted;
    int rc = catalog_values(reader, attribute->id, offer_value, hints, err);
    return rc < 0 ? rc : 0;
}

static int hint_value(const struct hint_place *place, const struct catalog_attribute *attribute,
                      struct catalog_reader *reader, struct buf *text, struct error *err)
{
    CLEANUP_HINTS struct hints hints = {0};
    const struct grammar_text *arg = &place->component->literals[place->literal].args[place->arg];
    struct value wanted;
    int rc = find_values(attribute, arg, reader, &wanted, &hints, err);
    if (!rc && !is_exact(&hints))
        rc = mend_value(place, reader, text, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const struct buf *near = print_values(&hints, text);
    if (near)
        correct_arg(place, near, text);
    return 0;
}

/* ---- what is refused ---- */

static int hint_literal(const struct grammar_component *component, const struct refusal *why,
                        struct catalog_reader *reader, struct buf *text, struct error *err)
{
    const struct hint_place place = {component, why->literal, why->arg};
    int rc = 0;
    if (why->kind == REFUSAL_ATTRIBUTE)
        rc = hint_attribute(&place, reader, text, err);
    else if (why->kind == REFUSAL_VALUE)
        rc = hint_value(&place, &why->attribute, reader, text, err);
    else if (why->kind == REFUSAL_TYPE)
        rc = mend_value(&place, reader, text, err);
    return rc < 0 ? rc : 0;
}

static void print_stages(struct buf *text)
{
    const struct stage *stage;
    const char *before = ": there are @";
    for (size_t i = 0; (stage = stage_at(i)); i++)
        if (stage->bind) {
            buf_printf(text, "%s%s", before, stage->name);
            before = ", @";
        }
}

/* "@since=v1,amr", "@key=ep00001", "@balance=outcome,fial,1" */
static int hint_stage(const struct grammar_component *component, const struct refusal *why,
                      struct catalog_reader *reader, struct buf *text, struct error *err)
{
    const struct grammar_text *arg = &component->args[why->arg];
    CLEANUP_HINTS struct hints hints = {0};
    struct value wanted;
    int rc = 0;
    nearest_init(&hints.nearest, arg->bytes, arg->len);
    if (why->kind == REFUSAL_STAGE)
        print_stages(text);
    else if (why->kind == REFUSAL_KEY)
        rc = keys_offer(reader, arg->bytes, arg->len, &hints.nearest, err);
    else if (why->kind == REFUSAL_ATTRIBUTE)
        rc = catalog_attributes(reader, offer_attribute, &hints, err);
    else if (why->kind == REFUSAL_VALUE)
        rc = find_values(&why->attribute, arg, reader, &wanted, &hints, err);
    if (rc < 0)
        return rc;
    if (why->kind == REFUSAL_VALUE || hints.nearest.count)
        print_values(&hints, text);
    else
        print_listed(&hints, "there are", text);
    return 0;
}

/* "@hed=5": the only component that cannot be read of which there is more to say. */
static void hint_stage_name(const char *component, size_t len, struct buf *text)
{
    const char *name = component + 1, *equals = len ? memchr(component, '=', len) : NULL;
    if (!len || *component != '@' || memchr(component, '+', len))
        return;
    CLEANUP_NEAREST struct nearest nearest;
    size_t name_len = equals ? (size_t)(equals - name) : len - 1;
    nearest_init(&nearest, name, name_len);
    const struct stage *stage;
    for (size_t i = 0; (stage = stage_at(i)); i++)
        if (stage->bind) /* who asks for another would be told that it is not supported */
            nearest_offer(&nearest, stage->name, strlen(stage->name));
    if (stage_find(name, name_len))
        return;
    nearest_print(&nearest, "@", text);
    if (!nearest.count)
        print_stages(text);
}

/* 0, and nothing is said, if it means something. */
static int tell(const char *component, size_t len, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_GRAMMAR struct grammar_component parsed = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct clause *clause;
    struct refusal why;
    struct error reason = {0};
    int parse = grammar_parse(component, len, &parsed, &reason), rc = parse;
    if (!parse)
        rc = bind_component(&parsed, reader, &clause, &why, &reason);
    if (!rc)
        clause_unref(clause);
    if (rc != -ENOENT)
        return rc ? error_copy(err, &reason) : 0;
    buf_text_append(&text, reason.text);
    if (parse)
        hint_stage_name(component, len, &text);
    else
        rc = parsed.kind == GRAMMAR_KIND_STAGE ? hint_stage(&parsed, &why, reader, &text, err)
                                               : hint_literal(&parsed, &why, reader, &text, err);
    return rc < 0 && !parse ? rc : error_set(err, ENOENT, "%s", buf_text(&text));
}

int hint_component(const char *component, size_t len, struct catalog_reader *reader, struct error *err)
{
    int rc = tell(component, len, reader, err);
    return rc ? rc : -ENOENT;
}

int hint_path(const char *path, size_t len, struct catalog_reader *reader, struct error *err)
{
    int rc = 0;
    for (const char *end = path + len, *next; !rc && path < end; path = next + 1) {
        next = memchr(path, '/', (size_t)(end - path));
        if (!next)
            next = end;
        rc = next == path ? 0 : tell(path, (size_t)(next - path), reader, err);
    }
    return rc ? rc : -ENOENT;
}
