// SPDX-License-Identifier: Apache-2.0
/* Blobs of patches and columns: they say what was put into them, and no byte that is not theirs does harm. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/cells/cells.h"
#include "index/catalog/cells/patch_index.h"
#include "index/catalog/groups/json_growth.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

struct fixture {
    struct versions v;
    struct db *db; /* for its packer and its name */
};

static void begin(struct fixture *f)
{
    struct changeset *set = changeset_new();
    versions_init(&f->v);
    set_attribute(set, "arm", VALUE_TEXT, false);
    set_attribute(set, "tags", VALUE_TEXT, true);
    for (int i = 0; i < 9; i++) {
        char key[16];
        snprintf(key, sizeof key, "ep%d", i);
        set_clip(set, key, i);
        set_value(set, "arm", VALUE_TEXT, i % 2 ? "left" : "right");
    }
    cr_assert_eq(versions_apply(&f->v, set), 0, "%s", f->v.err.text);
    char *path = versions_path(&f->v, 1);
    struct catalog_patience patience = {0};
    cr_assert_eq(db_open_path(path, "NAME", &patience, &f->db, &f->v.err), 0, "%s", f->v.err.text);
    free(path);
}

static void end(struct fixture *f)
{
    db_close(f->db);
    versions_done(&f->v);
    check_leaks();
}

static struct attribute attribute_of(enum value_type type, bool multi)
{
    struct attribute attribute = {.info = {.type = type, .multi = multi, .name = "arm"}};
    return attribute;
}

static struct value text(const char *is)
{
    return (struct value){.type = VALUE_TEXT, .text = is, .len = strlen(is)};
}

static void add(struct patch *patch, uint32_t row, const char *old, const char *now, uint32_t dead,
                uint32_t origin)
{
    struct value values[2] = {text(old ? old : ""), text(now ? now : "")};
    struct patch_cell cell = {.row = row, .origin = origin};
    cell.old = patch_code(patch, &values[0], old != NULL);
    cell.now = patch_code(patch, &values[1], now != NULL) | dead;
    patch_add(patch, &cell);
}

static void make(struct patch *patch)
{
    add(patch, 3, "left", "right", 0, 7);
    add(patch, 4, NULL, "left", 0, 7);
    add(patch, 300, "right", NULL, 0, 0);
    add(patch, 70000, "left", "left", PATCH_DEAD, 9);
    add(patch, 70001, NULL, "both", 0, 9);
}

static void pack(struct fixture *f, const struct buf *body, struct buf *packed)
{
    buf_clear(packed);
    packer_pack(db_packer(f->db), body->data, body->len, PACKER_SAVING_PERCENT, packed);
}

static int read_body(struct fixture *f, const struct attribute *attribute, const struct buf *body,
                     struct patch *patch)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    pack(f, body, &packed);
    return patch_read(f->db, attribute, "run 7", packed.data, packed.len, patch, &f->v.err);
}

static void expect_text(const struct patch *patch, uint32_t code, const char *is)
{
    size_t count;
    const struct value *values = patch_values(patch, code, &count);
    cr_assert_eq(count, is ? 1 : 0);
    if (is)
        cr_assert_str_eq(values->text, is);
}

static void expect_cell(const struct patch *patch, uint32_t row, const char *old, const char *now,
                        uint32_t dead, uint32_t origin)
{
    const struct patch_cell *cell = patch_find(patch, row);
    cr_assert_not_null(cell);
    expect_text(patch, cell->old, old);
    expect_text(patch, patch_code_of(cell), now);
    cr_assert_eq(cell->now & PATCH_DEAD, dead);
    cr_assert_eq(cell->origin, origin);
}

Test(patch, a_patch_says_what_was_put_into_it)
{
    struct fixture f = {0};
    struct patch patch = {0}, again = {0};
    struct buf body = BUF_INIT, second = BUF_INIT;
    struct attribute attribute = attribute_of(VALUE_TEXT, false);
    begin(&f);
    make(&patch);
    patch_encode(&patch, VALUE_TEXT, 0, patch.count, &body);
    cr_assert_eq(read_body(&f, &attribute, &body, &again), 0, "%s", f.v.err.text);
    cr_assert_eq(again.count, 5);
    expect_cell(&again, 3, "left", "right", 0, 7);
    expect_cell(&again, 4, NULL, "left", 0, 7);
    expect_cell(&again, 300, "right", NULL, 0, 0);
    expect_cell(&again, 70000, "left", "left", PATCH_DEAD, 9);
    expect_cell(&again, 70001, NULL, "both", 0, 9);
    cr_assert_null(patch_find(&again, 5));
    patch_encode(&again, VALUE_TEXT, 0, again.count, &second);
    cr_assert(body.len == second.len && !memcmp(body.data, second.data, body.len));
    patch_done(&patch), patch_done(&again);
    buf_done(&body), buf_done(&second);
    end(&f);
}

Test(patch, a_column_says_what_its_rows_have_and_which_rows_it_speaks_of)
{
    struct fixture f = {0};
    struct patch patch = {0}, again = {0};
    struct buf body = BUF_INIT;
    struct attribute attribute = attribute_of(VALUE_TEXT, false);
    begin(&f);
    add(&patch, 4097, NULL, "left", 0, 2);
    add(&patch, 4099, NULL, "right", 0, 1);
    patch_encode_column(&patch, VALUE_TEXT, &(struct patch_span){0, 2, 4096, 5}, &body);
    cr_assert_eq(read_body(&f, &attribute, &body, &again), 0, "%s", f.v.err.text);
    cr_assert_eq(again.count, 2);
    cr_assert_eq(again.first, 4096);
    cr_assert_eq(again.end, 4101);
    expect_cell(&again, 4097, NULL, "left", 0, 2);
    expect_cell(&again, 4099, NULL, "right", 0, 1);
    patch_done(&patch), patch_done(&again);
    buf_done(&body);
    end(&f);
}

Test(patch, of_two_runs_the_newer_stands_above_what_the_older_stood_above)
{
    struct fixture f = {0};
    struct patch older = {0}, newer = {0}, both = {0};
    struct buf bodies[2] = {BUF_INIT, BUF_INIT};
    struct attribute attribute = attribute_of(VALUE_TEXT, false);
    begin(&f);
    add(&older, 5, "a", "b", 0, 1);
    add(&older, 9, "a", "c", 0, 1);
    add(&newer, 2, NULL, "d", 0, 2);
    add(&newer, 5, "b", "d", 0, 2);
    patch_encode(&older, VALUE_TEXT, 0, 2, &bodies[0]);
    patch_encode(&newer, VALUE_TEXT, 0, 2, &bodies[1]);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(read_body(&f, &attribute, &bodies[i], &both), 0);
    patch_settle(&both);
    cr_assert_eq(both.count, 3);
    expect_cell(&both, 2, NULL, "d", 0, 2);
    expect_cell(&both, 5, "a", "d", 0, 2);
    expect_cell(&both, 9, "a", "c", 0, 1);
    struct patch_index *patch_index = patch_index_new(&both);
    struct value values[] = {text("a"), text("b"), text("d")};
    cr_assert_eq(patch_index_clips(patch_index, &values[0]), -2);
    cr_assert_eq(patch_index_clips(patch_index, &values[1]), 0);
    cr_assert_eq(patch_index_clips(patch_index, &values[2]), 2);
    cr_assert_eq(patch_index->clips, 1);
    patch_index_unref(patch_index);
    patch_done(&older), patch_done(&newer);
    buf_done(&bodies[0]), buf_done(&bodies[1]);
    end(&f);
}

/* What was read is in order, whatever the bytes were. */
static void check_harmless(struct fixture *f, const struct buf *body)
{
    struct attribute attribute = attribute_of(VALUE_TEXT, false);
    struct patch patch = {0};
    int rc = read_body(f, &attribute, body, &patch);
    cr_assert(rc == 0 || rc == -EUCLEAN);
    if (rc)
        cr_assert_not_null(strstr(f->v.err.text, "run 7 of the attribute 'arm' is not in order"));
    for (size_t i = 0; !rc && i < patch.count; i++) {
        cr_assert(!i || patch.cells[i].row > patch.cells[i - 1].row);
        cr_assert_leq(patch.cells[i].old, patch.set_count);
        cr_assert_leq(patch_code_of(&patch.cells[i]), patch.set_count);
    }
    if (rc)
        patch_done(&patch);
    else
        patch_index_unref(patch_index_new(&patch));
}

Test(patch, every_changed_or_missing_byte_is_refused_or_harmless)
{
    struct fixture f = {0};
    struct patch patch = {0}, column = {0};
    struct buf bodies[2] = {BUF_INIT, BUF_INIT}, changed = BUF_INIT;
    begin(&f);
    make(&patch);
    add(&column, 4097, NULL, "left", 0, 2);
    patch_encode(&patch, VALUE_TEXT, 0, patch.count, &bodies[0]);
    patch_encode_column(&column, VALUE_TEXT, &(struct patch_span){0, 1, 4096, 5}, &bodies[1]);
    for (int b = 0; b < 2; b++)
        for (size_t i = 0; i < bodies[b].len; i++) {
            for (int value = 0; value < 256; value++) {
                buf_clear(&changed);
                buf_append(&changed, bodies[b].data, bodies[b].len);
                changed.data[i] = (uint8_t)value;
                check_harmless(&f, &changed);
            }
            buf_truncate(&changed, i);
            check_harmless(&f, &changed);
        }
    patch_done(&patch), patch_done(&column);
    buf_done(&bodies[0]), buf_done(&bodies[1]), buf_done(&changed);
    end(&f);
}

Test(patch, several_values_are_refused_where_a_clip_has_one)
{
    struct fixture f = {0};
    struct patch patch = {0}, again = {0};
    struct buf body = BUF_INIT;
    struct attribute one = attribute_of(VALUE_TEXT, false), several = attribute_of(VALUE_TEXT, true),
                     number = attribute_of(VALUE_INT, false);
    struct value values[2] = {text("a"), text("b")};
    begin(&f);
    patch_add(&patch, &(struct patch_cell){.row = 1, .now = patch_code(&patch, values, 2)});
    patch_encode(&patch, VALUE_TEXT, 0, 1, &body);
    cr_assert_eq(read_body(&f, &several, &body, &again), 0);
    patch_done(&again);
    cr_assert_eq(read_body(&f, &one, &body, &again), -EUCLEAN);
    patch_done(&again);
    cr_assert_eq(read_body(&f, &number, &body, &again), -EUCLEAN);
    patch_done(&again), patch_done(&patch);
    buf_done(&body);
    end(&f);
}

/* ---- in a catalog ---- */

static int ask(struct versions *v, const char *path)
{
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_patience patience = {0};
    struct rowset *rows = NULL;
    cr_assert_eq(catalog_open_path(path, &catalog, &v->err), 0);
    cr_assert_eq(catalog_reader_acquire(catalog, &patience, &reader, &v->err), 0);
    struct value left = text("left");
    struct catalog_literal literal = {.attribute = 0, .op = CATALOG_EQ, .values = &left, .count = 1};
    struct catalog_counts counts;
    int rc = catalog_select(reader, &literal, &rows, &v->err);
    if (!rc)
        rc = catalog_attribute_counts(reader, 0, &counts, &v->err);
    rowset_unref(rows);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    return rc;
}

static void expect_damage(const char *sql, const char *message)
{
    struct fixture f = {0};
    sqlite3 *db;
    begin(&f);
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "arm", VALUE_TEXT, false);
    set_labels(set, "ep3", 1);
    set_value(set, "arm", VALUE_TEXT, "both");
    cr_assert_eq(versions_apply(&f.v, set), 0, "%s", f.v.err.text);
    char *path = versions_path(&f.v, 2);
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), 0, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    cr_assert_eq(ask(&f.v, path), -EUCLEAN, "%s", sql);
    cr_assert_not_null(strstr(f.v.err.text, message), "%s", f.v.err.text);
    free(path);
    end(&f);
}

Test(patch, a_run_that_is_missing_or_damaged_is_named)
{
    expect_damage("DELETE FROM run WHERE id >> 43 = 2", "damaged: run 2 of the attribute 'arm' is missing");
    expect_damage("DELETE FROM run WHERE id >> 43 = 1", "tail run 1 of the attribute 'arm' is missing");
    expect_damage("UPDATE run SET bytes = x'00' WHERE id >> 43 = 2",
                  "run 2 of the attribute 'arm' is not in order");
    expect_damage("UPDATE run SET bytes = x'00' WHERE id >> 43 = 1",
                  "tail run 1 of the attribute 'arm' is not in order");
    expect_damage("UPDATE run SET bytes = 'text'", "bytes has a wrong type");
    expect_damage("UPDATE state SET bytes = x'001206000001010009000102000500'",
                  "run 2 of the attribute 'arm' has other rows than it says");
    expect_damage("UPDATE state SET bytes = x'0012060000020100'",
                  "the state of the attribute 'arm' is not in order");
}

Test(patch, a_state_that_does_not_fit_is_damage)
{
    expect_damage("UPDATE state SET bytes = x''", "the state of the attribute 'arm' is not in order");
    expect_damage("UPDATE state SET bytes = x'03000000000000'",
                  "the state of the attribute 'arm' is not in order");
    expect_damage("UPDATE state SET bytes = x'0000000000000000'",
                  "the state of the attribute 'arm' is not in order");
    expect_damage(
        "UPDATE state SET bytes = x'001206020001010009000101000500'", /* folds more runs than there are */
        "the state of the attribute 'arm' is not in order");
    expect_damage(
        "UPDATE state SET bytes = x'001206000101010009000101000500'", /* none, but some rows of it */
        "the state of the attribute 'arm' is not in order");
    expect_damage("UPDATE state SET attribute = 77", "has no attribute");
    expect_damage("UPDATE state SET bytes = x'00ff01000000000102000100'",
                  "the counts of the attribute 'arm' are out of range");
}

/* ---- spans ---- */

enum { SPANNED = 6000 };

static void label_all(struct versions *v)
{
    struct changeset *clips = changeset_new(), *labels = labels_by("anna", CHANGESET_ALL);
    char key[16], note[32];
    set_attribute(clips, "arm", VALUE_TEXT, false);
    set_attribute(labels, "note", VALUE_TEXT, false);
    for (int i = 0; i < SPANNED; i++) {
        snprintf(key, sizeof key, "ep%06d", i);
        snprintf(note, sizeof note, "note %d of them all", i);
        set_clip(clips, key, i);
        set_value(clips, "arm", VALUE_TEXT, i % 2 ? "left" : "right");
        set_labels(labels, key, (uint64_t)i + 1);
        set_value(labels, "note", VALUE_TEXT, note);
    }
    cr_assert_eq(versions_apply(v, clips), 0, "%s", v->err.text);
    cr_assert_eq(versions_apply(v, labels), 0, "%s", v->err.text);
}

Test(patch, what_one_clip_has_is_found_in_its_span_of_a_run_alone)
{
    struct versions v;
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct buf json = BUF_INIT;
    struct rowset *rows = NULL;
    uint32_t row;
    sqlite3 *db;
    versions_init(&v);
    label_all(&v);
    char *path = versions_path(&v, 2);
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_exec(db,
                              "DELETE FROM run WHERE id >> 43 = 2 AND id >> 12 NOT IN "
                              "(SELECT id >> 12 FROM run WHERE id >> 43 = 2 ORDER BY id LIMIT 1 OFFSET 3)",
                              NULL, NULL, NULL),
                 0, "%s", sqlite3_errmsg(db));
    cr_assert_gt(sqlite3_changes(db), 5, "the run is cut");
    sqlite3_close(db);
    cr_assert_eq(catalog_open_path(path, &catalog, &v.err), 0);
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &v.err), 0);
    int found = 0;
    for (int i = 0; i < SPANNED; i += 200) {
        char key[16], expected[100];
        snprintf(key, sizeof key, "ep%06d", i);
        snprintf(expected, sizeof expected,
                 "{\"key\":\"%s\",\"arm\":\"right\",\"note\":\"note %d of them all\"}\n", key, i);
        cr_assert_eq(catalog_clip_find(reader, key, strlen(key), &row, &v.err), 0, "%s", v.err.text);
        buf_clear(&json);
        int rc = catalog_json(reader, row, &json, &v.err);
        cr_assert(rc == 0 || rc == -EUCLEAN);
        found += !rc && !strcmp(buf_text(&json), expected);
    }
    cr_assert(found > 0 && found < SPANNED / 200 / 4, "%d", found);
    struct catalog_attribute note;
    cr_assert_eq(catalog_attribute_find(reader, "note", 4, &note, &v.err), 0);
    struct value value = text("note 1 of them all");
    struct catalog_literal literal = {.attribute = note.id, .op = CATALOG_EQ, .values = &value, .count = 1};
    cr_assert_eq(catalog_select(reader, &literal, &rows, &v.err), -EUCLEAN);
    cr_assert_not_null(strstr(v.err.text, "run 2 of the attribute 'note' has other rows than it says"), "%s",
                       v.err.text);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    buf_done(&json);
    free(path);
    versions_done(&v);
    check_leaks();
}

/* ---- where a row's patch may be ---- */

/* What is known: each of the last commits did something to the row, and all before them what is folded. */
Test(patch, of_a_row_only_runs_are_looked_at_that_an_attribute_of_its_may_have_changed_in)
{
    static const struct json_growth_entry recent[] = {
        {1, 12, 0, 1 << 5, 9}, {1, 25, 0, 1 << 5 | 1 << 6, 15}, {1, 33, 0, 1 << 6, 32}};
    const struct cells_row of = {.row = 1,
                                 .touched = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7,
                                 .newest = 9,
                                 .recent = recent,
                                 .recent_count = sizeof recent / sizeof *recent};
    static const struct {
        uint32_t id, newest, since;
        bool matters[4];
    } cases[] = {{5, 25, 15, {true, true, true, false}}, /* of runs up to 10, 20, 30 and 40 */
                 {6, 33, 32, {true, true, true, true}},
                 {6 + 32, 33, 32, {true, true, true, true}},
                 {7, 9, 0, {true, false, false, false}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct attribute attribute = {.info.id = cases[i].id};
        uint32_t since;
        for (uint32_t version = 10; version <= 40; version += 10)
            state_add(&attribute.state.patches, &(struct state_run){version, 0, 1, 0});
        uint32_t newest = cells_newest(&attribute, &of, &since);
        cr_assert(newest == cases[i].newest && since == cases[i].since, "%u: %u", cases[i].id, newest);
        for (size_t k = 0; k < 4; k++)
            cr_assert_eq(cells_matters(&attribute, k, &of, newest), cases[i].matters[k], "%u, run %zu",
                         cases[i].id, k);
        state_done(&attribute.state);
    }
    check_leaks();
}
