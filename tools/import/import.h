// SPDX-License-Identifier: Apache-2.0
/*
 * An import: what is found below SOURCE, joined with tables, as one change set. One thread.
 *
 *     source -> LeRobot roots | files -> drafts -> --set, --table -> growth -> change set
 */
#pragma once

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "index/commit/changeset.h"
#include "tools/import/copy.h"
#include "tools/import/growth.h"
#include "tools/import/listing.h"
#include "tools/import/moved.h"
#include "tools/import/notes.h"
#include "tools/import/part.h"
#include "tools/progress.h"

/* How much may be wrong with a source whose other clips are imported. */
struct import_skip {
    bool on;
    bool limited;
    bool percent; /* of all clips; else so many */
    double limit;
};
/* "": without a limit; "1%", "0.5%"; "12". -EINVAL */
int import_skip_parse(const char *text, struct import_skip *ret, struct error *err);

struct import_request {
    struct stores *stores;
    struct dataset *dataset; /* what grows; NULL: nothing is known */
    const char *source;      /* URL or folder */
    const char *prefix;      /* of every key, or NULL */
    const char *replaces;    /* a source whose clips this one's take the place of, or NULL */
    const char *layout;      /* or NULL */
    const char *const *tables, *const *sets, *const *multi;
    size_t table_count, set_count, multi_count;
    const char *const *types;   /* NAME=TYPE */
    const char *const *streams; /* OLD=NEW */
    size_t type_count, stream_count;
    bool renumbered, restore; /* tools/import/growth.h */
    bool table_is_renumbered; /* tables mean the new numbers: tools/import/table_renumbered.h */
    enum copy_mode copy;
    copy_serve_fn *serve;  /* or NULL */
    struct strmap *copies; /* gets the paths of the copies that were made: copy_take_back(); or NULL */
    struct import_skip skip;
    bool dry;                       /* nothing is written: the change set is not to be committed */
    struct scan_cache *scans;       /* what was read by an import that was killed; NULL: all is read */
    const struct import_part *part; /* NULL: all; else its recordings are read into `scans`, and no change set
                                     * is made */
    /* Told what the source lists before anything of it is read; non-zero ends the import with it. Or NULL. */
    int (*listed)(void *ctx, const struct import_listing *listing, struct error *err);
    void *ctx;
    struct faults *faults; /* all that is wrong; NULL: the first fault ends the import */
    struct notes *notes;
    struct progress *progress; /* one step a file that is looked into, or NULL */
};
struct import_counts {
    uint32_t after;          /* the version it was compared with */
    uint64_t objects, bytes; /* listed */
    uint64_t clips, lerobot_sets;
    uint64_t bad;       /* clips, and rows and files that are none, left out */
    uint64_t bad_loose; /* of these, what is no clip */
    uint64_t waiting;   /* clips whose files are not finished */
    struct growth_counts growth;
    struct copy_counts copied;
    bool pinned_weakly; /* some object can be overwritten under its name: not reproducible for ever */
    struct moved moved; /* of a renumbered source; url NULL: nothing was found. The caller frees it */
};
/* A source as versions record it: a local path without links, or the URL as it was typed. The caller frees
 * it. */
char *import_source_name(const char *source);
/* A change set without clips and removals: nothing is new. With `faults` an import fails only when all was
 * looked at; -EINVAL then, or what the one fault is. */
int import_scan(const struct import_request *request, struct changeset **ret,
                struct import_counts *ret_counts, struct error *err);
