// SPDX-License-Identifier: Apache-2.0
/* Keys with equal hashes, of which a catalog has few: they are searched for here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/hash/keys.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum { KEYS = 300000, PAIRS = 4 };

struct pair {
    char key[2][16];
};

static int compare_pairs(const void *a, const void *b)
{
    return compare(a, b);
}

/* By the birthday paradox there are about ten. */
static void find_pairs(struct pair pairs[PAIRS])
{
    uint64_t *list = mem_alloc(KEYS * sizeof *list);
    size_t found = 0;
    char key[16];
    for (uint32_t i = 0; i < KEYS; i++) {
        int len = snprintf(key, sizeof key, "k%u", i);
        list[i] = (uint64_t)key_hash(key, (size_t)len) << 32 | i;
    }
    qsort(list, KEYS, sizeof *list, compare_pairs);
    for (size_t i = 1; i < KEYS && found < PAIRS; i++)
        if (list[i] >> 32 == list[i - 1] >> 32) {
            snprintf(pairs[found].key[0], 16, "k%u", (uint32_t)list[i - 1]);
            snprintf(pairs[found++].key[1], 16, "k%u", (uint32_t)list[i]);
        }
    free(list);
    cr_assert_eq(found, PAIRS);
}

static int64_t row_of(struct versions *v, const char *key)
{
    uint32_t row = 0;
    int rc = catalog_clip_find(v->reader, key, strlen(key), &row, &v->err);
    cr_assert(!rc || rc == -ENOENT, "%s", v->err.text);
    return rc ? -1 : (int64_t)row;
}

static void import(struct versions *v, const char *key, const char *other, const char *removed)
{
    struct changeset *set = changeset_new();
    set_clip(set, key, 1);
    if (other)
        set_clip(set, other, 2);
    if (removed)
        cr_assert_eq(changeset_remove(set, removed, &v->err), 0, "%s", v->err.text);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

Test(key_hash, keys_with_one_hash_are_told_apart_when_added_removed_and_added_again)
{
    struct pair pairs[PAIRS];
    struct versions v;
    find_pairs(pairs);
    versions_init(&v);
    import(&v, pairs[0].key[0], pairs[0].key[1], NULL); /* in one run */
    for (int i = 1; i < PAIRS; i++)
        import(&v, pairs[i].key[0], NULL, NULL);
    cr_assert_eq(row_of(&v, pairs[1].key[1]), -1);
    for (int i = 1; i < PAIRS; i++) /* across runs; the eighth merges them */
        import(&v, pairs[i].key[1], NULL, NULL);
    for (int i = 0; i < 4; i++)
        import(&v, i % 2 ? "other" : "another", i % 2 ? "more" : "most", NULL);
    for (int i = 0; i < PAIRS; i++)
        cr_assert_neq(row_of(&v, pairs[i].key[0]), row_of(&v, pairs[i].key[1]));
    int64_t row = row_of(&v, pairs[0].key[0]);
    import(&v, "other", NULL, pairs[0].key[0]);
    cr_assert_eq(row_of(&v, pairs[0].key[0]), -1);
    cr_assert_eq(row_of(&v, pairs[0].key[1]), row ^ 1);
    import(&v, pairs[0].key[0], NULL, pairs[0].key[1]);
    cr_assert_eq(row_of(&v, pairs[0].key[0]), row, "it has its row again");
    cr_assert_eq(row_of(&v, pairs[0].key[1]), -1);
    versions_done(&v);
    check_leaks();
}
