// SPDX-License-Identifier: Apache-2.0
/* A mountinfo written by hand, and what lies in which mount of it. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "tests/test_leaks.h"
#include "tools/command.h"
#include "tools/mount_list.h"

const struct command *const commands[] = {NULL};

static const char mountinfo[] =
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "36 22 0:40 / /mnt/a\\040b rw shared:5 - fuse.elidefs s3://bucket/with\\040space rw\n"
    "37 22 0:41 / /mnt/a\\040b/inner rw - fuse.elidefs /data/inner rw\n"
    "38 22 0:42 / /mnt/other rw - fuse.sshfs host: rw\n"
    "39 22 0:43 / /mnt/back\\134slash rw - fuse.elidefs /x rw\n"
    "nonsense\n"
    "40 22";

struct lookup {
    const char *path, *url, *rest; /* url NULL: no mount */
};

Test(mount_list, a_path_is_in_the_innermost_mount_of_ours_above_it)
{
    static const struct lookup cases[] = {
        {"/mnt/a b", "s3://bucket/with space", ""},
        {"/mnt/a b/v1/arm=left", "s3://bucket/with space", "v1/arm=left"},
        {"/mnt/a b/inner/v1", "/data/inner", "v1"},
        {"/mnt/a b/innermost/v1", "s3://bucket/with space", "innermost/v1"},
        {"/mnt/a bc/v1", NULL, NULL},
        {"/mnt/back\\slash/v2", "/x", "v2"},
        {"/mnt/other/v1", NULL, NULL},
        {"/mnt/a b/tags/nightly/arm=left", "s3://bucket/with space", "tags/nightly/arm=left"},
        {"/mnt/a b/v1/../latest//./arm=left/", "s3://bucket/with space", "latest/arm=left"},
        {"/mnt/a b/../other/v1", NULL, NULL},
        {"/../mnt/a b/v1", "s3://bucket/with space", "v1"},
        {"/", NULL, NULL},
        {"nothing/like/this", NULL, NULL},
        {"", NULL, NULL},
    };
    struct mount_list list = {0};
    mount_list_parse(&list, mountinfo);
    cr_expect_eq(list.count, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *rest = NULL;
        const struct mount_entry *found = mount_list_find(&list, cases[i].path, &rest);
        cr_expect_eq(found != NULL, cases[i].url != NULL, "%s", cases[i].path);
        if (found && cases[i].url) {
            cr_expect_str_eq(found->url, cases[i].url);
            cr_expect_str_eq(rest, cases[i].rest, "%s: '%s', not '%s'", cases[i].path, rest, cases[i].rest);
        }
        free(rest);
    }
    mount_list_done(&list);
    check_leaks();
}

Test(mount_list, who_mounted_it_is_told)
{
    struct mount_list list = {0};
    mount_list_parse(&list, "1 1 0:1 / /a rw - fuse.elidefs /set rw,user_id=1000,group_id=7,allow_other\n"
                            "2 1 0:2 / /b ro - fuse.elidefs /set rw\n");
    cr_assert_eq(list.count, 2);
    cr_expect_eq(list.entries[0].owner, 1000);
    cr_expect_eq(list.entries[1].owner, 0);
    mount_list_done(&list);
    check_leaks();
}

Test(mount_list, links_are_resolved_as_far_as_the_path_exists)
{
    struct error err = {0};
    char *folder = NULL, *rest = NULL;
    cr_assert_eq(file_make_temp_folder("/tmp", "elidefs-session", &folder, &err), 0, "%s", err.text);
    CLEANUP_FREE char *real = mem_printf("%s/real", folder), *link = mem_printf("%s/link", folder);
    CLEANUP_FREE char *line = mem_printf("1 1 0:1 / %s rw - fuse.elidefs /set rw\n", real);
    CLEANUP_FREE char *asked = mem_printf("%s//v1//arm=left/nothing", link);
    cr_assert_eq(file_make_folders(real, 0755, &err), 0);
    cr_assert_eq(symlink("real", link), 0);
    struct mount_list list = {0};
    mount_list_parse(&list, line);
    cr_expect_not_null(mount_list_find(&list, asked, &rest));
    cr_expect_str_eq(rest, "v1/arm=left/nothing");
    free(rest);
    /* two links that lead to each other end nowhere */
    CLEANUP_FREE char *round = mem_printf("%s/round", folder);
    cr_assert_eq(symlink("round", round), 0);
    cr_expect_null(mount_list_find(&list, round, &rest));
    free(STEAL(round));
    mount_list_done(&list);
    file_remove_tree(folder, &err);
    free(folder);
    free(STEAL(real)), free(STEAL(link)), free(STEAL(line)), free(STEAL(asked));
    check_leaks();
}
