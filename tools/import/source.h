// SPDX-License-Identifier: Apache-2.0
/*
 * A source: the objects below a folder or prefix, as one listing saw them, and ranges of them as recordings.
 * Thread rule: the listing is immutable after source_open(); a `struct source_recording` is one thread at a
 * time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/store/store.h"
#include "index/containers/recording.h"
#include "tools/import/part.h"
#include "tools/import/scan_cache.h"

struct source_object {
    struct store *store;        /* the source's, borrowed */
    char *path;                 /* relative to it */
    struct store_object pinned; /* what it is: as it was listed, or as the data set knows it (recognise.h) */
    char *pin_now;              /* what pins it now, where that differs; else NULL */
};

/* What the listing could not look into. */
struct source_refusal {
    char *path; /* of a folder, with all that may be below it, or of an object */
    struct error why;
};

struct source {
    struct store *store;
    struct source_object *objects; /* sorted by path */
    size_t count, cap;
    struct source_refusal *refusals;
    size_t refusal_count, refusal_cap;
    struct source_habits *habits; /* of the recordings before; NULL: none. Locks itself */
    uint64_t hidden;      /* names that start with '.', left out; a data set's own objects are not counted */
    char *hidden_example; /* the first of them */
    const struct import_part *part; /* borrowed, or NULL: recordings of others are not read */
};

/* Lists everything below `url` that it may look into. -ENOENT if there is nothing. Pins name versions where
 * the store has them. Where the store does not list (a web server), the files that meta/info.json of a
 * LeRobot data set names are asked for one by one. */
int source_open(struct stores *stores, const char *url, struct source **ret, struct error *err);
/* Its last step (source_pin.c): completes the pins of the listed objects. Several threads inside. */
int source_pin_versions(struct source *source, struct error *err);
/* Notes what cannot be looked into; takes `path`. */
void source_add_refusal(struct source *source, char *path, const struct error *why);
/* Why an object that would be there is not: itself or a folder above it was refused. NULL: nothing is known
 * of it. */
const struct error *source_refused(const struct source *source, const char *path);
/* In place of the listing (source_named.c). Several threads inside. */
int source_name_lerobot(struct source *source, struct error *err);
/* Adds an object that was not listed; takes `path`. Nothing is found until source_sort(). */
void source_add(struct source *source, char *path, const struct store_object *pinned);
void source_sort(struct source *source);
void source_free(struct source *source);
CLEANUP_DEFINE(struct source, source_free, cleanup_source)
#define CLEANUP_SOURCE CLEANUP(cleanup_source)

const struct source_object *source_find(const struct source *source, const char *path);
/* The objects whose path starts with `prefix`: they are neighbours, *ret_count of them from the index given
 * back. */
size_t source_below(const struct source *source, const char *prefix, size_t *ret_count);
/* Reads a range of an object, under the pin that it has now. */
int source_read(const struct source *source, const struct source_object *object, uint64_t offset, size_t len,
                void *to, struct error *err);
/* The object as it lies there now. */
void source_now(const struct source_object *object, struct store_object *ret);
/* "s3://bucket/prefix/path": what messages call an object. The caller frees it. */
char *source_name(const struct source *source, const char *path);
int source_read_all(const struct source *source, const char *path, size_t max_bytes, struct buf *buf,
                    struct error *err);

/*
 * A pinned object as a recording. A request costs a round trip, and of the CPU of both ends as much as some
 * 80 kB more in one that is made anyway. So small reads fetch a window:
 *
 *     all of it      if it has SOURCE_WHOLE_BYTES or less: head and foot would be two requests for most of it
 *     at its start   as far as the recording before was read from its start, and a quarter more, since those
 *                    of a source are alike; the first time SOURCE_HEAD_BYTES
 *     at its end     SOURCE_FOOT_BYTES; and all that is left, if that is SOURCE_WINDOW_BYTES or less
 *     elsewhere      SOURCE_HEAD_BYTES, because samples that are looked at lie apart; twice as much each time
 *                    that reading goes on, up to SOURCE_WINDOW_BYTES
 *
 * Of larger recordings nothing is read but what a parser asks for, and these windows.
 */
enum {
    SOURCE_WINDOW_BYTES = 64 << 10,
    SOURCE_WHOLE_BYTES = 32 << 10,
    SOURCE_HEAD_BYTES = 4 << 10,
    SOURCE_HEAD_LEAST_BYTES = 512,
    SOURCE_FOOT_BYTES = 16 << 10
};
struct source_recording {
    struct recording recording;
    const struct source *source;
    const struct source_object *object;
    char *name;
    uint64_t window_start;
    struct buf window;
    bool elsewhere;           /* another part reads it: -IMPORT_PART_OTHER */
    uint64_t head_end;        /* how far it was read from its start, without a gap */
    struct scan_cache *scans; /* borrowed, or NULL: */
    struct scan scan;         /* what was read, now or by an import before */
};
void source_recording_init(struct source_recording *ret, const struct source *source,
                           const struct source_object *object);
/* What an earlier import has read is not read again, and what is read now is noted. `scans` may be NULL. What
 * falls to another part cannot be read from here on. */
void source_recording_remember(struct source_recording *recording, struct scan_cache *scans);
/* All is well: what was noted goes into the cache, and is evidence of the object; what follows is not noted.
 */
void source_recording_keep(struct source_recording *recording);
void source_recording_done(struct source_recording *recording);
#define CLEANUP_SOURCE_RECORDING CLEANUP(source_recording_done)
