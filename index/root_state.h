// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of `struct roots`, shared by root.c, root_trust.c and root_commit.c. States of a root in memory:
 *
 *     reserved --roots_publish()--> known --roots_resolve(), trusted--> resolved
 *                                     ^---- roots_load() saw a newer place ----'
 *
 * Nothing that was found untrusted is remembered: trust may be given while we run.
 * Thread rule: as in root.h.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "cache/base/strmap.h"
#include "index/root.h"
#include "index/root_pins.h"

struct root {
    uint32_t id;
    uint32_t seq;                  /* 0: reserved */
    char *url;                     /* absolute */
    struct root_pins *pins;        /* NULL: as catalogs say */
    char pins_id[LAYOUT_ID_BYTES]; /* of their object; "": none */
    struct root_place at;          /* set once resolved */
};
void root_done(struct root *root);

struct roots {
    struct stores *stores;
    struct layout *layout;
    char *uuid;
    struct strmap *trust; /* canonical URLs trusted for this run; immutable */
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
/* -ENOENT: not known. The caller frees *ret_url. */
int roots_copy_url(struct roots *roots, uint32_t id, char **ret_url);
/* Where `url` would be read from, allowed or not. What the store makes of the URL counts, so links and '..'
 * are gone. No request is made. */
int roots_locate(struct roots *roots, const char *url, struct root_place *ret, struct error *err);
/* -EPERM, naming all places outside the data set that are not trusted, if this is one. Waits then. */
int roots_allow(struct roots *roots, const struct root_place *place, struct error *err);
/* Takes what the root's object `seq` says. Reads its pins: waits. */
int roots_keep(struct roots *roots, uint32_t id, uint32_t seq, const struct buf *bytes, struct error *err);
