// SPDX-License-Identifier: Apache-2.0
/*
 * Roots: the places a data set's objects lie below. Catalogs hold root ids; where a root lies now stands
 * beside the versions, in elidefs/series/roots/<id>/<seq> (index/FORMAT.md, "Roots and tags"), so a bucket
 * can move for all versions at once.
 *
 * A root in the data set's own folder is recorded relative to it ("." or "./sub") and read through the data
 * set's own store: the folder can be moved, and no link in it leads out. Any other root must be trusted by
 * this user (index/roots/trust.h).
 *
 * Thread rule: locks itself; no I/O under the lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "index/base/series.h"

struct learnt;
struct roots;

struct roots_options {
    struct stores *stores;
    struct layout *layout; /* borrowed: the data set's own */
    const char *uuid;
    const char *const *trust; /* root URLs trusted for this run; NULL-terminated, may be NULL */
};
int roots_new(const struct roots_options *options, struct roots **ret, struct error *err);
void roots_free(struct roots *roots);
CLEANUP_DEFINE(struct roots, roots_free, cleanup_roots)
#define CLEANUP_ROOTS CLEANUP(cleanup_roots)

/* Reads where each root of the data set lies now. At least `known` are recorded, it is believed: where the
 * `listing` is refused, or NULL, they are asked for at once. Waits. */
int roots_load(struct roots *roots, uint32_t known, struct series_listing *listing, struct error *err);
int roots_look(struct roots *roots, struct error *err);      /* by a listing of its own; waits */
int roots_load_once(struct roots *roots, struct error *err); /* unless that was done before */
uint32_t roots_count(struct roots *roots); /* the highest id that is recorded, as far as is known */
/* Calls each() for every root known, by id, with its places in order. */
typedef int roots_fn(void *ctx, uint32_t id, const char *const *urls, size_t count, struct error *err);
int roots_each(struct roots *roots, roots_fn *each, void *ctx, struct error *err);

/* Every place that a root has, or had before it was moved; one may come twice. Waits: one read a record. */
typedef int roots_url_fn(void *ctx, const char *url, struct error *err);
int roots_history(struct roots *roots, uint32_t id, roots_url_fn *each, void *ctx, struct error *err);

/* The root's objects, in all of its places that this user trusts (index/roots/root_reader.h): a reference.
 * -EPERM with the command to type where none is trusted, for it and all others that are not; -EUCLEAN: no
 * such root, or damaged; -EAGAIN with `nowait` if it was not open before. Else waits. */
int roots_open(struct roots *roots, uint32_t id, bool nowait, struct store **ret, struct error *err);
/* Appends the URL of the root's first place, for people. -EAGAIN, -EUCLEAN as above. */
int roots_url(struct roots *roots, uint32_t id, bool nowait, struct buf *buf, struct error *err);

/* For a commit: the id of the root that has this place (canonical URL), a new one if none has. A new id is
 * only reserved, in memory, until it is published; what is still reserved when the commit ends must be
 * forgotten. */
int roots_id(struct roots *roots, const char *url, uint32_t *ret, struct error *err);
/* Makes sure that the data set says so: writes the root if it is a new one. -EREMCHG (which no store says) if
 * another writer has given the id to another root meanwhile: the commit must start again. Waits. */
int roots_publish(struct roots *roots, uint32_t id, const char *url, struct error *err);
void roots_forget_reserved(struct roots *roots);

/* Another record of a root: the next of its series. -ENOENT: no such root, or no such place; -EEXIST: the
 * place is one already; -EREMCHG: another did so at the same time. What was open before is opened anew.
 * Waits.
 */
enum root_change_kind {
    ROOT_SET,  /* it lies at `url` and nowhere else */
    ROOT_ADD,  /* it lies at `url`, too; the last place */
    ROOT_PINS, /* `pins` are added to those of the place `url` */
};
struct root_change {
    enum root_change_kind kind;
    const char *url;
    const struct buf *pins; /* lines of root_pins_print(): what was found there; NULL: nobody looked */
    bool keeps_pins;        /* ROOT_SET: then what was found at the first place before counts */
};
int roots_change(struct roots *roots, uint32_t id, const struct root_change *change, struct error *err);
/* Puts what was recorded of the object at this place of its root into `was`; false: nothing. Never waits. */
bool roots_recorded(struct roots *roots, uint32_t id, const char *url, const char *path,
                    struct store_object *was);
/* The same of the first place where anything is recorded of it. */
bool roots_recorded_anywhere(struct roots *roots, uint32_t id, const char *path, struct store_object *was);
/* What reads have learnt; borrowed. */
struct learnt *roots_learnt(struct roots *roots);

/* May this root (canonical URL) be read? As trust_check(), and below the data set itself. -errno if a file of
 * trust cannot be read. */
enum { ROOT_FOREIGN, ROOT_TRUSTED, ROOT_OWN };
int roots_trust(struct roots *roots, const char *url, struct error *err);
/* -EPERM, as roots_open() says it, if one of the roots known has no place that is trusted. */
int roots_check_trust(struct roots *roots, struct error *err);
/* Does the data set read from `url` (canonical)? -ENOENT with the places it reads from outside of it, if not.
 */
int roots_find(struct roots *roots, const char *url, struct error *err);
