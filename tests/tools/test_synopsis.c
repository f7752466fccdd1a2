// SPDX-License-Identifier: Apache-2.0
/* The words and verbs that a synopsis has. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/buf.h"
#include "tests/test_leaks.h"
#include "tools/synopsis.h"

static void expect(const char *synopsis, const char *verb, const char *const *words)
{
    size_t len = 0, i = 0;
    for (; words[i]; i++) {
        const char *word = synopsis_word(synopsis, verb, i, &len);
        cr_assert(word && strlen(words[i]) == len && !strncmp(word, words[i], len),
                  "%s: word %zu is '%.*s', not %s", synopsis, i, word ? (int)len : 0, word ? word : "",
                  words[i]);
    }
    cr_expect_null(synopsis_word(synopsis, verb, i, &len), "%s: word %zu", synopsis, i);
}

Test(synopsis, the_words_of_a_form_are_the_arguments)
{
    expect("DATASET PATH [OPTION]...", NULL, (const char *const[]){"DATASET", "PATH", NULL});
    expect("DATASET [NAME [VERSION]] [OPTION]...", NULL,
           (const char *const[]){"DATASET", "NAME", "VERSION", NULL});
    expect("DATASET OLDER NEWER[/PATH] [OPTION]...", NULL,
           (const char *const[]){"DATASET", "OLDER", "NEWER[/PATH]", NULL});
    expect("DATASET TABLE|- [OPTION]...", NULL, (const char *const[]){"DATASET", "TABLE|-", NULL});
    expect("list DATASET | set DATASET ID URL [OPTION]...", "list",
           (const char *const[]){"list", "DATASET", NULL});
    expect("list DATASET | set DATASET ID URL [OPTION]...", "set",
           (const char *const[]){"set", "DATASET", "ID", "URL", NULL});
    expect("list|drop DATASET [NAME [TEXT]] [OPTION]...", "drop",
           (const char *const[]){"list|drop", "DATASET", "NAME", "TEXT", NULL});
    expect("MOUNTPOINT", NULL, (const char *const[]){"MOUNTPOINT", NULL});
    expect("[OPTION]...", NULL, (const char *const[]){NULL});
    check_leaks();
}

Test(synopsis, an_argument_with_dots_may_stand_again)
{
    size_t len;
    cr_expect_str_eq(synopsis_word("DATASET [URL]...", NULL, 7, &len), "URL]...");
}

static void take(void *ctx, const char *verb, size_t len)
{
    buf_printf(ctx, "%.*s ", (int)len, verb);
}

Test(synopsis, verbs_are_those_of_all_forms)
{
    CLEANUP_BUF struct buf got = BUF_INIT;
    synopsis_each_verb("list|drop DATASET | set DATASET ID", take, &got);
    synopsis_each_verb("DATASET PATH", take, &got);
    cr_expect_str_eq(buf_text(&got), "list drop set ");
    cr_expect(synopsis_is_verb("list|drop DATASET | set DATASET ID", "set") &&
              !synopsis_is_verb("list A", "lis"));
    cr_expect(synopsis_has_verbs("list DATASET") && !synopsis_has_verbs("DATASET"));
    buf_done(&got);
    check_leaks();
}
