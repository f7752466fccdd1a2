// SPDX-License-Identifier: Apache-2.0
/* More keys than a shard has rows: takes a while. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "index/catalog/catalog_known.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { FIRST = (1 << 20) + 1000, MORE = 500 };

static void import(struct versions *v, uint32_t first, uint32_t count)
{
    struct changeset *set = changeset_new();
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        set_clip(set, key, (int)i);
    }
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void check(struct versions *v, uint32_t number, bool is_there)
{
    char key[16];
    uint32_t row = 0;
    int len = snprintf(key, sizeof key, "%u", number);
    int rc = catalog_clip_find(v->reader, key, (size_t)len, &row, &v->err);
    cr_assert_eq(rc, is_there ? 0 : -ENOENT, "%s: %s", key, v->err.text);
    cr_assert(!is_there || row == number, "%s is in row %u", key, row);
}

Test(hash_million, every_key_of_a_million_is_found_in_its_row_also_when_more_come, .timeout = 600)
{
    struct versions v;
    versions_init(&v);
    import(&v, 0, FIRST);
    for (uint32_t i = 0; i < 9; i++)
        import(&v, FIRST + i * MORE, MORE);
    for (uint32_t i = 0; i < FIRST + 9 * MORE; i++)
        check(&v, i, true);
    for (uint32_t i = 0; i < 100000; i++)
        check(&v, 2 * FIRST + i, false);
    versions_done(&v);
    check_leaks();
}
