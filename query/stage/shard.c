// SPDX-License-Identifier: Apache-2.0
/*
 * @shard=I,N[,even]: every N-th clip from the I-th on, counted from 0. The N shards have no clip in common
 * and are all together; sizes differ by one at most. `even` leaves out what does not divide by N, so that all
 * who train take the same number of steps.
 */
#include <inttypes.h>
#include <string.h>

#include "query/set.h"
#include "query/stage/read.h"

struct shard {
    uint64_t number, of;
    bool even;
};

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct shard shard = {0};
    int rc = read_arguments(&stage_shard, count, 2, 3, err);
    if (!rc)
        rc = read_number(&stage_shard, &args[1], "a number of shards", UINT32_MAX, &shard.of, err);
    if (!rc && !shard.of)
        rc = stage_refuse(&stage_shard, err, "there is no shard of none");
    if (!rc)
        rc = read_number(&stage_shard, &args[0], "the number of a shard, from 0 on", UINT32_MAX,
                         &shard.number, err);
    if (!rc && shard.number >= shard.of)
        rc = stage_refuse(&stage_shard, err,
                          "shards are counted from 0, so the last of %" PRIu64 " is %" PRIu64, shard.of,
                          shard.of - 1);
    shard.even = count == 3;
    if (!rc && shard.even && strcmp(args[2].bytes, "even") != 0)
        rc = stage_refuse(&stage_shard, err, "behind the numbers may only stand 'even'");
    if (!rc)
        *ret = mem_copy(&shard, sizeof shard);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct shard *shard = bound;
    stage_print(buf, "%" PRIu64, shard->number);
    stage_print(buf, "%" PRIu64, shard->of);
    if (shard->even)
        stage_print(buf, "even");
}

static uint64_t leaves(const void *bound, uint64_t of)
{
    const struct shard *shard = bound;
    if (shard->even)
        return of / shard->of;
    return of > shard->number ? (of - shard->number - 1) / shard->of + 1 : 0;
}

static uint64_t needs(const void *bound, uint64_t first)
{
    const struct shard *shard = bound;
    if (shard->even || first > UINT32_MAX)
        return UINT64_MAX; /* how many are even is not known before all are */
    return first ? shard->number + (first - 1) * shard->of + 1 : 0;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct shard *shard = bound;
    uint64_t most = shard->even ? set_count(set) / shard->of : UINT64_MAX;
    *ret = set_new_every(set, shard->number, shard->of, most);
    return 0;
}

const struct stage stage_shard = {
    .name = "shard",
    .usage = "I,N[,even]",
    .help = "every N-th from the I-th on (0 <= I < N)",
    .bind = bind,
    .print = print,
    .leaves = leaves,
    .exact = true,
    .by_place = true,
    .needs = needs,
    .apply = apply,
};
