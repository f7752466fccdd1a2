// SPDX-License-Identifier: Apache-2.0
/* Catalogs in a temporary folder, one version made from another, as the tests want them. */
#pragma once

#include "index/catalog/catalog.h"
#include "index/catalog/schema.h"
#include "index/commit/apply/apply.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/scrub/scrub.h"

struct versions {
    char *folder;
    uint32_t head; /* 0: none yet; versions count from 1 */
    uint32_t base; /* the version that sets are made for; 0: the head */
    const struct apply_limits *limits;
    struct apply_counts counts;
    uint32_t pages_written; /* by the newest one */
    struct error err;
    struct catalog *catalog; /* of head, open */
    struct catalog_reader *reader;
};

void versions_init(struct versions *versions);
void versions_done(struct versions *versions);
/* Applies `set` (and frees it) to the head; on success that is the new head. The commit time is its number.
 */
int versions_apply(struct versions *versions, struct changeset *set);
/* The catalog of a version without what it says of these rows; `objects` may be NULL: those that they read.
 */
void versions_scrub(struct versions *versions, uint32_t version, const struct rowset *rows,
                    const struct rowset *objects, struct scrub_dictionaries *dictionaries,
                    struct scrub_counts *ret);
/* How many clips of the newest version have the attribute, and how many values there are. */
struct catalog_counts versions_counts(struct versions *versions, const char *name);
char *versions_path(const struct versions *versions, uint32_t version); /* the caller frees */

/* Short forms of the change set's functions that must succeed. */
void set_attribute(struct changeset *set, const char *name, enum value_type type, bool multi);
/* A clip whose fingerprint is 32 times `print`, without times. */
void set_clip(struct changeset *set, const char *key, int print);
/* The value is parsed as the attribute's type. */
void set_value(struct changeset *set, const char *name, enum value_type type, const char *text);
struct value value_of(enum value_type type, const char *text);
/* A set of labels. */
struct changeset *labels_by(const char *setter, enum changeset_policy policy);
void set_labels(struct changeset *set, const char *key, uint64_t line);
/* All that may lie above each other, in three versions: sealed clips, `more` in a tail run, and above both
 * `labelled` of the sealed ones with arm=both. */
struct versions_layers {
    void (*add)(struct changeset *set, unsigned from,
                unsigned to); /* the clips [from, to) and their attributes */
    unsigned clips, more, labelled;
    int digits; /* of the number behind "ep" in a key */
};
void versions_apply_layers(struct versions *versions, const struct versions_layers *layers);
/* Spans in seconds: start, end, start, end, ... ended by a negative start; NULL: none. */
void set_events(struct changeset *set, const char *label, const double *spans);
/* A stream of 6 inline bytes and `len` bytes from `offset` of the object `path` (of 10,000 bytes). */
void set_stream(struct changeset *set, const char *name, const char *path, uint64_t offset, uint64_t len);
