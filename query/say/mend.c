// SPDX-License-Identifier: Apache-2.0
/* Each rewriting is a function in a table; the first whose result can be bound is what was meant. */
#include "query/say/mend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/bind.h"
#include "query/clause.h"
#include "query/show.h"

enum { ARGS_MAX = 16 };

struct draft { /* a literal being rewritten; its texts are parts of the one that was typed */
    struct grammar_literal literal;
    struct grammar_text args[ARGS_MAX];
    size_t arg; /* the one that is wrong */
};

struct mend {
    const struct hint_place *place;
    struct catalog_reader *reader;
    struct buf *text;
};

static bool begin(const struct mend *mend, struct draft *draft)
{
    const struct grammar_literal *from = &mend->place->component->literals[mend->place->literal];
    if (from->arg_count > ARGS_MAX)
        return false;
    *draft = (struct draft){.literal = *from, .arg = mend->place->arg};
    memcpy(draft->args, from->args, from->arg_count * sizeof *from->args);
    draft->literal.args = draft->args;
    return true;
}

/* ---- does it mean something? ---- */

/* 1, 0 or -errno. */
static int means_something(const struct mend *mend, struct grammar_literal *literal, struct error *err)
{
    struct grammar_component alone = {.kind = GRAMMAR_KIND_LITERALS, .literals = literal, .literal_count = 1};
    struct clause *clause;
    int rc = bind_component(&alone, mend->reader, &clause, NULL, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    clause_unref(clause);
    return 1;
}

/* Texts of a draft are not NUL-terminated; a component's are. */
static struct grammar_text own(const struct grammar_text *text)
{
    return (struct grammar_text){mem_copy(text->bytes, text->len), text->len};
}

/* Appends ": why (component)" if the draft means something: 1, 0 or -errno. */
static int offer(const struct mend *mend, const struct draft *draft, const char *why, struct error *err)
{
    struct grammar_literal literal = draft->literal;
    struct grammar_text args[ARGS_MAX];
    literal.key = own(&draft->literal.key);
    for (size_t i = 0; i < literal.arg_count; i++)
        args[i] = own(&draft->literal.args[i]);
    literal.args = args;
    int rc = means_something(mend, &literal, err);
    if (rc > 0) {
        buf_printf(mend->text, ": %s", why);
        hint_print_corrected(mend->place, &literal, mend->text);
    }
    free(literal.key.bytes);
    for (size_t i = 0; i < literal.arg_count; i++)
        free(args[i].bytes);
    return rc;
}

/* ---- rewriting: true if there is something to try ---- */

typedef bool edit_fn(struct draft *draft);
struct edit {
    edit_fn *edit;
    const char *why;
};

static bool cut_front(struct grammar_text *text, size_t n)
{
    text->bytes += n;
    text->len -= n;
    return text->len > 0;
}

static bool begins(const struct grammar_text *text, const char *with)
{
    size_t len = strlen(with);
    return text->len >= len && !memcmp(text->bytes, with, len);
}

static bool is_any(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool trim(struct grammar_text *text, const char *set)
{
    size_t before = text->len;
    while (text->len && is_any(text->bytes[text->len - 1], set))
        text->len--;
    while (text->len && is_any(*text->bytes, set))
        cut_front(text, 1);
    return text->len && text->len < before;
}

static bool set_op(struct draft *draft, const struct op *op)
{
    bool plain = draft->literal.op == &op_eq;
    draft->literal.op = op;
    return plain;
}

static bool drop_equals(struct draft *draft)
{
    return begins(&draft->args[draft->arg], "=") && trim(&draft->args[draft->arg], "= ");
}

static bool drop_quotes(struct draft *draft)
{
    struct grammar_text *arg = &draft->args[draft->arg];
    return arg->len > 1 && is_any(*arg->bytes, "\"'`") && trim(arg, "\"'`");
}

static bool drop_blanks(struct draft *draft)
{
    return trim(&draft->args[draft->arg], " \t\r\n");
}

static bool drop_tail(struct draft *draft)
{
    return trim(&draft->args[draft->arg], ",;:.");
}

/* "=>100", "=<=5", "=!left": the operator got to the wrong side. */
static bool move_comparison(struct draft *draft)
{
    struct grammar_text *arg = &draft->args[draft->arg];
    size_t len = 1;
    const struct op *op = begins(arg, "=") ? NULL : op_of_sign(arg->bytes, arg->len, &len);
    if (!op && begins(arg, "!"))
        op = &op_ne;
    if (!op)
        return false;
    cut_front(arg, len);
    trim(arg, " ");
    return set_op(draft, op) && arg->len;
}

/* "1..5", "1-5", "1:5" */
static bool split_range(struct draft *draft)
{
    static const char *const separators[] = {"..", "-", ":"};
    struct grammar_text whole = draft->args[0];
    for (size_t i = 0; i < sizeof separators / sizeof *separators && whole.len > 1; i++) {
        size_t len = strlen(separators[i]);
        char *at = memmem(whole.bytes + 1, whole.len - 1, separators[i], len);
        if (!at)
            continue;
        size_t before = (size_t)(at - whole.bytes);
        draft->args[0].len = before;
        draft->args[1] = (struct grammar_text){at + len, whole.len - before - len};
        draft->literal.arg_count = 2;
        return set_op(draft, &op_rng) && draft->args[1].len;
    }
    return false;
}

static bool split_list(struct draft *draft)
{
    struct grammar_text rest = draft->args[0];
    size_t count = 0, len = 0;
    trim(&rest, "[](){} ");
    for (size_t i = 0; i <= rest.len && count < ARGS_MAX; i++, len++) {
        if (i < rest.len && !is_any(rest.bytes[i], ",|;"))
            continue;
        draft->args[count] = (struct grammar_text){rest.bytes + i - len, len};
        trim(&draft->args[count++], " \"'");
        len = (size_t)-1;
    }
    draft->literal.arg_count = count;
    return count > 1 && set_op(draft, &op_in);
}

static bool take_prefix(struct draft *draft)
{
    struct grammar_text *arg = &draft->args[draft->arg];
    if (!arg->len || !is_any(arg->bytes[arg->len - 1], "*%"))
        return false;
    trim(arg, "*%");
    return set_op(draft, &op_prefix) && arg->len;
}

/* "2026-03": no instant, but the beginning of some. */
static bool take_date(struct draft *draft)
{
    struct grammar_text *arg = &draft->args[draft->arg];
    return arg->len >= 4 && arg->len <= 10 && is_any(*arg->bytes, "12") && set_op(draft, &op_prefix);
}

static bool is_word(const struct grammar_text *text, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == text->len && !strncasecmp(*words, text->bytes, text->len))
            return true;
    return false;
}

static void set_arg(struct draft *draft, const char *text)
{
    draft->args[draft->arg] = (struct grammar_text){(char *)(uintptr_t)text, strlen(text)};
}

static bool take_missing(struct draft *draft)
{
    static const char *const words[] = {"null", "none", "nan", "nil", "na", "n/a", "missing", NULL};
    bool meant = is_word(&draft->args[draft->arg], words);
    set_arg(draft, "1");
    return set_op(draft, &op_null) && meant;
}

static bool take_any(struct draft *draft)
{
    bool meant = draft->args[draft->arg].len == 1 && *draft->args[draft->arg].bytes == '*';
    set_arg(draft, "0");
    return set_op(draft, &op_null) && meant;
}

static bool take_true(struct draft *draft)
{
    static const char *const words[] = {"true", "yes", "y", "t", "on", "1", NULL};
    bool meant = is_word(&draft->args[draft->arg], words);
    set_arg(draft, "true");
    return meant;
}

static bool take_false(struct draft *draft)
{
    static const char *const words[] = {"false", "no", "n", "f", "off", "0", NULL};
    bool meant = is_word(&draft->args[draft->arg], words);
    set_arg(draft, "false");
    return meant;
}

static const struct edit value_edits[] = {
    {drop_equals, "one '=' is enough"},
    {drop_quotes, "quotes are for the shell and stand around the whole path"},
    {drop_blanks, "blanks beside the '=' belong to the value"},
    {drop_tail, "what ends it belongs to the value"},
    {move_comparison, "an operator stands behind the name"},
    {take_true, "here it is written"},
    {take_false, "here it is written"},
    {take_any, "to have it at all is asked for by"},
    {take_missing, "to lack it is asked for by"},
    {take_date, "a part of a date is asked for by"},
    {split_range, "a range is asked for by"},
    {split_list, "one of several is asked for by"},
    {take_prefix, "a beginning is asked for by"},
};

/* "arm!=left", "length>=5": what stands before the '=' became a part of the name. */
static bool take_sign(struct draft *draft)
{
    struct grammar_text *key = &draft->literal.key;
    const char sign[] = {key->len > 1 ? key->bytes[key->len - 1] : 0, '='};
    size_t sign_len;
    if (!is_any(sign[0], "!<>"))
        return false;
    const struct op *op = op_of_sign(sign, sizeof sign, &sign_len);
    key->len--;
    trim(key, " ");
    for (size_t i = 0; i < draft->literal.arg_count; i++)
        trim(&draft->args[i], " ");
    return op && set_op(draft, op) && key->len;
}

/* Of those that take one argument. */
static const struct op *meant_op(const struct grammar_text *name)
{
    static const char *const none[] = {NULL};
    const struct op *op;
    for (size_t i = 0; (op = op_at(i)); i++) {
        const char *const own[] = {*op->name && op->args == OP_ONE ? op->name : NULL, NULL};
        if (is_word(name, op->aliases ? op->aliases : none) || is_word(name, own))
            return op;
    }
    return NULL;
}

/* "arm.eq=left": names that operators have elsewhere, and ours in capitals. */
static bool take_alias(struct draft *draft)
{
    struct grammar_text *key = &draft->literal.key;
    char *dot = key->len ? memrchr(key->bytes, '.', key->len) : NULL;
    if (!dot || draft->literal.op != &op_eq)
        return false;
    struct grammar_text name = {dot + 1, key->len - (size_t)(dot - key->bytes) - 1};
    key->len = (size_t)(dot - key->bytes);
    const struct op *op = meant_op(&name);
    return op && set_op(draft, op);
}

static bool trim_key(struct draft *draft)
{
    bool changed = trim(&draft->literal.key, " \t\"'`:");
    for (size_t i = 0; i < draft->literal.arg_count; i++)
        trim(&draft->args[i], " \t\"'`");
    return changed;
}

static bool swap_key(struct draft *draft)
{
    struct grammar_text key = draft->literal.key;
    draft->literal.key = draft->args[0];
    draft->args[0] = key;
    return draft->literal.op == &op_eq && draft->literal.key.len;
}

static const struct edit key_edits[] = {
    {take_sign, "an operator stands behind a dot"},
    {take_alias, "here it is written"},
    {trim_key, "blanks, quotes and colons belong to the name"},
    {swap_key, "the name stands before the '='"},
};

static int try_edits(const struct mend *mend, const struct edit *edits, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct draft draft;
        int rc = begin(mend, &draft) && edits[i].edit(&draft) ? offer(mend, &draft, edits[i].why, err) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- a value of another attribute ---- */

struct owner {
    const struct mend *mend;
    struct grammar_text value;
    unsigned left; /* attributes still to be asked */
};

static int ask_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct owner *owner = ctx;
    if (attribute->type != VALUE_TEXT || !owner->left)
        return 0;
    owner->left--;
    struct draft draft = {.literal = {.key = {(char *)(uintptr_t)attribute->name, strlen(attribute->name)},
                                      .op = &op_eq,
                                      .arg_count = 1},
                          .args = {owner->value}};
    draft.literal.args = draft.args;
    CLEANUP_BUF struct buf why = BUF_INIT;
    buf_u8(&why, '\'');
    show_append(&why, owner->value.bytes, owner->value.len);
    buf_text_append(&why, "' is a value of '");
    show_append(&why, attribute->name, draft.literal.key.len);
    buf_u8(&why, '\'');
    return offer(owner->mend, &draft, buf_text(&why), err);
}

static int find_owner(const struct mend *mend, struct grammar_text value, struct error *err)
{
    struct owner owner = {mend, value, 256};
    return value.len ? catalog_attributes(mend->reader, ask_attribute, &owner, err) : 0;
}

int mend_key(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
             struct error *err)
{
    struct mend mend = {place, reader, text};
    int rc = try_edits(&mend, key_edits, sizeof key_edits / sizeof *key_edits, err);
    return rc ? rc : find_owner(&mend, place->component->literals[place->literal].key, err);
}

int mend_value(const struct hint_place *place, struct catalog_reader *reader, struct buf *text,
               struct error *err)
{
    const struct grammar_literal *literal = &place->component->literals[place->literal];
    struct mend mend = {place, reader, text};
    int rc = try_edits(&mend, value_edits, sizeof value_edits / sizeof *value_edits, err);
    return rc || literal->op != &op_eq ? rc : find_owner(&mend, literal->args[place->arg], err);
}
