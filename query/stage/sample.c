// SPDX-License-Identifier: Apache-2.0
/* @sample=N,SEED: N clips chosen by the hashes of their keys, so mostly the same ones as a data set grows; in
 * the order in which they stood. Without a seed it is 0. */
#include <inttypes.h>

#include "query/set.h"
#include "query/stage/read.h"

#include "query/order/choose.h"

struct sample {
    uint64_t count;
    struct keyed key;
};

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct sample sample = {0};
    int rc = read_arguments(&stage_sample, count, 1, 2, err);
    if (!rc)
        rc = read_number(&stage_sample, &args[0], "a number of clips", UINT64_MAX, &sample.count, err);
    if (!rc && count > 1)
        rc = read_seed(&stage_sample, &args[1], &sample.key, err);
    if (!rc)
        *ret = mem_copy(&sample, sizeof sample);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct sample *sample = bound;
    stage_print(buf, "%" PRIu64, sample->count);
    print_seed(buf, &sample->key);
}

static uint64_t leaves(const void *bound, uint64_t of)
{
    const struct sample *sample = bound;
    return of < sample->count ? of : sample->count;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct sample *sample = bound;
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *chosen = NULL;
    int rc = choose_least(reader, rows, &sample->key, KEYED_SAMPLE, sample->count, &chosen, err);
    if (!rc)
        *ret = set_new_kept(set, chosen);
    return rc;
}

const struct stage stage_sample = {
    .name = "sample",
    .usage = "N[,SEED]",
    .help = "N of them, chosen at random",
    .bind = bind,
    .print = print,
    .leaves = leaves,
    .exact = true,
    .apply = apply,
};
