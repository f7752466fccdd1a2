// SPDX-License-Identifier: Apache-2.0
/* What several operators do with their arguments. */
#include "query/op/binding.h"

#include <errno.h>

#include "query/show.h"

int binding_refuse(const struct binding *binding, struct error *err, const char *reason)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    const struct grammar_literal *from = binding->from;
    show_append(&shown, from->key.bytes, from->key.len);
    return error_set(err, ENOENT, "%s%s%s%s: %s", from->event ? "event." : "", buf_text(&shown),
                     *from->op->name ? "." : "", from->op->name, reason);
}

int binding_value(const struct binding *binding, size_t arg, struct value *ret, struct error *err)
{
    const struct grammar_text *text = &binding->from->args[arg];
    struct error why;
    if (!value_parse(binding->attribute.type, text->bytes, text->len, ret, &why))
        return 0;
    binding->why->kind = REFUSAL_TYPE;
    binding->why->arg = arg;
    binding->why->attribute = binding->attribute;
    return binding_refuse(binding, err, why.text);
}

void binding_push(struct binding *binding, const struct value *value)
{
    struct value *to = &binding->to->values[binding->to->count++];
    *to = *value;
    if (value->type == VALUE_TEXT)
        to->text = mem_copy(value->text, value->len);
}

void binding_push_lacks(struct binding *binding, bool lacks)
{
    binding->to->op = &op_null;
    binding_push(binding, &(struct value){.type = VALUE_INT, .integer = lacks});
}

static int refuse_text(const struct binding *binding, const char *what, struct error *err)
{
    CLEANUP_BUF struct buf reason = BUF_INIT;
    buf_printf(&reason, "no value %s '", what);
    show_append(&reason, binding->from->args[0].bytes, binding->from->args[0].len);
    buf_u8(&reason, '\'');
    return binding_refuse(binding, err, buf_text(&reason));
}

int binding_text(struct binding *binding, const char *what, struct error *err)
{
    const struct grammar_text *text = &binding->from->args[0];
    struct value value;
    struct error why;
    if (value_parse(VALUE_TEXT, text->bytes, text->len, &value, &why))
        return binding_refuse(binding, err, why.text);
    binding_push(binding, &value);
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct catalog_literal condition = literal_condition(binding->to);
    int rc = catalog_select(binding->reader, &condition, &rows, err);
    if (rc < 0)
        return rc;
    return rowset_empty(rows) ? refuse_text(binding, what, err) : 0;
}
