// SPDX-License-Identifier: Apache-2.0
/*
 * --table and --set: attributes that people give. A table is joined on its column `key`, else
 * `episode_index`; every other column becomes an attribute, its type inferred over the whole column. One
 * thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "tools/import/draft.h"
#include "tools/import/notes.h"

struct table_join {
    struct stores *stores;
    struct drafts *drafts;
    struct notes *notes;
    const char *const *multi; /* columns that hold several values, separated by ';' */
    bool *multi_used;         /* by name: some table or --set has it */
    size_t multi_count;
    bool one_root; /* episode_index is unambiguous */
};

/* Joins one CSV file (a local path, or a URL). A row for an unknown clip is an error; clips without a row
 * just lack the attributes; an attribute of the importer's is replaced for all clips, which is noted once. */
int table_join_file(const struct table_join *join, const char *file, struct error *err);
/* "k=v" on every clip. */
int table_set(const struct table_join *join, const char *assignment, struct error *err);

/* The narrowest type all texts have: boolean (true, false), integer (no leading zeros, at most 2^53), float,
 * timestamp, duration (number and unit), else text. */
enum value_type table_infer(const char *const *texts, const size_t *lens, size_t count);
