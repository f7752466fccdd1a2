// SPDX-License-Identifier: Apache-2.0
/* What LeRobot said of episodes, and their statistics together. That these are lerobot's own is tested end to
 * end (tests/e2e/test_lerobot_view.py, test_lerobot_loader.py). */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/view/lerobot/aggregate.h"
#include "tests/test_leaks.h"

static const char good[] =
    "{\"episode_index\":7,\"length\":117,\"tasks\":[[0,\"a\"],[null,\"b "
    "\\u00e9\"]],\"videos\":[\"top\",\"left\"],"
    "\"more\":{\"x\":[1,{}]},\"stats/a/min\":[[1,2.5],[3,4]],\"stats/a/b/max\":[true],\"stats/c/"
    "min\":[[1],[2,3]],"
    "\"stats/c/max\":[1,null],\"stats/c/mean\":7,\"stats/c/std\":[[[[1]]]],\"stats/c/q50\":[]}";

static int read_said(const char *text, size_t len, struct lerobot_said *ret, struct buf *buf)
{
    struct error err = {0};
    buf_append(buf, text, len);
    int rc = lerobot_said_read(buf, ret, &err);
    cr_assert(!rc || (err.code == -rc && *err.text));
    return rc;
}

Test(lerobot, what_was_said_of_an_episode_is_read)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct lerobot_said said;
    cr_assert_eq(read_said(good, strlen(good), &said, &buf), 0);
    cr_assert_eq(said.episode_index, 7);
    cr_assert_eq(said.length, 117);
    cr_assert_eq(said.task_count, 2);
    cr_assert_eq(said.tasks[0].number, 0);
    cr_assert_str_eq(said.tasks[0].text, "a");
    cr_assert_eq(said.tasks[1].number, -1);
    cr_assert_str_eq(said.tasks[1].text, "b \xc3\xa9");
    cr_assert_eq(said.tasks[1].len, 4);
    cr_assert_eq(said.video_count, 2);
    cr_assert_str_eq(said.videos[1], "left");
    lerobot_said_done(&said);
    buf_done(&buf);
    check_leaks();
}

Test(lerobot, what_is_not_of_the_form_is_damage)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"episode_index\":1}",
                                      "{\"episode_index\":-1,\"length\":1}",
                                      "{\"episode_index\":1,\"length\":3000000000}",
                                      "{\"episode_index\":1.5,\"length\":3}",
                                      "{\"episode_index\":1,\"length\":3,\"tasks\":7}",
                                      "{\"episode_index\":1,\"length\":3,\"tasks\":[\"a\"]}",
                                      "{\"episode_index\":1,\"length\":3,\"tasks\":[[\"a\"]]}",
                                      "{\"episode_index\":1,\"length\":3,\"tasks\":[[1]]}",
                                      "{\"episode_index\":1,\"length\":3,\"videos\":[1]}",
                                      "{\"episode_index\":1,\"length\":3,\"videos\":{}}"};
    struct lerobot_said said;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_BUF struct buf buf = BUF_INIT;
        cr_assert_eq(read_said(bad[i], strlen(bad[i]), &said, &buf), -EUCLEAN, "%s", bad[i]);
    }
    check_leaks();
}

struct seen {
    struct buf text;
};

static int print_stat(void *ctx, const char *feature, const char *stat, const struct lerobot_tensor *tensor,
                      struct error *err)
{
    struct seen *seen = ctx;
    buf_printf(&seen->text, "%s %s ", feature, stat);
    if (tensor)
        lerobot_tensor_print(&seen->text, tensor,
                             tensor->is_bool ? LEROBOT_NUMBERS_BOOL : LEROBOT_NUMBERS_REAL);
    buf_u8(&seen->text, '\n');
    return 0;
}

Test(lerobot, statistics_are_lists_of_one_length_each_or_nothing)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct seen seen = {0};
    struct error err = {0};
    buf_text_append(&buf, good);
    cr_assert_eq(lerobot_said_stats(&buf, print_stat, &seen, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&seen.text), "a min [[1.0, 2.5], [3.0, 4.0]]\na/b max [true]\nc min \nc max \n"
                                           "c mean 7.0\nc std \nc q50 \n");
    buf_done(&seen.text);
    buf_done(&buf);
    check_leaks();
}

Test(lerobot, a_list_of_numbers_and_lists_is_no_statistic)
{
    static const char *const mixed[] = {"[1,[]]",  "[[],1]",          "[[[]],1]",     "[[1],[[]]]",
                                        "[[],[]]", "[[1,[]],[2,[]]]", "[[[]],[[1]]]", "[1,[2]]",
                                        "[[1],2]", "[[[1]],[[]]]"};
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++) {
        CLEANUP_BUF struct buf buf = BUF_INIT;
        struct seen seen = {0};
        struct error err = {0};
        buf_printf(&buf, "{\"episode_index\":7,\"length\":117,\"tasks\":[],\"videos\":[],\"stats/a/min\":%s}",
                   mixed[i]);
        cr_assert_eq(lerobot_said_stats(&buf, print_stat, &seen, &err), 0, "%s", err.text);
        cr_assert_str_eq(buf_text(&seen.text), "a min \n", "%s", mixed[i]);
        buf_done(&seen.text);
    }
    check_leaks();
}

Test(lerobot, a_text_that_was_cut_or_changed_is_an_error_or_read)
{
    for (size_t len = 0; len < strlen(good); len++)
        for (int change = 0; change < 2; change++) {
            CLEANUP_BUF struct buf buf = BUF_INIT, copy = BUF_INIT;
            struct lerobot_said said = {0};
            struct seen seen = {0};
            struct error err = {0};
            buf_append(&copy, good, change ? strlen(good) : len);
            if (change)
                copy.data[len] = (uint8_t) "[]{},\"0"[len % 7];
            if (!read_said(buf_text(&copy), copy.len, &said, &buf))
                lerobot_said_done(&said);
            int rc = lerobot_said_stats(&copy, print_stat, &seen, &err);
            cr_assert(!rc || rc == -EUCLEAN, "%zu: %d", len, rc);
            buf_done(&seen.text);
        }
    check_leaks();
}

/* ---- together ---- */

static enum lerobot_numbers real(void *ctx, const char *feature)
{
    return !strcmp(feature, "hidden")   ? LEROBOT_NUMBERS_NONE
           : !strcmp(feature, "switch") ? LEROBOT_NUMBERS_BOOL
                                        : LEROBOT_NUMBERS_REAL;
}

static void print_all(enum lerobot_quantiles how, const char *const *episodes, size_t count, struct buf *ret)
{
    CLEANUP_LEROBOT_AGGREGATE struct lerobot_aggregate *all = lerobot_aggregate_new(how);
    struct error err = {0};
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUF struct buf extra = BUF_INIT;
        buf_text_append(&extra, episodes[i]);
        cr_assert_eq(lerobot_aggregate_add(all, &extra, &err), 0, "%s", err.text);
    }
    lerobot_aggregate_print(all, real, NULL, ret);
}

/* Worked out by hand: means 1 and 4 of 1 and 3 frames are 3.25; the variance is (0.25 + 2.25^2 + 3 (1 +
 * 0.75^2)) / 4. */
static const char *const two[] = {
    "{\"stats/a/count\":[1],\"stats/a/max\":[2,3],\"stats/a/mean\":[1,1],\"stats/a/min\":[0,-1],\"stats/a/"
    "q01\":[1,2],"
    "\"stats/a/q50\":[1,2],\"stats/a/q99\":[3,5],\"stats/a/std\":[0.5,0],\"stats/switch/count\":[1],\"stats/"
    "switch/max\":"
    "[false],\"stats/switch/mean\":[0],\"stats/switch/min\":[false],\"stats/switch/std\":[0],\"stats/once/"
    "count\":[1],"
    "\"stats/once/max\":[1],\"stats/once/mean\":[1],\"stats/once/min\":[1],\"stats/once/std\":[1]}",
    "{\"stats/a/count\":[3],\"stats/a/max\":[1,9],\"stats/a/mean\":[4,1],\"stats/a/min\":[-2,0],\"stats/a/"
    "q50\":[5,1],"
    "\"stats/a/q99\":[2,9],\"stats/a/std\":[1,0],\"stats/switch/count\":[3],\"stats/switch/max\":[true],"
    "\"stats/switch/mean\":[1],\"stats/switch/min\":[true],\"stats/switch/std\":[0]}"};

Test(lerobot, two_episodes_give_what_was_worked_out_by_hand)
{
    CLEANUP_BUF struct buf envelope = BUF_INIT, mean = BUF_INIT;
    print_all(LEROBOT_QUANTILES_ENVELOPE, two, 2, &envelope);
    print_all(LEROBOT_QUANTILES_MEAN, two, 2, &mean);
    static const char rest[] = "},\n    \"switch\": {\"min\": [false], \"max\": [true], \"mean\": [0.75], "
                               "\"std\": [0.4330127018922193], "
                               "\"count\": [4]}\n}\n";
    static const char first[] =
        "{\n    \"a\": {\"min\": [-2.0, -1.0], \"max\": [2.0, 9.0], \"mean\": [3.25, 1.0], "
        "\"std\": [1.5811388300841898, 0.0], \"count\": [4], ";
    CLEANUP_FREE char *wanted_envelope =
        mem_printf("%s\"q50\": [1.0, 1.0], \"q99\": [3.0, 9.0]%s", first, rest);
    CLEANUP_FREE char *wanted_mean =
        mem_printf("%s\"q50\": [4.0, 1.25], \"q99\": [2.25, 8.0]%s", first, rest);
    cr_assert_str_eq(buf_text(&envelope), wanted_envelope);
    cr_assert_str_eq(buf_text(&mean), wanted_mean);
    buf_done(&envelope);
    buf_done(&mean);
    free(STEAL(wanted_envelope));
    free(STEAL(wanted_mean));
    check_leaks();
}

/* 300 of them, by numpy 2.2: one after the other the mean would be 15.016666666666689. */
Test(lerobot, a_single_number_is_summed_pairwise_as_numpy_does)
{
    CLEANUP_LEROBOT_AGGREGATE struct lerobot_aggregate *all = lerobot_aggregate_new(LEROBOT_QUANTILES_MEAN);
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error err = {0};
    for (int k = 0; k < 300; k++) {
        CLEANUP_BUF struct buf extra = BUF_INIT;
        buf_printf(&extra,
                   "{\"stats/x/count\":[%d],\"stats/x/max\":[1],\"stats/x/mean\":[%.17g],\"stats/x/min\":[0],"
                   "\"stats/x/q50\":[%.17g],\"stats/x/std\":[%.17g]}",
                   1 + k % 5, 0.1 * k, 0.3 * k, 0.01 * (k % 7));
        cr_assert_eq(lerobot_aggregate_add(all, &extra, &err), 0, "%s", err.text);
    }
    lerobot_aggregate_print(all, real, NULL, &text);
    cr_assert_str_eq(
        buf_text(&text),
        "{\n    \"x\": {\"min\": [0.0], \"max\": [1.0], \"mean\": [15.016666666666667], \"std\": "
        "[8.660024095424523], \"count\": [900], \"q50\": [45.05]}\n}\n");
    lerobot_aggregate_free(STEAL(all));
    buf_done(&text);
    check_leaks();
}

Test(lerobot, a_feature_that_an_episode_lacks_or_has_in_another_shape_is_left_out)
{
    static const char *const others[] = {
        "{}",
        "",
        "{\"stats/a/count\":[3],\"stats/a/max\":[1],\"stats/a/mean\":[4],\"stats/a/min\":[2],\"stats/a/"
        "std\":[1]}",
        "{\"stats/a/count\":[3],\"stats/a/max\":[1,9],\"stats/a/mean\":[4,1],\"stats/a/min\":[-2,0]}",
        "{\"stats/a/count\":[-3],\"stats/a/max\":[1,9],\"stats/a/mean\":[4,1],\"stats/a/min\":[2,0],\"stats/"
        "a/std\":[1,0]}",
        "{\"stats/a/max\":[1,9],\"stats/a/mean\":[4,1],\"stats/a/min\":[-2,0],\"stats/a/std\":[1,0]}",
        "{\"stats/a/count\":[3],\"stats/a/max\":[1,9],\"stats/a/mean\":[4,null],\"stats/a/"
        "min\":[2,0],\"stats/a/std\":[1,0]}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (int first = 0; first < 2; first++) {
            CLEANUP_BUF struct buf text = BUF_INIT;
            const char *const episodes[] = {first ? others[i] : two[0], first ? two[0] : others[i]};
            print_all(LEROBOT_QUANTILES_MEAN, episodes, 2, &text);
            cr_assert_str_eq(buf_text(&text), "{\n}\n", "%s: %s", others[i], buf_text(&text));
        }
    check_leaks();
}
