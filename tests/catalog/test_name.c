// SPDX-License-Identifier: Apache-2.0
/* How keys, streams and columns are spelt in paths. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/base/name.h"
#include "tests/test_leaks.h"

Test(name, separators_and_special_starts_are_escaped)
{
    static const struct {
        const char *raw, *name;
    } cases[] = {
        {"ep000123", "ep000123"},
        {"a.b/c=d,e%f", "a%2Eb%2Fc%3Dd%2Ce%25f"},
        {"@x", "%40x"},
        {"_x_@", "%5Fx_@"},
        {".x", "%2Ex"},
        {"tab\there", "tab%09here"},
        {"with space+plus", "with space+plus"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"nbsp\xc2\xa0", "nbsp%C2%A0"},
        {"bad\xff\xfe", "bad%FF%FE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf name = BUF_INIT;
        struct error err = {0};
        name_escape(&name, cases[i].raw, strlen(cases[i].raw));
        cr_assert_str_eq(buf_text(&name), cases[i].name);
        cr_assert_eq(name_check(buf_text(&name), name.len, &err), 0, "%s", err.text);
        buf_done(&name);
    }
    check_leaks();
}

Test(name, only_the_canonical_spelling_passes)
{
    static const char *const bad[] = {"",     "a.b", "a/b", "a=b",   "@a",   "_a",  "a%2eb",
                                      "a%41", "a%",  "a%2", "a\x01", "\xff", "a%00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(name_check(bad[i], strlen(bad[i]), NULL), -EINVAL, "'%s'", bad[i]);
    char big[300];
    memset(big, 'x', sizeof big);
    cr_assert_eq(name_check(big, 255, NULL), 0);
    cr_assert_eq(name_check(big, 256, NULL), -EINVAL);
    check_leaks();
}

Test(name, a_file_is_named_by_key_stream_and_extension)
{
    struct buf file = BUF_INIT;
    struct error err;
    cr_assert_eq(name_file(&file, "ep1", "front", "mp4", &err), 0);
    cr_assert_str_eq(buf_text(&file), "ep1.front.mp4");
    buf_clear(&file);
    cr_assert_eq(name_file(&file, "ep1", "", "mcap", &err), 0);
    cr_assert_str_eq(buf_text(&file), "ep1.mcap");
    buf_clear(&file);
    cr_assert_eq(name_file(&file, "README", "", "", &err), 0);
    cr_assert_str_eq(buf_text(&file), "README");
    char big[256];
    memset(big, 'x', sizeof big);
    big[251] = 0;
    buf_clear(&file);
    cr_assert_eq(name_file(&file, big, "", "mp4", &err), 0);
    cr_assert_eq(name_file(&file, big, "a", "mp4", &err), -ENAMETOOLONG);
    cr_assert_eq(file.len, 255, "nothing is appended on failure");
    buf_done(&file);
    check_leaks();
}

Test(name, what_a_name_is_shows_in_its_spelling)
{
    cr_assert_eq(name_kind("arm=left", 8), NAME_COMPONENT);
    cr_assert_eq(name_kind("@cut=grasp", 10), NAME_STAGE);
    cr_assert_eq(name_kind(".elidefs", 8), NAME_HIDDEN);
    cr_assert_eq(name_kind("ep1.front.mp4", 13), NAME_FILE);
}

Test(name, columns_become_attribute_names)
{
    struct buf name = BUF_INIT;
    struct error err;
    cr_assert_eq(name_attribute(&name, "stats/next.success", 18, &err), 0);
    cr_assert_str_eq(buf_text(&name), "stats_next_success");
    static const char *const bad[] = {"", "event", "key", "files", "a\nb", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(name_attribute(&name, bad[i], strlen(bad[i]), &err), -EINVAL, "'%s'", bad[i]);
    char big[201];
    memset(big, 'x', sizeof big);
    cr_assert_eq(name_attribute(&name, big, 200, &err), 0);
    cr_assert_eq(name_attribute(&name, big, 201, &err), -EINVAL);
    buf_done(&name);
    check_leaks();
}
