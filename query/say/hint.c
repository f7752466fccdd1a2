// SPDX-License-Identifier: Apache-2.0
/* Suggestions are worth one pass over a bounded number of names. Texts are compared by spelling, numbers and
 * times by distance: their neighbours in value order are shown. */
#include "query/say/hint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    for (enum grammar_op op = GRAMMAR_NE; op < GRAMMAR_OPS; op++)
        nearest_offer(&nearest, grammar_op_name(op), strlen(grammar_op_name(op)));
    rc = mend_key(place, reader, text, err);
    if (rc)
        return rc;
    nearest_print(&nearest, ".", text);
    if (!nearest.count)
        buf_text_append(text, ": there are =, .ne, .in, .nin, .lt, .le, .gt, .ge, .rng, .prefix, .null");
    return 1;
}

static int hint_name(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
                     struct error *err)
{
    const struct grammar_text *key = &place->component->literals[place->literal].key;
    CLEANUP_HINTS struct hints hints = {0};
    struct catalog_info info;
    nearest_init(&hints.nearest, key->bytes, key->len);
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = catalog_attributes(reader, offer_attribute, &hints, err);
    if (rc < 0)
        return rc;
    buf_text_append(text, "no attribute '");
    show_append(text, key->bytes, key->len);
    buf_printf(text, "' in v%u", info.version);
    rc = hints.nearest.count && hints.nearest.best[0].distance == 0 ? 0 : mend_key(place, reader, text, err);
    if (rc)
        return rc;
    nearest_print(&hints.nearest, "", text);
    if (hints.nearest.count)
        correct_key(place, &hints.nearest.best[0].name, text);
    else
        print_listed(&hints, "there are", text);
    return 1;
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

int hint_attribute(const struct hint_place *place, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = hint_clip(place, &text);
    if (rc == 0)
        rc = hint_operator(place, reader, &text, err);
    if (rc == 0)
        rc = hint_name(place, reader, &text, err);
    return rc < 0 ? rc : error_set(err, ENOENT, "%s", buf_text(&text));
}

static void print_neighbours(const struct hint_place *place, const struct hints *hints, struct buf *text)
{
    const struct buf *near[] = {&hints->below, &hints->above};
    bool both = near[0]->len && near[1]->len;
    if (!near[0]->len && !near[1]->len)
        return;
    buf_printf(text, both ? ": the nearest are %s and %s" : ": the nearest is %s%s", buf_text(near[0]),
               buf_text(near[1]));
    correct_arg(place, near[0]->len ? near[0] : near[1], text);
}

int hint_value(const struct hint_place *place, const struct catalog_attribute *attribute,
               const struct value *value, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_HINTS struct hints hints = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    const struct grammar_text *arg = &place->component->literals[place->literal].args[place->arg];
    bool by_spelling = attribute->type == VALUE_TEXT || attribute->type == VALUE_BOOL;
    nearest_init(&hints.nearest, arg->bytes, by_spelling ? arg->len : 0);
    hints.wanted = by_spelling ? NULL : value;
    int rc = catalog_values(reader, attribute->id, offer_value, &hints, err);
    if (rc < 0)
        return rc;
    show_append(&text, attribute->name, strlen(attribute->name));
    buf_text_append(&text, " has no value '");
    show_append(&text, arg->bytes, arg->len);
    buf_u8(&text, '\'');
    rc = hints.nearest.count && hints.nearest.best[0].distance == 0 ? 0
                                                                    : mend_value(place, reader, &text, err);
    if (rc)
        return rc < 0 ? rc : error_set(err, ENOENT, "%s", buf_text(&text));
    nearest_print(&hints.nearest, "", &text);
    if (hints.nearest.count)
        correct_arg(place, &hints.nearest.best[0].name, &text);
    else if (hints.wanted)
        print_neighbours(place, &hints, &text);
    else
        print_listed(&hints, "it has", &text);
    return error_set(err, ENOENT, "%s", buf_text(&text));
}

int hint_type(const struct hint_place *place, const char *why, struct catalog_reader *reader,
              struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, why);
    int rc = mend_value(place, reader, &text, err);
    return rc < 0 ? rc : error_set(err, ENOENT, "%s", buf_text(&text));
}
