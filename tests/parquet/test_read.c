// SPDX-License-Identifier: Apache-2.0
/*
 * All files in data/ against the values beside them, all in reject/ against their reasons, and each with
 * bytes changed or missing.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/json.h"
#include "tests/parquet/opened.h"
#include "tests/parquet/print.h"
#include "tests/test_leaks.h"

static struct json *load_json(const char *path)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error err = {0};
    struct json *json = NULL;
    cr_assert_eq(file_read(path, 1 << 20, &text, &err), 0, "%s", err.text);
    cr_assert_eq(json_parse(path, text.data, text.len, &json, &err), 0, "%s", err.text);
    return json;
}

static bool same(const struct json *a, const struct json *b)
{
    if (json_kind(a) != json_kind(b) || json_count(a) != json_count(b))
        return false;
    void *iter = NULL;
    const char *key;
    const struct json *value;
    switch (json_kind(a)) {
    case JSON_KIND_BOOL:
        return json_as_bool(a) == json_as_bool(b);
    case JSON_KIND_INTEGER:
        return json_as_integer(a) == json_as_integer(b);
    case JSON_KIND_REAL:
        return json_as_number(a) == json_as_number(b);
    case JSON_KIND_TEXT:
        return !strcmp(json_as_text(a), json_as_text(b));
    case JSON_KIND_ARRAY:
        for (size_t i = 0; i < json_count(a); i++)
            if (!same(json_at(a, i), json_at(b, i)))
                return false;
        return true;
    case JSON_KIND_OBJECT:
        while (json_next(a, &iter, &key, &value))
            if (!same(value, json_get(b, key)))
                return false;
        return true;
    default:
        return true;
    }
}

static const char *kind_name(enum parquet_kind kind)
{
    static const char *const names[] = {"bool",  "int",       "float",   "double", "text",
                                        "bytes", "timestamp", "decimal", "other"};
    return names[kind];
}

static void check_columns(const char *name, const struct parquet *parquet, const struct json *expected)
{
    cr_assert_eq(parquet_columns(parquet), json_count(expected), "%s", name);
    for (size_t i = 0; i < parquet_columns(parquet); i++) {
        const struct parquet_column *column = parquet_column(parquet, i);
        const struct json *one = json_at(expected, i);
        cr_assert_str_eq(column->name, json_get_text(one, "name"), "%s", name);
        cr_assert_str_eq(kind_name(column->kind), json_get_text(one, "kind"), "%s: %s", name, column->name);
        cr_assert_eq(column->depth, json_as_integer(json_get(one, "depth")), "%s: %s", name, column->name);
        cr_assert_eq(column->readable, json_as_bool(json_get(one, "readable")), "%s: %s", name, column->name);
        cr_assert_eq(parquet_find(parquet, column->name), (int)i, "%s: %s", name, column->name);
    }
}

static void check_group(const char *name, struct parquet *parquet, size_t group, const struct json *expected)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error err = {0};
    struct json *got = NULL;
    cr_assert_eq(print_group(parquet, group, &text, &err), 0, "%s", err.text);
    cr_assert_eq(json_parse(name, text.data, text.len, &got, &err), 0, "%s", err.text);
    cr_assert(same(got, expected), "%s: group %zu is %s", name, group, buf_text(&text));
    json_free(got);
}

static void check_file(const char *name)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, name);
    CLEANUP_FREE char *path = mem_printf("%s/data/%s.json", PARQUET_TESTS, name);
    CLEANUP_JSON struct json *expected = load_json(path);
    check_columns(name, opened.parquet, json_get(expected, "columns"));
    const struct json *groups = json_get(expected, "groups");
    cr_assert_eq(parquet_groups(opened.parquet), json_count(groups), "%s", name);
    for (size_t i = 0; i < json_count(groups); i++)
        check_group(name, opened.parquet, i, json_at(groups, i));
}

static bool is_parquet(const char *file_name)
{
    size_t len = strlen(file_name);
    return len > 8 && !strcmp(file_name + len - 8, ".parquet");
}

Test(parquet, every_golden_file_reads_as_the_values_beside_it)
{
    DIR *folder = opendir(PARQUET_TESTS "/data");
    cr_assert_not_null(folder);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!is_parquet(entry->d_name))
            continue;
        entry->d_name[strlen(entry->d_name) - 8] = 0;
        check_file(entry->d_name);
        files++;
    }
    closedir(folder);
    cr_assert_gt(files, 30);
    check_leaks();
}

/* Opens the file, reads all it can and cuts it whole; the error of the first failure. */
static int read_all(struct opened *opened, struct error *err)
{
    int rc = parquet_open(&opened->recording, &opened->parquet, err);
    for (size_t group = 0; !rc && group < parquet_groups(opened->parquet); group++) {
        CLEANUP_BUF struct buf text = BUF_INIT;
        rc = print_group(opened->parquet, group, &text, err);
    }
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    if (!rc && parquet_groups(opened->parquet))
        rc = parquet_slice(opened->parquet, 0, parquet_groups(opened->parquet), &slice, err);
    return rc;
}

Test(parquet, every_damaged_file_is_refused_with_its_name_and_the_reason)
{
    CLEANUP_JSON struct json *expected = load_json(PARQUET_TESTS "/reject/expected.json");
    cr_assert_gt(json_count(expected), 50);
    void *iter = NULL;
    const char *name;
    const struct json *reason;
    while (json_next(expected, &iter, &name, &reason)) {
        CLEANUP_FREE char *path = mem_printf("%s/reject/%s", PARQUET_TESTS, name);
        CLEANUP_OPENED struct opened opened;
        struct error err = {0};
        cr_assert(opened_load(&opened, path), "%s", path);
        int rc = read_all(&opened, &err);
        cr_assert_lt(rc, 0, "%s was read", name);
        cr_assert_eq(rc, -err.code, "%s", name);
        cr_assert_eq(strncmp(err.text, name, strlen(name)), 0, "%s: '%s' does not name it", name, err.text);
        cr_assert(strstr(err.text, json_as_text(reason)), "%s: '%s', not '%s'", name, err.text,
                  json_as_text(reason));
    }
    check_leaks();
}

Test(parquet, every_damaged_page_is_found_by_a_check_that_knows_no_types)
{
    CLEANUP_JSON struct json *expected = load_json(PARQUET_TESTS "/reject/expected.json");
    void *iter = NULL;
    const char *name;
    const struct json *reason;
    int found = 0;
    while (json_next(expected, &iter, &name, &reason)) {
        CLEANUP_FREE char *path = mem_printf("%s/reject/%s", PARQUET_TESTS, name);
        CLEANUP_OPENED struct opened opened;
        struct error err = {0};
        /* values that are none of their type, what is not read, and an element of a list that is null are
         * told by others */
        bool sound = strstr(name, "uint64") || strstr(name, "timestamp") || strstr(name, "decimal-long") ||
                     strstr(name, "encoding") || strstr(name, "delta-type") || strstr(name, "rle-int") ||
                     strstr(name, "values-huge") || strstr(name, "list-null");
        cr_assert(opened_load(&opened, path), "%s", path);
        if (strncmp(name, "read-", 5) || parquet_open(&opened.recording, &opened.parquet, &err))
            continue;
        int rc = parquet_check(opened.parquet, &err);
        cr_assert_eq(rc, sound ? 0 : rc == -EFBIG ? -EFBIG : -EINVAL, "%s: %s", name, err.text);
        cr_assert(sound || strstr(err.text, "row group 0, column '"), "%s", err.text);
        found += !sound;
    }
    cr_assert_gt(found, 30);
    check_leaks();
}

Test(parquet, a_file_cut_at_any_byte_is_refused)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "lists-v2");
    for (size_t len = 0; len < whole.bytes.len; len++) {
        CLEANUP_OPENED struct opened part;
        struct error err = {0};
        opened_load_bytes(&part, "part", whole.bytes.data, len);
        cr_assert_eq(parquet_open(&part.recording, &part.parquet, &err), -ENODATA, "%zu bytes", len);
    }
    check_leaks();
}

Test(parquet, a_changed_byte_is_refused_or_read_but_never_believed_beyond_the_file)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "many-pages");
    for (size_t at = 0; at < whole.bytes.len; at++) {
        CLEANUP_OPENED struct opened changed;
        opened_load_bytes(&changed, "changed", whole.bytes.data, whole.bytes.len);
        changed.bytes.data[at] ^= (uint8_t)(1 + at % 255);
        struct error err = {0};
        int rc = read_all(&changed, &err);
        cr_assert(rc == 0 || err.code == -rc, "byte %zu: %d", at, rc);
    }
    check_leaks();
}

Test(parquet, a_failing_store_fails_every_step_cleanly)
{
    int failures = 0;
    for (uint64_t at = 1;; at++, failures++) {
        CLEANUP_OPENED struct opened whole, opened;
        opened_init(&whole, "page-index");
        opened_load_bytes(&opened, "failing", whole.bytes.data, whole.bytes.len);
        opened.fail_at = at;
        struct error err = {0};
        int rc = read_all(&opened, &err);
        if (!rc)
            break;
        cr_assert_eq(rc, -EIO, "request %d: %s", (int)at, err.text);
        cr_assert(strstr(err.text, "the store went away"), "%s", err.text);
    }
    cr_assert_gt(failures, 6);
    check_leaks();
}

Test(parquet, only_the_wanted_columns_bytes_are_read)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "wide");
    cr_assert_eq(opened.requests, 1, "one request opens a small file");
    opened.requests = opened.bytes_read = 0;
    struct error err = {0};
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int column = parquet_find(opened.parquet, "videos/cam.17/from_timestamp");
    cr_assert_eq(column, 17);
    cr_assert_eq(parquet_read(opened.parquet, 0, 17, &values, &err), 0, "%s", err.text);
    cr_assert_eq(opened.requests, 1);
    cr_assert_lt(opened.bytes_read, 100);
    cr_assert_eq(values.f64[0], 8.5);
    cr_assert_eq(parquet_find(opened.parquet, "videos/cam"), -ENOENT);
    check_leaks();
}

Test(parquet, limits_refuse_what_unpacks_to_too_much)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "constant");
    struct error err = {0};
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    parquet_set_limits(opened.parquet, (struct parquet_limits){.values = 4999, .bytes = 1 << 20});
    cr_assert_eq(parquet_read(opened.parquet, 0, 0, &values, &err), -EFBIG);
    cr_assert_str_eq(err.text, "constant: row group 0, column 'n': 5000 values in 101 bytes are more than is "
                               "read at once");
    parquet_set_limits(opened.parquet, (struct parquet_limits){.values = 5000, .bytes = 19999});
    cr_assert_eq(parquet_read(opened.parquet, 0, 1, &values, &err), -EFBIG);
    cr_assert(strstr(err.text, "the texts take more than 19999 bytes"), "%s", err.text);
    parquet_set_limits(opened.parquet, (struct parquet_limits){.values = 5000, .bytes = 20000});
    cr_assert_eq(parquet_read(opened.parquet, 0, 1, &values, &err), 0);
    check_leaks();
}

Test(parquet, metadata_and_groups_are_told)
{
    CLEANUP_OPENED struct opened gaps;
    opened_init(&gaps, "gaps");
    cr_assert_str_eq(parquet_metadata(gaps.parquet, "key"), "value");
    cr_assert_null(parquet_metadata(gaps.parquet, "no value"));
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "page-index");
    cr_assert_eq(parquet_rows(opened.parquet), 90);
    cr_assert_eq(parquet_groups(opened.parquet), 3);
    cr_assert_eq(parquet_group_rows(opened.parquet, 1), 30);
    cr_assert_eq(parquet_group_first_row(opened.parquet, 2), 60);
    cr_assert_null(parquet_metadata(opened.parquet, "huggingface"));
    check_leaks();
}

Test(parquet, a_column_that_is_not_readable_is_refused_by_name)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "others");
    struct error err = {0};
    struct parquet_values values = {.count = 77};
    int column = parquet_find(opened.parquet, "struct");
    cr_assert_eq(parquet_read(opened.parquet, 0, (size_t)column, &values, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "column 'struct': it holds structs"), "%s", err.text);
    cr_assert_eq(values.count, 77, "what is returned stays untouched on failure");
}

Test(parquet, the_episodes_of_a_lerobot_set_are_read)
{
    CLEANUP_OPENED struct opened opened;
    if (!opened_load(&opened, SAMPLE "/meta/episodes/chunk-000/file-000.parquet"))
        cr_skip_test("no sample");
    struct error err = {0};
    cr_assert_eq(parquet_open(&opened.recording, &opened.parquet, &err), 0, "%s", err.text);
    cr_assert_eq(parquet_columns(opened.parquet), 137);
    int tasks = parquet_find(opened.parquet, "tasks");
    int length = parquet_find(opened.parquet, "length");
    cr_assert(tasks >= 0 && length >= 0);
    CLEANUP_PARQUET_VALUES struct parquet_values lengths = {0};
    cr_assert_eq(parquet_read(opened.parquet, 0, (size_t)length, &lengths, &err), 0, "%s", err.text);
    cr_assert_eq(lengths.rows, 8);
    CLEANUP_PARQUET_VALUES struct parquet_values texts = {0};
    cr_assert_eq(parquet_read(opened.parquet, 0, (size_t)tasks, &texts, &err), 0, "%s", err.text);
    cr_assert_eq(texts.depth, 1);
    cr_assert_eq(texts.kind, PARQUET_TEXT);
    CLEANUP_BUF struct buf row = BUF_INIT;
    print_row(&texts, 1, &row);
    cr_assert_str_eq(buf_text(&row), "[\"Put the cube on the green mark.\"]");
    for (size_t i = 0; i < parquet_columns(opened.parquet); i++) {
        const struct parquet_column *column = parquet_column(opened.parquet, i);
        if (!strncmp(column->name, "stats/observation.images.", 25) && !strstr(column->name, "count"))
            cr_assert_eq(column->depth, 3, "%s", column->name);
        cr_assert(column->readable, "%s", column->name);
    }
    check_leaks();
}
