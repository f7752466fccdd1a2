// SPDX-License-Identifier: Apache-2.0
/*
 * A manifest as a source: a table (table_reader.h) with one clip a row. Which columns mean what:
 * manifest_columns.h; where its URLs may lead: manifest_object.h. One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "index/dataset/dataset.h"
#include "tools/import/draft.h"
#include "tools/import/notes.h"
#include "tools/import/table_reader.h"
#include "tools/progress.h"

struct manifest_import {
    struct stores *stores;
    const char *file;       /* path or URL of the manifest */
    const char *key_prefix; /* not escaped, with its '-', or "" */
    const char *const *multi;
    size_t multi_count;
    bool *multi_used;        /* by name of `multi`: the manifest has this column */
    struct dataset *dataset; /* or NULL: it knows nothing yet */
    bool dry;                /* nothing is written */
    bool alone; /* nothing else is said of its clips, and none are known: they are given as they come */
    struct drafts *drafts;
    struct notes *notes;
    struct progress *progress; /* one step an object, or NULL */
};

struct manifest_found {
    uint64_t objects, bytes;
    bool pinned_weakly; /* some object can be overwritten under its name */
};

/* By its suffix: .jsonl, .ndjson, .csv or .parquet, and no folder. */
bool manifest_import_is(const char *source);
/* Adds a clip a row. */
int manifest_import(const struct manifest_import *import, struct manifest_found *ret, struct error *err);
