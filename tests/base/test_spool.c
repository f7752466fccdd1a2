// SPDX-License-Identifier: Apache-2.0
/* Bytes in a file and in memory, against a plain copy of them. */
#include "cache/base/spool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/test_leaks.h"

enum { WINDOW = 1 << 16 };

/* `count` pieces of up to `most` bytes, to both. */
static void append_some(struct spool *spool, struct buf *plain, size_t count, size_t most)
{
    uint8_t *bytes = mem_alloc(most);
    for (size_t i = 0; i < count; i++) {
        size_t len = (i * 7919) % (most + 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)(i * 31 + k * 7 + (k >> 8));
        spool_append(spool, bytes, len);
        buf_append(plain, bytes, len);
    }
    free(bytes);
}

static void check_same(const struct spool *spool, const struct buf *plain)
{
    cr_assert_eq(spool->bytes.len, plain->len);
    cr_assert(!memcmp(spool->bytes.data, plain->data, plain->len));
}

Test(spool, what_was_appended_is_read_back_wherever_it_lies)
{
    static const size_t most[] = {1, 100, WINDOW - 1, WINDOW, WINDOW + 1, 5 * WINDOW};
    for (size_t m = 0; m < sizeof most / sizeof *most; m++) {
        struct spool spool = {.window = WINDOW};
        CLEANUP_BUF struct buf plain = BUF_INIT;
        for (int round = 0; round < 6; round++) {
            append_some(&spool, &plain, 8 * WINDOW / most[m] + 20, most[m]);
            check_same(&spool, &plain);
            spool_forget(&spool);
            check_same(&spool, &plain);
        }
        cr_assert_gt(spool.filed, 0);
        cr_assert_eq(spool_check(&spool, NULL), 0);
        spool_done(&spool);
    }
    check_leaks();
}

Test(spool, memory_holds_a_window_of_it_however_much_there_is)
{
    struct spool spool = {.window = WINDOW};
    CLEANUP_BUF struct buf plain = BUF_INIT;
    for (int round = 0; round < 100; round++) {
        append_some(&spool, &plain, 1000, 200);
        cr_assert_leq(spool_held(&spool), 2 * WINDOW, "%zu of %zu bytes", spool_held(&spool),
                      spool.bytes.len);
    }
    spool_done(&spool);
    check_leaks();
}

Test(spool, what_fits_the_window_makes_no_file)
{
    setenv("TMPDIR", "/nowhere", 1);
    struct spool spool = {0};
    CLEANUP_BUF struct buf plain = BUF_INIT;
    append_some(&spool, &plain, 1000, 1000);
    check_same(&spool, &plain);
    cr_assert_eq(spool_check(&spool, NULL), 0);
    spool_done(&spool);
    check_leaks();
}

Test(spool, where_no_file_can_be_made_all_stays_in_memory_and_that_is_said)
{
    struct error err = {0};
    setenv("TMPDIR", "/nowhere", 1);
    struct spool spool = {.window = WINDOW};
    CLEANUP_BUF struct buf plain = BUF_INIT;
    append_some(&spool, &plain, 10000, 100);
    check_same(&spool, &plain);
    cr_assert_eq(spool_check(&spool, &err), -ENOENT);
    cr_assert_str_eq(err.text, "/nowhere, where temporary files are made: No such file or directory (set "
                               "TMPDIR to use another folder)");
    spool_done(&spool);
    check_leaks();
}

Test(spool, a_file_that_can_grow_no_more_loses_nothing_and_that_is_said)
{
    struct error err = {0};
    struct rlimit limit = {10 * WINDOW, 10 * WINDOW};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(!setrlimit(RLIMIT_FSIZE, &limit));
    struct spool spool = {.window = WINDOW};
    CLEANUP_BUF struct buf plain = BUF_INIT;
    for (int round = 0; round < 20; round++) {
        append_some(&spool, &plain, 2000, 200);
        check_same(&spool, &plain);
    }
    cr_assert_eq(spool_check(&spool, &err), -EFBIG);
    cr_assert(strstr(err.text, "set TMPDIR to use another folder"), "%s", err.text);
    spool_done(&spool);
    check_leaks();
}
