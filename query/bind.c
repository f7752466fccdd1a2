// SPDX-License-Identifier: Apache-2.0
/* What is the same for all conditions; what an operator makes of its arguments is its own (query/op/). */
#include "query/bind.h"

#include <errno.h>
#include <string.h>

#include "query/op/binding.h"
#include "query/show.h"

/* `emb.rng=..` is any value at all. */
static bool asks_for_presence(const struct grammar_literal *from)
{
    bool open = from->op->args == OP_RANGE && !from->args[0].len && !from->args[1].len;
    return open || from->op->types == OP_ANY;
}

/* Two lists that look alike rarely are: what clips are like is asked of numbers and texts. */
static int refuse_list(const struct binding *binding, struct error *err)
{
    CLEANUP_BUF struct buf reason = BUF_INIT, name = BUF_INIT;
    struct grammar_text zero = {(char *)(uintptr_t) "0", 1};
    struct grammar_literal remedy = {
        .key = binding->from->key, .op = &op_null, .args = &zero, .arg_count = 1};
    grammar_print_literal(&name, &remedy);
    buf_printf(&reason, "a list is not compared: ask for the clips that have one (%s)", buf_text(&name));
    return binding_refuse(binding, err, buf_text(&reason));
}

static int check_type(const struct binding *binding, struct error *err)
{
    if (binding->attribute.type == VALUE_LIST && !asks_for_presence(binding->from))
        return refuse_list(binding, err);
    if (binding->attribute.type == VALUE_BOOL && binding->from->op->types == OP_ORDERED)
        return binding_refuse(binding, err, "a boolean has no order: ask for =true or =false");
    return 0;
}

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
        return binding_refuse(binding, err,
                              "attributes of events are asked for after @cut, which is not supported yet");
    int rc =
        catalog_attribute_find(binding->reader, from->key.bytes, from->key.len, &binding->attribute, err);
    if (rc < 0)
        return rc == -ENOENT ? refuse_attribute(binding, err) : rc;
    *binding->to = (struct literal){.attribute = binding->attribute.id,
                                    .name = mem_text(binding->attribute.name),
                                    .op = from->op,
                                    .values = mem_zero((from->arg_count + 1) * sizeof *binding->to->values)};
    rc = check_type(binding, err);
    return rc ? rc : from->op->bind(binding, err);
}

static int bind_stage(const struct grammar_component *component, struct catalog_reader *reader,
                      struct clause **ret, struct refusal *why, struct error *err)
{
    const struct stage *stage = component->stage;
    void *bound = NULL;
    if (!stage->bind) {
        why->kind = REFUSAL_STAGE;
        return error_set(err, ENOENT, "stage @%s is not supported yet", stage->name);
    }
    int rc = stage->bind(component->args, component->arg_count, reader, &bound, why, err);
    if (!rc)
        *ret = clause_new_stage(stage, bound);
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
