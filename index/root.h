// SPDX-License-Identifier: Apache-2.0
/*
 * Roots: the places a data set's objects lie below. Catalogs hold root ids; where a root lies now stands
 * beside the versions, in elidefs/roots/<id>/<seq> (index/FORMAT.md, "Roots and tags"), so a bucket can move
 * for all versions at once.
 *
 * A root in the data set's own folder is recorded relative to it ("." or "./sub") and read through the data
 * set's own store: the folder can be moved, and no link in it leads out. Any other root must be trusted by
 * this user (index/trust.h).
 *
 * Thread rule: locks itself; no I/O under the lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "index/layout.h"

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

/* Reads where each root of the data set lies now. Waits. */
int roots_load(struct roots *roots, struct error *err);
/* Calls each() for every root known, by id. */
typedef int roots_fn(void *ctx, uint32_t id, const char *url, struct error *err);
int roots_each(struct roots *roots, roots_fn *each, void *ctx, struct error *err);

/* Where a root's objects are read from, and what stands before their paths: "" or "sub/". */
struct root_place {
    struct store *store; /* a reference */
    char *prefix;
};
void root_place_done(struct root_place *place);

/* -EPERM with the command to type where the root is not trusted, for it and all others that are not;
 * -EUCLEAN: no such root, or damaged; -EAGAIN with `nowait` if it was not resolved before. Else waits. `ret`
 * is the caller's: root_place_done(). */
int roots_resolve(struct roots *roots, uint32_t id, bool nowait, struct root_place *ret, struct error *err);
/* Appends the root's URL, for people. -EAGAIN, -EUCLEAN as above. */
int roots_url(struct roots *roots, uint32_t id, bool nowait, struct buf *buf, struct error *err);

/* For a commit: the id of this root (canonical URL), a new one if it has none. A new id is only reserved, in
 * memory, until it is published; what is still reserved when the commit ends must be forgotten. */
int roots_id(struct roots *roots, const char *url, uint32_t *ret, struct error *err);
/* Makes sure that the data set says so: writes the root if it is a new one. -EAGAIN if another writer has
 * given the id to another root meanwhile: the commit must start again. Waits. */
int roots_publish(struct roots *roots, uint32_t id, const char *url, struct error *err);
void roots_forget_reserved(struct roots *roots);

/* A root that lies elsewhere now: writes the next place of its series. -ENOENT: no such root; -EAGAIN:
 * another did so at the same time. What was resolved before is resolved anew. Waits. */
struct root_move {
    const char *url;
    const struct buf
        *pins;       /* lines of root_pins_print(): what was found at the new place; NULL: nobody looked */
    bool keeps_pins; /* then what was found at the place before counts */
};
int roots_move(struct roots *roots, uint32_t id, const struct root_move *move, struct error *err);
/* Puts what pins the object at its root's place in place of what the catalog says. Never waits. */
void roots_pin(struct roots *roots, uint32_t id, const char *path, char pin[STORE_PIN_BYTES]);

/* May this root (canonical URL) be read? As trust_check(), and below the data set itself. -errno if a file of
 * trust cannot be read. */
enum { ROOT_FOREIGN, ROOT_TRUSTED, ROOT_OWN };
int roots_trust(struct roots *roots, const char *url, struct error *err);
/* -EPERM, as roots_resolve() says it, if one of the roots known is not trusted. */
int roots_check_trust(struct roots *roots, struct error *err);
/* Does the data set read from `url` (canonical)? -ENOENT with the places it reads from outside of it, if not.
 */
int roots_find(struct roots *roots, const char *url, struct error *err);
