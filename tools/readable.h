// SPDX-License-Identifier: Apache-2.0
/*
 * Which clips can still be read: each recording that they are cut out of is asked for a byte under its pin,
 * once, however many versions and clips it serves. One thread at a time; probes run on threads of its own.
 *
 *     readable_add() for each version -> readable_probe() -> readable_count() for each version
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "index/dataset.h"
#include "tools/progress.h"

struct readable;

struct readable *readable_new(struct dataset *dataset);
void readable_free(struct readable *readable);
CLEANUP_DEFINE(struct readable, readable_free, cleanup_readable)
#define CLEANUP_READABLE CLEANUP(cleanup_readable)

/* Takes the recordings of these rows; NULL: of all. -EPERM where a root is not trusted. */
int readable_add(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                 struct error *err);
/* Probes what was not probed before. `progress` may be NULL. */
int readable_probe(struct readable *readable, struct progress *progress, struct error *err);

struct readable_counts {
    uint64_t clips, readable;
    char *key;    /* of the first clip that cannot be read, or NULL; owned */
    char *reason; /* why: names its recording; owned */
};
int readable_count(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                   struct readable_counts *ret, struct error *err);
/* The same for whole versions: takes and probes those of all, and counts one. */
int readable_probe_all(struct readable *readable, struct error *err);
int readable_count_version(struct readable *readable, uint32_t version, struct readable_counts *ret,
                           struct error *err);
void readable_counts_done(struct readable_counts *counts);
