// SPDX-License-Identifier: Apache-2.0
/* The list of mounts, as it is on this machine. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "fs/mounts.h"
#include "tests/test_leaks.h"

Test(mounts, proc_is_found_with_its_type)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    struct error err = {0};
    cr_assert_eq(mounts_find("/proc", &entry, &err), 1, "%s", err.text);
    cr_assert_str_eq(entry.type, "proc");
    mounts_entry_done(&entry);
    check_leaks();
}

Test(mounts, a_folder_is_no_mount)
{
    struct mounts_entry entry;
    cr_assert_eq(mounts_find("/proc/self", &entry, NULL), 0);
}

Test(mounts, a_relative_path_with_links_becomes_absolute)
{
    CLEANUP_FREE char *folder = NULL, *path = NULL, *link = NULL, *real = NULL;
    struct error err = {0};
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-fs", &folder, &err), 0, "%s", err.text);
    link = mem_printf("%s/link", folder);
    cr_assert_eq(symlink(".", link), 0);
    cr_assert_eq(mounts_resolve(link, &path, &err), 0, "%s", err.text);
    real = realpath(folder, NULL);
    cr_assert_str_eq(path, real);
    file_remove_tree(folder, NULL);
}

Test(mounts, a_missing_mount_point_is_an_error_that_names_it)
{
    struct error err = {0};
    char *path;
    cr_assert_eq(mounts_resolve("/no/such/folder", &path, &err), -ENOENT);
    cr_assert_str_eq(err.text, "/no/such/folder: No such file or directory");
}
