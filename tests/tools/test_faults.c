// SPDX-License-Identifier: Apache-2.0
/* What is gathered, printed and written of faults, and which end the import. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/faults.h"

static int add(struct faults *faults, struct fault fault, int code, const char *text)
{
    struct error err;
    error_set(&err, code, "%s", text);
    int rc = faults_add(faults, &fault, &err);
    cr_expect_eq(err.code, rc ? code : 0);
    return rc;
}

static void printed(const struct faults *faults, char *text, size_t len)
{
    memset(text, 0, len);
    FILE *to = fmemopen(text, len, "w");
    faults_print(faults, to);
    fclose(to);
}

Test(faults, what_says_the_same_is_one_line_with_its_first_clip_and_the_count)
{
    char text[1000];
    struct faults *faults = faults_new();
    cr_expect_eq(add(faults, (struct fault){"f.mp4", "episode 1", "a"}, EINVAL, "f.mp4: truncated"), 0);
    cr_expect_eq(add(faults, (struct fault){"f.mp4", "episode 2", "b"}, EINVAL, "f.mp4: truncated"), 0);
    cr_expect_eq(add(faults, (struct fault){"g.mp4", "", ""}, ENOENT, "no such file"), 0);
    printed(faults, text, sizeof text);
    cr_expect_str_eq(text, "bad: f.mp4: truncated (clip 'a' and 1 more)\nbad: g.mp4: no such file\n");
    cr_expect_eq(faults_count(faults), 3);
    cr_expect_eq(faults_loose(faults), 1);
    faults_free(faults);
    check_leaks();
}

Test(faults, each_is_a_line_with_file_place_reason_and_clip)
{
    struct faults *faults = faults_new();
    add(faults, (struct fault){"f\n\xff.mp4", "episode 1", "a"}, EINVAL, "f\n\xff.mp4: \"x\" is missing");
    add(faults, (struct fault){"f", "line 2", ""}, EINVAL, "f: line 2: no");
    cr_expect_str_eq(buf_text(faults_lines(faults)),
                     "{\"file\":\"f\\n\xef\xbf\xbd.mp4\",\"place\":\"episode 1\",\"reason\":\"\\\"x\\\" is "
                     "missing\",\"clip\":\"a\"}\n"
                     "{\"file\":\"f\",\"place\":\"line 2\",\"reason\":\"no\"}\n");
    faults_free(faults);
    check_leaks();
}

Test(faults, a_place_that_the_reason_begins_with_is_the_place)
{
    static const struct {
        const char *place, *text, *line;
    } cases[] = {
        {"", "f: line 12: no", "\"place\":\"line 12\",\"reason\":\"no\""},
        {"", "f: row 3: column 'n': no", "\"place\":\"row 3\",\"reason\":\"column 'n': no\""},
        {"", "f: line 12, column 3: no", "\"place\":\"\",\"reason\":\"line 12, column 3: no\""},
        {"", "f: row x: no", "\"place\":\"\",\"reason\":\"row x: no\""},
        {"row 2", "f: row 3: no", "\"place\":\"row 2\",\"reason\":\"row 3: no\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct faults *faults = faults_new();
        struct error err = {0};
        error_set(&err, EINVAL, "%s", cases[i].text);
        cr_assert_eq(
            faults_add(faults, &(struct fault){.file = "f", .place = cases[i].place, .clip = ""}, &err), 0);
        cr_expect(strstr(buf_text(faults_lines(faults)), cases[i].line), "%s",
                  buf_text(faults_lines(faults)));
        faults_free(faults);
    }
    check_leaks();
}

Test(faults, trouble_is_handed_back_and_so_is_a_store_that_fails_again_and_again)
{
    struct faults *faults = faults_new();
    cr_expect_eq(add(faults, (struct fault){"f", "", ""}, ENOSPC, "f: full"), -ENOSPC);
    int taken = 0;
    while (taken < 100 && !add(faults, (struct fault){"f", "", ""}, EIO, "f: cannot be read"))
        taken++;
    cr_expect_eq(taken, 8);
    cr_expect_eq(faults_count(faults), 8);
    cr_expect_eq(add(NULL, (struct fault){"f", "", ""}, EINVAL, "f: bad"), -EINVAL);
    faults_free(faults);
    check_leaks();
}

Test(faults, what_cannot_be_left_out_is_remembered_as_such)
{
    struct faults *faults = faults_new();
    struct error err, first;
    cr_expect_not(faults_refused(faults));
    error_set(&err, EINVAL, "t.csv: line 1: no");
    cr_expect_eq(faults_refuse(faults, "t.csv", &err), 0);
    cr_expect(faults_refused(faults));
    cr_expect_eq(faults_first(faults, &first), -EINVAL);
    cr_expect_str_eq(first.text, "t.csv: line 1: no");
    faults_free(faults);
    check_leaks();
}
