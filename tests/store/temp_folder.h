// SPDX-License-Identifier: Apache-2.0
/* A folder of its own for one test. The caller ends with temp_folder_done(). */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"

static inline char *temp_folder(void)
{
    struct error err = {0};
    char *path = NULL;
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-store", &path, &err), 0, "%s", err.text);
    return path;
}

static inline void temp_folder_done(char *path)
{
    cr_assert_eq(file_remove_tree(path, NULL), 0);
    free(path);
}

static inline void temp_file(const char *folder, const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}
