// SPDX-License-Identifier: Apache-2.0
/* What a change set makes of a catalog, read back through the reader. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/extent.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

static const char *json_of(struct versions *versions, const char *key, struct buf *buf)
{
    uint32_t row;
    struct error err = {0};
    buf_clear(buf);
    cr_assert_eq(catalog_clip_find(versions->reader, key, strlen(key), &row, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_json(versions->reader, row, buf, &err), 0, "%s", err.text);
    return buf_text(buf);
}

static struct catalog_clip clip_of(struct versions *versions, const char *key, uint32_t *ret_row)
{
    struct catalog_clip clip;
    struct error err = {0};
    cr_assert_eq(catalog_clip_find(versions->reader, key, strlen(key), ret_row, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_clip(versions->reader, *ret_row, &clip, &err), 0, "%s", err.text);
    cr_assert_str_eq(clip.key, key);
    return clip;
}

static struct catalog_attribute attribute_of(struct versions *versions, const char *name)
{
    struct catalog_attribute attribute;
    struct error err = {0};
    cr_assert_eq(catalog_attribute_find(versions->reader, name, strlen(name), &attribute, &err), 0, "%s",
                 err.text);
    return attribute;
}

static struct changeset *two_clips(void)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "task", VALUE_TEXT, true);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "force", VALUE_FLOAT, false);
    set_attribute(set, "ok", VALUE_BOOL, false);
    set_attribute(set, "day", VALUE_TIME, false);
    set_attribute(set, "duration", VALUE_DURATION, false);
    set_clip(set, "ep000001", 1);
    set_value(set, "task", VALUE_TEXT, "push \"it\"");
    set_value(set, "task", VALUE_TEXT, "lift");
    set_value(set, "task", VALUE_TEXT, "lift");
    set_value(set, "length", VALUE_INT, "-3");
    set_value(set, "force", VALUE_FLOAT, "0.1");
    set_value(set, "ok", VALUE_BOOL, "true");
    set_value(set, "day", VALUE_TIME, "2026-03-01T12:00:00.5Z");
    set_value(set, "duration", VALUE_DURATION, "2500ms");
    set_stream(set, "front", "a.mp4", 100, 900);
    set_stream(set, "wrist", "b.mp4", 200, 300);
    changeset_extra(set, "opaque", 6);
    set_clip(set, "ep000002", 2);
    set_value(set, "task", VALUE_TEXT, "lift");
    set_stream(set, "front", "a.mp4", 1000, 500);
    return set;
}

Test(apply, an_empty_set_makes_an_empty_catalog)
{
    struct versions v;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, changeset_new()), 0, "%s", v.err.text);
    struct catalog_info info;
    cr_assert_eq(catalog_info(v.reader, &info, &v.err), 0, "%s", v.err.text);
    cr_assert(info.version == 1 && info.rows == 0 && info.clips == 0);
    struct rowset *live;
    cr_assert_eq(catalog_live(v.reader, &live, &v.err), 0, "%s", v.err.text);
    cr_assert(rowset_empty(live));
    rowset_unref(live);
    uint32_t row;
    struct catalog_clip clip;
    cr_assert_eq(catalog_clip_find(v.reader, "x", 1, &row, &v.err), -ENOENT);
    cr_assert_eq(catalog_clip(v.reader, 0, &clip, &v.err), -ENOENT);
    versions_done(&v);
    check_leaks();
}

Test(apply, json_is_one_line_by_name_with_units_and_arrays_for_multi_attributes)
{
    struct versions v;
    struct buf json = BUF_INIT;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    cr_assert_str_eq(
        json_of(&v, "ep000001", &json),
        "{\"key\":\"ep000001\",\"day\":\"2026-03-01T12:00:00.5Z\",\"duration\":2.5,\"force\":0.1,"
        "\"length\":-3,\"ok\":true,\"task\":[\"lift\",\"push \\\"it\\\"\"]}\n");
    cr_assert_str_eq(json_of(&v, "ep000002", &json), "{\"key\":\"ep000002\",\"task\":[\"lift\"]}\n");
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(apply, streams_objects_and_extras_read_back)
{
    struct versions v;
    uint32_t row;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_added == 2 && v.counts.streams == 3 && v.counts.clips == 2 &&
              v.counts.rows == 2);
    struct catalog_clip clip = clip_of(&v, "ep000001", &row);
    cr_assert(clip.file_count == 2 && clip.files[0].size == 906 && clip.files[1].changed == 1);
    cr_assert_str_eq(clip.files[1].name, "wrist");
    cr_assert_str_eq(clip.files[1].ext, "mp4");
    struct catalog_span span;
    cr_assert_eq(catalog_span(v.reader, 0, &span, &v.err), 0, "%s", v.err.text);
    cr_assert(span.t0_ns == CLIP_NO_TIME && span.t1_ns == CLIP_NO_TIME && clip.json_changed == 1);
    struct catalog_stream stream;
    cr_assert_eq(catalog_stream(v.reader, row, 1, &stream, &v.err), 0, "%s", v.err.text);
    cr_assert(stream.size == 306 && stream.piece_count == 2 && stream.inline_bytes.len == 6);
    cr_assert(stream.pieces[0].kind == EXTENT_INLINE && stream.pieces[0].len == 6);
    cr_assert(stream.pieces[1].kind == EXTENT_OBJECT && stream.pieces[1].offset == 200 &&
              stream.pieces[1].len == 300);
    cr_assert_str_eq(stream.container, "mp4");
    struct catalog_object object;
    cr_assert_eq(catalog_object(v.reader, stream.object, &object, &v.err), 0, "%s", v.err.text);
    cr_assert(object.root == 0 && object.size == 10000);
    cr_assert_str_eq(object.path, "b.mp4");
    cr_assert_str_eq(object.pin, "mtime=1;inode=2");
    catalog_object_done(&object);
    catalog_stream_done(&stream);
    cr_assert_eq(catalog_stream(v.reader, row, 2, &stream, &v.err), -ENOENT);
    struct buf extra = BUF_INIT;
    cr_assert_eq(catalog_extra(v.reader, row, &extra, &v.err), 0);
    cr_assert_str_eq(buf_text(&extra), "opaque");
    int64_t time;
    cr_assert_eq(catalog_commit_time(v.reader, 1, &time, &v.err), 0);
    cr_assert_eq(time, 1);
    cr_assert_eq(catalog_commit_time(v.reader, 2, &time, &v.err), -EUCLEAN);
    buf_done(&extra);
    versions_done(&v);
    check_leaks();
}

Test(apply, the_same_set_again_changes_nothing)
{
    struct versions v;
    uint32_t row;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_unchanged == 2 && v.counts.clips_added == 0 && v.counts.clips_replaced == 0);
    struct catalog_clip clip = clip_of(&v, "ep000001", &row);
    cr_assert(clip.json_changed == 1 && clip.files[0].changed == 1);
    cr_assert_eq(versions_counts(&v, "task").clips, 2);
    versions_done(&v);
    check_leaks();
}

Test(apply, one_set_makes_one_file)
{
    struct versions v;
    struct buf first = BUF_INIT, second = BUF_INIT;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    char *path = versions_path(&v, 1);
    cr_assert_eq(file_read(path, 1 << 24, &first, &v.err), 0);
    unlink(path);
    v.head = 0;
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    cr_assert_eq(file_read(path, 1 << 24, &second, &v.err), 0);
    cr_assert_eq(first.len, second.len);
    cr_assert_arr_eq(first.data, second.data, first.len);
    free(path);
    buf_done(&first), buf_done(&second);
    versions_done(&v);
    check_leaks();
}

Test(apply, new_content_under_a_known_key_keeps_its_row_and_dates_what_changed)
{
    struct versions v;
    struct buf json = BUF_INIT;
    uint32_t before, after;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    clip_of(&v, "ep000002", &before);
    struct changeset *set = changeset_new();
    set_attribute(set, "task", VALUE_TEXT, true);
    set_clip(set, "ep000003", 3);
    set_clip(set, "ep000001", 9);
    set_value(set, "task", VALUE_TEXT, "drop");
    set_stream(set, "wrist", "b.mp4", 200, 300);
    set_stream(set, "front", "a.mp4", 100, 901);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert(v.counts.clips_replaced == 1 && v.counts.clips_added == 1 && v.counts.clips == 3);
    struct catalog_clip clip = clip_of(&v, "ep000001", &after);
    cr_assert(clip.file_count == 2 && clip.json_changed == 2);
    cr_assert_str_eq(clip.files[0].name, "wrist");
    cr_assert(clip.files[0].changed == 1 && clip.files[1].changed == 2);
    cr_assert_str_eq(
        json_of(&v, "ep000001", &json),
        "{\"key\":\"ep000001\",\"day\":\"2026-03-01T12:00:00.5Z\",\"duration\":2.5,\"force\":0.1,"
        "\"length\":-3,\"ok\":true,\"task\":[\"drop\"]}\n",
        "attributes the set does not declare stay");
    clip_of(&v, "ep000002", &after);
    cr_assert_eq(before, after);
    struct buf extra = BUF_INIT;
    cr_assert_eq(catalog_extra(v.reader, 0, &extra, &v.err), 0);
    cr_assert_eq(extra.len, 0, "the set gives it none");
    cr_assert_eq(versions_counts(&v, "task").distinct, 2);
    buf_done(&json);
    buf_done(&extra);
    versions_done(&v);
    check_leaks();
}

Test(apply, known_content_under_another_key_is_a_clip_of_its_own_where_the_set_does_not_move_labels)
{
    struct versions v;
    struct buf json = BUF_INIT;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    struct changeset *set = changeset_new();
    set_clip(set, "copy", 2);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_str_eq(json_of(&v, "copy", &json), "{\"key\":\"copy\"}\n");
    cr_assert_str_eq(json_of(&v, "ep000002", &json), "{\"key\":\"ep000002\",\"task\":[\"lift\"]}\n");
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(apply, types_that_do_not_fit_are_refused_naming_both)
{
    struct versions v;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_TEXT, false);
    cr_assert_eq(versions_apply(&v, set), -EINVAL);
    cr_assert(strstr(v.err.text, "'length' is integer in the data set and text in the import"), "%s",
              v.err.text);
    set = changeset_new();
    set_attribute(set, "force", VALUE_INT, false);
    set_clip(set, "big", 7);
    set_value(set, "force", VALUE_INT, "9007199254740993");
    cr_assert_eq(versions_apply(&v, set), -EINVAL);
    cr_assert(strstr(v.err.text, "9007199254740993"), "%s", v.err.text);
    versions_done(&v);
    check_leaks();
}

Test(apply, integers_widen_to_float_where_exact)
{
    struct versions v;
    struct buf json = BUF_INIT;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_FLOAT, false);
    set_clip(set, "half", 7);
    set_value(set, "length", VALUE_FLOAT, "0.5");
    set_clip(set, "same", 8);
    set_value(set, "length", VALUE_FLOAT, "-3");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    struct catalog_attribute length = attribute_of(&v, "length");
    cr_assert(length.type == VALUE_FLOAT && versions_counts(&v, "length").clips == 3 &&
              versions_counts(&v, "length").distinct == 2);
    cr_assert(strstr(json_of(&v, "ep000001", &json), "\"length\":-3,"));
    for (int low = 0; low < 2; low++) { /* equality by the dictionary; a range is the same here */
        struct value values[] = {value_of(VALUE_FLOAT, "-3"), value_of(VALUE_FLOAT, "0")};
        struct catalog_literal literal = {.attribute = length.id,
                                          .op = low ? CATALOG_RANGE : CATALOG_EQ,
                                          .values = values,
                                          .count = 1,
                                          .inclusive_low = true};
        struct rowset *rows;
        cr_assert_eq(catalog_select(v.reader, &literal, &rows, &v.err), 0, "%s", v.err.text);
        cr_assert_eq(rowset_count(rows), 2);
        rowset_unref(rows);
    }
    set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    set_clip(set, "int", 9);
    set_value(set, "length", VALUE_INT, "4");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_str_eq(json_of(&v, "int", &json), "{\"key\":\"int\",\"length\":4}\n");
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(apply, an_attribute_may_come_to_hold_several_values)
{
    struct versions v;
    struct buf json = BUF_INIT;
    uint32_t row;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, true);
    set_clip(set, "two", 7);
    set_value(set, "length", VALUE_INT, "8");
    set_value(set, "length", VALUE_INT, "7");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_str_eq(json_of(&v, "two", &json), "{\"key\":\"two\",\"length\":[7,8]}\n");
    cr_assert(strstr(json_of(&v, "ep000001", &json), "\"length\":[-3]"));
    struct catalog_clip clip = clip_of(&v, "ep000001", &row);
    cr_assert_eq(clip.json_changed, 2);
    clip = clip_of(&v, "ep000002", &row);
    cr_assert_eq(clip.json_changed, 1, "it has no length");
    cr_assert_eq(versions_counts(&v, "length").distinct, 3);
    buf_done(&json);
    versions_done(&v);
    check_leaks();
}

Test(apply, rows_are_by_site_robot_session_and_time)
{
    static const char *const clips[][4] = {/* key, site, robot_type, session */
                                           {"e", NULL, "b", "1"}, {"d", "y", "a", "2"},
                                           {"c", "y", "a", "1"},  {"b", "x", "b", NULL},
                                           {"a", "x", "a", "9"},  {"f", NULL, NULL, NULL}};
    struct versions v;
    struct changeset *set = changeset_new();
    versions_init(&v);
    set_attribute(set, "site", VALUE_TEXT, false);
    set_attribute(set, "robot_type", VALUE_TEXT, false);
    set_attribute(set, "session", VALUE_INT, false);
    for (int i = 0; i < 6; i++) {
        set_clip(set, clips[i][0], i);
        if (clips[i][1])
            set_value(set, "site", VALUE_TEXT, clips[i][1]);
        if (clips[i][2])
            set_value(set, "robot_type", VALUE_TEXT, clips[i][2]);
        if (clips[i][3])
            set_value(set, "session", VALUE_INT, clips[i][3]);
    }
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    for (uint32_t row = 0; row < 6; row++) {
        struct catalog_clip clip;
        cr_assert_eq(catalog_clip(v.reader, row, &clip, &v.err), 0, "%s", v.err.text);
        char key[2] = {(char)('a' + (int)row), 0};
        cr_assert_str_eq(clip.key, key);
    }
    versions_done(&v);
    check_leaks();
}

Test(apply, keys_of_many_imports_are_found)
{
    struct versions v;
    versions_init(&v);
    for (int i = 0; i < 20; i++) {
        struct changeset *set = changeset_new();
        for (int k = 0; k < 3; k++) {
            char key[16];
            snprintf(key, sizeof key, "%c%d", 'a' + k, i);
            set_clip(set, key, i * 3 + k);
        }
        cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    }
    for (int i = 0; i < 20; i++) {
        char key[16];
        uint32_t row;
        snprintf(key, sizeof key, "b%d", i);
        clip_of(&v, key, &row);
        cr_assert_eq(row, (uint32_t)i * 3 + 1);
    }
    versions_done(&v);
    check_leaks();
}

Test(apply, attributes_are_listed_by_name_and_values_in_order)
{
    struct versions v;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, two_clips()), 0, "%s", v.err.text);
    struct catalog_attribute task = attribute_of(&v, "task");
    cr_assert(task.multi && versions_counts(&v, "task").clips == 2 &&
              versions_counts(&v, "task").distinct == 2);
    struct value lift = value_of(VALUE_TEXT, "lift"), none = value_of(VALUE_TEXT, "lif");
    cr_assert_eq(catalog_value_known(v.reader, task.id, &lift, &v.err), 1);
    cr_assert_eq(catalog_value_known(v.reader, task.id, &none, &v.err), 0);
    cr_assert_eq(catalog_value_known(v.reader, 99, &none, &v.err), -ENOENT);
    struct catalog_attribute unknown;
    cr_assert_eq(catalog_attribute_find(v.reader, "tas", 3, &unknown, &v.err), -ENOENT);
    versions_done(&v);
    check_leaks();
}
