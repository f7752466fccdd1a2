// SPDX-License-Identifier: Apache-2.0
/* @skip=N: all but the first N clips of what stands before it: who was killed goes on there. */
#include <inttypes.h>

#include "query/set.h"
#include "query/stage/read.h"

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    uint64_t fewer;
    int rc = read_arguments(&stage_skip, count, 1, 1, err);
    if (!rc)
        rc = read_number(&stage_skip, &args[0], "a number of clips", UINT64_MAX, &fewer, err);
    if (!rc)
        *ret = mem_copy(&fewer, sizeof fewer);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    stage_print(buf, "%" PRIu64, *(const uint64_t *)bound);
}

static uint64_t rest(const void *bound, uint64_t of)
{
    uint64_t fewer = *(const uint64_t *)bound;
    return of > fewer ? of - fewer : 0;
}

static uint64_t and_before(const void *bound, uint64_t first)
{
    uint64_t fewer = *(const uint64_t *)bound;
    return first > UINT64_MAX - fewer ? UINT64_MAX : first + fewer;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    *ret = set_new_every(set, *(const uint64_t *)bound, 1, UINT64_MAX);
    return 0;
}

const struct stage stage_skip = {
    .name = "skip",
    .usage = "N",
    .help = "all but the first N",
    .bind = bind,
    .print = print,
    .leaves = rest,
    .exact = true,
    .by_place = true,
    .needs = and_before,
    .apply = apply,
};
