// SPDX-License-Identifier: Apache-2.0
/* The log of a change set: written, read, decoded, golden, and refused where an operation does not fit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/base/value_list.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_log.h"
#include "index/commit/changeset_sources.h"
#include "tests/test_leaks.h"

static struct value integer(int64_t i)
{
    return (struct value){.type = VALUE_INT, .integer = i};
}

static struct value text(const char *t)
{
    return (struct value){.type = VALUE_TEXT, .text = t, .len = strlen(t)};
}

static void begin(struct changeset *set, const char *key, uint8_t print)
{
    struct error err = {0};
    struct changeset_clip clip = {.key = key, .t0_ns = 5, .t1_ns = 7, .source = "run.mp4"};
    memset(clip.fingerprint, print, sizeof clip.fingerprint);
    cr_assert_eq(changeset_clip(set, &clip, &err), 0, "%s", err.text);
}

/* One of everything; its log is tests/fuzz/corpus/changeset/one-of-each. */
static struct changeset *sample(void)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    uint32_t root = changeset_root(set, "s3://bucket/run"), object = 99;
    cr_assert_eq(changeset_object(set, root, "a.mp4", 1000, "etag=1", &object, &err), 0);
    struct evidence evidence = {
        .count = 1, .sampled = true, .ranges = {{0, 100}}, .seen = {1}, .samples = {2}};
    changeset_evidence(set, object, &evidence);
    changeset_evidence(set, object, &evidence); /* once is enough */
    changeset_table(set, object, "mp4", "TABLE", 5);
    cr_assert_eq(changeset_attribute(set, "length", VALUE_INT, false, &err), 0);
    cr_assert_eq(changeset_attribute(set, "tags", VALUE_TEXT, true, &err), 0);
    cr_assert_eq(changeset_attribute(set, "ok", VALUE_BOOL, false, &err), 0);
    cr_assert_eq(changeset_attribute(set, "force", VALUE_FLOAT, false, &err), 0);
    cr_assert_eq(changeset_attribute(set, "box", VALUE_LIST, false, &err), 0);
    changeset_partial(set, "ok");
    uint32_t source = 99;
    cr_assert_eq(changeset_source_begin(set, root, "arm", &source, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_source_file(set, "README.md", "", 0, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_source_file(set, "meta/info.json", "{}", 2, &err), 0, "%s", err.text);
    begin(set, "ep000001", 1);
    struct buf list = BUF_INIT;
    struct value box;
    cr_assert_eq(value_list_parse("[40,-10.5,null,40]", 18, &list, &box), 0);
    struct value values[] = {integer(-300),
                             text("a"),
                             text("b"),
                             {.type = VALUE_BOOL, .boolean = true},
                             {.type = VALUE_FLOAT, .real = 0.1},
                             box};
    static const char *const names[] = {"length", "tags", "tags", "ok", "force", "box"};
    for (int i = 0; i < 6; i++)
        cr_assert_eq(changeset_value(set, names[i], &values[i], &err), 0, "%s", err.text);
    buf_done(&list);
    struct slice slice = SLICE_INIT;
    slice_add_inline(&slice, "HEADER", 6);
    slice_add_range(&slice, 100, 900);
    slice.preroll_ns = 40000000;
    struct changeset_stream stream = {"front", "mp4", "mp4", object, &slice};
    cr_assert_eq(changeset_stream(set, &stream, &err), 0, "%s", err.text);
    changeset_extra(set, "\0\1\2", 3);
    changeset_of_source(set, source);
    begin(set, "ep000002", 2);
    cr_assert_eq(changeset_labels_of(set, "ep000003", &err), 0, "%s", err.text);
    cr_assert_eq(changeset_none(set, "ok", &err), 0, "%s", err.text);
    changeset_hide(set);
    cr_assert_eq(changeset_remove(set, "ep000003", &err), 0, "%s", err.text);
    slice_done(&slice);
    return set;
}

Test(changeset, what_was_written_is_read_back)
{
    struct changeset *set = sample();
    static const enum changeset_kind kinds[] = {
        CHANGESET_ROOT,      CHANGESET_OBJECT,    CHANGESET_EVIDENCE,  CHANGESET_TABLE,
        CHANGESET_ATTRIBUTE, CHANGESET_ATTRIBUTE, CHANGESET_ATTRIBUTE, CHANGESET_ATTRIBUTE,
        CHANGESET_ATTRIBUTE, CHANGESET_PARTIAL,   CHANGESET_SOURCE,    CHANGESET_FILE,
        CHANGESET_FILE,      CHANGESET_CLIP,      CHANGESET_VALUE,     CHANGESET_VALUE,
        CHANGESET_VALUE,     CHANGESET_VALUE,     CHANGESET_VALUE,     CHANGESET_VALUE,
        CHANGESET_STREAM,    CHANGESET_EXTRA,     CHANGESET_OF_SOURCE, CHANGESET_CLIP,
        CHANGESET_LABELS_OF, CHANGESET_NONE,      CHANGESET_HIDE,      CHANGESET_REMOVE};
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        cr_assert_eq(changeset_next(&reader, &op), 1);
        cr_assert_eq(op.kind, kinds[i], "operation %zu", i);
        if (i == 1) {
            cr_assert(op.id == 0 && op.root == 0 && op.size == 1000);
            cr_assert_str_eq(op.text, "a.mp4");
            cr_assert_str_eq(op.pin, "etag=1");
        } else if (i == 12) {
            cr_assert_str_eq(op.text, "meta/info.json");
            cr_assert(op.len == 2 && !memcmp(op.bytes, "{}", 2));
        } else if (i == 13) {
            cr_assert_str_eq(op.text, "ep000001");
            cr_assert_str_eq(op.source, "run.mp4");
            cr_assert(op.fingerprint[31] == 1 && op.t0_ns == 5 && op.t1_ns == 7);
        } else if (i == 14) {
            cr_assert_str_eq(op.text, "length");
            cr_assert_eq(op.value.integer, -300);
        } else if (i == 19) {
            struct buf shown = BUF_INIT;
            value_print(&shown, &op.value);
            cr_assert_str_eq(buf_text(&shown), "[40,-10.5,null,40]");
            buf_done(&shown);
        } else if (i == 20) {
            cr_assert(op.size == 906 && op.piece_count == 2 && op.preroll_ns == 40000000 && op.id == 0);
            cr_assert(op.pieces[1].kind == SLICE_RECORDING && op.pieces[1].offset == 100 &&
                      op.pieces[1].len == 900);
            cr_assert_arr_eq(op.bytes, "HEADER", 6);
            cr_assert_str_eq(op.reason, "");
        }
    }
    cr_assert_eq(changeset_next(&reader, &op), 0);
    cr_assert_eq(changeset_clips(set), 2);
    changeset_reader_done(&reader);
    changeset_free(set);
    check_leaks();
}

Test(changeset, its_log_has_the_golden_bytes_and_decodes_to_itself)
{
    struct changeset *set = sample(), *again = NULL;
    struct error err = {0};
    const struct buf *log = changeset_log(set);
    struct buf golden = BUF_INIT;
    if (getenv("WRITE_GOLDEN"))
        cr_assert_eq(
            file_replace(TESTS_DIR "/fuzz/corpus/changeset/one-of-each", log->data, log->len, 0644, &err), 0);
    cr_assert_eq(file_read(TESTS_DIR "/fuzz/corpus/changeset/one-of-each", 1 << 20, &golden, &err), 0, "%s",
                 err.text);
    cr_assert_eq(golden.len, log->len);
    cr_assert_arr_eq(golden.data, log->data, log->len);
    cr_assert_eq(changeset_decode(log->data, log->len, &again, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_log(again)->len, log->len);
    cr_assert_arr_eq(changeset_log(again)->data, log->data, log->len);
    buf_done(&golden);
    changeset_free(set), changeset_free(again);
    check_leaks();
}

Test(changeset, no_changed_byte_and_no_cut_makes_an_uncanonical_set)
{
    struct changeset *set = sample();
    const struct buf *log = changeset_log(set);
    struct error err;
    for (size_t at = 0; at < log->len; at++) {
        struct changeset *out = NULL;
        uint8_t *copy = mem_copy(log->data, log->len);
        copy[at] ^= 0x41;
        if (!changeset_decode(copy, log->len, &out, &err)) /* another text or number: still its own log */
            cr_assert_arr_eq(changeset_log(out)->data, copy, log->len, "byte %zu", at);
        changeset_free(out);
        free(copy);
        out = NULL;
        if (!changeset_decode(log->data, at, &out, &err))
            cr_assert_arr_eq(changeset_log(out)->data, log->data, at);
        changeset_free(out);
    }
    changeset_free(set);
    check_leaks();
}

Test(changeset, equal_things_are_one_and_different_ones_clash)
{
    struct changeset *set = sample();
    struct error err;
    uint32_t object;
    size_t len = changeset_log(set)->len;
    cr_assert_eq(changeset_root(set, "s3://bucket/run"), 0);
    cr_assert_eq(changeset_object(set, 0, "a.mp4", 1000, "etag=1", &object, &err), 0);
    cr_assert_eq(object, 0);
    cr_assert_eq(changeset_attribute(set, "tags", VALUE_TEXT, true, &err), 0);
    cr_assert_eq(changeset_log(set)->len, len);
    cr_assert_eq(changeset_object(set, 0, "a.mp4", 1000, "etag=2", &object, &err), -ESTALE);
    cr_assert_eq(changeset_object(set, 0, "a.mp4", 1001, "etag=1", &object, &err), -ESTALE);
    cr_assert_eq(changeset_attribute(set, "tags", VALUE_TEXT, false, &err), -EEXIST);
    cr_assert_eq(changeset_attribute(set, "lists", VALUE_LIST, true, &err), -EINVAL, "one a clip");
    cr_assert_eq(changeset_attribute(set, "tags", VALUE_INT, true, &err), -EEXIST);
    cr_assert_eq(changeset_attribute(set, "a.b", VALUE_INT, true, &err), -EINVAL);
    struct changeset_clip twin = {
        .key = "ep000001", .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "other.mp4"};
    cr_assert_eq(changeset_clip(set, &twin, &err), -EEXIST);
    cr_assert(strstr(err.text, "run.mp4") && strstr(err.text, "other.mp4"), "%s", err.text);
    cr_assert_eq(changeset_log(set)->len, len, "what was refused left a trace");
    changeset_free(set);
    check_leaks();
}

Test(changeset, values_must_be_declared_typed_and_single_unless_multi)
{
    struct changeset *set = sample();
    struct error err;
    struct value one = integer(1), word = text("x");
    cr_assert_eq(changeset_value(set, "nowhere", &one, &err), -EINVAL);
    cr_assert_eq(changeset_value(set, "length", &word, &err), -EINVAL);
    cr_assert_eq(changeset_value(set, "length", &one, &err), 0);
    cr_assert_eq(changeset_value(set, "length", &one, &err), -EINVAL, "a second value");
    cr_assert_eq(changeset_value(set, "tags", &word, &err), 0);
    cr_assert_eq(changeset_value(set, "tags", &word, &err), 0);
    changeset_free(set);
    check_leaks();
}

Test(changeset, streams_must_have_own_file_names_and_stay_inside_their_object)
{
    struct changeset *set = sample();
    struct error err;
    struct slice slice = SLICE_INIT, outside = SLICE_INIT;
    slice_whole(&slice, 1000, "not an MP4");
    slice_add_range(&outside, 1, 1000);
    struct changeset_stream a = {"a", "", "", 0, &slice}, same = {"", "a", "", 0, &slice},
                            json = {"", "json", "", 0, &slice}, dot = {"a.b", "mp4", "", 0, &slice},
                            far = {"far", "mp4", "mp4", 0, &outside},
                            nowhere = {"none", "mp4", "mp4", CHANGESET_NO_OBJECT, &slice};
    cr_assert_eq(changeset_stream(set, &a, &err), 0);
    cr_assert_eq(changeset_stream(set, &same, &err), -EEXIST, "ep.a twice");
    cr_assert_eq(changeset_stream(set, &json, &err), -EEXIST);
    cr_assert_eq(changeset_stream(set, &dot, &err), -EINVAL);
    cr_assert_eq(changeset_stream(set, &far, &err), -EINVAL);
    cr_assert_eq(changeset_stream(set, &nowhere, &err), -EINVAL);
    for (int i = 1; i < CLIP_STREAMS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        struct changeset_stream many = {name, "mp4", "mp4", 0, &slice};
        cr_assert_eq(changeset_stream(set, &many, &err), 0, "%s", err.text);
    }
    struct changeset_stream last = {"last", "mp4", "mp4", 0, &slice};
    cr_assert_eq(changeset_stream(set, &last, &err), -E2BIG);
    slice_done(&slice), slice_done(&outside);
    changeset_free(set);
    check_leaks();
}

/* One of each operation about labels; its log is tests/fuzz/corpus/changeset/labels. */
static struct changeset *label_sample(void)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    struct changeset_setter anna = {"anna", CHANGESET_ALL, "labels.csv: line"};
    struct value ok = {.type = VALUE_BOOL, .boolean = true};
    cr_assert_eq(changeset_rename(set, "old", "new", &err), 0);
    cr_assert_eq(changeset_describe(set, "new", "how it is", &err), 0);
    cr_assert_eq(changeset_drop(set, "gone", &err), 0);
    cr_assert_eq(changeset_to_text(set, "grade", &err), 0);
    cr_assert_eq(changeset_attribute(set, "ok", VALUE_BOOL, false, &err), 0);
    cr_assert_eq(changeset_setter(set, &anna, &err), 0);
    cr_assert_eq(changeset_labels(set, "ep000001", 7, &err), 0);
    cr_assert_eq(changeset_value(set, "ok", &ok, &err), 0);
    cr_assert_eq(changeset_events(set, "grasp", &err), 0);
    cr_assert_eq(changeset_event(set, 1500000000, 2500000000, &err), 0);
    cr_assert_eq(changeset_events(set, "slip", &err), 0);
    cr_assert_eq(changeset_labels(set, "ep000002", 9, &err), 0);
    cr_assert_eq(changeset_none(set, "ok", &err), 0);
    return set;
}

Test(changeset, labels_are_read_back_and_decoded_from_their_golden_log)
{
    struct error err = {0};
    struct changeset *set = label_sample(), *decoded = NULL;
    struct buf golden = BUF_INIT;
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    const struct buf *log = changeset_log(set);
    if (getenv("WRITE_GOLDEN"))
        cr_assert_eq(file_replace(TESTS_DIR "/fuzz/corpus/changeset/labels", log->data, log->len, 0644, &err),
                     0);
    cr_assert_eq(file_read(TESTS_DIR "/fuzz/corpus/changeset/labels", 1 << 20, &golden, &err), 0, "%s",
                 err.text);
    cr_assert(log->len == golden.len && !memcmp(log->data, golden.data, golden.len));
    cr_assert_eq(changeset_decode(golden.data, golden.len, &decoded, &err), 0, "%s", err.text);
    int count = 0;
    while (changeset_next(&reader, &op)) {
        count++;
        if (op.kind == CHANGESET_RENAME)
            cr_assert(!strcmp(op.text, "old") && !strcmp(op.other, "new"));
        else if (op.kind == CHANGESET_SETTER)
            cr_assert(!strcmp(op.text, "anna") && op.policy == CHANGESET_ALL &&
                      !strcmp(op.other, "labels.csv: line"));
        else if (op.kind == CHANGESET_LABELS)
            cr_assert(op.place == 7 || op.place == 9);
        else if (op.kind == CHANGESET_EVENT)
            cr_assert(op.start_ns == 1500000000 && op.end_ns == 2500000000);
    }
    cr_assert_eq(count, 13);
    changeset_reader_done(&reader);
    changeset_free(decoded);
    changeset_free(set);
    buf_done(&golden);
    check_leaks();
}

Test(changeset, a_clip_of_an_import_has_none_of_what_the_import_is_partial_in_only)
{
    struct error err = {0};
    struct value ok = {.type = VALUE_BOOL, .boolean = true};
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_attribute(set, "all", VALUE_BOOL, false, &err), 0);
    cr_assert_eq(changeset_attribute(set, "some", VALUE_BOOL, false, &err), 0);
    changeset_partial(set, "some");
    changeset_partial(set, "some"); /* says nothing more */
    begin(set, "a", 1);
    cr_assert_eq(changeset_none(set, "all", &err), -EINVAL);
    cr_assert_str_eq(err.text, "a: without a value of 'all' the clip has none");
    cr_assert_eq(changeset_value(set, "some", &ok, &err), 0);
    cr_assert_eq(changeset_none(set, "some", &err), -EINVAL);
    begin(set, "b", 2);
    cr_assert_eq(changeset_none(set, "some", &err), 0);
    changeset_free(set);
    check_leaks();
}

Test(changeset, labels_out_of_order_are_refused_with_the_reason)
{
    struct error err = {0};
    struct changeset *set = label_sample();
    cr_assert_eq(changeset_labels(set, "ep000001", 11, &err), -EEXIST);
    cr_assert_str_eq(err.text, "the clip 'ep000001' stands there a second time, first at 7");
    cr_assert_eq(changeset_event(set, 0, 0, &err), -EINVAL, "before a label");
    cr_assert_eq(changeset_events(set, "grasp", &err), 0);
    cr_assert_eq(changeset_events(set, "grasp", &err), -EINVAL);
    cr_assert_str_eq(err.text, "ep000002: the labels of events are not in order: 'grasp' comes too late");
    cr_assert_eq(changeset_event(set, 2, 1, &err), -EINVAL);
    cr_assert_str_eq(err.text, "ep000002: an event ends before it starts");
    cr_assert_eq(changeset_event(set, -1, 1, &err), -EINVAL);
    cr_assert_eq(changeset_drop(set, "ok", &err), -EINVAL);
    cr_assert_str_eq(err.text, "what changes of the attribute 'ok' must be said first");
    cr_assert_eq(changeset_setter(set, &(struct changeset_setter){"b", CHANGESET_OWN, ""}, &err), -EINVAL);
    cr_assert_eq(changeset_remove(set, "ep9", &err), -EINVAL);
    struct changeset_clip clip = {.key = "ep3", .source = "a.mp4"};
    cr_assert_eq(changeset_clip(set, &clip, &err), -EINVAL);
    cr_assert_str_eq(err.text, "a.mp4: a change set holds clips or labels, not both");
    changeset_free(set);
    check_leaks();
}

Test(changeset, an_operation_whose_needs_are_not_met_is_refused_by_its_name)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *said;
    } logs[] = {
        {"\x14", 1, "change set: offset 8: hide: comes before the clip it belongs to"},
        {"\x0e\0\0", 3, "change set: offset 8: event: comes before the clip it belongs to"},
        {"\x0c\1a\0\3", 5, "change set: offset 8: labels: it is not said who sets the labels"},
        {"\x04\0\1a\0\4\0\x11\1a\0", 11,
         "change set: offset 15: drop: comes behind the declaration of an attribute"},
        {"\x0b\1b\0\0\0\0\x0b\1b\0\0\0\0", 14,
         "change set: offset 15: setter: who sets the values is said already"},
        {"\x09\1a\0\x0b\1b\0\0\0\0\x0c\1c\0\3", 16,
         "change set: offset 19: labels: a change set holds clips or labels, not both"},
        {"\x18\1a\0\0", 5, "change set: offset 8: file of a source: comes before the source it belongs to"},
        {"\x0b\1b\0\0\0\0\x01\0\1r\0\x17\0\0\0\0", 17,
         "change set: offset 20: source: who sets the values is said already"},
        {"\0", 1, "change set: no operation at offset 8"},
        {"\x17", 1, "change set: no operation at offset 8"},
    };
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct error err = {0};
        struct changeset *set = NULL;
        struct buf log = BUF_INIT;
        buf_append(&log, "elidcs2\n", 8);
        buf_append(&log, logs[i].bytes, logs[i].len);
        cr_assert_eq(changeset_decode(log.data, log.len, &set, &err), -EINVAL);
        cr_assert_str_eq(err.text, logs[i].said);
        buf_done(&log);
    }
    check_leaks();
}

Test(changeset, a_log_of_another_program_says_so_and_what_is_none_does_too)
{
    struct error err = {0};
    struct changeset *set = NULL;
    cr_assert_eq(changeset_decode("elidcs3\n", 8, &set, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "is of another elidefs than this one, " ELIDEFS_VERSION), "%s", err.text);
    cr_assert_eq(changeset_decode("elidct2\n", 8, &set, &err), -EINVAL);
    cr_assert_str_eq(err.text, "this is no change set");
    cr_assert_eq(changeset_decode("elidcs2", 7, &set, &err), -EINVAL);
    cr_assert_null(set);
    check_leaks();
}

enum { LARGE_CLIPS = 64, LARGE_BYTES = 1 << 18 };

/* Clip `i` of a log that is larger than the window of it that is in memory; 0, or why it cannot be written.
 */
static int add_large(struct changeset *set, unsigned i, uint8_t *bytes, struct error *err)
{
    char key[16];
    snprintf(key, sizeof key, "c%04u", i);
    struct changeset_clip clip = {
        .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "run.mp4"};
    int rc = changeset_clip(set, &clip, err);
    memset(bytes, (int)i, LARGE_BYTES);
    if (!rc)
        changeset_extra(set, bytes, LARGE_BYTES);
    return rc;
}

Test(changeset, of_a_large_log_memory_holds_a_window_and_all_of_it_is_read)
{
    struct error err = {0};
    struct changeset *set = changeset_new(), *again = NULL;
    uint8_t *bytes = mem_alloc(LARGE_BYTES);
    for (unsigned i = 0; i < LARGE_CLIPS; i++) {
        cr_assert_eq(add_large(set, i, bytes, &err), 0, "%s", err.text);
        cr_assert_leq(spool_held(&set->log), 2 * SPOOL_WINDOW);
    }
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    for (unsigned i = 0; i < LARGE_CLIPS; i++) {
        cr_assert_eq(changeset_next(&reader, &op), 1);
        cr_assert_eq(changeset_next(&reader, &op), 1);
        memset(bytes, (int)i, LARGE_BYTES);
        cr_assert(op.len == LARGE_BYTES && !memcmp(op.bytes, bytes, op.len), "clip %u", i);
    }
    cr_assert_eq(changeset_next(&reader, &op), 0);
    changeset_reader_done(&reader);
    const struct buf *log = changeset_log(set);
    cr_assert_eq(changeset_decode(log->data, log->len, &again, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_clips(again), LARGE_CLIPS);
    changeset_free(again);
    changeset_free(set);
    free(bytes);
    check_leaks();
}

Test(changeset, a_log_that_finds_no_room_fails_at_the_next_clip_and_names_the_folder)
{
    struct error err = {0};
    setenv("TMPDIR", "/nowhere", 1);
    struct changeset *set = changeset_new();
    uint8_t *bytes = mem_alloc(LARGE_BYTES);
    unsigned i = 0;
    while (i < LARGE_CLIPS && !add_large(set, i, bytes, &err))
        i++;
    cr_assert(i && i < LARGE_CLIPS);
    cr_assert_eq(err.code, ENOENT);
    cr_assert_str_eq(err.text, "run.mp4: /nowhere, where temporary files are made: No such file or directory "
                               "(set TMPDIR to use another folder)");
    changeset_free(set);
    free(bytes);
    check_leaks();
}
