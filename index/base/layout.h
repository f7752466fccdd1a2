// SPDX-License-Identifier: Apache-2.0
/*
 * Where the parts of a data set lie in its store (index/FORMAT.md, "Data set layout"), and how a missing one
 * is told from a refused one.
 *
 * S3 answers 403 instead of 404 for a missing key where the caller may not list the bucket. layout_get()
 * therefore asks once for a key that cannot exist: if that is refused too, refused means missing from then
 * on.
 *
 * Thread rule: any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/store/store.h"

struct layout {
    struct store *store; /* a reference is held */
    atomic_bool blind;   /* may not list: -EACCES means that there is no such object */
};

enum {
    LAYOUT_PATH_BYTES = 160,
    LAYOUT_ID_BYTES = 33, /* 128 random bits as hex, with its NUL */
    LAYOUT_HINT_MAX = 64, /* bytes of the head's hint */
};

void layout_manifest_path(uint32_t version, char ret_path[LAYOUT_PATH_BYTES]);
void layout_pack_path(const char *id, char ret_path[LAYOUT_PATH_BYTES]);
void layout_pins_path(uint32_t root, const char *id, char ret_path[LAYOUT_PATH_BYTES]);
const char *layout_head_path(void);
void layout_random_id(char ret_id[LAYOUT_ID_BYTES]);

/* The whole of a small object, appended. -ENOENT: there is none; -EACCES: refused though a missing object
 * would not be; -EFBIG over max_bytes. Waits. */
int layout_get(struct layout *layout, const char *path, size_t max_bytes, struct buf *buf, struct error *err);

/* One listing below `prefix`, given up at its first object: 0, or why there is none ("no such bucket").
 * Waits. */
int layout_peek(struct store *store, const char *prefix, struct error *err);

/* ---- series: elidefs/<kind>/<name>/<seq>, each written once; the highest number counts ---- */

void layout_series_path(const char *kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES]);
/* Calls each(name, seq) for every object of a kind ("tags", "roots"): one listing. Objects with other names
 * are passed over. -EACCES or -ENOTSUP where the store does not list. Waits. */
typedef int layout_series_fn(void *ctx, const char *name, uint32_t seq, struct error *err);
int layout_series_list(struct layout *layout, const char *kind, layout_series_fn *each, void *ctx,
                       struct error *err);
/* Follows one series behind *seq to its end: 1 with *seq moved and the newest bytes in `buf`, or 0. Waits. */
int layout_series_follow(struct layout *layout, const char *kind, const char *name, uint32_t *seq,
                         struct buf *buf, struct error *err);
