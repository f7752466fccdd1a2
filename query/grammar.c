// SPDX-License-Identifier: Apache-2.0
/* Separators are looked for in the bytes as typed, and only then %XX is decoded: an escaped separator never
 * separates. What separates depends on the place: '+' everywhere, the first '=' ends the key, the last '.' of
 * the key begins an operator (if it is one), ',' in lists, the first '..' in ranges. */
#include "query/grammar.h"

#include <errno.h>
#include <string.h>

#include "cache/base/escape.h"
#include "query/show.h"

struct span { /* bytes as typed */
    const char *at;
    size_t len;
};

static int refuse(struct span what, struct error *err, const char *reason)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, what.at, what.len);
    return error_set(err, ENOENT, "'%s': %s", buf_text(&shown), reason);
}

/* ---- parsing ---- */

/* Takes what stands before the first `separator` off the front of *rest; false if there is none (then the
 * rest itself is the last piece). */
static bool cut_at(struct span *rest, const char *separator, struct span *ret_piece)
{
    size_t n = strlen(separator);
    const char *found = rest->len ? memmem(rest->at, rest->len, separator, n) : NULL;
    if (!found)
        return false;
    *ret_piece = (struct span){rest->at, (size_t)(found - rest->at)};
    rest->len -= ret_piece->len + n;
    rest->at = found + n;
    return true;
}

static int decode(struct span from, struct grammar_text *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error why;
    if (escape_decode(&bytes, from.at, from.len, &why))
        return refuse(from, err, why.text);
    ret->len = bytes.len;
    ret->bytes = (char *)buf_steal(&bytes);
    return 0;
}

struct texts {
    struct grammar_text **list;
    size_t *count;
    size_t cap;
};

static int add_text(struct texts *texts, struct span from, struct error *err)
{
    mem_grow(texts->list, &texts->cap, *texts->count + 1, sizeof **texts->list);
    int rc = decode(from, *texts->list + *texts->count, err);
    *texts->count += rc == 0;
    return rc;
}

static int parse_list(struct span rest, struct texts texts, struct error *err)
{
    struct span piece;
    while (cut_at(&rest, ",", &piece)) {
        int rc = add_text(&texts, piece, err);
        if (rc)
            return rc;
    }
    return add_text(&texts, rest, err);
}

static int parse_range(struct span rest, struct texts texts, struct error *err)
{
    struct span low, whole = rest;
    if (!cut_at(&rest, "..", &low))
        return refuse(whole, err, "a range is written 1..5, 1.. or ..5");
    int rc = add_text(&texts, low, err);
    return rc ? rc : add_text(&texts, rest, err);
}

/* The operator at the end of the key, which is taken off; op_eq if there is none. */
static const struct op *cut_op(struct span *key)
{
    const char *dot = key->len ? memrchr(key->at, '.', key->len) : NULL;
    size_t before = dot ? (size_t)(dot - key->at) : 0;
    const struct op *op = dot ? op_find(dot + 1, key->len - before - 1) : NULL;
    if (op)
        key->len = before;
    return op ? op : &op_eq;
}

static int parse_key(struct span key, struct grammar_literal *ret, struct error *err)
{
    static const char event[] = "event.";
    ret->event = key.len >= sizeof event - 1 && !memcmp(key.at, event, sizeof event - 1);
    if (ret->event) {
        key.at += sizeof event - 1;
        key.len -= sizeof event - 1;
    }
    return decode(key, &ret->key, err);
}

/* "event.ne=x" asks for the clips whose events are none of x: no attribute of an event can be called ne. */
static int refuse_event_key(const struct grammar_literal *literal, struct span text, struct error *err)
{
    CLEANUP_FREE char *reason = mem_printf(
        "'%s' is an operator, and no attribute of an event is called like one", literal->key.bytes);
    return refuse(text, err, reason);
}

static int parse_literal(struct span text, struct grammar_literal *ret, struct error *err)
{
    struct span rest = text, key;
    if (text.len && text.at[0] == '@')
        return refuse(text, err, "a stage stands alone in its component");
    if (!cut_at(&rest, "=", &key))
        return refuse(text, err, "not a condition, which is NAME=VALUE");
    ret->op = cut_op(&key);
    int rc = parse_key(key, ret, err);
    if (rc)
        return rc;
    if (!ret->key.len)
        return refuse(text, err, "no attribute name before the '='");
    if (ret->event && op_find(ret->key.bytes, ret->key.len))
        return refuse_event_key(ret, text, err);
    struct texts args = {&ret->args, &ret->arg_count, 0};
    switch (ret->op->args) {
    case OP_RANGE:
        return parse_range(rest, args, err);
    case OP_LIST:
        return parse_list(rest, args, err);
    case OP_ONE:
        break;
    }
    return add_text(&args, rest, err);
}

static int parse_literals(struct span rest, struct grammar_component *ret, struct error *err)
{
    size_t cap = 0;
    bool more = true;
    while (more) {
        struct span piece = rest;
        more = cut_at(&rest, "+", &piece);
        mem_grow(&ret->literals, &cap, ret->literal_count + 1, sizeof *ret->literals);
        struct grammar_literal *literal = &ret->literals[ret->literal_count++];
        *literal = (struct grammar_literal){0};
        int rc = parse_literal(piece, literal, err);
        if (rc && (more || ret->literal_count > 1) && !memmem(piece.at, piece.len, "=", 1))
            error_prefix(err, "'+' separates conditions (%%2B is a plus sign)");
        if (rc)
            return rc;
    }
    return 0;
}

static int refuse_stage(struct span name, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, name.at, name.len);
    return error_set(err, ENOENT, "no stage '@%s'", buf_text(&shown));
}

static int parse_stage(struct span text, struct grammar_component *ret, struct error *err)
{
    struct span rest = {text.at + 1, text.len - 1}, name;
    if (memchr(text.at, '+', text.len))
        return refuse(text, err, "a stage stands alone in its component (write %2B for a plus sign)");
    bool has_args = cut_at(&rest, "=", &name);
    if (!has_args)
        name = rest;
    const struct stage *stage = stage_find(name.at, name.len);
    if (!stage)
        return refuse_stage(name, err);
    if (!has_args)
        return refuse(text, err, "a stage is written @NAME=ARGUMENTS");
    ret->kind = GRAMMAR_KIND_STAGE;
    ret->stage = stage;
    return parse_list(rest, (struct texts){&ret->args, &ret->arg_count, 0}, err);
}

int grammar_parse(const char *component, size_t len, struct grammar_component *ret, struct error *err)
{
    struct span text = {component, len};
    if (len > GRAMMAR_COMPONENT_MAX)
        return error_set(err, ENAMETOOLONG, "a component of %zu bytes: at most %d are read", len,
                         GRAMMAR_COMPONENT_MAX);
    if (len && (memchr(component, '/', len) || memchr(component, 0, len)))
        return refuse(text, err, "'/' separates components: write %2F for a slash");
    CLEANUP_GRAMMAR struct grammar_component made = {0};
    int rc = len && component[0] == '@' ? parse_stage(text, &made, err) : parse_literals(text, &made, err);
    if (rc)
        return rc;
    *ret = made;
    made = (struct grammar_component){0};
    return 0;
}

static void free_texts(struct grammar_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i].bytes);
    free(texts);
}

void grammar_component_done(struct grammar_component *component)
{
    for (size_t i = 0; i < component->literal_count; i++) {
        free(component->literals[i].key.bytes);
        free_texts(component->literals[i].args, component->literals[i].arg_count);
    }
    free(component->literals);
    free_texts(component->args, component->arg_count);
    *component = (struct grammar_component){0};
}

/* ---- printing ---- */

/* A dot in a key would look like an operator, a leading '@' like a stage; '.' and '_' hide names from ls and
 * from Hive-style readers. */
static void print_key(struct buf *buf, const struct grammar_text *key)
{
    for (size_t i = 0, end; i < key->len; i = end) {
        const char *dot = memchr(key->bytes + i, '.', key->len - i);
        end = dot ? (size_t)(dot - key->bytes) : key->len;
        if (i == 0 && key->bytes[0] == '_') {
            buf_text_append(buf, "%5F");
            i++;
        }
        escape_append(buf, key->bytes + i, end - i, NULL, 1);
        if (dot) {
            buf_text_append(buf, "%2E");
            end++;
        }
    }
}

/* In a range a dot stays raw only inside a number-like text ("1.5"): at an end or beside another dot it could
 * be taken for the separator. */
static void print_range_end(struct buf *buf, const struct grammar_text *text)
{
    size_t from = 0;
    for (size_t i = 0; i < text->len; i++) {
        bool lonely = i > 0 && i + 1 < text->len && text->bytes[i - 1] != '.' && text->bytes[i + 1] != '.';
        if (text->bytes[i] != '.' || lonely)
            continue;
        escape_append(buf, text->bytes + from, i - from, NULL, 1);
        buf_text_append(buf, "%2E");
        from = i + 1;
    }
    escape_append(buf, text->bytes + from, text->len - from, NULL, 1);
}

static void print_args(struct buf *buf, const struct grammar_text *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_u8(buf, ',');
        escape_append(buf, args[i].bytes, args[i].len, NULL, 1);
    }
}

void grammar_print_literal(struct buf *buf, const struct grammar_literal *literal)
{
    if (literal->event)
        buf_text_append(buf, "event.");
    print_key(buf, &literal->key);
    buf_printf(buf, "%s%s=", *literal->op->name ? "." : "", literal->op->name);
    if (literal->op->args != OP_RANGE) {
        print_args(buf, literal->args, literal->arg_count);
        return;
    }
    print_range_end(buf, &literal->args[0]);
    buf_text_append(buf, "..");
    print_range_end(buf, &literal->args[1]);
}

void grammar_print(struct buf *buf, const struct grammar_component *component)
{
    if (component->kind == GRAMMAR_KIND_STAGE) {
        buf_printf(buf, "@%s=", component->stage->name);
        print_args(buf, component->args, component->arg_count);
    }
    for (size_t i = 0; i < component->literal_count; i++) {
        if (i)
            buf_u8(buf, '+');
        grammar_print_literal(buf, &component->literals[i]);
    }
}
