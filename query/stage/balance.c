// SPDX-License-Identifier: Apache-2.0
/*
 * @balance=KEY[,VALUE,WEIGHT...]: of each value's clips as many as the weights allow, chosen by the hashes of
 * their keys, in the order in which they stood. Without weights all values have the same. Who has one failure
 * in twenty asks for @balance=outcome,ok,1,fail,1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/set.h"
#include "query/stage/read.h"
#include "query/stage/there.h"

#include "query/order/choose.h"
#include "query/show.h"

enum { WEIGHT_MAX = 1000000 };

struct balance {
    struct catalog_attribute attribute;
    size_t count;
    struct choose_weight list[]; /* by value, no two equal; texts are owned */
};

static void free_balance(void *bound)
{
    struct balance *balance = bound;
    for (size_t i = 0; i < balance->count; i++)
        if (balance->list[i].value.type == VALUE_TEXT)
            free((char *)(uintptr_t)balance->list[i].value.text);
    free(balance);
}

/* The argument is a value that some clip has. */
static int read_value(const struct grammar_text *arg, const struct catalog_attribute *attribute,
                      struct catalog_reader *reader, struct value *ret, struct refusal *why,
                      struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    struct error reason;
    if (value_parse(attribute->type, arg->bytes, arg->len, ret, &reason))
        return error_set(err, ENOENT, "@balance: %s: %s", attribute->name, reason.text);
    int rc = catalog_value_known(reader, attribute->id, ret, err);
    if (rc)
        return rc;
    show_append(&shown, arg->bytes, arg->len);
    why->kind = REFUSAL_VALUE;
    why->attribute = *attribute;
    return error_set(err, ENOENT, "@balance: %s has no value '%s'", attribute->name, buf_text(&shown));
}

static int add_weight(struct balance *balance, const struct grammar_text args[2],
                      struct catalog_reader *reader, struct refusal *why, struct error *err)
{
    struct choose_weight weight;
    int rc = read_value(&args[0], &balance->attribute, reader, &weight.value, why, err);
    if (rc > 0)
        rc = read_decimal(&stage_balance, &args[1], "a weight", (uint64_t)WEIGHT_MAX * 1000000,
                          &weight.weight, err);
    size_t at = balance->count;
    while (!rc && at > 0 && value_compare(&balance->list[at - 1].value, &weight.value) > 0)
        at--;
    if (!rc && at > 0 && value_compare(&balance->list[at - 1].value, &weight.value) == 0)
        rc = stage_refuse(&stage_balance, err, "a value has two weights");
    if (rc < 0)
        return rc;
    if (weight.value.type == VALUE_TEXT)
        weight.value.text = mem_copy(weight.value.text, weight.value.len);
    memmove(&balance->list[at + 1], &balance->list[at], (balance->count - at) * sizeof weight);
    balance->list[at] = weight;
    balance->count++;
    return 0;
}

/* Some weight is more than 0, or there is none at all. */
static bool weighs(const struct balance *balance)
{
    size_t i = 0;
    while (i < balance->count && !balance->list[i].weight)
        i++;
    return !balance->count || i < balance->count;
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct balance *balance = mem_zero(sizeof *balance + count * sizeof *balance->list);
    int rc = count % 2 ? 0 : stage_refuse(&stage_balance, err, "a value without a weight");
    if (!rc)
        rc = read_attribute(&stage_balance, args, 0, reader, &balance->attribute, why, err);
    if (!rc && balance->attribute.multi)
        rc = stage_refuse(&stage_balance, err,
                          "a clip may have several values of '%s', and would count for each",
                          balance->attribute.name);
    for (size_t i = 1; !rc && i < count; i += 2) {
        why->arg = i;
        rc = add_weight(balance, args + i, reader, why, err);
    }
    if (!rc && !weighs(balance))
        rc = stage_refuse(&stage_balance, err, "no clip can be in a balance where every weight is 0");
    if (rc < 0)
        free_balance(balance);
    else
        *ret = balance;
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct balance *balance = bound;
    stage_print(buf, "%s", balance->attribute.name);
    for (size_t i = 0; i < balance->count; i++) {
        CLEANUP_BUF struct buf value = BUF_INIT, weight = BUF_INIT;
        value_print(&value, &balance->list[i].value);
        print_decimal(&weight, balance->list[i].weight);
        stage_print(buf, "%s", buf_text(&value));
        stage_print(buf, "%s", buf_text(&weight));
    }
}

/* As weights of another type's values. What cannot be one of them stays as it is: equal to none. */
static void convert(struct choose_weight *list, size_t count, enum value_type type, struct buf *printed)
{
    for (size_t i = 0; i < count; i++) {
        struct value value;
        value_print(&printed[i], &list[i].value);
        if (!value_parse(type, buf_text(&printed[i]), printed[i].len, &value, NULL))
            list[i].value = value;
    }
}

static int choose_converted(const struct balance *balance, const struct catalog_attribute *there,
                            struct catalog_reader *reader, const struct rowset *rows, struct rowset **ret,
                            struct error *err)
{
    CLEANUP_FREE struct choose_weight *list = mem_copy(balance->list, balance->count * sizeof *list);
    CLEANUP_FREE struct buf *printed = mem_zero(balance->count * sizeof *printed); /* texts are here */
    convert(list, balance->count, there->type, printed);
    int rc = choose_balanced(reader, rows, there->id, list, balance->count, ret, err);
    for (size_t i = 0; i < balance->count; i++)
        buf_done(&printed[i]);
    return rc;
}

static int choose(const struct balance *balance, struct catalog_reader *reader, const struct rowset *rows,
                  struct rowset **ret, struct error *err)
{
    struct catalog_attribute there;
    int rc = there_attribute(reader, &balance->attribute, &there, err);
    if (!rc)
        *ret = rowset_new();
    if (rc <= 0)
        return rc;
    if (balance->count && there.type != balance->attribute.type)
        return choose_converted(balance, &there, reader, rows, ret, err);
    return choose_balanced(reader, rows, there.id, balance->count ? balance->list : NULL, balance->count, ret,
                           err);
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *chosen = NULL;
    int rc = choose(bound, reader, rows, &chosen, err);
    if (!rc)
        *ret = set_new_kept(set, chosen);
    return rc;
}

/* "@balance: 13 of 16 clips lack 'mood', and are left out" */
static int tell(const void *bound, struct catalog_reader *reader, struct set *set, struct buf *buf,
                struct error *err)
{
    const struct balance *balance = bound;
    const struct catalog_literal none = {.attribute = balance->attribute.id, .op = CATALOG_NULL};
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *without = NULL, *lacking = NULL;
    int rc = catalog_select(reader, &none, &without, err);
    if (rc < 0)
        return rc;
    lacking = rowset_copy(without);
    rowset_and(lacking, rows);
    if (!rowset_empty(lacking))
        buf_printf(buf, "@balance: %" PRIu64 " of %s lack '%s', and are left out\n", rowset_count(lacking),
                   COUNT(set_count(set), "clip"), balance->attribute.name);
    return 0;
}

const struct stage stage_balance = {
    .name = "balance",
    .usage = "ATTRIBUTE[,VALUE,WEIGHT...]",
    .help = "as many of each value as the weights allow",
    .bind = bind,
    .free = free_balance,
    .print = print,
    .tell = tell,
    .apply = apply,
};
