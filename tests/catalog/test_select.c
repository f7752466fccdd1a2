// SPDX-License-Identifier: Apache-2.0
/*
 * Random clips in several imports, some of them replaced, against a naive model: a list of values a clip.
 * Every operator on every attribute. The seed is printed and taken from ELIDEFS_SEED; ROWS clips are made
 * (default 3,000; more than 65,536 give several parts).
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "index/base/words.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { VALUES_MAX = 3, ATTRIBUTES = 12, TEXT_BYTES = 24 };

struct shape {
    const char *name;
    enum value_type type;
    bool multi;
    unsigned different; /* about as many values */
    unsigned percent;   /* of clips that have it */
};
static const struct shape shapes[ATTRIBUTES] = {
    {"arm", VALUE_TEXT, false, 2, 100},       {"object", VALUE_TEXT, false, 300, 80},
    {"name", VALUE_TEXT, false, 1000000, 90}, {"tags", VALUE_TEXT, true, 40, 60},
    {"ok", VALUE_BOOL, false, 2, 70},         {"flags", VALUE_BOOL, true, 2, 50},
    {"index", VALUE_INT, false, 1000000, 95}, {"fps", VALUE_INT, false, 5, 100},
    {"codes", VALUE_INT, true, 6000, 50},     {"force", VALUE_FLOAT, false, 1000000, 85},
    {"day", VALUE_TIME, false, 5000000, 90},  {"duration", VALUE_DURATION, false, 700, 100}};

struct cell {
    uint32_t count;
    struct value values[VALUES_MAX];
    char texts[VALUES_MAX][TEXT_BYTES];
};
struct model {
    uint32_t rows;
    struct cell (*cells)[ATTRIBUTES];
};

static uint64_t state;

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void random_value(const struct shape *shape, struct value *value, char *text)
{
    uint64_t pick = random_u64() % shape->different;
    *value = (struct value){.type = shape->type};
    switch (shape->type) {
    case VALUE_BOOL:
        value->boolean = pick & 1;
        break;
    case VALUE_INT:
        value->integer = (int64_t)pick - shape->different / 3;
        if (random_u64() % 500 == 0)
            value->integer = random_u64() & 1 ? INT64_MIN : INT64_MAX;
        break;
    case VALUE_FLOAT:
        value->real = ((double)pick - 500000) / (random_u64() % 2 ? 8 : 7);
        if (random_u64() % 500 == 0)
            value->real = random_u64() & 1 ? INFINITY : -INFINITY;
        value->real += 0.0;
        break;
    case VALUE_TEXT:
        snprintf(text, TEXT_BYTES, "%s%llu", pick % 3 ? "v" : "\xc3\xa9", (unsigned long long)pick);
        value->text = text;
        value->len = strlen(text);
        break;
    case VALUE_TIME:
        value->integer =
            1770000000000000000 + (int64_t)pick * 1000000000 + (int64_t)(random_u64() % 4) * 250000000;
        break;
    case VALUE_DURATION:
        value->integer = (int64_t)pick * 33333333;
        break;
    case VALUE_LIST: /* not compared: test_lists.c */
        break;
    }
}

static int compare_values(const void *a, const void *b)
{
    return value_compare(a, b);
}

static void random_cell(const struct shape *shape, struct cell *cell)
{
    cell->count = 0;
    if (random_u64() % 100 >= shape->percent)
        return;
    uint32_t count = shape->multi ? 1 + (uint32_t)(random_u64() % VALUES_MAX) : 1;
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        random_value(shape, &value, cell->texts[cell->count]);
        bool twice = false;
        for (uint32_t k = 0; k < cell->count; k++)
            twice |= !value_compare(&cell->values[k], &value);
        if (!twice)
            cell->values[cell->count++] = value;
    }
    qsort(cell->values, cell->count, sizeof *cell->values, compare_values);
}

static void put_clip(struct changeset *set, uint32_t row, int print, struct cell *cells)
{
    char key[16];
    snprintf(key, sizeof key, "ep%06u", row);
    set_clip(set, key, print);
    for (int a = 0; a < ATTRIBUTES; a++) {
        random_cell(&shapes[a], &cells[a]);
        for (uint32_t i = 0; i < cells[a].count; i++)
            cr_assert_eq(changeset_value(set, shapes[a].name, &cells[a].values[i], NULL), 0);
    }
}

/* The last import of three replaces every seventh clip and adds others, which stay in the tail. */
static void make(struct versions *versions, struct model *model, uint32_t rows)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.tail_rows = rows / 2;
    versions->limits = &limits;
    model->rows = rows;
    model->cells = calloc(rows, sizeof *model->cells);
    uint32_t next = 0;
    for (int import = 0; import < 3; import++) {
        struct changeset *set = changeset_new();
        for (int a = 0; a < ATTRIBUTES; a++)
            set_attribute(set, shapes[a].name, shapes[a].type, shapes[a].multi);
        uint32_t first = next, end = import == 2 ? rows : next + rows / 3;
        for (; next < end; next++)
            put_clip(set, next, (int)next, model->cells[next]);
        for (uint32_t row = 0; import == 2 && row < first; row += 7)
            put_clip(set, row, (int)(row + rows), model->cells[row]);
        cr_assert_eq(versions_apply(versions, set), 0, "%s", versions->err.text);
    }
    versions->limits = NULL;
}

static bool in_range(const struct catalog_literal *l, const struct value *value)
{
    int low = l->open_low ? 1 : value_compare(value, &l->values[0]),
        high = l->open_high ? -1 : value_compare(value, &l->values[1]);
    return (low > 0 || (low == 0 && l->inclusive_low)) && (high < 0 || (high == 0 && l->inclusive_high));
}

static bool value_holds(const struct catalog_literal *l, const struct value *value)
{
    if (l->op == CATALOG_RANGE)
        return in_range(l, value);
    if (catalog_op_is_printed(l->op)) {
        struct buf text = BUF_INIT;
        const struct value *wanted = &l->values[0];
        value_print(&text, value);
        size_t from = l->op == CATALOG_SUFFIX ? text.len - wanted->len : 0;
        bool matches =
            l->op == CATALOG_WORDS
                ? words_all_in(buf_text(&text), text.len, wanted->text, wanted->len)
                : text.len >= wanted->len && !memcmp(buf_text(&text) + from, wanted->text, wanted->len);
        buf_done(&text);
        return matches;
    }
    for (size_t i = 0; i < l->count; i++)
        if (!value_compare(value, &l->values[i]))
            return true;
    return false;
}

static bool holds(const struct catalog_literal *l, const struct cell *cell)
{
    bool some = false;
    if (l->op == CATALOG_NULL)
        return !cell->count;
    if (l->op == CATALOG_HAS)
        return cell->count;
    for (uint32_t i = 0; i < cell->count; i++)
        some |= value_holds(l, &cell->values[i]);
    return l->op == CATALOG_NE ? cell->count && !some : some;
}

/* A value that some clip has, or one made up. */
static struct value pick(const struct model *model, int a, char *text)
{
    for (int i = 0; i < 20 && random_u64() % 8; i++) {
        const struct cell *cell = &model->cells[random_u64() % model->rows][a];
        if (cell->count)
            return cell->values[random_u64() % cell->count];
    }
    struct value value;
    random_value(&shapes[a], &value, text);
    return value;
}

static void random_literal(const struct model *model, int a, struct catalog_literal *l,
                           struct value values[4], char texts[4][64])
{
    *l =
        (struct catalog_literal){.op = (enum catalog_op)(random_u64() % (CATALOG_HAS + 1)), .values = values};
    l->count = l->op == CATALOG_RANGE ? 2 : catalog_op_is_printed(l->op) ? 1 : 1 + random_u64() % 4;
    for (size_t i = 0; i < l->count; i++)
        values[i] = pick(model, a, texts[i]);
    l->open_low = random_u64() % 4 == 0, l->open_high = random_u64() % 4 == 0;
    l->inclusive_low = random_u64() % 2, l->inclusive_high = random_u64() % 2;
    if (catalog_op_is_printed(l->op)) {
        struct buf text = BUF_INIT;
        value_print(&text, &values[0]);
        size_t len = text.len ? random_u64() % (text.len + 1) : 0;
        len = len < 63 ? len : 63;
        memcpy(texts[3], buf_text(&text) + (l->op == CATALOG_PREFIX ? 0 : text.len - len), len);
        values[0] = (struct value){.type = VALUE_TEXT, .text = texts[3], .len = len};
        buf_done(&text);
    }
}

static void check_literal(struct versions *versions, const struct model *model, int a,
                          const struct catalog_literal *l)
{
    struct rowset *rows;
    struct error err = {0};
    uint64_t count = 0, guess;
    cr_assert_eq(catalog_select(versions->reader, l, &rows, &err), 0, "%s", err.text);
    for (uint32_t row = 0; row < model->rows; row++) {
        bool want = holds(l, &model->cells[row][a]);
        cr_assert_eq(rowset_contains(rows, row), want, "%s, op %d, row %u: want %d", shapes[a].name,
                     (int)l->op, row, want);
        count += want;
    }
    cr_assert_eq(rowset_count(rows), count);
    cr_assert_eq(catalog_estimate(versions->reader, l, &guess, &err), 0, "%s", err.text);
    cr_assert_leq(guess, model->rows);
    if (l->op == CATALOG_HAS || l->op == CATALOG_NULL)
        cr_assert_eq(guess, count);
    rowset_unref(rows);
}

struct tally {
    const struct model *model;
    int attribute;
    struct value last;
    char text[TEXT_BYTES];
    uint64_t values, clips;
};

static int tally_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct tally *tally = ctx;
    if (tally->values++)
        cr_assert_lt(value_compare(&tally->last, value), 0, "values are not in order");
    tally->last = *value;
    if (value->type == VALUE_TEXT) {
        memcpy(tally->text, value->text, value->len);
        tally->last.text = tally->text;
    }
    tally->clips += clips;
    return 0;
}

static void check_attribute(struct versions *versions, const struct model *model, int a, uint32_t *ret_id)
{
    struct catalog_attribute attribute;
    struct error err = {0};
    struct tally tally = {.model = model, .attribute = a};
    uint64_t clips = 0, values = 0;
    for (uint32_t row = 0; row < model->rows; row++)
        clips += model->cells[row][a].count > 0, values += model->cells[row][a].count;
    cr_assert_eq(
        catalog_attribute_find(versions->reader, shapes[a].name, strlen(shapes[a].name), &attribute, &err),
        0);
    struct catalog_counts counts;
    cr_assert_eq(catalog_attribute_counts(versions->reader, attribute.id, &counts, &err), 0, "%s", err.text);
    cr_assert_eq(counts.clips, clips, "%s", shapes[a].name);
    cr_assert_eq(catalog_values(versions->reader, attribute.id, tally_value, &tally, &err), 0, "%s",
                 err.text);
    cr_assert_eq(tally.clips, values, "%s", shapes[a].name);
    cr_assert_leq(tally.values, counts.distinct, "%s: %llu values, %llu said", shapes[a].name,
                  (unsigned long long)tally.values, (unsigned long long)counts.distinct);
    *ret_id = attribute.id;
}

struct told {
    const struct cell *cells;
    uint32_t count;
};

static int tell_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct told *told = ctx;
    int a = 0;
    while (strcmp(shapes[a].name, attribute->name) != 0)
        a++;
    bool found = false;
    for (uint32_t i = 0; i < told->cells[a].count; i++)
        found |= !value_compare(&told->cells[a].values[i], value);
    cr_assert(found, "%s", attribute->name);
    told->count++;
    return 0;
}

static void check_some(struct versions *versions, const struct model *model, uint32_t row)
{
    struct catalog_attribute found;
    struct error err = {0};
    for (int a = 0; a < ATTRIBUTES; a++) {
        struct told told = {.cells = model->cells[row]};
        cr_assert_eq(
            catalog_attribute_find(versions->reader, shapes[a].name, strlen(shapes[a].name), &found, &err), 0,
            "%s", err.text);
        const struct catalog_some some = {&found.id, 1};
        cr_assert_eq(catalog_clip_some(versions->reader, row, &some, tell_value, &told, &err), 0, "%s",
                     err.text);
        cr_assert_eq(told.count, model->cells[row][a].count, "%s", shapes[a].name);
    }
}

static void check_clips(struct versions *versions, const struct model *model)
{
    for (uint32_t row = 0; row < model->rows; row += 1 + (uint32_t)(random_u64() % 50)) {
        struct told told = {.cells = model->cells[row]};
        struct error err = {0};
        struct buf json = BUF_INIT;
        uint32_t count = 0;
        for (int a = 0; a < ATTRIBUTES; a++)
            count += model->cells[row][a].count;
        cr_assert_eq(catalog_clip_values(versions->reader, row, tell_value, &told, &err), 0, "%s", err.text);
        cr_assert_eq(told.count, count);
        check_some(versions, model, row);
        cr_assert_eq(catalog_json(versions->reader, row, &json, &err), 0, "%s", err.text);
        buf_done(&json);
    }
}

Test(select, every_operator_on_every_attribute_agrees_with_a_naive_model)
{
    const char *rows = getenv("ROWS");
    state = test_seed();
    struct versions versions;
    struct model model;
    versions_init(&versions);
    make(&versions, &model, rows ? (uint32_t)strtoul(rows, NULL, 10) : 9000);
    for (int a = 0; a < ATTRIBUTES; a++) {
        uint32_t id;
        check_attribute(&versions, &model, a, &id);
        for (int i = 0; i < 60; i++) {
            struct catalog_literal literal;
            struct value values[4];
            char texts[4][64];
            random_literal(&model, a, &literal, values, texts);
            literal.attribute = id;
            check_literal(&versions, &model, a, &literal);
        }
    }
    check_clips(&versions, &model);
    free(model.cells);
    versions_done(&versions);
    check_leaks();
}

Test(select, not_equal_means_has_it_and_no_value_equals)
{
    struct versions v;
    struct rowset *rows;
    struct catalog_attribute tags;
    struct changeset *set = changeset_new();
    versions_init(&v);
    set_attribute(set, "tags", VALUE_TEXT, true);
    set_clip(set, "a", 1), set_value(set, "tags", VALUE_TEXT, "x"), set_value(set, "tags", VALUE_TEXT, "y");
    set_clip(set, "b", 2), set_value(set, "tags", VALUE_TEXT, "y");
    set_clip(set, "c", 3);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(catalog_attribute_find(v.reader, "tags", 4, &tags, &v.err), 0);
    struct value x = value_of(VALUE_TEXT, "x"), number = value_of(VALUE_INT, "1");
    struct catalog_literal literal = {.attribute = tags.id, .op = CATALOG_NE, .values = &x, .count = 1};
    cr_assert_eq(catalog_select(v.reader, &literal, &rows, &v.err), 0, "%s", v.err.text);
    cr_assert(rowset_count(rows) == 1 && rowset_contains(rows, 1));
    rowset_unref(rows);
    literal.values = &number;
    cr_assert_eq(catalog_select(v.reader, &literal, &rows, &v.err), -EINVAL, "a value of another type");
    versions_done(&v);
    check_leaks();
}
