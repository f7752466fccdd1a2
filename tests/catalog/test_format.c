// SPDX-License-Identifier: Apache-2.0
/* The rows of a small catalog, packed blobs unpacked, against golden/rows.txt: what index/FORMAT.md says. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/catalog/packer.h"
#include "index/catalog/schema.h"
#include "index/commit/changeset_sources.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

/* The third version says who set a value and two events, and what becomes of attributes. */
static void make_labels(struct versions *versions)
{
    static const double spans[] = {0.5, 1, 2, 3.25, -1};
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    set_attribute(set, "grade", VALUE_INT, false);
    set_labels(set, "ep01", 2);
    set_value(set, "grade", VALUE_INT, "5");
    set_events(set, "grasp", spans);
    cr_assert_eq(versions_apply(versions, set), 0, "%s", versions->err.text);
    set = changeset_new();
    cr_assert_eq(changeset_rename(set, "grade", "mark", &versions->err), 0);
    cr_assert_eq(changeset_describe(set, "mark", "1 is best", &versions->err), 0);
    cr_assert_eq(changeset_drop(set, "force", &versions->err), 0);
    cr_assert_eq(changeset_to_text(set, "length", &versions->err), 0);
    cr_assert_eq(versions_apply(versions, set), 0, "%s", versions->err.text);
}

/* The fifth begins to fold what clips have of an attribute, and leaves it under way. */
static void make_work(struct versions *versions)
{
    struct apply_limits limits = APPLY_LIMITS;
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    limits.patched_rows = limits.upkeep_bytes = 1;
    limits.small_set_bytes = SIZE_MAX;
    versions->limits = &limits;
    set_attribute(set, "mark", VALUE_INT, false);
    set_labels(set, "ep02", 2);
    set_value(set, "mark", VALUE_INT, "4");
    cr_assert_eq(versions_apply(versions, set), 0, "%s", versions->err.text);
    versions->limits = NULL;
}

/* One of everything, and enough clips for a posting; the second version replaces one and adds one, which
 * stays in the tail. */
static void make(struct versions *versions)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.tail_rows = 80;
    versions->limits = &limits;
    for (int version = 1; version <= 2; version++) {
        struct changeset *set = changeset_new();
        set_attribute(set, "task", VALUE_TEXT, true);
        set_attribute(set, "ok", VALUE_BOOL, false);
        set_attribute(set, "length", VALUE_INT, false);
        set_attribute(set, "force", VALUE_FLOAT, false);
        set_attribute(set, "day", VALUE_TIME, false);
        set_attribute(set, "duration", VALUE_DURATION, false);
        set_attribute(set, "box", VALUE_LIST, false);
        uint32_t source = 0, root = changeset_root(set, "/a/root");
        cr_assert_eq(changeset_source_begin(set, root, "arm", &source, &versions->err), 0);
        cr_assert_eq(changeset_source_file(set, "meta/info.json", "{}", 2, &versions->err), 0);
        for (int i = 0; i < (version == 1 ? 80 : 81); i += version == 1 ? 1 : 80) {
            char key[16], text[16];
            snprintf(key, sizeof key, "ep%02d", i);
            snprintf(text, sizeof text, "%d", i * i * version);
            set_clip(set, key, i + version * 100);
            set_value(set, "task", VALUE_TEXT, i % 2 ? "lift" : "push");
            set_value(set, "length", VALUE_INT, text);
            if (i)
                continue;
            set_value(set, "task", VALUE_TEXT, "lift");
            set_value(set, "ok", VALUE_BOOL, "true");
            set_value(set, "force", VALUE_FLOAT, "-0.5");
            set_value(set, "day", VALUE_TIME, "2026-03-01");
            set_value(set, "duration", VALUE_DURATION, "2.5s");
            set_value(set, "box", VALUE_LIST, version == 1 ? "[40,10,40]" : "[40,10.5,null,40]");
            set_stream(set, "front", "a.mp4", 100, 900);
            changeset_table(set, 0, "mp4", "TABLE", 5);
            changeset_extra(set, "extra", 5);
            changeset_of_source(set, source);
        }
        cr_assert_eq(versions_apply(versions, set), 0, "%s", versions->err.text);
    }
    versions->limits = NULL;
}

static void print_bytes(struct buf *out, const uint8_t *bytes, size_t len)
{
    buf_text_append(out, "x'");
    for (size_t i = 0; i < len; i++)
        buf_printf(out, "%02x", bytes[i]);
    buf_u8(out, '\'');
}

static bool is_packed(const char *table, const char *column)
{
    static const char *const packed[] = {"forward.records", "extra.bytes",   "recording.bytes", "codes.bytes",
                                         "inline.bytes",    "event.records", "list.records",    "run.bytes",
                                         "late.bytes",      "file.bytes"};
    char name[64];
    snprintf(name, sizeof name, "%s.%s", table, column);
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (!strcmp(packed[i], name))
            return true;
    return false;
}

static void print_blob(struct buf *out, struct packer *packer, bool packed, sqlite3_stmt *stmt, int at)
{
    const uint8_t *bytes = sqlite3_column_blob(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    struct buf raw = BUF_INIT;
    if (packed)
        cr_assert_eq(packer_unpack(packer, bytes, len, 1 << 20, &raw), 0);
    print_bytes(out, packed ? raw.data : bytes, packed ? raw.len : len);
    buf_done(&raw);
}

static void print_table(struct buf *out, sqlite3 *db, struct packer *packer, const char *table)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt;
    buf_printf(&sql, "SELECT * FROM %s ORDER BY 1, 2", table);
    cr_assert_eq(sqlite3_prepare_v2(db, buf_text(&sql), -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        buf_text_append(out, table);
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            buf_u8(out, ' ');
            if (sqlite3_column_type(stmt, i) == SQLITE_BLOB)
                print_blob(out, packer, is_packed(table, sqlite3_column_name(stmt, i)), stmt, i);
            else if (sqlite3_column_type(stmt, i) == SQLITE_TEXT)
                buf_printf(out, "'%s'", (const char *)sqlite3_column_text(stmt, i));
            else
                buf_printf(out, "%s",
                           sqlite3_column_type(stmt, i) == SQLITE_NULL
                               ? "null"
                               : (const char *)sqlite3_column_text(stmt, i));
        }
        buf_u8(out, '\n');
    }
    sqlite3_finalize(stmt);
    buf_done(&sql);
}

Test(format, the_rows_of_a_catalog_are_the_golden_ones)
{
    struct versions v;
    struct buf rows = BUF_INIT, golden = BUF_INIT;
    sqlite3 *db;
    struct packer *packer = packer_new();
    versions_init(&v);
    make(&v);
    make_labels(&v);
    make_work(&v);
    char *path = versions_path(&v, 5);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), 0);
    for (size_t i = 0; schema_tables[i]; i++) {
        char table[32];
        cr_assert_eq(sscanf(schema_tables[i], "CREATE TABLE %31[a-z]", table), 1);
        print_table(&rows, db, packer, table);
    }
    sqlite3_close(db);
    if (getenv("WRITE_GOLDEN"))
        cr_assert_eq(file_replace(TESTS_DIR "/catalog/golden/rows.txt", rows.data, rows.len, 0644, &v.err),
                     0);
    cr_assert_eq(file_read(TESTS_DIR "/catalog/golden/rows.txt", 1 << 20, &golden, &v.err), 0, "%s",
                 v.err.text);
    cr_assert_str_eq(buf_text(&rows), buf_text(&golden));
    free(path);
    buf_done(&rows), buf_done(&golden);
    packer_free(packer);
    versions_done(&v);
    check_leaks();
}
