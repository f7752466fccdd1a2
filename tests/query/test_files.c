// SPDX-License-Identifier: Apache-2.0
/* The files of a query directory, and what .elidefs tells of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/json.h"
#include "query/files.h"
#include "query/report/report.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static struct world world;
static struct world_catalog open_world;

static void setup(void)
{
    world_kitchen(&world, &open_world);
}

static void teardown(void)
{
    world_close(&open_world);
    world_done(&world);
    check_leaks();
}

static struct query *parse(const char *path)
{
    struct query *query = NULL;
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), open_world.reader, &query, &err), 0, "%s", err.text);
    return query;
}

static struct set *run(const char *path)
{
    CLEANUP_QUERY struct query *query = parse(path);
    struct set *result = NULL;
    cr_assert_eq(query_run(query, open_world.reader, &result, NULL), 0);
    return result;
}

static int find(const struct set *result, const char *name, uint32_t *ret_row, uint32_t *ret_stream,
                struct error *err)
{
    uint32_t row, stream;
    int rc = files_find(open_world.reader, name, strlen(name), &row, &stream, err);
    if (!rc)
        rc = files_check(result, row, name, strlen(name), err);
    if (rc)
        return rc;
    *ret_row = row;
    *ret_stream = stream;
    return 0;
}

static int append_name(void *ctx, const struct files_entry *entry, struct error *err)
{
    buf_printf(ctx, "%s %u\n", entry->name, entry->stream);
    return 0;
}

Test(files, a_clips_files_are_listed_with_the_json_last_and_found_by_name)
{
    setup();
    CLEANUP_SET struct set *result = run("arm=both");
    struct buf list = BUF_INIT;
    uint32_t row = 0, stream = 0;
    cr_assert_eq(find(result, "ep004.json", &row, &stream, NULL), 0);
    cr_assert_eq(stream, FILES_STREAM_JSON);
    cr_assert_eq(files_of_clip(open_world.reader, NULL, row, append_name, &list, NULL), 0);
    cr_assert_str_eq(buf_text(&list),
                     "ep004.front.mp4 0\nep004.wrist.mp4 1\nep004.state.parquet 2\nep004.json 1023\n");
    cr_assert_eq(find(result, "ep004.wrist.mp4", &row, &stream, NULL), 0);
    cr_assert_eq(stream, 1);
    buf_done(&list);
    set_unref(STEAL(result));
    teardown();
}

Test(files, a_file_of_a_clip_that_is_not_in_the_set_is_not_there)
{
    setup();
    CLEANUP_SET struct set *result = run("arm=left");
    static const char *const absent[] = {"ep004.front.mp4",
                                         "ep000.side.mp4",
                                         "ep000.front",
                                         "ep000.front.mp4x",
                                         "ep999.json",
                                         "ep000",
                                         "ep000.",
                                         "ep000.json.json",
                                         "",
                                         ".json"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        struct error err = {0};
        uint32_t row = 77, stream = 77;
        cr_assert_eq(find(result, absent[i], &row, &stream, &err), -ENOENT, "%s", absent[i]);
        cr_assert(strstr(err.text, "no file"), "%s", err.text);
        cr_assert(row == 77 && stream == 77);
    }
    set_unref(STEAL(result));
    teardown();
}

static int stop_at_second(void *ctx, const struct files_entry *entry, struct error *err)
{
    return ++*(int *)ctx == 2 ? 42 : 0;
}

Test(files, a_listing_can_be_ended_and_an_entry_read_alone)
{
    setup();
    int calls = 0;
    struct buf name = BUF_INIT;
    struct files_entry entry = {0};
    cr_assert_eq(files_of_clip(open_world.reader, NULL, 0, stop_at_second, &calls, NULL), 42);
    cr_assert_eq(calls, 2);
    cr_assert_eq(files_entry(open_world.reader, 0, 2, &name, &entry, NULL), 0);
    cr_assert_str_eq(entry.name, "ep000.state.parquet");
    cr_assert_eq(entry.size, 305);
    cr_assert_eq(entry.changed, 1);
    cr_assert_eq(files_entry(open_world.reader, 0, 3, NULL, &entry, NULL), -ENOENT);
    cr_assert_eq(files_entry(open_world.reader, 99, 0, NULL, &entry, NULL), -ENOENT);
    buf_done(&name);
    teardown();
}

static void check_listed(const char *path, const char *expected)
{
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_BUF struct buf list = BUF_INIT;
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), open_world.reader, &query, &err), 0, "%s", err.text);
    cr_assert_eq(files_of_clip(open_world.reader, query, 0, append_name, &list, &err), 0);
    cr_assert_str_eq(buf_text(&list), expected);
}

Test(files, only_the_streams_that_are_asked_for_are_listed_and_found)
{
    setup();
    CLEANUP_QUERY struct query *query = NULL;
    check_listed("@streams=front", "ep000.front.mp4 0\n");
    check_listed("@streams=state,front", "ep000.front.mp4 0\nep000.state.parquet 2\n");
    check_listed("@streams=json", "ep000.json 1023\n");
    check_listed("@streams=front,json/arm=left/@streams=json,state", "ep000.json 1023\n");
    cr_assert_eq(query_parse("@streams=front", 14, open_world.reader, &query, NULL), 0);
    const struct files_place front = {0, 0}, wrist = {0, 1}, json = {0, FILES_STREAM_JSON};
    cr_assert_eq(files_check_shown(query, open_world.reader, &front, "a", 1, NULL), 0);
    cr_assert_eq(files_check_shown(query, open_world.reader, &wrist, "a", 1, NULL), -ENOENT);
    cr_assert_eq(files_check_shown(query, open_world.reader, &json, "a", 1, NULL), -ENOENT);
    teardown();
}

Test(report, every_report_has_the_size_that_is_told)
{
    setup();
    static const char *const paths[] = {"", "arm=left", "arm=left/outcome.ne=fail", "arm=both/ok=true",
                                        "tags=cube/force.gt=1"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t k = 0; k < report_name_count; k++) {
            CLEANUP_QUERY struct query *query = parse(paths[i]);
            CLEANUP_BUF struct buf text = BUF_INIT;
            uint64_t size = 0;
            cr_assert_eq(report_append(report_names[k].kind, query, open_world.reader, &text, NULL), 0);
            cr_assert_eq(report_size(report_names[k].kind, query, open_world.reader, &size, NULL), 0);
            cr_assert_eq(size, text.len, "%s of '%s'", report_names[k].name, paths[i]);
        }
    teardown();
}

Test(report, a_manifest_line_is_the_json_line_with_the_files)
{
    setup();
    CLEANUP_QUERY struct query *query = parse("arm=both");
    struct buf text = BUF_INIT;
    cr_assert_eq(report_append(REPORT_MANIFEST, query, open_world.reader, &text, NULL), 0);
    struct json *json = NULL;
    struct error err = {0};
    cr_assert_eq(json_parse("line", buf_text(&text), text.len, &json, &err), 0, "%s: %s", err.text,
                 buf_text(&text));
    cr_assert_str_eq(json_get_text(json, "key"), "ep004");
    cr_assert_str_eq(json_get_text(json, "arm"), "both");
    cr_assert_eq(json_count(json_get(json, "files")), 4);
    cr_assert_eq(json_as_integer(json_get(json_get(json, "files"), "ep004.wrist.mp4")), 2005);
    json_free(json);
    buf_done(&text);
    query_unref(STEAL(query));
    teardown();
}
