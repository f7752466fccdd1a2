// SPDX-License-Identifier: Apache-2.0
/*
 * What an import means for the clips that the newest version has. A key is a name, content is identity:
 *
 *     key known, from another source                    the import fails: --prefix
 *     key known, of a manifest beside this one, and changed              the same
 *     content known under another key that went         renumbered: the import fails, or labels move along
 *     content that was removed, under its key           stays removed, or comes back
 *     clip of this source that the source lacks now     stays, and is said
 *
 * One thread at a time; may wait.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "tools/import/draft.h"
#include "tools/import/known.h"
#include "tools/import/notes.h"

struct growth {
    struct known *known;
    struct drafts *drafts;
    struct notes *notes;
    const char *source; /* URL, for messages */
    const char *name;   /* as versions record it: import_source_name() */
    bool renumbered;    /* --renumbered: labels go with their content */
    bool restore;       /* --restore: what was removed comes back */
    bool partial;       /* the source lists what it likes, as a manifest does: what it lacks has not gone */
    bool incomplete;    /* not all of the source could be read: the same, but it is meant to be all */
};
struct growth_counts {
    uint64_t kept;       /* not given again */
    uint64_t renumbered; /* labels that move to another key */
    uint64_t left_out;   /* removed before, and still */
    uint64_t gone;       /* of this source, and no longer in it */
};
/* Settles the fate of every draft, and removes keys whose content has moved on. -EEXIST, with what to type:
 * keys of another source; clips under other keys, where `renumbered` does not allow it. */
int growth_settle(const struct growth *growth, struct growth_counts *ret, struct error *err);
