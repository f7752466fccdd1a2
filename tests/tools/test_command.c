// SPDX-License-Identifier: Apache-2.0
/* Command lines against what is parsed of them, with a command made for that. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/command.h"

static const struct option_spec options[] = {
    {"options", 'o', "NAME[=VALUE],...", true, ""},
    {"allow-other", 0, NULL, false, ""},
    {"message", 'm', "TEXT", false, ""},
    {"set", 0, "K=V", true, ""},
    {NULL, 0, NULL, false, NULL},
};
static const struct command like_mount = {.name = "like",
                                          .synopsis = "A B",
                                          .options = options,
                                          .store_options = true,
                                          .cache_options = true,
                                          .mount_words = true,
                                          .least = 1,
                                          .most = 2};
const struct command *const commands[] = {&like_mount, NULL};

enum { WORDS_MAX = 6 };

static int parse(char *const *words, struct arguments *ret, struct error *err)
{
    int count = 0;
    while (count < WORDS_MAX && words[count])
        count++;
    return arguments_parse(&like_mount, count, (char **)(uintptr_t)words, ret, err);
}

/* Positional arguments, then the options in question. */
static char *shown(const struct arguments *arguments)
{
    static const char *const names[] = {"allow-other", "message", "cache", "cache-size", "region", "help"};
    struct buf out = {0};
    for (size_t i = 0; i < arguments->count; i++)
        buf_printf(&out, "%s ", arguments->positional[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (arguments_text(arguments, names[i]))
            buf_printf(&out, "%s=%s ", names[i], arguments_text(arguments, names[i]));
    size_t count;
    const char **sets = arguments_list(arguments, "set", &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "set:%s ", sets[i]);
    free(sets);
    return (char *)buf_steal(&out);
}

struct typing {
    const char *words[WORDS_MAX], *expected;
};

static void check(const struct typing *cases, size_t count, int status)
{
    for (size_t i = 0; i < count; i++) {
        struct arguments arguments;
        struct error err = {0};
        int rc = parse((char *const *)(uintptr_t)cases[i].words, &arguments, &err);
        char *got = rc ? mem_text(err.text) : shown(&arguments);
        cr_expect_eq(rc, status, "%s %s: %s", cases[i].words[0], cases[i].words[1], got);
        cr_expect(rc ? strstr(got, cases[i].expected) != NULL : !strcmp(got, cases[i].expected),
                  "%s %s: '%s', not '%s'", cases[i].words[0], cases[i].words[1], got, cases[i].expected);
        free(got);
        arguments_done(&arguments);
    }
    check_leaks();
}

Test(command, options_stand_anywhere_and_values_behind_equals_space_or_letter)
{
    static const struct typing cases[] = {
        {{"a", "b"}, "a b "},
        {{"--message", "x y", "a"}, "a message=x y "},
        {{"a", "--message=x=y", "b"}, "a b message=x=y "},
        {{"-m", "x", "a"}, "a message=x "},
        {{"-mx", "a"}, "a message=x "},
        {{"a", "--message="}, "a message= "},
        {{"a", "--allow-other"}, "a allow-other= "},
        {{"a", "--set", "k=1", "--set=j=2"}, "a set:k=1 set:j=2 "},
        {{"--", "-m", "--set"}, "-m --set "},
        {{"a", "--", "--"}, "a -- "},
        {{"-"}, "- "},
        {{"a", "-m", "--"}, "a message=-- "},
        {{"--help"}, "help= "},
        {{"-h", "a", "b", "c"}, "a b c help= "},
    };
    check(cases, sizeof cases / sizeof *cases, 0);
}

Test(command, mount_options_are_the_long_ones_and_words_of_mount_are_passed_over)
{
    static const struct typing cases[] = {
        {{"a", "-o", "ro,nosuid,nodev,relatime,_netdev,x-systemd.automount,nofail"}, "a "},
        {{"a", "-o", "allow_other,cache=/c_d,cache_size=5G,region=eu_west"},
         "a allow-other= cache=/c_d cache-size=5G region=eu_west "},
        {{"a", "-oallow-other"}, "a allow-other= "},
        {{"a", "-o", "set=k=1", "-o", "rw,set=j=2"}, "a set:k=1 set:j=2 "},
        {{"a", "--options=allow_other"}, "a allow-other= "},
        {{"a", "-o", ",,"}, "a "},
    };
    check(cases, sizeof cases / sizeof *cases, 0);
}

Test(command, wrong_use_is_told_in_one_sentence)
{
    static const struct typing cases[] = {
        {{NULL}, "too few arguments: expected A B"},
        {{"a", "b", "c"}, "too many arguments"},
        {{"a", "--nonsense"}, "there is no option --nonsense"},
        {{"a", "--mesage=x"}, "there is no option --mesage: did you mean '--message'?"},
        {{"a", "--regoin"}, "there is no option --regoin: did you mean '--region'?"},
        {{"a", "-o", "allow_othr"}, "there is no mount option 'allow_othr': did you mean 'allow_other'?"},
        {{"a", "--nonsense=3"}, "there is no option --nonsense"},
        {{"a", "--=3"}, "there is no option --"},
        {{"a", "-x"}, "there is no option -x"},
        {{"a", "-m"}, "--message needs a value: TEXT"},
        {{"a", "--allow-other=1"}, "--allow-other takes no value"},
        {{"a", "-m", "x", "-m", "y"}, "--message is given twice"},
        {{"a", "-o", "cache=x", "--cache=y"}, "--cache is given twice"},
        {{"a", "-o", "frobnicate"}, "there is no mount option 'frobnicate'"},
        {{"a", "-o", "o=x"}, "there is no mount option 'o'"},
        {{"a", "-o", "options=x"}, "there is no mount option 'options'"},
        {{"a", "-o", "cache"}, "the mount option 'cache' needs a value"},
        {{"a", "-o", "allow_other=1"}, "the mount option 'allow_other' takes no value"},
    };
    check(cases, sizeof cases / sizeof *cases, EXIT_USAGE);
}

Test(command, sizes_have_units_of_1024_and_nothing_else)
{
    static const struct {
        const char *text;
        unsigned long long bytes;
    } good[] = {{"0", 0},           {"1048576", 1048576}, {"512M", 512ULL << 20}, {"50G", 50ULL << 30},
                {"2T", 2ULL << 40}, {"3K", 3072}};
    static const char *const bad[] = {"",
                                      "G",
                                      "-1",
                                      " 1",
                                      " -1",
                                      "+1",
                                      "1g",
                                      "1GB",
                                      "1.5G",
                                      "1 G",
                                      "99999999999999999999",
                                      "18446744073709551615K"};
    unsigned long long bytes;
    struct error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_expect_eq(arguments_size("cache-size", good[i].text, &bytes, &err), 0, "%s", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_lt(arguments_size("cache-size", bad[i], &bytes, &err), 0, "%s", bad[i]);
        cr_expect(strstr(err.text, "--cache-size"), "%s", err.text);
    }
    check_leaks();
}

Test(command, commands_are_found_by_name)
{
    cr_expect_eq(command_find("like"), &like_mount);
    cr_expect_null(command_find("lik"));
    cr_expect_null(command_find(""));
}
