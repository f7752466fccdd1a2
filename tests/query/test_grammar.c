// SPDX-License-Identifier: Apache-2.0
/* The path grammar: a table of golden lines, and random trees printed and parsed again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "query/grammar.h"
#include "tests/query/golden.h"
#include "tests/query/same.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static void parse_and_print(void *ctx, const char *input, size_t len, struct buf *result)
{
    CLEANUP_GRAMMAR struct grammar_component component = {0};
    struct error err;
    if (grammar_parse(input, len, &component, &err))
        buf_text_append(result, err.text);
    else
        grammar_print(result, &component);
}

Test(grammar, components_parse_and_print_as_the_table_says)
{
    cr_assert_eq(golden_check("grammar.txt", parse_and_print, NULL), 0);
    check_leaks();
}

/* ---- random trees ---- */

static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % below);
}

/* Mostly bytes that mean something somewhere. */
static struct grammar_text random_text(unsigned min)
{
    static const char telling[] = ".,+=@%/_-. event in";
    size_t len = min + draw(6);
    char *bytes = mem_zero(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = draw(3) ? telling[draw(sizeof telling)] : (char)draw(256);
    return (struct grammar_text){bytes, len};
}

static struct grammar_text *random_texts(size_t count)
{
    struct grammar_text *texts = mem_zero(count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = random_text(0);
    return texts;
}

static unsigned op_count(void)
{
    unsigned count = 0;
    while (op_at(count))
        count++;
    return count;
}

static unsigned stage_count(void)
{
    unsigned count = 0;
    while (stage_at(count))
        count++;
    return count;
}

static void random_component(struct grammar_component *ret)
{
    *ret = (struct grammar_component){0};
    if (draw(5) == 0) {
        ret->kind = GRAMMAR_KIND_STAGE;
        ret->stage = stage_at(draw(stage_count()));
        ret->arg_count = 1 + draw(3);
        ret->args = random_texts(ret->arg_count);
        return;
    }
    ret->literal_count = 1 + draw(3);
    ret->literals = mem_zero(ret->literal_count * sizeof *ret->literals);
    for (size_t i = 0; i < ret->literal_count; i++) {
        struct grammar_literal *literal = &ret->literals[i];
        literal->key = random_text(1);
        literal->event = draw(4) == 0 && !op_find(literal->key.bytes, literal->key.len);
        literal->op = op_at(draw(op_count()));
        const size_t counts[] = {[OP_ONE] = 1, [OP_LIST] = 1 + draw(4), [OP_RANGE] = 2};
        literal->arg_count = counts[literal->op->args];
        literal->args = random_texts(literal->arg_count);
    }
}

Test(grammar, what_is_printed_of_any_tree_parses_to_that_tree)
{
    uint64_t seed = test_seed();
    random_state = seed;
    for (int round = 0; round < 20000; round++) {
        CLEANUP_GRAMMAR struct grammar_component made = {0}, parsed = {0};
        CLEANUP_BUF struct buf text = BUF_INIT;
        struct error err = {0};
        random_component(&made);
        grammar_print(&text, &made);
        cr_assert_eq(grammar_parse(buf_text(&text), text.len, &parsed, &err), 0, "seed %llu round %d: %s: %s",
                     (unsigned long long)seed, round, buf_text(&text), err.text);
        cr_assert(same_component(&made, &parsed), "seed %llu round %d: %s", (unsigned long long)seed, round,
                  buf_text(&text));
    }
    check_leaks();
}

Test(grammar, no_attribute_of_an_event_is_called_like_an_operator)
{
    const struct op *op, *asked;
    for (size_t i = 0; (op = op_at(i)); i++)
        for (size_t k = 0; *op->name && (asked = op_at(k)); k++) {
            CLEANUP_GRAMMAR struct grammar_component parsed = {0};
            CLEANUP_FREE char *escaped = mem_printf("event.%%%02X%s%s%s=1..2", *op->name, op->name + 1,
                                                    *asked->name ? "." : "", asked->name),
                              *plain = mem_printf("event.%s%s%s=1..2", op->name, *asked->name ? "." : "",
                                                  asked->name);
            cr_assert_eq(grammar_parse(escaped, strlen(escaped), &parsed, NULL), -ENOENT, "%s", escaped);
            int rc = grammar_parse(plain, strlen(plain), &parsed, NULL);
            cr_assert_eq(rc, *asked->name ? -ENOENT : 0, "%s", plain);
            cr_assert(rc || (!parsed.literals[0].event && parsed.literals[0].op == op), "%s", plain);
        }
    check_leaks();
}

Test(grammar, printed_components_are_safe_for_shells_and_hive_readers)
{
    random_state = 7;
    for (int round = 0; round < 2000; round++) {
        CLEANUP_GRAMMAR struct grammar_component made = {0};
        CLEANUP_BUF struct buf text = BUF_INIT;
        random_component(&made);
        grammar_print(&text, &made);
        cr_assert_null(strpbrk(buf_text(&text), " /'\"\\$`*?[]{}()<>|&;!~#:\t\n"), "%s", buf_text(&text));
        cr_assert(!strchr("._", buf_text(&text)[0]), "%s", buf_text(&text));
    }
    check_leaks();
}

Test(grammar, a_component_that_is_too_long_is_refused)
{
    struct buf text = BUF_INIT;
    struct grammar_component component;
    buf_text_append(&text, "a=");
    memset(buf_room(&text, GRAMMAR_COMPONENT_MAX), 'x', GRAMMAR_COMPONENT_MAX);
    text.len += GRAMMAR_COMPONENT_MAX;
    cr_assert_eq(grammar_parse((const char *)text.data, text.len, &component, NULL), -ENAMETOOLONG);
    buf_done(&text);
    check_leaks();
}

Test(grammar, a_failed_parse_leaves_its_result_alone)
{
    struct grammar_component component = {.literal_count = 42};
    cr_assert_eq(grammar_parse("a=b+c.in=1,%", 12, &component, NULL), -ENOENT);
    cr_assert_eq(component.literal_count, 42);
    check_leaks();
}
