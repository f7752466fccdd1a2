// SPDX-License-Identifier: Apache-2.0
/* Everything is drawn from one seed, which is printed and taken from ELIDEFS_SEED. */
#include "tests/catalog/shard_model.h"
#include "tests/test_seed.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct shape model_shapes[MODEL_SHAPES] = {
    {"few texts", VALUE_TEXT, false, 5, 6000},       {"many texts", VALUE_TEXT, false, 3000, 3000},
    {"several texts", VALUE_TEXT, true, 300, 2000},  {"long texts", VALUE_TEXT, false, 40, 6000},
    {"switch", VALUE_BOOL, false, 2, 3000},          {"few numbers", VALUE_INT, false, 7, 5000},
    {"many numbers", VALUE_INT, false, 60000, 4000}, {"several numbers", VALUE_INT, true, 500, 2000},
    {"floats", VALUE_FLOAT, false, 3000, 3000},      {"times", VALUE_TIME, false, 40000, 4000}};

static uint64_t state;

static uint64_t shard_random(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t shard_below(uint64_t bound)
{
    return shard_random() % bound;
}

/* ---- the plain list ---- */

bool model_has_column(const struct model *m)
{
    return !m->shape->multi && m->shape->type != VALUE_TEXT && m->shape->type != VALUE_BOOL;
}

static void make_value(const struct shape *shape, uint32_t i, struct value *value)
{
    *value = (struct value){.type = shape->type};
    if (shape->type == VALUE_TEXT) {
        char *text = mem_alloc(3000);
        int len =
            snprintf(text, 3000, "%s/%u", i % 3 ? "recorded in the kitchen" : "\xc3\xa9", i * 7919 % 100000);
        if (!strcmp(shape->name, "long texts"))
            for (uint32_t k = 0; k < 200 + i * 60; k++)
                text[len++] = 'a' + (char)(k % 26);
        text[len] = 0;
        value->text = text;
        value->len = i ? (size_t)len : 0; /* the empty text, too */
    } else if (shape->type == VALUE_BOOL) {
        value->boolean = i;
    } else if (shape->type == VALUE_FLOAT) {
        value->real = i == 1 ? INFINITY : i == 2 ? -INFINITY : ((double)i - 1000) / 8;
    } else {
        value->integer = i == 1 ? INT64_MIN : i == 2 ? INT64_MAX : ((int64_t)i - 1000) * 250000000;
    }
}

static int compare_values(const void *a, const void *b)
{
    return value_compare(a, b);
}

void model_init(struct model *m, const struct shape *shape)
{
    *m = (struct model){.shape = shape};
    m->values = mem_alloc(shape->values * sizeof *m->values);
    m->cells = mem_zero(MODEL_ROWS * sizeof *m->cells);
    m->counts = mem_zero(MODEL_ROWS);
    for (uint32_t i = 0; i < shape->values; i++)
        make_value(shape, i, &m->values[i]);
    qsort(m->values, shape->values, sizeof *m->values, compare_values);
}

void model_done(struct model *m)
{
    for (uint32_t i = 0; i < m->shape->values; i++)
        if (m->shape->type == VALUE_TEXT)
            free((char *)m->values[i].text);
    free(m->values);
    free(m->cells);
    free(m->counts);
}

/* Low values are the frequent ones. */
uint32_t model_index(const struct model *m)
{
    double even = (double)(shard_random() >> 11) / 9007199254740992.0;
    return (uint32_t)(even * even * m->shape->values);
}

/* ---- changes ---- */

void delta_note(struct delta *delta, uint32_t value, uint32_t row, bool gained)
{
    mem_grow(&delta->pairs, &delta->cap, delta->count + 1, sizeof *delta->pairs);
    delta->pairs[delta->count++] = (struct pair){value, row, gained};
}

static bool cell_has(const uint32_t *cell, uint32_t count, uint32_t value)
{
    for (uint32_t i = 0; i < count; i++)
        if (cell[i] == value)
            return true;
    return false;
}

/* The row gets other values, or none. */
static void relabel(struct model *m, struct delta *delta, uint32_t row, bool remove)
{
    uint32_t cell[MODEL_CELL_MAX], count = 0,
                                   want = remove            ? 0
                                          : m->shape->multi ? 1 + (uint32_t)shard_below(MODEL_CELL_MAX)
                                                            : 1;
    while (count < want) {
        uint32_t value = model_index(m);
        if (cell_has(cell, count, value))
            want--;
        else
            cell[count++] = value;
    }
    for (uint32_t i = 0; i < m->counts[row]; i++)
        if (!cell_has(cell, count, m->cells[row][i]))
            delta_note(delta, m->cells[row][i], row, false);
    for (uint32_t i = 0; i < count; i++)
        if (!cell_has(m->cells[row], m->counts[row], cell[i]))
            delta_note(delta, cell[i], row, true);
    if (count && !m->counts[row])
        rowset_add(delta->gained, row);
    if (!count && m->counts[row])
        rowset_add(delta->lost, row);
    memcpy(m->cells[row], cell, sizeof cell);
    m->counts[row] = (uint8_t)count;
}

int pair_compare(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool is_mine(const struct delta *delta, const struct pair *pair)
{
    return pair->row >= delta->first && pair->row < delta->end;
}

int delta_next(void *ctx, struct shard_change *ret, struct error *err)
{
    struct delta *delta = ctx;
    while (delta->at < delta->count && !is_mine(delta, &delta->pairs[delta->at]))
        delta->at++;
    if (delta->at == delta->count)
        return 0;
    uint32_t value = delta->pairs[delta->at].value;
    size_t end = delta->at, gained = 0, lost = 0;
    while (end < delta->count && delta->pairs[end].value == value)
        end++;
    mem_grow(&delta->rows, &delta->rows_cap, 2 * (end - delta->at), sizeof *delta->rows);
    uint32_t *lost_rows = delta->rows + (end - delta->at);
    for (; delta->at < end; delta->at++) {
        const struct pair *pair = &delta->pairs[delta->at];
        if (is_mine(delta, pair) && pair->gained)
            delta->rows[gained++] = pair->row;
        else if (is_mine(delta, pair))
            lost_rows[lost++] = pair->row;
    }
    *ret = (struct shard_change){.key = shard_key_of(&delta->model->values[value]),
                                 .gained = delta->rows,
                                 .lost = lost_rows,
                                 .gained_count = gained,
                                 .lost_count = lost};
    return 1;
}

void delta_rewind(void *ctx)
{
    ((struct delta *)ctx)->at = 0;
}

static uint64_t random_budget(void)
{
    return shard_below(3) ? UINT64_MAX : 1 + shard_below(60000);
}

struct shard_target model_target(const struct model *m, uint32_t number)
{
    return (struct shard_target){MODEL_ATTRIBUTE, m->shape->type, model_has_column(m), number};
}

/* Where it stands, or beside it. */
static void write_shard(struct db *db, struct model *m, struct delta *delta, uint32_t *shard)
{
    struct error err = {0};
    uint32_t was = *shard, *numbers = NULL;
    size_t count = 0;
    bool anew = shard_below(2), there = false;
    cr_assert_eq(shard_numbers_read(db, MODEL_ATTRIBUTE, &numbers, &count, &err), 0, "%s", err.text);
    for (size_t i = 0; i < count; i++)
        there |= numbers[i] == was;
    free(numbers);
    if (anew && there)
        *shard = shard_other_turn(was);
    const struct shard_old old = {&was, there};
    struct shard_target to = model_target(m, *shard);
    struct shard_source source = {delta_next, delta_rewind, delta};
    struct shard_presence presence = {delta->gained, delta->lost};
    struct shard_work work = SHARD_WORK_ALL;
    delta->first = shard_first(was);
    delta->end = shard_end(was);
    int rc;
    do {
        work.bytes = random_budget();
        rc = anew ? shard_make(db, &to, &old, &source, &presence, &work, &err)
                  : shard_update(db, &to, &source, &presence, &work, &err);
        cr_assert_geq(rc, 0, "%s: %s", m->shape->name, err.text);
    } while (rc == 1);
    cr_assert_eq(work.cursor.len, 0);
    shard_work_done(&work);
}

static void write_delta(struct db *db, struct model *m, struct delta *delta)
{
    if (delta->count)
        qsort(delta->pairs, delta->count, sizeof *delta->pairs, pair_compare);
    for (size_t i = 0; i < m->shard_count; i++)
        write_shard(db, m, delta, &m->shards[i]);
    free(delta->pairs);
    free(delta->rows);
    rowset_unref(delta->gained);
    rowset_unref(delta->lost);
}

struct delta delta_of(const struct model *m)
{
    return (struct delta){.model = m, .gained = rowset_new(), .lost = rowset_new()};
}

void model_seal(struct db *db, struct model *m)
{
    struct delta delta = delta_of(m);
    uint32_t base = m->regions++ << 16, run = shard_below(3) ? 1 : 40;
    m->shards[m->shard_count++] = shard_number(base, 0);
    for (uint32_t i = 0; i < m->shape->a_region; i += run) {
        uint32_t row = base + (uint32_t)shard_below(1 << 16);
        for (uint32_t k = 0; k < run && row + k < base + (1 << 16); k++)
            if (!m->counts[row + k])
                relabel(m, &delta, row + k, false);
    }
    write_delta(db, m, &delta);
}

void model_relabel(struct db *db, struct model *m)
{
    struct delta delta = delta_of(m);
    struct rowset *touched = rowset_new();
    uint32_t rows = m->regions << 16, count = 1 + (uint32_t)shard_below(shard_below(4) ? 300 : 8000);
    bool remove = shard_below(4) == 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = (uint32_t)shard_below(rows);
        for (int tries = 0; !m->counts[row] && tries < 20; tries++)
            row = (uint32_t)shard_below(rows);
        if (!rowset_contains(touched, row))
            relabel(m, &delta, row, remove);
        rowset_add(touched, row);
    }
    rowset_unref(touched);
    write_delta(db, m, &delta);
}

/* Four of a level that lie side by side, if there are. */
void model_merge(struct db *db, struct model *m)
{
    struct error err = {0};
    for (size_t i = 0; i + SHARD_MERGES <= m->shard_count; i++) {
        uint32_t *from = &m->shards[i], level = shard_level(*from);
        uint32_t number = shard_number(shard_first(*from), level + 1);
        if (level == SHARD_LEVEL_MAX || shard_first(number) != shard_first(*from) ||
            shard_level(from[3]) != level || shard_end(from[3]) != shard_end(number))
            continue;
        struct shard_target to = model_target(m, number);
        struct shard_work work = SHARD_WORK_ALL;
        int rc;
        do {
            work.bytes = random_budget();
            rc = shard_make(db, &to, &(struct shard_old){from, SHARD_MERGES}, NULL, NULL, &work, &err);
            cr_assert_geq(rc, 0, "%s: %s", m->shape->name, err.text);
        } while (rc == 1);
        shard_work_done(&work);
        *from = number;
        m->shard_count -= SHARD_MERGES - 1;
        memmove(from + 1, from + SHARD_MERGES, (m->shard_count - i - 1) * sizeof *from);
        return;
    }
}

/* ---- a catalog of its own ---- */

struct db *shard_catalog_open(struct overlay **ret_file)
{
    struct error err = {0};
    struct db *db;
    cr_assert_eq(overlay_new(NULL, SCHEMA_PAGE_BYTES, ret_file, &err), 0, "%s", err.text);
    cr_assert_eq(db_open_write(*ret_file, &db, &err), 0, "%s", err.text);
    return db;
}

void shard_catalog_close(struct db *db, struct overlay *file)
{
    db_close(db);
    overlay_free(file);
}

void shard_seed(void)
{
    state = test_seed();
}
