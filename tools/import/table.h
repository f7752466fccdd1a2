// SPDX-License-Identifier: Apache-2.0
/*
 * --table, --set and --type: attributes that people give. A table (table_reader.h) is joined on its column
 * `key`, else `episode_index`; every other column becomes an attribute, its type found over the whole column.
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "tools/import/draft.h"
#include "tools/import/notes.h"
#include "tools/import/table_renumbered.h"

struct table_join {
    struct stores *stores;
    struct drafts *drafts;
    struct notes *notes;
    const char *const *multi; /* columns that hold several values, separated by ';' */
    bool *multi_used;         /* by name: some table or --set has it */
    size_t multi_count;
    bool one_root;                       /* episode_index is unambiguous */
    struct table_renumbered *renumbered; /* gets to know the tables; or NULL */
};

/* Joins one table: a local path, a URL, or "-" for standard input. A row for an unknown clip is an error;
 * it says all its columns of a clip that it has a row for, and nothing of the others: they keep what imports
 * have said before. An attribute of the importer's is replaced for all clips, which is noted once. */
int table_join_file(const struct table_join *join, const char *file, struct error *err);
/* "k=v" on every clip. */
int table_set(const struct table_join *join, const char *assignment, struct error *err);

/* "k=text": before anything else gives values of it. */
int table_force(struct drafts *drafts, const char *assignment, struct error *err);
/* Each forced type must have met values. -ENOENT. */
int table_check_forced(const struct drafts *drafts, struct error *err);
