// SPDX-License-Identifier: Apache-2.0
/* What several values of one attribute, from several clips, make of its type. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/draft.h"

static struct value integer(int64_t number)
{
    return (struct value){.type = VALUE_INT, .integer = number};
}

static struct value real(double number)
{
    return (struct value){.type = VALUE_FLOAT, .real = number};
}

static struct value text(const char *words)
{
    return (struct value){.type = VALUE_TEXT, .text = words, .len = strlen(words)};
}

static int give(struct drafts *drafts, const char *key, const char *column, struct value value,
                struct error *err)
{
    struct draft *clip = drafts_find(drafts, key);
    size_t attribute;
    if (!clip)
        drafts_clip(drafts, key, key, &clip, NULL);
    int rc = drafts_attribute(drafts, column, "test", &attribute, err);
    return rc ? rc : draft_value(drafts, clip, attribute, &value, err);
}

/* "type,multi:" and then the values, in the order of the log. */
static char *emitted(struct drafts *drafts)
{
    struct changeset_reader reader = CHANGESET_READER(drafts->set);
    struct changeset_op op;
    CLEANUP_BUF struct buf out = BUF_INIT;
    while (changeset_next(&reader, &op) > 0) {
        if (op.kind == CHANGESET_ATTRIBUTE)
            buf_printf(&out, "%s%s:", value_type_name(op.type), op.multi ? ",multi" : "");
        if (op.kind == CHANGESET_VALUE) {
            buf_u8(&out, ' ');
            value_print(&out, &op.value);
        }
    }
    changeset_reader_done(&reader);
    return (char *)buf_steal(&out);
}

static void expect(struct drafts *drafts, const char *words)
{
    struct error err = {0};
    cr_assert_eq(drafts_emit(drafts, &err), 0, "%s", err.text);
    CLEANUP_FREE char *got = emitted(drafts);
    cr_expect_str_eq(got, words, "%s, not %s", got, words);
    drafts_free(drafts);
}

Test(draft, integers_and_floats_make_floats_whichever_comes_first)
{
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", integer(1), NULL);
    give(drafts, "b", "x", real(2.5), NULL);
    give(drafts, "c", "x", integer(-3), NULL);
    expect(drafts, "float: 1 2.5 -3");
    drafts = drafts_new();
    give(drafts, "a", "x", real(0.5), NULL);
    give(drafts, "b", "x", integer(1), NULL);
    expect(drafts, "float: 0.5 1");
    check_leaks();
}

Test(draft, an_integer_that_no_float_holds_does_not_widen)
{
    struct error err = {0};
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", integer((INT64_C(1) << 53) + 1), NULL);
    give(drafts, "b", "x", real(2.5), NULL);
    cr_expect_eq(drafts_emit(drafts, &err), -EINVAL);
    cr_expect(strstr(err.text, "a: attribute 'x'") && strstr(err.text, "9007199254740993"), "%s", err.text);
    drafts_free(drafts);
    check_leaks();
}

Test(draft, all_other_mixtures_are_refused_with_clip_value_and_types)
{
    struct error err = {0};
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", integer(1), NULL);
    cr_expect_eq(give(drafts, "b", "x", text("far"), &err), -EINVAL);
    cr_expect_str_eq(err.text, "b: attribute 'x' is text here ('far') and integer elsewhere in this import "
                               "(--type 'x=text' makes texts of all in it)");
    drafts_free(drafts);
    check_leaks();
}

Test(draft, several_values_of_a_clip_make_the_attribute_multi_and_equal_ones_count_once)
{
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", text("one"), NULL);
    give(drafts, "a", "x", text("two"), NULL);
    give(drafts, "a", "x", text("one"), NULL);
    give(drafts, "b", "x", text("one"), NULL);
    expect(drafts, "text,multi: one two one");
    check_leaks();
}

Test(draft, a_clip_with_more_values_than_any_label_has_is_refused)
{
    struct error err = {0};
    struct drafts *drafts = drafts_new();
    for (int64_t i = 0; i < DRAFT_VALUES_MAX; i++)
        cr_assert_eq(give(drafts, "a", "x", integer(i), &err), 0, "%s", err.text);
    cr_expect_eq(give(drafts, "a", "x", integer(-1), &err), -E2BIG);
    cr_expect_str_eq(err.text, "a: more than 10000 values");
    drafts_free(drafts);
    check_leaks();
}

Test(draft, two_clips_of_one_key_are_refused_and_both_are_named)
{
    struct error err = {0};
    struct draft *clip = NULL;
    struct drafts *drafts = drafts_new();
    cr_assert_eq(drafts_clip(drafts, "k", "s/a", &clip, &err), 0);
    cr_expect_eq(drafts_clip(drafts, "k", "s/b", &clip, &err), -EEXIST);
    cr_expect(strstr(err.text, "s/a") && strstr(err.text, "s/b") && strstr(err.text, "'k'"), "%s", err.text);
    cr_expect_eq(drafts_clip(drafts, "a.b", "s/c", &clip, &err), -EINVAL, "a key holds no dot");
    drafts_free(drafts);
    check_leaks();
}

Test(draft, a_name_over_255_bytes_is_refused_with_its_source)
{
    struct error err = {0};
    struct draft *clip = NULL;
    struct drafts *drafts = drafts_new();
    char key[250 + 1];
    memset(key, 'k', 250);
    key[250] = 0;
    cr_assert_eq(drafts_clip(drafts, key, "s/long", &clip, &err), 0, "%s", err.text);
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct draft_stream stream = {.name = (char *)"front", .ext = (char *)"mp4", .container = ""};
    cr_expect_eq(draft_stream(drafts, clip, &stream, &slice, &err), -ENAMETOOLONG);
    cr_expect(strstr(err.text, "s/long"), "%s", err.text);
    drafts_free(drafts);
    check_leaks();
}

Test(draft, a_file_name_twice_and_more_streams_than_a_clip_can_have_are_refused)
{
    struct error err = {0};
    struct draft *clip = NULL;
    struct drafts *drafts = drafts_new();
    cr_assert_eq(drafts_clip(drafts, "k", "s/k", &clip, &err), 0);
    char name[16];
    for (int i = 0; i <= CLIP_STREAMS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        CLEANUP_SLICE struct slice slice = SLICE_INIT;
        struct draft_stream stream = {.name = name, .ext = "bin", .container = ""};
        int rc = draft_stream(drafts, clip, &stream, &slice, &err);
        cr_assert_eq(rc, i < CLIP_STREAMS_MAX ? 0 : -E2BIG, "%d: %s", i, err.text);
    }
    clip->stream_count = 1;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct draft_stream again = {.name = "s0", .ext = "bin", .container = ""};
    cr_expect_eq(draft_stream(drafts, clip, &again, &slice, &err), -EEXIST);
    cr_expect(strstr(err.text, "k.s0.bin"), "%s", err.text);
    clip->stream_count = CLIP_STREAMS_MAX;
    drafts_free(drafts);
    check_leaks();
}

Test(draft, what_comes_for_a_clip_after_others_goes_behind_what_it_has)
{
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", text("first"), NULL);
    give(drafts, "b", "x", text(""), NULL);
    give(drafts, "a", "x", text("second"), NULL);
    give(drafts, "a", "x", text("first"), NULL);
    expect(drafts, "text,multi: first second ");
    check_leaks();
}

Test(draft, values_that_are_removed_leave_the_others)
{
    size_t x, y;
    struct drafts *drafts = drafts_new();
    give(drafts, "a", "x", text("goes"), NULL);
    give(drafts, "a", "y", text("stays"), NULL);
    give(drafts, "a", "x", text("goes, too"), NULL);
    struct draft *clip = drafts_find(drafts, "a");
    drafts_attribute(drafts, "x", "test", &x, NULL);
    drafts_attribute(drafts, "y", "test", &y, NULL);
    draft_values_remove(&clip->values, x);
    cr_expect_eq(clip->values.count, 1);
    cr_expect_not(draft_has(clip, x));
    cr_expect(draft_has(clip, y));
    drafts_free(drafts);
    check_leaks();
}

static void give_stream(struct drafts *drafts, const char *key)
{
    struct error err = {0};
    struct draft_stream stream = {.name = "front", .ext = "mp4", .container = ""};
    struct slice slice = SLICE_INIT;
    slice_add_range(&slice, 64, 64);
    cr_assert_eq(draft_stream(drafts, drafts_find(drafts, key), &stream, &slice, &err), 0, "%s", err.text);
}

/* Its key and the source's name, the draft, 8 values, a stream and its piece. */
Test(draft, a_clip_of_many_takes_few_bytes)
{
    enum { CLIPS = 4096, VALUES = 8, BYTES = 700 };
    struct drafts *drafts = drafts_new();
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < CLIPS; i++) {
        char key[16], column[16];
        snprintf(key, sizeof key, "ep-%06d", i);
        for (int k = 0; k < VALUES; k++) {
            snprintf(column, sizeof column, "column%d", k);
            give(drafts, key, column, k % 2 ? text("pick it up") : integer(1000 + k), NULL);
        }
        give_stream(drafts, key);
    }
    struct mallinfo2 after = mallinfo2();
    size_t bytes = (after.uordblks + after.hblkhd - before) / CLIPS;
    cr_expect_leq(bytes, BYTES, "a clip takes %zu bytes", bytes);
    drafts_free(drafts);
}
