// SPDX-License-Identifier: Apache-2.0
/*
 * Garbage collection: what no version needs is freed, once it has been so for a grace (index/FORMAT.md, "What
 * nobody needs").
 *
 *     read every manifest, what each version needs, and what lies there
 *     --> a mark of what nobody needs                     its time is "now", by the store's clock
 *     --> of what is named in all marks of a grace: a mark that claims it
 *     --> read again: new versions, tags, what is forgotten
 *     --> stubs, then packs, copies, parts                so that a reader meets the reason before the gap
 *     --> a mark of what is left
 *
 * Whatever point it is stopped at, nothing that a version needs is gone, and the next run goes on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "index/dataset/dataset.h"

#define GC_GRACE_NS (7 * 24 * 3600 * INT64_C(1000000000))

enum gc_kind { GC_VERSIONS, GC_PACKS, GC_COPIES, GC_PARTS, GC_KINDS };

struct gc_options {
    int64_t grace_ns;
    bool nobody_writes; /* somebody vouches for that: the grace may be shorter than MARK_GRACE_LEAST_NS */
    bool dry;           /* nothing is written, and nothing freed */
    /* What is being done, may be NULL: of `total` steps. */
    void (*begin)(void *ctx, const char *what, const char *unit, uint64_t total);
    void (*step)(void *ctx);
    void *ctx;
};

struct gc_amount {
    uint64_t count, bytes;
};
struct gc_report {
    struct gc_amount unneeded[GC_KINDS]; /* no version needs them; */
    struct gc_amount marked[GC_KINDS];   /* of these, found so by a run before, too: when, at first: */
    int64_t marked_ns;                   /* 0: never */
    struct gc_amount freed[GC_KINDS];
    uint64_t tagged;                          /* versions that are to be forgotten, and have a tag */
    uint64_t packs, pack_bytes, needed_bytes; /* packs that are needed, and how much of them is */
};

/* What versions need of the packs, without a look at what lies there: `packs`, `pack_bytes` and
 * `needed_bytes` alone. Waits. */
int gc_measure(struct dataset *dataset, struct gc_report *ret, struct error *err);
/* -EINVAL: the grace is too short; -EUCLEAN, -ENOTSUP: a version cannot be read, so what it needs is not
 * known; -EBUSY: somebody else wrote marks meanwhile, again and again. What was freed before a failure is in
 * *ret, which is always filled. Waits. */
int gc_run(struct dataset *dataset, const struct gc_options *options, struct gc_report *ret,
           struct error *err);
