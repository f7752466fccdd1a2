// SPDX-License-Identifier: Apache-2.0
/*
 * An import: what is found below SOURCE, joined with tables, as one change set. One thread.
 *
 *     source -> LeRobot roots | files -> drafts -> --set, --table -> growth -> change set
 */
#pragma once

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "index/changeset.h"
#include "tools/import/copy.h"
#include "tools/import/growth.h"
#include "tools/import/notes.h"
#include "tools/progress.h"

struct import_request {
    struct stores *stores;
    struct dataset *dataset; /* what grows; NULL: nothing is known */
    const char *source;      /* URL or folder */
    const char *prefix;      /* of every key, or NULL */
    const char *layout;      /* or NULL */
    const char *const *tables, *const *sets, *const *multi;
    size_t table_count, set_count, multi_count;
    const char *const *types;   /* NAME=TYPE */
    const char *const *streams; /* OLD=NEW */
    size_t type_count, stream_count;
    bool renumbered, restore; /* tools/import/growth.h */
    enum copy_mode copy;
    struct notes *notes;
    struct progress *progress; /* one step a file that is looked into, or NULL */
};
struct import_counts {
    uint64_t objects, bytes; /* listed */
    uint64_t clips, lerobot_sets;
    struct growth_counts growth;
    uint64_t copied, copied_bytes; /* objects */
    bool pinned_weakly; /* some object can be overwritten under its name: not reproducible for ever */
};
/* A change set without clips and removals: nothing is new. */
int import_scan(const struct import_request *request, struct changeset **ret,
                struct import_counts *ret_counts, struct error *err);
