// SPDX-License-Identifier: Apache-2.0
/*
 * Which clips can still be read: each recording that they are cut out of is asked for under its pin, once,
 * however many versions and clips it serves. One thread at a time; probes run on threads of its own. Memory
 * does not grow with the count of recordings, but for a few bits each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/dataset/dataset.h"

struct readable;

/* `whole`: every recording is read to its end, and the pages of Parquet files are decoded; else asked for a
 * byte, and its store compares the pin. */
struct readable *readable_new(struct dataset *dataset, bool whole);
void readable_free(struct readable *readable);
CLEANUP_DEFINE(struct readable, readable_free, cleanup_readable)
#define CLEANUP_READABLE CLEANUP(cleanup_readable)

struct readable_counts {
    uint64_t clips, readable;
    char *key;    /* of the first clip that cannot be read, or NULL; owned */
    char *reason; /* why: names its recording; owned */
};
/* Probes what these rows (NULL: all) are cut out of and was not probed before, and counts them. -EPERM where
 * a root is not trusted. Shows its progress. */
int readable_check(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                   struct readable_counts *ret, struct error *err);
/* The same for a whole version. */
int readable_check_version(struct readable *readable, uint32_t version, struct readable_counts *ret,
                           struct error *err);
void readable_counts_done(struct readable_counts *counts);

struct readable_totals {
    uint64_t recordings, unreadable;
};
struct readable_totals readable_totals(const struct readable *readable); /* of all that was probed */
