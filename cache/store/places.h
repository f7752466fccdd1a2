// SPDX-License-Identifier: Apache-2.0
/*
 * The decorator over the places where a root's objects lie: a read goes to where its object was found last,
 * at first to the first place. What does not answer there as it was pinned is looked for in each place in
 * order, and taken where its pin, or evidence of it (evidence.h), fits; whoever waits for the same object
 * waits with the first. What was found is told, so that it is looked for once.
 *
 *     get --as pinned--> place ... done
 *              |
 *              refused: parked until the object is settled --found--> the rest of the read, there
 *                                                         `--not----> the reasons
 *
 * Reads only: everything else is -ENOTSUP. Thread rule: as in store.h.
 */
#pragma once

#include "cache/store/evidence.h"
#include "cache/store/store.h"

struct store_place {
    struct store *store; /* borrowed; a reference is taken */
    const char *prefix;  /* before paths, with its '/' */
};

struct store_found {
    size_t place;
    char pin[STORE_PIN_BYTES]; /* there */
};

/* Whoever remembers. Any thread; all but found() must not wait. */
struct store_places_memory {
    /* Where the object pinned as `was` was found before. */
    bool (*find)(void *ctx, const char *path, const char *was, struct store_found *ret);
    /* Puts into `was` what somebody who compared the object recorded of it at a place: its pin there, a
     * portable one, too, and perhaps its whole hash. */
    bool (*recorded)(void *ctx, size_t place, const char *path, struct store_object *was);
    /* Puts the whole hash into `was`, where this user has learnt it. */
    void (*learnt)(void *ctx, const char *path, struct store_object *was);
    void (*found)(void *ctx, const char *path, const char *was, const struct store_found *now,
                  enum evidence_grounds grounds);
    void (*free)(void *ctx);
};

enum { STORE_PLACES_MAX = 16 };

struct store_places_options {
    const struct store_place *places; /* at least one, at most STORE_PLACES_MAX */
    size_t count;
    const struct store_places_memory *memory;
    void *ctx; /* is taken */
    /* Part of what identifies the objects: what evidence, or a person, has excused for one owner is kept
     * apart from what others read, though their catalogs say the same. */
    const char *owner;
    const char *left_out; /* why others are not looked into, for errors; NULL: there are none */
    const char
        *to_accept; /* the command, before the object's name, for a person who knows better; may be NULL */
};
struct store *store_places_new(struct stores *stores, const struct store_places_options *options);
