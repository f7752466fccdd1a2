// SPDX-License-Identifier: Apache-2.0
/*
 * Where the parts of a data set lie in its store (index/FORMAT.md, "Data set layout"), and how a missing one
 * is told from a refused one.
 *
 * S3 answers 403 instead of 404 for a missing key where the caller may not list the bucket. layout_read()
 * therefore asks once for a key that cannot exist: if that is refused too, refused means missing from then
 * on.
 *
 * What was read is noted in the cache. While the store is *away* (somebody says so: layout_set_away())
 * nothing is asked of it, and what is noted is what there is.
 *
 * Thread rule: any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/cache.h"
#include "cache/store/store.h"
#include "index/base/patience.h"

struct layout {
    struct store *store; /* a reference is held */
    struct cache *cache; /* borrowed: notes; NULL: none are made */
    atomic_bool blind;   /* may not list: -EACCES means that there is no such object */
    atomic_bool away;
};

enum {
    LAYOUT_PATH_BYTES = 160,
    LAYOUT_ID_BYTES = 33, /* 128 random bits as hex, with its NUL */
    LAYOUT_NAME_BYTES = 80,
    LAYOUT_COPY_MAX = 64 << 10, /* bytes of a manifest that the head may hold a copy of */
    LAYOUT_HEAD_MAX = LAYOUT_COPY_MAX + 16,
};

void layout_manifest_path(uint32_t version, char ret_path[LAYOUT_PATH_BYTES]);
void layout_pack_path(const char *id, char ret_path[LAYOUT_PATH_BYTES]);
void layout_pins_path(uint32_t root, const char *id, char ret_path[LAYOUT_PATH_BYTES]);
const char *layout_head_path(void);
void layout_random_id(char ret_id[LAYOUT_ID_BYTES]);

/* The whole of a small object, appended. -ENOENT: there is none; -EACCES: refused though a missing object
 * would not be; -EFBIG over max_bytes; -EHOSTUNREACH: the store is away, and nothing is noted. Waits. */
int layout_read(struct layout *layout, const char *path, size_t max_bytes, struct buf *buf,
                struct error *err);

/* The same beside others: begun, and ended by the same thread with its result or dropped. */
struct layout_reading {
    char path[LAYOUT_PATH_BYTES];
    size_t max_bytes;
    bool unnoted;     /* it is not to be noted */
    const char *note; /* the name of its note, which may be of any size, but there is one of the name: the
                         newest that was read; NULL: by its path, if it is small */
    bool anyway;      /* asked of the store though it is away */
    bool plain;       /* -EACCES is told as it comes: there is nothing yet that could be read at all */
    struct store_whole *whole; /* NULL: not begun, ended, or there is nothing to wait for */
};
void layout_read_begin(struct layout *layout, struct layout_reading *reading);
/* -ECANCELED, -ETIMEDOUT where `patience` (it waits) ends first. */
int layout_read_end(struct layout *layout, struct layout_reading *reading,
                    const struct catalog_patience *patience, struct buf *buf, struct error *err);
void layout_read_drop(struct layout_reading *reading); /* nothing, where it has ended */

void layout_set_away(struct layout *layout, bool away);
/* Is this how a store fails that does not answer, rather than one that refuses? */
bool layout_is_away(int rc);
/* Notes by their own names, for what is no single object. */
void layout_note(struct layout *layout, const char *name, const void *text, size_t len);
int layout_noted(struct layout *layout, const char *name, size_t max_bytes, struct buf *buf); /* -ENOENT */

/* One listing below `prefix`, given up at its first object: 0, or why there is none ("no such bucket").
 * Waits. */
int layout_peek(struct store *store, const char *prefix, struct error *err);
