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
#include "tests/test_leaks.h"

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

static void random_component(struct grammar_component *ret)
{
    *ret = (struct grammar_component){0};
    if (draw(5) == 0) {
        ret->kind = GRAMMAR_KIND_STAGE;
        ret->stage = draw(GRAMMAR_STAGES);
        ret->arg_count = 1 + draw(3);
        ret->args = random_texts(ret->arg_count);
        return;
    }
    ret->literal_count = 1 + draw(3);
    ret->literals = mem_zero(ret->literal_count * sizeof *ret->literals);
    for (size_t i = 0; i < ret->literal_count; i++) {
        struct grammar_literal *literal = &ret->literals[i];
        literal->event = draw(4) == 0;
        literal->key = random_text(1);
        literal->op = op_at(draw(op_count()));
        const size_t counts[] = {[OP_ONE] = 1, [OP_LIST] = 1 + draw(4), [OP_RANGE] = 2};
        literal->arg_count = counts[literal->op->args];
        literal->args = random_texts(literal->arg_count);
    }
}

static bool same_texts(const struct grammar_text *a, size_t a_count, const struct grammar_text *b,
                       size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = a[i].len == b[i].len && !memcmp(a[i].bytes, b[i].bytes, a[i].len);
    return same;
}

static bool same_literal(const struct grammar_literal *a, const struct grammar_literal *b)
{
    return a->event == b->event && a->op == b->op && same_texts(&a->key, 1, &b->key, 1) &&
           same_texts(a->args, a->arg_count, b->args, b->arg_count);
}

static bool same_component(const struct grammar_component *a, const struct grammar_component *b)
{
    bool same = a->kind == b->kind && a->literal_count == b->literal_count && a->stage == b->stage &&
                same_texts(a->args, a->arg_count, b->args, b->arg_count);
    for (size_t i = 0; same && i < a->literal_count; i++)
        same = same_literal(&a->literals[i], &b->literals[i]);
    return same;
}

Test(grammar, what_is_printed_of_any_tree_parses_to_that_tree)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
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
