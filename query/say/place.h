// SPDX-License-Identifier: Apache-2.0
/*
 * A whole path, as people type it on the command line: version, query, and maybe a file.
 *
 *     v12/arm=left/ep000123.front.mp4     latest     tags/nightly     nightly/outcome=fail
 *     outcome=fail                        (a condition first: the newest version)
 *     v12/.by/arm/left                    (as a mount has it: v12/arm=left)
 *     ""                                  (the newest version)
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/dataset/dataset.h"
#include "query/query.h"

/* A version's name: vN, latest, or a tag, as of the last dataset_refresh(); never waits. -ENOENT with the
 * reason: "no v13: the newest version is v12", "no version or tag 'nightli': did you mean 'nightly'?". */
int place_version(struct dataset *dataset, const char *name, size_t len, uint32_t *ret, struct error *err);

/* Why `name` is none: -ENOENT, as above. */
int place_no_version(struct dataset *dataset, const char *name, struct error *err);
/* Appends to `err`, which says why `path` (without its version) means nothing in `version`, whether the
 * newest version or the one before has it: "...; v3 has it (v3/outcome=fail)". Returns -err->code. With
 * `patience`, only catalogs that are open are asked, and -EAGAIN is possible; NULL: waits for the store. */
int place_hint_version(struct dataset *dataset, uint32_t version, const char *path,
                       const struct catalog_patience *patience, struct error *err);

struct place {
    uint32_t version;
    struct catalog *catalog;
    struct query *query;
    bool is_file; /* then row and stream say which */
    uint32_t row, stream;
};
/* Looks for new versions first. A leading and doubled '/' are fine; one behind a file is -ENOTDIR. Waits for
 * the store. */
int place_resolve(struct dataset *dataset, const char *path, struct place *ret, struct error *err);
void place_done(struct place *place);
#define CLEANUP_PLACE CLEANUP(place_done)
