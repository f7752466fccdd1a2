// SPDX-License-Identifier: Apache-2.0
/*
 * One path component as text and as a tree: syntax only, no catalog is asked (see query/bind.h for meaning,
 * query/GRAMMAR.md for the language).
 *
 *     "arm=left+force.rng=1..2"   LITERALS {arm eq "left"} {force rng "1" "2"}
 *     "@near=ep1.clip,50"         STAGE near "ep1.clip" "50"
 *
 * More is accepted than is printed; grammar_parse() of what grammar_print() wrote gives the same tree.
 * Component bytes are hostile. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "query/op/op.h"
#include "query/stage/stage.h"

enum { GRAMMAR_COMPONENT_MAX = 1 << 20 }; /* bytes */

struct grammar_text { /* decoded bytes, any but '/' are possible as %XX also '/' and NUL; NUL-terminated */
    char *bytes;
    size_t len;
};

struct grammar_literal {
    bool event; /* "event.KEY": the attribute of an event, not of the clip; KEY is no operator's name */
    struct grammar_text key;
    const struct op *op;
    struct grammar_text *args; /* as many as op->args says; of a range two, empty = open */
    size_t arg_count;
};

enum grammar_kind { GRAMMAR_KIND_LITERALS, GRAMMAR_KIND_STAGE };

struct grammar_component {
    enum grammar_kind kind;
    struct grammar_literal *literals; /* LITERALS: any of them; one or more */
    size_t literal_count;
    const struct stage *stage; /* STAGE */
    struct grammar_text *args; /* STAGE: split at ',', decoded */
    size_t arg_count;
};

/* -ENOENT with the reason. */
int grammar_parse(const char *component, size_t len, struct grammar_component *ret, struct error *err);
void grammar_component_done(struct grammar_component *component);
#define CLEANUP_GRAMMAR CLEANUP(grammar_component_done)

/* Appends the component, escaped as the canonical form is. */
void grammar_print(struct buf *buf, const struct grammar_component *component);
void grammar_print_literal(struct buf *buf, const struct grammar_literal *literal);
