// SPDX-License-Identifier: Apache-2.0
/* The file of what a user trusts: private, exact, and shared by writers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "index/roots/trust.h"
#include "tests/test_leaks.h"

static const char uuid[] = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
static char *folder;

static void home_made(void)
{
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-trust", &folder, NULL), 0);
    setenv("XDG_CONFIG_HOME", folder, 1);
}

static void home_removed(void)
{
    file_remove_tree(folder, NULL);
    free(STEAL(folder));
}

CHECKED_TEST(trust, nothing_is_trusted_until_it_is_recorded, home_made, home_removed)
{
    struct error err = {0};
    const char *url = "s3://bucket/data";
    cr_assert_eq(trust_check(uuid, url, &err), 0);
    cr_assert_eq(trust_record(uuid, &url, 1, &err), 0, "%s", err.text);
    cr_assert_eq(trust_check(uuid, url, &err), 1, "%s", err.text);
}

CHECKED_TEST(trust, a_pair_is_exact, home_made, home_removed)
{
    const char *urls[] = {"/a/data"};
    cr_assert_eq(trust_record(uuid, urls, 1, NULL), 0);
    cr_assert_eq(trust_check(uuid, "/a/data2", NULL), 0);
    cr_assert_eq(trust_check(uuid, "/a/dat", NULL), 0);
    cr_assert_eq(trust_check(uuid, "/a/data/", NULL), 0);
    cr_assert_eq(trust_check(uuid, "/a", NULL), 0);
    cr_assert_eq(trust_check("6f9619ff-8b86-4011-b42d-00c04fc964fe", "/a/data", NULL), 0);
}

CHECKED_TEST(trust, the_file_is_private_and_keeps_what_others_wrote, home_made, home_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *path = mem_printf("%s/elidefs/trust", folder);
    CLEANUP_FREE char *parent = mem_printf("%s/elidefs", folder);
    CLEANUP_BUF struct buf text = BUF_INIT;
    const char *urls[] = {"/b c/d", "/x", "/x"};
    cr_assert_eq(file_make_folders(parent, 0700, &err), 0);
    cr_assert_eq(file_replace(path, "# mine\nother s3://x", 19, 0644, &err), 0);
    cr_assert_eq(trust_record(uuid, urls, 3, &err), 0, "%s", err.text);
    cr_assert_eq(file_read(path, 4096, &text, &err), 0);
    CLEANUP_FREE char *want = mem_printf("# mine\nother s3://x\n%s /b c/d\n%s /x\n", uuid, uuid);
    cr_assert_str_eq(buf_text(&text), want);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(trust_check(uuid, "/b c/d", NULL), 1);
}

CHECKED_TEST(trust, a_url_that_would_make_a_second_line_is_refused, home_made, home_removed)
{
    struct error err = {0};
    const char *url = "/a\n6f9619ff-8b86-4011-b42d-00c04fc964ff /etc";
    cr_assert_eq(trust_record(uuid, &url, 1, &err), -EINVAL);
    cr_assert_eq(trust_check(uuid, "/etc", NULL), 0);
}

static int append_line(void *ctx, const char *url, const char *file, bool own, struct error *err)
{
    buf_printf(ctx, "%s in %s%s\n", url, file + strlen(folder), own ? " (own)" : "");
    return 0;
}

CHECKED_TEST(trust, what_is_taken_back_is_trusted_no_more_and_the_rest_stays, home_made, home_removed)
{
    CLEANUP_BUF struct buf lines = BUF_INIT;
    const char *urls[] = {"/a", "/b c/d", "/ab"}, other[] = "00000000-8b86-4011-b42d-00c04fc964ff";
    cr_assert_eq(trust_forget(uuid, "/a", NULL), 0, "there is no file yet");
    cr_assert_eq(trust_record(uuid, urls, 3, NULL), 0);
    cr_assert_eq(trust_record(other, urls, 1, NULL), 0);
    cr_assert_eq(trust_forget(uuid, "/a", NULL), 1);
    cr_assert_eq(trust_forget(uuid, "/a", NULL), 0);
    cr_assert_eq(trust_check(uuid, "/a", NULL), 0);
    cr_assert_eq(trust_check(other, "/a", NULL), 1);
    cr_assert_eq(trust_each(uuid, append_line, &lines, NULL), 0);
    cr_assert_str_eq(buf_text(&lines), "/b c/d in /elidefs/trust (own)\n/ab in /elidefs/trust (own)\n");
}

CHECKED_TEST(trust, writers_in_several_processes_lose_no_line, home_made, home_removed)
{
    enum { WRITERS = 8, LINES = 20 };
    for (int w = 0; w < WRITERS; w++) {
        if (fork() == 0) {
            int bad = 0;
            for (int i = 0; i < LINES; i++) {
                CLEANUP_FREE char *url = mem_printf("/w%d/%d", w, i);
                bad |= trust_record(uuid, (const char *const[]){url}, 1, NULL);
            }
            _exit(bad ? 1 : 0);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        cr_assert_gt(wait(&status), 0);
        cr_assert_eq(status, 0);
    }
    for (int w = 0; w < WRITERS; w++) {
        for (int i = 0; i < LINES; i++) {
            CLEANUP_FREE char *url = mem_printf("/w%d/%d", w, i);
            cr_assert_eq(trust_check(uuid, url, NULL), 1, "%s", url);
        }
    }
}
