// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of `struct roots`, shared by root.c, root_open.c, root_trust.c and root_commit.c. States of a
 * root in memory:
 *
 *     reserved --roots_publish()--> known --roots_open(), trusted--> open
 *                                     ^---- roots_load() saw a newer place ----'
 *
 * Nothing that was found untrusted is remembered: trust may be given while we run.
 * Thread rule: as in root.h.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "cache/base/strmap.h"
#include "index/roots/learnt.h"
#include "index/roots/root.h"
#include "index/roots/root_pins.h"
#include "index/roots/root_record.h"

struct root {
    uint32_t id;
    uint32_t seq;                            /* 0: reserved */
    struct root_record record;               /* its places */
    struct root_pins *pins[ROOT_PLACES_MAX]; /* what is recorded of each; NULL: as catalogs say */
    struct store *reader;                    /* set once open */
};
void root_done(struct root *root);
/* The caller's: root_done(). Without the reader. */
struct root root_copy(const struct root *root);

struct roots {
    struct stores *stores;
    struct layout *layout;
    char *uuid;
    struct strmap *trust; /* canonical URLs trusted for this run; immutable */
    struct learnt *learnt;
    atomic_bool loaded;   /* all roots have been read once */
    pthread_mutex_t lock; /* guards what follows */
    struct root *roots;   /* by id */
    size_t count, cap;
};

/* NULL: no such root. */
struct root *roots_find_locked(struct roots *roots, uint32_t id);
/* Takes `root`; an older entry of the same id is replaced, a newer one stays. */
void roots_put_locked(struct roots *roots, struct root *root);

/* 0: not known, or only reserved. */
uint32_t roots_known_seq(struct roots *roots, uint32_t id);
/* -ENOENT: not known. root_done() gives it back. */
int roots_copy(struct roots *roots, uint32_t id, struct root *ret);
/* The same, read from the data set if need be: -EAGAIN with `nowait`, -EUCLEAN. */
int roots_know(struct roots *roots, uint32_t id, bool nowait, struct root *ret, struct error *err);
/* Where objects are read, and what stands before their paths: "" or "sub/". */
struct root_place {
    struct store *store; /* a reference */
    char *prefix;
};
void root_place_done(struct root_place *place);
/* Where `url` would be read from, allowed or not. What the store makes of the URL counts, so links and '..'
 * are gone. No request is made. */
int roots_locate(struct roots *roots, const char *url, struct root_place *ret, struct error *err);
/* 1, 0 or -errno: may this user read there? */
int roots_allows(struct roots *roots, const struct root_place *place, struct error *err);
/* -EPERM, naming all places outside the data set that are not trusted, if this is one. Waits then. */
int roots_allow(struct roots *roots, const struct root_place *place, struct error *err);
/* Takes what the root's object `seq` says. Reads its pins: waits. */
int roots_keep(struct roots *roots, uint32_t id, uint32_t seq, const struct buf *bytes, struct error *err);
