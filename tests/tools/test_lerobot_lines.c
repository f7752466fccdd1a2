// SPDX-License-Identifier: Apache-2.0
/* Files of JSON lines: whole, cut, across blocks; and the episodes that they say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/lerobot_episode_lines.h"
#include "tools/import/lerobot_lines.h"

static int show(void *ctx, const char *place, const struct json *object, struct error *err)
{
    (void)err;
    const struct json *a = json_get(object, "a");
    buf_printf(ctx, "%s=%s%s;", place, json_kind_name(json_kind(a)), json_as_text(a) ? json_as_text(a) : "");
    return json_get(object, "stop") ? error_set(err, ECANCELED, "stopped") : 0;
}

static int read_text(const char *text, size_t len, struct buf *ret, struct error *err)
{
    struct memory_recording recording;
    recording_of_memory(&recording, "f", text, len);
    return lerobot_lines_read(&recording.recording, show, NULL, ret, err);
}

Test(lerobot_lines, each_line_is_handed_on_with_its_number)
{
    static const char *const cases[][2] = {
        {"{\"a\":1}\n{\"a\":2}\n", "f: line 1=integer;f: line 2=integer;"},
        {"{\"a\":1}\n\n \t\r\n{\"a\":\"x\"}", "f: line 1=integer;f: line 4=textx;"},
        {"\xef\xbb\xbf{\"a\":1}\r\n", "f: line 1=integer;"},
        {"", ""},
        {"\n\n", ""},
        {"{\"a\":NaN}\n{\"a\":-Infinity}\n{\"a\":Infinity}", "f: line 1=null;f: line 2=null;f: line 3=null;"},
        {"{\"b\":NaN,\"a\":\"NaN \\\" Infinity\"}", "f: line 1=textNaN \" Infinity;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        CLEANUP_BUF struct buf got = BUF_INIT;
        cr_expect_eq(read_text(cases[i][0], strlen(cases[i][0]), &got, &err), 0, "%s", err.text);
        cr_expect_str_eq(buf_text(&got), cases[i][1], "%s", cases[i][0]);
        buf_done(&got);
    }
    check_leaks();
}

Test(lerobot_lines, a_line_that_is_no_object_is_refused_with_its_place_or_has_no_end)
{
    static const char *const cases[][2] = {
        {"{\"a\":1}\n{\"a\":\n", "f: line 2, column "}, {"{}\n[]\n", "f: line 2: it is of the kind array"},
        {"{\"a\":nan}", "f: line 1, column "},          {"{\"a\":NaNNaN}", "f: line 1, column "},
        {"{\"a\":\"NaN}", "f: line 1, column "},        {"{} {}", "f: line 1, column "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        CLEANUP_BUF struct buf got = BUF_INIT;
        size_t len = strlen(cases[i][0]);
        int code = cases[i][0][len - 1] == '\n' ? EINVAL : ENODATA;
        cr_expect_eq(read_text(cases[i][0], len, &got, &err), -code, "%s", cases[i][0]);
        cr_expect(strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
        buf_done(&got);
    }
    check_leaks();
}

Test(lerobot_lines, an_error_of_the_reader_ends_the_reading)
{
    struct error err = {0};
    CLEANUP_BUF struct buf got = BUF_INIT;
    static const char text[] = "{}\n{\"stop\":1}\n{}\n";
    cr_expect_eq(read_text(text, sizeof text - 1, &got, &err), -ECANCELED);
    cr_expect_str_eq(buf_text(&got), "f: line 1=null;f: line 2=null;");
    buf_done(&got);
    check_leaks();
}

Test(lerobot_lines, lines_that_lie_across_the_blocks_a_file_is_read_in_are_whole)
{
    enum { LINES = 40, LINE_BYTES = 333333 };
    CLEANUP_BUF struct buf text = BUF_INIT, got = BUF_INIT, expected = BUF_INIT;
    for (int i = 1; i <= LINES; i++) {
        CLEANUP_FREE char *filler = mem_zero(LINE_BYTES + 1);
        memset(filler, 'x', LINE_BYTES);
        buf_printf(&text, "{\"a\":%d,\"b\":\"%s\"}\n", i, filler);
        buf_printf(&expected, "f: line %d=integer;", i);
    }
    struct error err = {0};
    cr_expect_eq(read_text(buf_text(&text), text.len, &got, &err), 0, "%s", err.text);
    cr_expect_str_eq(buf_text(&got), buf_text(&expected));
    buf_done(&text), buf_done(&got), buf_done(&expected);
    check_leaks();
}

/* ---- episodes ---- */

static struct lerobot_info *info_of_set(void)
{
    static const char text[] =
        "{\"data_path\":\"{episode_index}\",\"video_path\":\"{episode_index}\",\"fps\":10,"
        "\"features\":{\"cam\":{\"dtype\":\"video\"}}}";
    struct lerobot_info *info = NULL;
    cr_assert_eq(lerobot_info_parse("i", "", text, sizeof text - 1, &info, NULL), 0);
    return info;
}

static struct lerobot_episodes *read_episodes(const struct lerobot_info *info, const char *lines,
                                              const char *stats)
{
    struct error err = {0};
    struct memory_recording recordings[2];
    recording_of_memory(&recordings[0], "e", lines, strlen(lines));
    recording_of_memory(&recordings[1], "s", stats ? stats : "", stats ? strlen(stats) : 0);
    struct lerobot_episodes *episodes = lerobot_episodes_new(info);
    episodes->name = mem_text("e");
    cr_assert_eq(lerobot_episode_lines_read(episodes, info, &recordings[0].recording,
                                            stats ? &recordings[1].recording : NULL, &err),
                 0, "%s", err.text);
    return episodes;
}

Test(lerobot_lines, statistics_are_one_object_in_the_order_of_their_names)
{
    struct lerobot_info *info = info_of_set();
    struct lerobot_episodes *episodes = read_episodes(
        info, "{\"episode_index\":3,\"length\":25,\"tasks\":[\"b\",\"a\"]}",
        "{\"episode_index\":3,\"stats\":{\"z\":{\"min\":[-0.0,1.5],\"max\":2},\"a/b\":{\"count\":[7]},"
        "\"deep\":[[[[1]]]],\"img\":{\"max\":[[[1.0]],[[null]]]},\"next.reward\":{\"max\":[4.0]},"
        "\"next.success\":{\"max\":true},\"none\":{}}}\n{\"episode_index\":9,\"stats\":{}}\n");
    const struct lerobot_episode *episode = &episodes->episodes[0];
    cr_expect_str_eq(
        buf_text(&episode->stats),
        "{\"stats/a/b/count\":[7],\"stats/img/max\":[[[1]],[[null]]],\"stats/next.reward/max\":[4],"
        "\"stats/next.success/max\":true,\"stats/z/max\":2,\"stats/z/min\":[0,1.5]}");
    cr_expect(episodes->count == 1 && episode->index == 3 && episode->length == 25);
    cr_expect(episode->has_success && episode->success && episode->has_reward && episode->reward_max == 4);
    cr_expect(episode->task_count == 2 && !strcmp(episode->tasks[0], "a"));
    cr_expect(episode->cameras[0].from_s == 0 && episode->cameras[0].to_s == 2.5);
    lerobot_episodes_free(episodes);
    lerobot_info_free(info);
    check_leaks();
}

/* One episode with these statistics; is its fingerprint that of one with `{"x":{"min":[1]}}`? */
static bool is_the_same(const char *line, const char *stats)
{
    struct lerobot_info *info = info_of_set();
    CLEANUP_FREE char *text = mem_printf("{\"episode_index\":0,\"stats\":%s}", stats);
    struct lerobot_episodes *a = read_episodes(info, "{\"episode_index\":0,\"length\":2,\"tasks\":[\"t\"]}",
                                               "{\"episode_index\":0,\"stats\":{\"x\":{\"min\":[1]}}}");
    struct lerobot_episodes *b = read_episodes(info, line, text);
    bool same = !memcmp(a->episodes[0].fingerprint, b->episodes[0].fingerprint, SHA256_BYTES);
    lerobot_episodes_free(a);
    lerobot_episodes_free(b);
    lerobot_info_free(info);
    return same;
}

Test(lerobot_lines, a_fingerprint_is_of_what_was_recorded)
{
    static const char line[] = "{\"episode_index\":0,\"length\":2,\"tasks\":[\"t\"]}";
    cr_expect(is_the_same(line, "{\"x\":{\"min\":[1]}}"));
    cr_expect(is_the_same("{\"tasks\":\"t\",\"length\":2,\"episode_index\":0,\"who\":\"ann\"}",
                          "{\"x\":{\"min\":[1]}}"));
    cr_expect(is_the_same(
        line, "{\"x\":{\"min\":[1],\"q01\":[0.5],\"q99\":[2]},\"cam\":{\"max\":[[[1]]]},"
              "\"index\":{\"min\":[50]},\"task_index\":{\"min\":[5]},\"timestamp\":{\"max\":[1]}}"));
    cr_expect(!is_the_same(line, "{\"x\":{\"min\":[2]}}"));
    cr_expect(!is_the_same(line, "{\"x\":{\"min\":[1],\"quiet\":[1]}}"));
    cr_expect(!is_the_same(line, "{}"));
    cr_expect(!is_the_same("{\"episode_index\":0,\"length\":3,\"tasks\":[\"t\"]}", "{\"x\":{\"min\":[1]}}"));
    cr_expect(is_the_same("{\"episode_index\":0,\"length\":2,\"tasks\":[\"u\"]}", "{\"x\":{\"min\":[1]}}"),
              "its task was reworded");
    check_leaks();
}
