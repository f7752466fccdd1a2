// SPDX-License-Identifier: Apache-2.0
/* An unknown value is an error and not an empty set: a misspelt label must not train on nothing. Bounds of
 * ranges need not be values of any clip. */
#include "query/bind.h"

#include <errno.h>
#include <string.h>

#include "query/plan.h"
#include "query/show.h"

struct binding { /* one literal being bound */
    const struct grammar_literal *from;
    struct catalog_attribute attribute;
    struct catalog_reader *reader;
    struct literal *to;
    struct refusal *why;
};

/* "arm.lt: reason": what was asked for, without its arguments. */
static int refuse(const struct binding *binding, struct error *err, const char *reason)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    const struct grammar_literal *from = binding->from;
    show_append(&shown, from->key.bytes, from->key.len);
    return error_set(err, ENOENT, "%s%s%s%s: %s", from->event ? "event." : "", buf_text(&shown),
                     from->op == GRAMMAR_EQ ? "" : ".", grammar_op_name(from->op), reason);
}

static void push_value(struct literal *literal, const struct value *value)
{
    struct value *to = &literal->values[literal->count++];
    *to = *value;
    if (value->type == VALUE_TEXT)
        to->text = mem_copy(value->text, value->len);
}

static int parse_value(const struct binding *binding, size_t arg, struct value *ret, struct error *err)
{
    const struct grammar_text *text = &binding->from->args[arg];
    struct error why;
    if (!value_parse(binding->attribute.type, text->bytes, text->len, ret, &why))
        return 0;
    binding->why->kind = REFUSAL_TYPE;
    binding->why->arg = arg;
    binding->why->attribute = binding->attribute;
    return refuse(binding, err, why.text);
}

static int compare_values(const void *a, const void *b)
{
    return value_compare(a, b);
}

static void sort_values(struct literal *literal)
{
    size_t kept = 1;
    qsort(literal->values, literal->count, sizeof *literal->values, compare_values);
    for (size_t i = 1; i < literal->count; i++) {
        if (value_compare(&literal->values[kept - 1], &literal->values[i]) != 0)
            literal->values[kept++] = literal->values[i];
        else if (literal->values[i].type == VALUE_TEXT)
            free((char *)(uintptr_t)literal->values[i].text);
    }
    literal->count = kept;
}

/* Who names a value lists its clips next: what tells the first window of them is asked for while other
 * components are still looked up. */
static void ask_ahead(const struct binding *binding)
{
    const struct grammar_literal *from = binding->from;
    CLEANUP_FREE struct value *values = mem_alloc((from->arg_count + 1) * sizeof *values);
    const struct catalog_window first = plan_window(0);
    struct catalog_literal literal = {
        .window = &first, .attribute = binding->attribute.id, .op = CATALOG_EQ, .values = values};
    for (size_t i = 0; i < from->arg_count; i++)
        if (!value_parse(binding->attribute.type, from->args[i].bytes, from->args[i].len,
                         &values[literal.count], NULL))
            literal.count++;
    catalog_select_ahead_once(binding->reader, &literal, 1);
}

static int refuse_value(const struct binding *binding, size_t arg, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const struct grammar_text *typed = &binding->from->args[arg];
    show_append(&text, binding->attribute.name, strlen(binding->attribute.name));
    buf_text_append(&text, " has no value '");
    show_append(&text, typed->bytes, typed->len);
    binding->why->kind = REFUSAL_VALUE;
    binding->why->arg = arg;
    binding->why->attribute = binding->attribute;
    return error_set(err, ENOENT, "%s'", buf_text(&text));
}

/* =, ne, in, nin: every value must be one that some clip has. */
static int bind_known_values(struct binding *binding, struct error *err)
{
    ask_ahead(binding);
    for (size_t i = 0; i < binding->from->arg_count; i++) {
        struct value value;
        int rc = parse_value(binding, i, &value, err);
        if (rc)
            return rc;
        rc = catalog_value_known(binding->reader, binding->attribute.id, &value, err);
        if (rc == 0)
            rc = refuse_value(binding, i, err);
        if (rc < 0)
            return rc;
        push_value(binding->to, &value);
    }
    sort_values(binding->to);
    bool negative = binding->from->op == GRAMMAR_NE || binding->from->op == GRAMMAR_NIN;
    if (binding->to->count == 1)
        binding->to->op = negative ? GRAMMAR_NE : GRAMMAR_EQ;
    else
        binding->to->op = negative ? GRAMMAR_NIN : GRAMMAR_IN;
    return 0;
}

static int check_ordered(const struct binding *binding, struct error *err)
{
    if (binding->attribute.type == VALUE_BOOL)
        return refuse(binding, err, "a boolean has no order: ask for =true or =false");
    return 0;
}

static int bind_bound(struct binding *binding, struct error *err)
{
    struct value value;
    int rc = check_ordered(binding, err);
    if (!rc)
        rc = parse_value(binding, 0, &value, err);
    if (rc)
        return rc;
    push_value(binding->to, &value);
    binding->to->values[1] = binding->to->values[0]; /* the catalog takes two ends, whichever is open */
    return 0;
}

static void push_flag(struct literal *literal, enum grammar_op op, bool flag)
{
    literal->op = op;
    push_value(literal, &(struct value){.type = VALUE_INT, .integer = flag});
}

static int bind_range(struct binding *binding, struct error *err)
{
    const struct grammar_text *args = binding->from->args;
    struct literal *to = binding->to;
    to->open_low = args[0].len == 0;
    to->open_high = args[1].len == 0;
    int rc = check_ordered(binding, err);
    if (rc)
        return rc;
    if (to->open_low && to->open_high) { /* any value at all */
        push_flag(to, GRAMMAR_NULL, false);
        to->open_low = to->open_high = false;
        return 0;
    }
    struct value ends[2] = {{.type = binding->attribute.type}, {.type = binding->attribute.type}};
    for (size_t i = 0; i < 2; i++)
        if (args[i].len && (rc = parse_value(binding, i, &ends[i], err)))
            return rc;
    for (size_t i = 0; i < 2; i++) {
        if (ends[i].type == VALUE_TEXT && !args[i].len)
            ends[i].text = "", ends[i].len = 0;
        push_value(to, &ends[i]);
    }
    return 0;
}

static int bind_null(struct binding *binding, struct error *err)
{
    const char *arg = binding->from->args[0].bytes;
    if (strcmp(arg, "0") != 0 && strcmp(arg, "1") != 0)
        return refuse(binding, err, "1 asks for clips without the attribute, 0 for those with it");
    push_flag(binding->to, GRAMMAR_NULL, arg[0] == '1');
    return 0;
}

static int refuse_prefix(const struct binding *binding, struct error *err)
{
    CLEANUP_BUF struct buf reason = BUF_INIT;
    buf_text_append(&reason, "no value begins with '");
    show_append(&reason, binding->from->args[0].bytes, binding->from->args[0].len);
    buf_u8(&reason, '\'');
    return refuse(binding, err, buf_text(&reason));
}

/* A prefix that no value begins with is as good as a misspelt value. */
static int bind_prefix(struct binding *binding, struct error *err)
{
    const struct grammar_text *text = &binding->from->args[0];
    struct value value;
    struct error why;
    if (value_parse(VALUE_TEXT, text->bytes, text->len, &value, &why))
        return refuse(binding, err, why.text);
    push_value(binding->to, &value);
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct catalog_literal condition = literal_condition(binding->to);
    int rc = catalog_select(binding->reader, &condition, &rows, err);
    if (rc < 0)
        return rc;
    return rowset_empty(rows) ? refuse_prefix(binding, err) : 0;
}

static int bind_has(struct binding *binding, struct error *err)
{
    return refuse(binding, err, "not supported yet ('.prefix' compares beginnings)");
}

/* `emb.rng=..` is any value at all. */
static bool asks_for_presence(const struct grammar_literal *from)
{
    return from->op == GRAMMAR_NULL || (from->op == GRAMMAR_RNG && !from->args[0].len && !from->args[1].len);
}

/* Two lists that look alike rarely are: what clips are like is asked of numbers and texts. */
static int refuse_list(const struct binding *binding, struct error *err)
{
    CLEANUP_BUF struct buf reason = BUF_INIT, name = BUF_INIT;
    struct grammar_text zero = {(char *)(uintptr_t) "0", 1};
    struct grammar_literal remedy = {
        .key = binding->from->key, .op = GRAMMAR_NULL, .args = &zero, .arg_count = 1};
    grammar_print_literal(&name, &remedy);
    buf_printf(&reason, "a list is not compared: ask for the clips that have one (%s)", buf_text(&name));
    return refuse(binding, err, buf_text(&reason));
}

typedef int bind_fn(struct binding *binding, struct error *err);

static bind_fn *const bind_ops[GRAMMAR_OPS] = {
    [GRAMMAR_EQ] = bind_known_values,  [GRAMMAR_NE] = bind_known_values, [GRAMMAR_IN] = bind_known_values,
    [GRAMMAR_NIN] = bind_known_values, [GRAMMAR_LT] = bind_bound,        [GRAMMAR_LE] = bind_bound,
    [GRAMMAR_GT] = bind_bound,         [GRAMMAR_GE] = bind_bound,        [GRAMMAR_RNG] = bind_range,
    [GRAMMAR_PREFIX] = bind_prefix,    [GRAMMAR_HAS] = bind_has,         [GRAMMAR_NULL] = bind_null,
};

static int refuse_attribute(const struct binding *binding, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    struct catalog_info info;
    int rc = catalog_info(binding->reader, &info, err);
    if (rc < 0)
        return rc;
    show_append(&shown, binding->from->key.bytes, binding->from->key.len);
    binding->why->kind = REFUSAL_ATTRIBUTE;
    return error_set(err, ENOENT, "no attribute '%s' in v%u", buf_text(&shown), info.version);
}

static int bind_literal(struct binding *binding, struct error *err)
{
    const struct grammar_literal *from = binding->from;
    if (from->event)
        return refuse(binding, err,
                      "attributes of events are asked for after @cut, which is not supported yet");
    int rc =
        catalog_attribute_find(binding->reader, from->key.bytes, from->key.len, &binding->attribute, err);
    if (rc < 0)
        return rc == -ENOENT ? refuse_attribute(binding, err) : rc;
    *binding->to = (struct literal){.attribute = binding->attribute.id,
                                    .name = mem_text(binding->attribute.name),
                                    .op = from->op,
                                    .values = mem_zero((from->arg_count + 1) * sizeof *binding->to->values)};
    if (binding->attribute.type == VALUE_LIST && !asks_for_presence(from))
        return refuse_list(binding, err);
    return bind_ops[from->op](binding, err);
}

static int refuse_stage(const struct grammar_component *component, struct error *err)
{
    return error_set(err, ENOENT, "stage @%s is not supported yet", grammar_stage_name(component->stage));
}

static int bind_stage(const struct grammar_component *component, struct catalog_reader *reader,
                      struct clause **ret, struct refusal *why, struct error *err)
{
    struct since *since = NULL;
    if (component->stage != GRAMMAR_SINCE)
        return refuse_stage(component, err);
    int rc = since_bind(component, reader, &since, why, err);
    if (!rc)
        *ret = clause_new_since(since);
    return rc;
}

static int bind_literals(const struct grammar_component *component, struct catalog_reader *reader,
                         struct clause **ret, struct refusal *why, struct error *err)
{
    struct literal *literals = mem_zero(component->literal_count * sizeof *literals);
    size_t bound = 0;
    int rc = 0;
    while (!rc && bound < component->literal_count) {
        struct binding binding = {
            .from = &component->literals[bound], .reader = reader, .to = &literals[bound], .why = why};
        why->literal = bound;
        rc = bind_literal(&binding, err);
        bound++;
    }
    if (!rc) {
        *ret = clause_new(literals, bound);
        return 0;
    }
    for (size_t i = 0; i < bound; i++)
        literal_done(&literals[i]);
    free(literals);
    return rc;
}

int bind_component(const struct grammar_component *component, struct catalog_reader *reader,
                   struct clause **ret, struct refusal *ret_why, struct error *err)
{
    struct refusal why = {0};
    int rc = component->kind == GRAMMAR_KIND_STAGE ? bind_stage(component, reader, ret, &why, err)
                                                   : bind_literals(component, reader, ret, &why, err);
    if (rc && ret_why)
        *ret_why = why;
    return rc;
}
