// SPDX-License-Identifier: Apache-2.0
/* What is left of cache/base and small: the map of texts, the pool of threads, files and folders. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/strmap.h"
#include "cache/base/workers.h"
#include "tests/test_leaks.h"

Test(strmap, ten_thousand_keys_are_found_again_in_order)
{
    struct strmap *map = strmap_new();
    char key[32];
    for (int i = 0; i < 10000; i++) {
        bool is_new;
        int len = snprintf(key, sizeof key, "key%d", i);
        strmap_put(map, key, (size_t)len, &is_new)->value = (uintptr_t)i;
        cr_assert(is_new);
    }
    cr_assert_eq(strmap_count(map), 10000);
    for (int i = 0; i < 10000; i++) {
        int len = snprintf(key, sizeof key, "key%d", i);
        cr_assert_eq(strmap_find(map, key, (size_t)len)->value, (uintptr_t)i);
        cr_assert_eq(strmap_at(map, (size_t)i)->value, (uintptr_t)i);
    }
    cr_assert_null(strmap_find(map, "key", 3));
    strmap_free(map);
    check_leaks();
}

Test(strmap, keys_of_all_lengths_stay_where_they_are)
{
    enum { KEYS = 40, LONGEST = 200000 };
    struct strmap *map = strmap_new();
    CLEANUP_FREE char *key = mem_alloc(LONGEST);
    const char *places[KEYS];
    memset(key, 'k', LONGEST);
    for (size_t i = 0; i < KEYS; i++)
        places[i] = strmap_put(map, key, i * i * i * i % LONGEST, NULL)->key;
    for (size_t i = 0; i < KEYS; i++) {
        size_t len = i * i * i * i % LONGEST;
        cr_expect_eq(strmap_find(map, key, len)->key, places[i], "key %zu", i);
        cr_expect(!memcmp(places[i], key, len) && !places[i][len], "key %zu", i);
    }
    strmap_free(map);
    check_leaks();
}

static void count_up(void *ctx)
{
    __atomic_add_fetch((int *)ctx, 1, __ATOMIC_SEQ_CST);
}

Test(workers, every_submitted_task_has_run_when_the_pool_is_freed)
{
    struct workers *workers = NULL;
    int done = 0;
    cr_assert_eq(workers_new(3, &workers, NULL), 0);
    for (int i = 0; i < 1000; i++)
        workers_submit(workers, count_up, &done);
    workers_free(workers);
    cr_assert_eq(done, 1000);
    check_leaks();
}

Test(file, a_tree_is_made_filled_replaced_and_removed)
{
    struct error err = {0};
    CLEANUP_FREE char *folder = NULL, *deep = NULL, *path = NULL;
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-test", &folder, &err), 0, "%s", err.text);
    deep = mem_printf("%s/a/b/c", folder);
    path = mem_printf("%s/file", deep);
    cr_assert_eq(file_make_folders(deep, 0755, &err), 0, "%s", err.text);
    cr_assert_eq(file_replace(path, "one", 3, 0600, &err), 0, "%s", err.text);
    cr_assert_eq(file_replace(path, "two!", 4, 0600, &err), 0, "%s", err.text);
    struct buf b = BUF_INIT;
    cr_assert_eq(file_read(path, 10, &b, &err), 0);
    cr_assert_str_eq(buf_text(&b), "two!");
    cr_assert_eq(file_read(path, 3, &b, &err), -27, "over the cap");
    cr_assert_eq(file_remove_tree(folder, &err), 0, "%s", err.text);
    cr_assert_lt(file_read(path, 10, &b, &err), 0);
    cr_assert(strstr(err.text, path), "%s", err.text);
    buf_done(&b);
    free(STEAL(folder)), free(STEAL(deep)), free(STEAL(path));
    check_leaks();
}
