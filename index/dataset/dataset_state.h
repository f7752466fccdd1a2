// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of `struct dataset`, shared by the files of dataset.h and by tests that bring their own store.
 * Thread rule: as in dataset.h.
 */
#pragma once

#include <pthread.h>

#include "cache/base/meanwhile.h"
#include "index/base/layout.h"
#include "index/base/series.h"
#include "index/dataset/dataset.h"
#include "index/dataset/forgotten.h"
#include "index/dataset/purges.h"
#include "index/dataset/tag.h"
#include "index/roots/learnt.h"
#include "index/roots/root.h"

struct known_version {
    uint32_t version;
    struct manifest *manifest;
    struct catalog *catalog; /* NULL: not open */
};

struct dataset {
    struct stores *stores;
    struct cache *cache;
    struct layout layout;
    char uuid[MANIFEST_UUID_BYTES];
    struct roots *roots;
    struct tags *tags;
    struct forgotten *forgotten;
    struct purges *purges;
    struct page_store *pages;     /* of all versions */
    char *note;                   /* what a person should know of how it was opened; NULL: nothing */
    struct series_listing *stray; /* a listing that no one waits for, while the store is away */
    pthread_mutex_t lock;         /* guards what follows */
    uint32_t head;
    uint32_t purged;                /* catalogs that are open are as this purge has left them */
    struct known_version *versions; /* by version; entries may move, what they point to does not */
    size_t count, cap;
};

/* dataset_init() and dataset_open() over a store that is open. */
int dataset_init_store(struct store *store, struct error *err);
int dataset_open_store(const struct dataset_options *options, struct store *store, struct dataset **ret,
                       struct error *err);

/* Finds the newest version, and what the data set is. The layout's store and the tags are there. */
int dataset_discover(struct dataset *dataset, const struct dataset_options *options, struct error *err);
/* Reads a version's manifest and keeps it. */
int dataset_read_manifest(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                          const struct manifest **ret, struct error *err);
/* As dataset_manifest(), as patient as it is said. */
int dataset_find_manifest(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                          const struct manifest **ret, struct error *err);
/* The manifests first .. last that are not known yet, many at once. */
int dataset_read_manifests(struct dataset *dataset, uint32_t first, uint32_t last,
                           const struct catalog_patience *patience, struct error *err);
const struct manifest *dataset_known_manifest(struct dataset *dataset, uint32_t version); /* NULL: not read */

/* Keeps a manifest (taken; freed on failure) if it fits those known beside it: -EUCLEAN where the chain of
 * hashes breaks. *ret is the one that is kept. */
int dataset_keep_manifest(struct dataset *dataset, struct manifest *manifest, const struct manifest **ret,
                          struct error *err);
void dataset_move_head(struct dataset *dataset, uint32_t version); /* forwards only */

/* What stands beside the versions, read by one listing:
 *
 *     dataset_series_begin()  begins it
 *     dataset_series_ahead()  some of it, beside the manifests, by a copy of one that may be wrong, or NULL
 *     dataset_series_end()    all that is new; where nothing is, that asks for nothing more
 *
 * `roots`: roots, too. Begun, ended and waited for by one thread. All of them wait. */
struct series_load {
    struct meanwhile meanwhile;
    struct series_loading *loading;
    enum series_kind kind;
    const struct manifest *newest;
    bool ran;
    int rc;
    struct error err;
};
struct series_loading {
    struct dataset *dataset;
    struct series_listing *listing;
    bool roots;
    struct series_load loads[SERIES_KINDS];
};
void dataset_series_begin(struct dataset *dataset, bool roots, struct series_loading *ret);
void dataset_series_ahead(struct series_loading *loading, const struct manifest *copy);
void dataset_series_wait(struct series_loading *loading);
/* The data set's roots are about to be others than those that were loaded ahead. */
void dataset_series_forget_roots(struct series_loading *loading);
int dataset_series_end(struct series_loading *loading, const struct manifest *newest, struct error *err);
void dataset_series_done(struct series_loading *loading);

/* What was purged is read again: open catalogs that it is about are not used any more. As purges_load().
 * Waits.
 */
int dataset_load_purges(struct dataset *dataset, const struct manifest *newest,
                        struct series_listing *listing, struct error *err);
/* The pages of a version's catalog, without what was purged from it: a reference; nothing is read yet.
 * -ENOTSUP if this program cannot read it. */
int dataset_pages(struct dataset *dataset, const struct manifest *manifest, struct pages **ret,
                  struct error *err);

/* -EUCLEAN, naming it, where a tag cannot be read: it may keep any version. */
int dataset_check_tags(struct dataset *dataset, struct error *err);
/* Who forgot a version, and why (forgotten.h): false if it is not forgotten. */
bool dataset_find_forgotten(struct dataset *dataset, uint32_t version, struct forgetting *ret);

/* "user@host" of who runs this, the caller's. */
char *dataset_author(void);

/* Compares every object of a root with what lies at `to`; the pins that differ are appended
 * (root_pins_print()). -ESTALE with a count and examples where the bytes are others. */
int dataset_compare_root(struct dataset *dataset, uint32_t id, struct store *to, struct buf *pins,
                         struct dataset_compared *ret, struct error *err);
/* Asks for a few of the root's objects at `to`, of the newest version that has any: -ESTALE if none can be
 * read there, with the reason for one. */
int dataset_probe_root(struct dataset *dataset, uint32_t id, struct store *to, struct dataset_compared *ret,
                       struct error *err);
