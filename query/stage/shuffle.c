// SPDX-License-Identifier: Apache-2.0
/* @shuffle=SEED[.EPOCH]: all clips, in a random order that is the same everywhere. It is computed, not kept:
 * query/order/shuffle.h. */
#include "query/set.h"
#include "query/stage/read.h"

#include "query/order/shuffle.h"

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct keyed key;
    int rc = read_arguments(&stage_shuffle, count, 1, 1, err);
    if (!rc)
        rc = read_seed(&stage_shuffle, &args[0], &key, err);
    if (!rc)
        *ret = mem_copy(&key, sizeof key);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    print_seed(buf, bound);
}

/* Whatever the order. */
static uint64_t all(const void *bound, uint64_t of)
{
    return of;
}

static struct shuffle shuffle_of(const struct set_pick *pick)
{
    return (struct shuffle){.key = {pick->args[0], pick->args[1]}, .count = (uint32_t)pick->count};
}

static uint64_t at(const struct set_pick *pick, uint64_t position)
{
    const struct shuffle shuffle = shuffle_of(pick);
    return shuffle_at(&shuffle, (uint32_t)position);
}

static bool find(const struct set_pick *pick, uint64_t in_base, uint64_t *ret_position)
{
    const struct shuffle shuffle = shuffle_of(pick);
    *ret_position = shuffle_find(&shuffle, (uint32_t)in_base);
    return true;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct keyed *key = bound;
    const struct set_pick pick = {at, find, set_count(set), {key->seed, key->epoch}};
    *ret = pick.count ? set_new_picked(set, &pick) : set_ref(set);
    return 0;
}

const struct stage stage_shuffle = {
    .name = "shuffle",
    .usage = "SEED[.EPOCH]",
    .help = "in a random order",
    .bind = bind,
    .print = print,
    .leaves = all,
    .exact = true,
    .leaves_all = true,
    .by_place = true,
    .apply = apply,
};
