// SPDX-License-Identifier: Apache-2.0
/*
 * A catalog in a store of which nothing is here, and what a question of it costs: how many times it has to
 * wait for the store, each time for all that it has asked for by then (a round), and how many bytes come.
 *
 * Exact, whatever the machine: reads are held until somebody waits. Who does not wait gives -EAGAIN and is
 * asked again, as by a mount's session thread; of who waits patience_read() is ours (`--wrap`).
 */
#pragma once

#include "query/query.h"
#include "tests/catalog/paged.h"

struct cold_cost {
    unsigned rounds, reads;
    uint64_t bytes;
};
/* A question, which adds what it finds to `answer`; on failure that is as it was. */
typedef int cold_fn(void *ctx, struct catalog_reader *reader, struct buf *answer, struct error *err);

struct cold { /* a catalog in packs */
    struct paged paged;
    struct map_top top;
    unsigned opened; /* caches so far */
};
void cold_init(struct cold *cold, const char *path);
void cold_done(struct cold *cold);
/* Asks with an empty cache, but for what a mount has at once; `first` (NULL: nothing) is asked before and
 * does not count. */
struct cold_asked {
    cold_fn *ask, *first;
    void *ctx;
    enum cold_way {
        COLD_NOWAIT, /* again after each -EAGAIN */
        COLD_WAITS,
        COLD_MOUNT, /* once without waiting, then by who waits, with the same reader */
        COLD_WAYS
    } way;
};
struct cold_cost cold_ask(struct cold *cold, const struct cold_asked *asked, struct buf *answer);
