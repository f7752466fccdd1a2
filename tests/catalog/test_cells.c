// SPDX-License-Identifier: Apache-2.0
/*
 * What a data set goes through, in random order, against a plain table of what each clip has: imported,
 * labelled, taken back, removed, given again, restored; attributes renamed, dropped, widened, made text; runs
 * merged and folded. After each step everything a reader can be asked is compared. The seed is printed and
 * taken from ELIDEFS_SEED; STEPS says how many (default 30).
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/catalog/cells_model.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

/* ---- what readers are asked ---- */

struct told {
    struct value *values;
    char (*texts)[TEXT_BYTES];
    uint64_t *clips;
    size_t count;
};

static int tell(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct told *told = ctx;
    size_t i = told->count++;
    told->values[i] = *value;
    if (value->type == VALUE_TEXT) {
        memcpy(told->texts[i], value->text, value->len + 1);
        told->values[i].text = told->texts[i];
    }
    told->clips[i] = clips;
    return 0;
}

static size_t model_values(const struct model *model, size_t s, struct value *list)
{
    size_t count = 0;
    for (uint32_t i = 0; i < model->count; i++)
        for (uint32_t n = 0; model->clips[i].live && n < model->clips[i].cells[s].count; n++)
            list[count++] = model->clips[i].cells[s].values[n];
    qsort(list, count, sizeof *list, model_compare);
    return count;
}

static size_t check_values(struct model *model, size_t s, const struct catalog_attribute *attribute)
{
    size_t room = (size_t)model->count * VALUES_MAX + 1, at = 0;
    struct value *list = malloc(room * sizeof *list);
    struct told told = {malloc(room * sizeof *told.values), malloc(room * TEXT_BYTES),
                        malloc(room * sizeof *told.clips), 0};
    size_t count = model_values(model, s, list);
    cr_assert_eq(catalog_values(model->v.reader, attribute->id, tell, &told, &model->v.err), 0, "%s",
                 model->v.err.text);
    for (size_t i = 0, end; i < count; i = end, at++) {
        for (end = i + 1; end < count && !value_compare(&list[i], &list[end]); end++)
            ;
        cr_assert_lt(at, told.count);
        cr_assert_eq(value_compare(&told.values[at], &list[i]), 0, "%s: another value", attribute->name);
        cr_assert_eq(told.clips[at], end - i, "%s: %zu clips, not %zu", attribute->name,
                     (size_t)told.clips[at], end - i);
    }
    cr_assert_eq(told.count, at, "%s: %zu values, not %zu", attribute->name, told.count, at);
    free(list), free(told.values), free(told.texts), free(told.clips);
    return at;
}

static bool starts_with(const struct value *value, const struct value *prefix)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    return text.len >= prefix->len && !memcmp(buf_text(&text), prefix->text, prefix->len);
}

static bool holds_value(const struct catalog_literal *literal, const struct value *value)
{
    if (literal->op == CATALOG_PREFIX)
        return starts_with(value, literal->values);
    if (literal->op == CATALOG_RANGE)
        return value_compare(value, &literal->values[0]) >= 0 &&
               value_compare(value, &literal->values[1]) < 0;
    return !value_compare(value, literal->values);
}

static bool holds(const struct catalog_literal *literal, const struct cell *cell)
{
    bool some = false;
    if (literal->op == CATALOG_NULL || literal->op == CATALOG_HAS)
        return (literal->op == CATALOG_HAS) == (cell->count > 0);
    for (uint32_t n = 0; n < cell->count; n++)
        some |= holds_value(literal, &cell->values[n]);
    return literal->op == CATALOG_NE ? cell->count && !some : some;
}

static void check_literal(struct model *model, size_t s, const struct catalog_literal *literal)
{
    struct rowset *rows = NULL;
    uint64_t count = 0, guess;
    const char *name = model->slots[s].name;
    cr_assert_eq(catalog_select(model->v.reader, literal, &rows, &model->v.err), 0, "%s", model->v.err.text);
    for (uint32_t i = 0; i < model->count; i++) {
        bool is = model->clips[i].live && holds(literal, &model->clips[i].cells[s]);
        count += is;
        cr_assert_eq(rowset_contains(rows, model->clips[i].row), is, "%s: op %d of clip %u", name,
                     literal->op, i);
    }
    cr_assert_eq(rowset_count(rows), count);
    cr_assert_eq(catalog_estimate(model->v.reader, literal, &guess, NULL), 0);
    if (literal->op == CATALOG_HAS || literal->op == CATALOG_NULL)
        cr_assert_eq(guess, count);
    cr_assert_leq(guess, model->count);
    if (literal->op == CATALOG_EQ)
        cr_assert_eq(catalog_value_known(model->v.reader, literal->attribute, literal->values, NULL),
                     count > 0);
    rowset_unref(rows);
}

static void check_literals(struct model *model, size_t s, uint32_t id)
{
    static const enum catalog_op ops[] = {CATALOG_EQ, CATALOG_NE, CATALOG_RANGE, CATALOG_NULL, CATALOG_HAS};
    char texts[2][TEXT_BYTES];
    struct value values[2];
    model_value(&model->slots[s], &values[0], texts[0]);
    model_value(&model->slots[s], &values[1], texts[1]);
    const struct cell *cell = &model->clips[model_below(model->count)].cells[s];
    if (cell->count && model_below(2)) /* one that there is, or was */
        values[0] = cell->values[0];
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct catalog_literal literal = {
            .attribute = id, .op = ops[i], .values = values, .count = 1, .inclusive_low = true};
        check_literal(model, s, &literal);
    }
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, &values[0]);
    struct value prefix = {
        .type = VALUE_TEXT, .text = buf_text(&text), .len = model_below((uint32_t)text.len + 1)};
    check_literal(
        model, s,
        &(struct catalog_literal){.attribute = id, .op = CATALOG_PREFIX, .values = &prefix, .count = 1});
}

static void check_attribute(struct model *model, size_t s)
{
    const struct slot *slot = &model->slots[s];
    struct catalog_attribute attribute;
    uint64_t clips = 0;
    int rc =
        catalog_attribute_find(model->v.reader, slot->name, strlen(slot->name), &attribute, &model->v.err);
    for (uint32_t i = 0; i < model->count; i++)
        clips += model->clips[i].live && model->clips[i].cells[s].count;
    if (rc == -ENOENT && !clips) /* a label that nobody has got yet */
        return;
    cr_assert_eq(rc, 0, "%s", model->v.err.text);
    cr_assert_eq(attribute.type, slot->type);
    cr_assert_eq(attribute.multi, slot->multi);
    struct catalog_counts counts = versions_counts(&model->v, slot->name);
    cr_assert_eq(counts.clips, clips, "%s: %zu clips, not %zu", slot->name, (size_t)counts.clips,
                 (size_t)clips);
    size_t different = check_values(model, s, &attribute);
    enum { COMPARED_MAX = 4096 }; /* with more, values of several shards count in each */
    bool exact = (slot->multi || slot->type == VALUE_TEXT || slot->type == VALUE_BOOL) &&
                 counts.distinct <= COMPARED_MAX;
    cr_assert(exact ? counts.distinct == different : counts.distinct >= different, "%s: %zu values, not %zu",
              slot->name, (size_t)counts.distinct, different);
    check_literals(model, s, attribute.id);
}

static int count_blame(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       const struct catalog_origin *origin, struct error *err)
{
    void **both = ctx;
    const struct model *model = both[0];
    const struct clip *clip = both[1];
    size_t s = 0;
    while (strcmp(model->slots[s].name, attribute->name) != 0 || !model->slots[s].used)
        cr_assert_lt(++s, SLOTS);
    const struct cell *cell = &clip->cells[s];
    cr_assert_str_eq(origin->setter, model_setters[cell->setter]);
    cr_assert_eq(origin->version, cell->version, "%s: set in v%u, not v%u", attribute->name, origin->version,
                 cell->version);
    return 0;
}

static void check_clip(struct model *model, struct clip *clip)
{
    CLEANUP_BUF struct buf json = BUF_INIT, is = BUF_INIT;
    struct catalog_clip found;
    struct catalog_reader *reader = model->v.reader;
    if (!clip->live) {
        cr_assert_eq(catalog_json(reader, clip->row, &is, NULL), -ENOENT);
        return;
    }
    model_json(model, clip, &json);
    cr_assert_eq(catalog_json(reader, clip->row, &is, &model->v.err), 0, "%s", model->v.err.text);
    cr_assert_str_eq(buf_text(&is), buf_text(&json));
    cr_assert_eq(catalog_clip(reader, clip->row, &found, NULL), 0);
    cr_assert_eq(found.json_size, json.len);
    cr_assert_eq(found.json_changed, clip->changed, "%s: changed in v%u, not v%u", buf_text(&json),
                 found.json_changed, clip->changed);
    cr_assert_eq(catalog_blame(reader, clip->row, count_blame, (void *[]){model, clip}, &model->v.err), 0,
                 "%s", model->v.err.text);
}

static void check_since(struct model *model)
{
    struct rowset *rows = NULL;
    uint32_t since = model_below(model->v.head + 1);
    cr_assert_eq(catalog_changed_since(model->v.reader, since, true, &rows, &model->v.err), 0, "%s",
                 model->v.err.text);
    for (uint32_t i = 0; i < model->count; i++) {
        const struct clip *clip = &model->clips[i];
        cr_assert_eq(rowset_contains(rows, clip->row), clip->live && clip->changed > since);
    }
    rowset_unref(rows);
}

static void check(struct model *model)
{
    enum { CLIPS = 300 };
    model_note_changes(model);
    model_note_texts(model);
    for (size_t s = 0; s < SLOTS; s++)
        if (model->slots[s].used)
            check_attribute(model, s);
    for (int i = 0; i < CLIPS; i++)
        check_clip(model, &model->clips[model_below(model->count)]);
    check_since(model);
}

/* What is under way: 0: nothing, else the kind. */
static int kind_of_work(const struct model *model)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    CLEANUP_FREE char *path = versions_path(&model->v, model->v.head);
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT bytes FROM work", -1, &stmt, NULL), 0);
    int kind = sqlite3_step(stmt) == SQLITE_ROW ? *(const uint8_t *)sqlite3_column_blob(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return kind;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void go_through(bool purges)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.sample_groups = 8;

    struct model model = {.purges = purges};
    uint64_t seed = test_seed(), steps = number_of("STEPS", 30);
    model_seed(seed);
    limits.tail_rows =
        model_below(2) ? 700 : FIRST + 1500; /* in the latter case the first clips are in it, too */
    if (model_below(4)) { /* what is under way takes many commits, and meets all else that happens */
        limits.patched_rows = 1 + model_below(2000);
        limits.upkeep_bytes = 1 + model_below(model_below(2) ? 2000 : 60000);
        limits.small_set_bytes = SIZE_MAX;
    }
    model_init(&model, &limits);
    check(&model);
    for (uint64_t i = 0; i < steps; i++) {
        const char *step = model_step(&model);
        if (getenv("SHOW"))
            printf("v%u %s, kind %d under way\n", model.v.head, step, kind_of_work(&model)), fflush(stdout);
        check(&model);
    }
    model_done(&model);
    check_leaks();
}

Test(cells, whatever_happens_readers_see_what_a_plain_table_holds, .timeout = 600)
{
    go_through(false);
}

Test(cells, clips_that_are_purged_are_as_if_they_had_never_been_there_whatever_happens, .timeout = 600)
{
    go_through(true);
}
