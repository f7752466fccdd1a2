// SPDX-License-Identifier: Apache-2.0
/* @head=N: the first N clips of what stands before it. */
#include <inttypes.h>

#include "query/set.h"
#include "query/stage/read.h"

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    uint64_t most;
    int rc = read_arguments(&stage_head, count, 1, 1, err);
    if (!rc)
        rc = read_number(&stage_head, &args[0], "a number of clips", UINT64_MAX, &most, err);
    if (!rc)
        *ret = mem_copy(&most, sizeof most);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    stage_print(buf, "%" PRIu64, *(const uint64_t *)bound);
}

static uint64_t least(const void *bound, uint64_t of)
{
    uint64_t most = *(const uint64_t *)bound;
    return of < most ? of : most;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    *ret = set_new_every(set, 0, 1, *(const uint64_t *)bound);
    return 0;
}

const struct stage stage_head = {
    .name = "head",
    .usage = "N",
    .help = "the first N",
    .bind = bind,
    .print = print,
    .leaves = least,
    .exact = true,
    .by_place = true,
    .needs = least,
    .apply = apply,
};
