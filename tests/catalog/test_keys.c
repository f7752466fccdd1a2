// SPDX-License-Identifier: Apache-2.0
/* Keys in order and in none, searched from everywhere. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "index/commit/changeset_keys.h"
#include "tests/test_leaks.h"

static bool put(struct changeset_keys *keys, struct buf *log, const char *key)
{
    bool is_new;
    size_t *at = changeset_keys_put(keys, log, key, &is_new);
    if (is_new) {
        *at = log->len;
        buf_append(log, key, strlen(key) + 1);
    }
    return is_new;
}

static void name(char to[16], unsigned number)
{
    snprintf(to, 16, "k%05u", number);
}

/* Keys with even numbers are there, in the order of `order`; each is found from wherever the search begins.
 */
static void check_found(const struct changeset_keys *keys, const struct buf *log, size_t count)
{
    char key[16];
    for (size_t near = 0; near <= count + 1; near += count / 3 + 1)
        for (unsigned i = 0; i < 2 * count; i++) {
            size_t from = near;
            name(key, i);
            size_t at = changeset_keys_find(keys, log, key, &from);
            cr_assert_eq(at != SIZE_MAX, i % 2 == 0, "%s from %zu", key, near);
            if (at != SIZE_MAX)
                cr_assert_str_eq(buf_text(log) + keys->list[at], key);
        }
}

Test(keys, ascending_keys_are_found_without_a_map)
{
    struct changeset_keys keys = {0};
    struct buf log = BUF_INIT;
    char key[16];
    for (unsigned i = 0; i < 50; i++) {
        name(key, 2 * i);
        cr_assert(put(&keys, &log, key));
        check_found(&keys, &log, i + 1);
    }
    cr_assert_null(keys.slots);
    size_t near = 0;
    for (unsigned i = 0; i < 100; i++) {
        name(key, i);
        changeset_keys_find(&keys, &log, key, &near);
        cr_assert_eq(near, i / 2 + 1, "one search goes on where the last one ended");
    }
    changeset_keys_done(&keys);
    buf_done(&log);
    check_leaks();
}

Test(keys, many_keys_in_no_order_are_found)
{
    struct changeset_keys keys = {0};
    struct buf log = BUF_INIT;
    char key[16];
    enum { MANY = 5003, STEP = 1999 };
    for (unsigned i = 0; i < MANY; i++) {
        name(key, 2 * (i * STEP % MANY));
        cr_assert(put(&keys, &log, key));
    }
    check_found(&keys, &log, MANY);
    changeset_keys_done(&keys);
    buf_done(&log);
    check_leaks();
}

Test(keys, keys_in_any_order_are_found_and_none_is_there_twice)
{
    struct changeset_keys keys = {0};
    struct buf log = BUF_INIT;
    char key[16];
    for (unsigned i = 0; i < 101; i++) {
        name(key, 2 * (i < 20 ? i : 20 + (i - 20) * 7 % 81));
        cr_assert(put(&keys, &log, key), "%s is new", key);
        cr_assert_not(put(&keys, &log, key), "%s is there", key);
        name(key, 0);
        bool is_new;
        cr_assert_eq(*changeset_keys_put(&keys, &log, key, &is_new), 0, "where the first one is");
        cr_assert_not(is_new);
    }
    cr_assert_eq(keys.count, 101);
    check_found(&keys, &log, 101);
    changeset_keys_done(&keys);
    buf_done(&log);
    check_leaks();
}
