// SPDX-License-Identifier: Apache-2.0
/*
 * A table of labels becomes a change set. One row is about one clip, named in its column `key`, else
 * `episode_index`; what the other columns are decides what a row is:
 *
 *     label (or event), start (or start_s), end (or end_s)     an event; without start and end: there is none
 *     anything else                                            a value of each column's attribute
 *
 * One thread at a time.
 */
#pragma once

#include "cache/store/store.h"
#include "index/catalog/catalog.h"
#include "index/commit/changeset_labels.h"

struct notes;
struct annotate_options { /* all borrowed */
    struct stores *stores;
    const char *table; /* a path, a URL or "-" */
    const char *by;
    enum changeset_policy policy;
    const char *suffix;       /* of attributes, behind the column's name; NULL: none */
    const char *prefix;       /* episode 7 is the clip PREFIX-ep000007; NULL: ep000007 */
    const char *const *multi; /* columns whose texts are several values, separated by ';' */
    size_t multi_count;
    const char *const *types; /* "NAME=TYPE" */
    size_t type_count;
    struct notes *notes; /* what may surprise whoever wrote the table */
    bool batches;        /* a clip may come again, in a later batch */
};

struct annotate;

/* Opens the table. `reader`: of the newest version, whose attributes say which columns hold several values.
 */
int annotate_open(const struct annotate_options *options, struct catalog_reader *reader,
                  struct annotate **ret, struct error *err);
void annotate_free(struct annotate *annotate);
CLEANUP_DEFINE(struct annotate, annotate_free, cleanup_annotate)
#define CLEANUP_ANNOTATE CLEANUP(cleanup_annotate)

/* Reads rows up to the end of the table or to the deadline (clock_now_ns(); 0: none) and makes a change set
 * of them, NULL if there were none: 1 if more may come, 0 at the end. What does not fit the attributes of
 * `reader` is -EINVAL with its line. */
int annotate_read(struct annotate *annotate, struct catalog_reader *reader, int64_t deadline_ns,
                  struct changeset **ret, struct error *err);
