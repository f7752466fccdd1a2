// SPDX-License-Identifier: Apache-2.0
/*
 * A data set in a store: its versions, tags and roots (layout: index/FORMAT.md).
 *
 *     elidefs/versions/00000012.json   manifest; its PUT-if-absent is the commit
 *     elidefs/head                     hint at the newest version
 *     elidefs/series/tags/<name>/<seq>, roots/<id>/<seq>, forgotten/<first>/<seq>, purges/catalogs/<seq>
 *                                      create-once each: the number of a version; where a root lies now;
 *                                      which versions are forgotten; what was purged from all versions
 *     elidefs/packs/<random id>        pages of catalogs
 *
 * Versions never change: what was read of one is kept for ever. Only the head, the tags and what is
 * forgotten move, and what is purged is gone.
 * Thread rule: a data set locks itself; no I/O under its lock. Functions that may wait for the store say so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/cache.h"
#include "cache/extent.h"
#include "cache/store/store.h"
#include "index/base/manifest.h"
#include "index/catalog/catalog.h"
#include "index/catalog/catalog_tables.h"
#include "index/pages/pages_check.h"

struct dataset;

/* Where a `url` is asked for, the name of a data set in the configuration does as well (store.h). */

/* Writes v0: an empty version that is never listed. Probes the store for conditional PUT first: -ENOTSUP
 * where two writers could overwrite each other's commit. -EEXIST if there is a data set already. Waits. */
int dataset_init(struct stores *stores, const char *url, struct error *err);

struct dataset_options {
    struct stores *stores;
    struct cache *cache; /* catalogs and clips are read through it; may be NULL where none is (log, tag) */
    const char *const
        *trust; /* root URLs trusted for this run, beside those recorded; NULL-terminated, may be NULL */
    bool
        ahead; /* clips of the newest version are asked for next: what every look-up needs is fetched along */
    bool roots; /* so are its roots */
};
/* Does a data set lie there? 1, 0, or -errno where that cannot be told. One request. Waits. */
int dataset_exists(struct stores *stores, const char *url, struct error *err);
/* -ENOENT if there is no data set, or no such bucket. Waits. */
int dataset_open(const struct dataset_options *options, const char *url, struct dataset **ret,
                 struct error *err);
void dataset_free(struct dataset *dataset);
CLEANUP_DEFINE(struct dataset, dataset_free, cleanup_dataset)
#define CLEANUP_DATASET CLEANUP(cleanup_dataset)

const char *dataset_url(const struct dataset *dataset);
/* A sentence for a person about how it was opened, else NULL: the store is away, and what is cached is shown;
 * the hint at the newest version holds what it should not. */
const char *dataset_note(const struct dataset *dataset);
/* -ENOTSUP with the reason where nothing can be committed: asked before the work of an import. Never waits.
 */
int dataset_check_writable(const struct dataset *dataset, struct error *err);
const char *dataset_uuid(const struct dataset *dataset);
/* What was asked of the process's stores, this data set's recordings included. Never waits. */
void dataset_store_stats(const struct dataset *dataset, struct store_stats *ret);
void dataset_store_answers(const struct dataset *dataset, struct store_answers *ret);

/* ---- versions ---- */

/* Newest version now, without a look at the tags; as patient as it is said. One GET when nothing is new.
 * While the store is away: does it answer again? */
int dataset_look(struct dataset *dataset, const struct catalog_patience *patience, uint32_t *ret_head,
                 struct error *err);
/* Newest version now: 0 before the first import. Waits (one GET, and beside it one listing, when nothing
 * is new). ret_head may be NULL. */
int dataset_refresh(struct dataset *dataset, uint32_t *ret_head, struct error *err);
uint32_t dataset_head(const struct dataset *dataset); /* as of the last refresh; never waits */
/* What people and tools see of one version; borrowed, lives as long as the data set. -ENOENT: no such
 * version; -EUCLEAN: damaged, or not the parent (child) of a neighbour that was read before. Waits. */
int dataset_manifest(struct dataset *dataset, uint32_t version, const struct manifest **ret,
                     struct error *err);
/* The newest version whose contents this program can read, the head or one before it where a newer program
 * has made that; 0: none. What is damaged is passed over. May wait. */
int dataset_newest_readable(struct dataset *dataset, const struct catalog_patience *patience, uint32_t *ret,
                            struct error *err);
/* 0 if the contents of this version can be read, else -ENOTSUP: manifest_check_supported(), and which is the
 * newest that can. May wait. */
int dataset_check_readable(struct dataset *dataset, const struct manifest *manifest,
                           const struct catalog_patience *patience, struct error *err);
/* -ENOTSUP with the reason where the head is of a newer program, so that nothing can be made of it here:
 * asked before the work of an import. Never waits. */
int dataset_check_extendable(struct dataset *dataset, struct error *err);
/* The version's catalog (a reference). -EAGAIN if it is not open yet and `patience` does not wait; -ECANCELED
 * and -ETIMEDOUT as it says. -ENOENT: no such version (v0 is none); -ENOTSUP: needs a newer program;
 * -EUCLEAN: damaged. */
int dataset_catalog(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                    struct catalog **ret, struct error *err);
/* Is every page of the version's catalog still in the store, as it was stored? What versions share is looked
 * at once for one `check`, which pages_check_free() ends before the data set. -ENOENT, -EUCLEAN. A version
 * whose catalog is cached can be read here all the same. Waits. */
struct pages_check *dataset_check_new(struct dataset *dataset);
int dataset_check_stored(struct dataset *dataset, struct pages_check *check, uint32_t version,
                         struct error *err);

/* The version's catalog as a SQLite file, page by page as it was committed. `path` must not exist. -ENOENT:
 * no such version. Waits. */
int dataset_pull(struct dataset *dataset, uint32_t version, const char *path, struct error *err);
/* The packs that a version knows of, in the order they were made, and what of its pages lies in each. *ret is
 * the caller's: free(). Waits. */
struct dataset_pack {
    char id[LAYOUT_ID_BYTES];
    uint64_t bytes;                  /* of all of it */
    uint64_t used_pages, used_bytes; /* of this version */
};
int dataset_packs(struct dataset *dataset, uint32_t version, struct dataset_pack **ret, size_t *ret_count,
                  struct error *err);
/* The tables of a version, the largest first (index/catalog/catalog_tables.h); the list is the caller's:
 * free(). Waits. */
int dataset_tables(struct dataset *dataset, uint32_t version, struct catalog_table **ret, size_t *ret_count,
                   struct error *err);

/* ---- tags ---- */

int dataset_tag_check(const char *name,
                      struct error *err); /* [A-Za-z0-9][A-Za-z0-9._-]{0,63}, not latest, tags, v+digits */
int dataset_tag_put(struct dataset *dataset, const char *name, uint32_t version,
                    struct error *err); /* waits; -EEXIST if it names another */
/* As dataset_tag_put(), whatever it names now. Manifests that were written before keep what they say. Waits.
 */
int dataset_tag_move(struct dataset *dataset, const char *name, uint32_t version, struct error *err);
int dataset_tag_remove(struct dataset *dataset, const char *name,
                       struct error *err); /* waits; -ENOENT; also one that cannot be read */
uint32_t dataset_tag(const struct dataset *dataset, const char *name); /* as of the last refresh; 0: none */
typedef int dataset_tag_fn(void *ctx, const char *name, uint32_t version, struct error *err);
int dataset_tags(struct dataset *dataset, dataset_tag_fn *each, void *ctx,
                 struct error *err); /* as of the last refresh, by name */

/* ---- forgetting ---- */

/* Versions that are forgotten from now on: paths in them mean nothing any more, and what only they need may
 * be freed (index/house/gc.h). -EPERM, naming it: one is the newest, or tagged; -EUCLEAN: a tag cannot be
 * read, and may name any; then none is forgotten. Those
 * that are forgotten already stay so. Where somebody has tagged one meanwhile it is not forgotten: ask
 * dataset_is_forgotten(). Waits. */
struct dataset_range {
    uint32_t first, last;
};
struct dataset_forget {
    const struct dataset_range *ranges;
    size_t count;
    const char *author, *message; /* NULL: user@host; none */
};
int dataset_forget(struct dataset *dataset, const struct dataset_forget *forget, struct error *err);
/* 0, or -ENOENT: "v12 was forgotten on 2026-03-01 by lena@lab: why". As of the last refresh; never waits. Who
 * has a version open may go on reading it. */
int dataset_check_forgotten(struct dataset *dataset, uint32_t version, struct error *err);
bool dataset_is_forgotten(struct dataset *dataset, uint32_t version);

/* ---- what was purged (index/commit/purge.h) ---- */

/* Was a clip with this key purged? 0: no; -ENOENT: "'ep12' was purged on 2026-03-01 by lena@lab". As of the
 * last refresh; never waits. */
int dataset_check_purged(struct dataset *dataset, const char *key, size_t len, struct error *err);
/* Clips were purged from the version, so its catalog is another one than its manifest names: *ret_top says
 * where it lies. As above. */
bool dataset_is_purged(struct dataset *dataset, uint32_t version, struct map_top *ret_top);
/* Another number where catalogs that are opened may not have what they had; 0: nothing was purged. As above.
 */
uint32_t dataset_purge_seq(struct dataset *dataset);

/* ---- bytes ---- */

/* The extent map of a stream, its objects resolved to stores through their roots. -EPERM with the command to
 * type where a root is not trusted; -EAGAIN if a root must be read first and the reader does not wait. */
int dataset_stream_map(struct dataset *dataset, struct catalog_reader *reader, uint32_t row, uint32_t stream,
                       struct extent_map **ret, struct error *err);
/* A person's name of the object behind a stream: "s3://bucket/file.mp4". Appends. */
int dataset_stream_source(struct dataset *dataset, struct catalog_reader *reader, uint32_t row,
                          uint32_t stream, struct buf *buf, struct error *err);
struct dataset_object {
    uint32_t root;
    struct store *store;        /* a reference: all places of its root, see index/roots/root.h */
    char *path;                 /* owned */
    struct store_object pinned; /* as the catalog says */
};
/* An object of the catalog, to be read where its root lies now; errors as above. dataset_object_done() gives
 * it back. */
int dataset_object(struct dataset *dataset, struct catalog_reader *reader, uint32_t object,
                   struct dataset_object *ret, struct error *err);
void dataset_object_done(struct dataset_object *object);

/* Each place of each root of the data set, by id, in the order they are looked into. Waits. */
typedef int dataset_root_fn(void *ctx, uint32_t id, const char *url, struct error *err);
int dataset_roots(struct dataset *dataset, dataset_root_fn *each, void *ctx, struct error *err);
/* Every place that a root has, or had before it was moved. Waits. */
typedef int dataset_url_fn(void *ctx, const char *url, struct error *err);
int dataset_root_history(struct dataset *dataset, uint32_t id, dataset_url_fn *each, void *ctx,
                         struct error *err);
/* May this user read below `url` (as dataset_roots() gives it)? -errno if a file of trust cannot be read. */
enum { DATASET_ROOT_FOREIGN, DATASET_ROOT_TRUSTED, DATASET_ROOT_OWN };
int dataset_root_trust(struct dataset *dataset, const char *url, struct error *err);
/* Records that this user trusts `url` for this data set, now and later. -ENOENT, naming the places that there
 * are, where the data set reads nothing there. Waits. */
int dataset_trust(struct dataset *dataset, const char *url, struct error *err);
/* Takes that back; what the machine's administrator trusts stays. -ENOENT: this user does not trust it. */
int dataset_distrust(struct dataset *dataset, const char *url, struct error *err);
/* Every place that is trusted for this data set, still read or not, with the file that says so; `own`: it is
 * this user's. */
typedef int dataset_trusted_fn(void *ctx, const char *url, const char *file, bool own, struct error *err);
int dataset_trusted(struct dataset *dataset, dataset_trusted_fn *each, void *ctx, struct error *err);
struct dataset_compared {
    bool partial; /* in: some may be missing there, as there are other places */
    bool all; /* in: every object of all versions, and their bytes where the pin does not tell; else a few */
    uint64_t objects; /* below the root that were looked at */
    uint64_t read;    /* of these, compared byte by byte, because the store pins them in another way */
    uint64_t bytes;   /* in them */
    uint64_t others;  /* not what was imported; with `all`, not there */
    char example[ERROR_TEXT_BYTES]; /* one of them, and why */
    bool keeps_pins;                /* what the place before pinned them by counts there, too: it was moved */
};
/* A root that lies elsewhere from now on, for all versions and everybody who opens the data set; this user
 * trusts the new place. With `all`, only after each object was found to be the same there; what the new store
 * pins them by is recorded beside the root. Else if one of a few can be read there. -ENOENT: there is no such
 * root, or nothing at the new place; -ESTALE: other bytes. Waits. */
int dataset_root_set(struct dataset *dataset, uint32_t id, const char *url, struct dataset_compared *compared,
                     struct error *err);
/* As dataset_root_set(), but objects are looked for at the places of before first: one may be away, or have
 * only some. -EEXIST: it is such a place. */
int dataset_root_add(struct dataset *dataset, uint32_t id, const char *url, struct dataset_compared *compared,
                     struct error *err);
struct dataset_accepted {
    uint64_t objects;  /* that the newest versions read there */
    uint64_t missing;  /* of these, not there at all */
    uint64_t accepted; /* of these, with nothing but this to go by: */
    uint64_t bytes;    /* in them; */
    uint64_t compared; /* and so many of these were compared */
};
/* What lies at `path` (of a file or folder, or a URL, in a place of a root) is what was imported, somebody
 * says, though its pin is another. What can be compared must agree; it is recorded beside the root. -ESTALE:
 * it does not; nothing was changed. Waits. */
int dataset_root_accept(struct dataset *dataset, const char *path, struct dataset_accepted *ret,
                        struct error *err);
/* Is what lies at a place of a root the object that a catalog pins so? As evidence_judge(), with what was
 * recorded beside the root, and what this user has learnt before; what is found is learnt. Waits. */
struct dataset_judged {
    uint32_t root;
    struct store *at; /* the place */
    const char *path; /* below it */
    const struct store_object *was, *now;
};
int dataset_judge(struct dataset *dataset, const struct dataset_judged *judged, enum evidence_grounds *ret,
                  struct error *err);
/* The first of that alone, without a read: has it the pin of the catalog, or the one under which it was found
 * at this place last? *ret: on what grounds. Never waits. */
bool dataset_knows_pin(struct dataset *dataset, const struct dataset_judged *judged,
                       enum evidence_grounds *ret);
/* Records beside the root what pins objects at its place `url` now: lines of root_pins_print(). Waits. */
int dataset_root_pins(struct dataset *dataset, uint32_t id, const char *url, const struct buf *pins,
                      struct error *err);
/* Appends such a line for an object that was judged to be there, unless it would say what is recorded. */
void dataset_pin_line(struct dataset *dataset, const struct dataset_judged *judged, struct buf *pins);
/* What lies there is `now` what it was, by what we did to it ourselves: nobody need wonder. */
void dataset_learn_pin(struct dataset *dataset, const struct dataset_judged *judged);
/* Objects that were not found as they were pinned, since the data set was opened (index/roots/learnt.h). */
struct learnt_counts;
void dataset_learnt(struct dataset *dataset, struct learnt_counts *ret);
/* All bytes of an object were read, and this is their hash: -ESTALE if it is not the one that is known. Where
 * none is, and the object still is as it was pinned, it is known from now on. */
int dataset_check_whole(struct dataset *dataset, const struct dataset_object *object,
                        const uint8_t sha256[SHA256_BYTES], struct error *err);
/* Every root the data set names is trusted and readable, or why not: asked once, at mount. -EPERM names all
 * that are not trusted. Waits. */
int dataset_check_roots(struct dataset *dataset, struct error *err);
