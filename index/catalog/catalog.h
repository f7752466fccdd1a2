// SPDX-License-Identifier: Apache-2.0
/*
 * The catalog of one version: clips, streams, objects, attributes and their indices, in one SQLite database
 * (schema and blob formats: index/FORMAT.md). Read-only here; index/commit/apply/apply.h makes new ones.
 *
 * Every number, length and blob read from it is hostile: -EUCLEAN "catalog of v12 is damaged: ..." where it
 * does not check out.
 *
 * Thread rule: a `struct catalog` is immutable after it was opened and shared by reference count; a
 * `struct catalog_reader` is a connection for one thread at a time, taken from the catalog's pool.
 *
 * Waiting: pages may have to be fetched. A reader acquired with `nowait` never waits: calls return -EAGAIN
 * where a page is missing and may be called again later, with waiting allowed. -ECANCELED and -ETIMEDOUT end
 * a waiting one.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/extent.h"
#include "index/base/rowset.h"
#include "index/base/value.h"
#include "index/pages/pages.h"

struct catalog;
struct catalog_reader;

/* From a plain local file, or from the pages of a version (a reference is taken; nothing is read yet). */
int catalog_open_path(const char *path, struct catalog **ret, struct error *err);
struct catalog *catalog_open_pages(struct pages *pages);
struct catalog *catalog_ref(struct catalog *catalog);
void catalog_unref(struct catalog *catalog);
CLEANUP_DEFINE(struct catalog, catalog_unref, cleanup_catalog)
#define CLEANUP_CATALOG CLEANUP(cleanup_catalog)

/* Another version of the same data set, for what compares two. `open` gives a reference, -EAGAIN if it must
 * not wait and that one is not open yet. Called by any thread, as long as a reader is in use. */
typedef int catalog_sibling_fn(void *ctx, uint32_t version, const struct catalog_patience *patience,
                               struct catalog **ret, struct error *err);
void catalog_set_siblings(struct catalog *catalog, catalog_sibling_fn *open,
                          void *ctx); /* once, before use */

/* -EAGAIN, -ECANCELED, -ETIMEDOUT: opening a new connection reads the file's first bytes. */
int catalog_reader_acquire(struct catalog *catalog, const struct catalog_patience *patience,
                           struct catalog_reader **ret, struct error *err);
void catalog_reader_release(struct catalog_reader *reader);
/* A reader of another version, as patient as this one. -ENOENT: no such version; -ENOTSUP: the catalog was
 * opened alone. */
int catalog_reader_sibling(struct catalog_reader *reader, uint32_t version, struct catalog_reader **ret,
                           struct error *err);
bool catalog_reader_nowait(const struct catalog_reader *reader); /* as it was acquired */
CLEANUP_DEFINE(struct catalog_reader, catalog_reader_release, cleanup_catalog_reader)
#define CLEANUP_CATALOG_READER CLEANUP(cleanup_catalog_reader)

/* ---- the version ---- */

struct catalog_info {
    uint32_t version;
    uint32_t rows;  /* row numbers are 0 .. rows-1 */
    uint64_t clips; /* live ones */
};
int catalog_info(struct catalog_reader *reader, struct catalog_info *ret, struct error *err);
/* When `version` (<= this one) was committed: the mtime of what it changed. */
int catalog_commit_time(struct catalog_reader *reader, uint32_t version, int64_t *ret_ns, struct error *err);
int catalog_live(struct catalog_reader *reader, struct rowset **ret, struct error *err);

/* ---- attributes and selection ---- */

struct catalog_attribute {
    uint32_t id;
    char name[256];
    enum value_type type;
    bool multi;
};
int catalog_attribute_get(struct catalog_reader *reader, uint32_t id, struct catalog_attribute *ret,
                          struct error *err); /* -ENOENT; a renamed attribute keeps its id */
int catalog_attribute_find(struct catalog_reader *reader, const char *name, size_t len,
                           struct catalog_attribute *ret, struct error *err); /* -ENOENT */
typedef int catalog_attribute_fn(void *ctx, const struct catalog_attribute *attribute, struct error *err);
int catalog_attributes(struct catalog_reader *reader, catalog_attribute_fn *each, void *ctx,
                       struct error *err); /* by name */

struct catalog_counts {
    uint64_t clips;    /* live ones that have it */
    uint64_t distinct; /* values; an upper bound where there are thousands in several shards; of lists 0: they
                          are not counted */
};
int catalog_attribute_counts(struct catalog_reader *reader, uint32_t attribute, struct catalog_counts *ret,
                             struct error *err);

/* Appends what somebody wrote about the attribute; nothing if nobody did. */
int catalog_description(struct catalog_reader *reader, uint32_t attribute, struct buf *buf,
                        struct error *err);

/* Distinct values and how many live clips have each, in value order; of lists none. Non-zero from `each` ends
 * it with that.
 */
typedef int catalog_value_fn(void *ctx, const struct value *value, uint64_t clips, struct error *err);
int catalog_values(struct catalog_reader *reader, uint32_t attribute, catalog_value_fn *each, void *ctx,
                   struct error *err);
/* The same of some clips: each value that any of `rows` has, in value order, with those of them that have it
 * (borrowed until the call returns, never empty). A row with several values comes with each. Of lists none.
 */
typedef int catalog_value_rows_fn(void *ctx, const struct value *value, const struct rowset *rows,
                                  struct error *err);
int catalog_values_within(struct catalog_reader *reader, uint32_t attribute, const struct rowset *rows,
                          catalog_value_rows_fn *each, void *ctx, struct error *err);
/* Does any clip of this version have this value? 1, 0 or -errno. */
int catalog_value_known(struct catalog_reader *reader, uint32_t attribute, const struct value *value,
                        struct error *err);

enum catalog_op {
    CATALOG_EQ,    /* some value is one of values[0..count) */
    CATALOG_NE,    /* has the attribute, and no value is one of values[0..count) */
    CATALOG_RANGE, /* some value between values[0] and values[1], see open and inclusive; a bound that is open
                      is not looked at */
    CATALOG_PREFIX, /* some value whose text form (value_print) starts with values[0] (a text) */
    CATALOG_SUFFIX, /* ends with it */
    CATALOG_WORDS,  /* has all words of it (index/base/words.h) */
    CATALOG_NULL,   /* does not have the attribute */
    CATALOG_HAS,    /* has it */
};
/* Does it ask for the text that a value is printed with, whatever the attribute's type? */
static inline bool catalog_op_is_printed(enum catalog_op op)
{
    return op == CATALOG_PREFIX || op == CATALOG_SUFFIX || op == CATALOG_WORDS;
}
/* Rows [first, end), first a multiple of 2^20: they are in shards that no other such window reads. */
struct catalog_window {
    uint64_t first, end;
};
enum { CATALOG_WINDOW_BITS = 20 };
struct catalog_literal {
    const struct catalog_window *window; /* only these rows are selected; NULL: all */
    uint32_t attribute;
    enum catalog_op op;
    const struct value *values;
    size_t count;
    bool open_low, open_high;           /* RANGE: no bound on that side */
    bool inclusive_low, inclusive_high; /* RANGE */
};
/* The live rows for which the literal holds. -ENOENT: no such attribute. -EINVAL: values not of its type
 * (PREFIX, SUFFIX, WORDS: not one text), or anything but HAS and NULL of lists. */
int catalog_select(struct catalog_reader *reader, const struct catalog_literal *literal, struct rowset **ret,
                   struct error *err);
/* How many rows catalog_select() would give, from statistics alone: cheap, may be wrong. Of a window what its
 * shards hold, as is enough to compare. */
int catalog_estimate(struct catalog_reader *reader, const struct catalog_literal *literal, uint64_t *ret,
                     struct error *err);
/* Starts to fetch what catalog_select() and catalog_estimate() of all of these will read, so that who waits
 * does so once, not once a literal. Reads what tells it (a reader that waits may wait for that), decides
 * nothing; what goes wrong is told when it is read. */
void catalog_select_ahead(struct catalog_reader *reader, const struct catalog_literal *literals,
                          size_t count);
/* The same of those for which this reader has not done so lately: naming the pages takes longer than reading
 * them where they are here. What has gone meanwhile is waited for, one page after the other. */
void catalog_select_ahead_once(struct catalog_reader *reader, const struct catalog_literal *literals,
                               size_t count);

/* ---- clips ---- */

struct catalog_file {
    const char *name; /* stream name, escaped; "" for a plain one */
    const char *ext;
    uint64_t size;    /* bytes */
    uint32_t changed; /* the version that last changed its bytes */
};
struct catalog_clip {
    const char *key;
    const struct catalog_file *files; /* by stream number, without the clip's json */
    uint32_t file_count;
    uint64_t json_size;
    uint32_t json_changed; /* the version that last changed its bytes, or took a file away */
};
/* What a listing and a stat need. Borrowed: valid until the next call on this reader. -ENOENT:
 * no such row, or not live. */
int catalog_clip(struct catalog_reader *reader, uint32_t row, struct catalog_clip *ret, struct error *err);
struct catalog_span { /* UTC, CLIP_NO_TIME (INT64_MIN) where unknown */
    int64_t t0_ns, t1_ns;
};
int catalog_span(struct catalog_reader *reader, uint32_t row, struct catalog_span *ret, struct error *err);
/* The names and extensions of files that clips of the version have or had, each as often as there are sets of
 * them; of thousands of sets the newest. Non-zero from `each` ends it with that. */
typedef int catalog_file_name_fn(void *ctx, const char *name, const char *ext, struct error *err);
int catalog_file_names(struct catalog_reader *reader, catalog_file_name_fn *each, void *ctx,
                       struct error *err);
/* Starts to fetch what catalog_clip() of these rows (ascending) will read, so that who waits does so once.
 * What goes wrong is told when it is read. */
void catalog_clips_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count);
int catalog_clip_find(struct catalog_reader *reader, const char *key, size_t len, uint32_t *ret_row,
                      struct error *err);
/* The same, and the clip, of which more will be asked: what is not here is asked for at once, with what
 * catalog_json() reads if `json`. */
int catalog_clip_look_up(struct catalog_reader *reader, const char *key, size_t len, bool json,
                         uint32_t *ret_row, struct catalog_clip *ret, struct error *err);
/* The first 32 bits of the SipHash-2-4 (zero key) of the key of each of these live clips, once a clip, in any
 * order. Non-zero from `each` ends it with that. */
typedef int catalog_hash_fn(void *ctx, uint32_t row, uint32_t hash, struct error *err);
int catalog_key_hashes(struct catalog_reader *reader, const struct rowset *rows, catalog_hash_fn *each,
                       void *ctx, struct error *err);
/* The live clips that changed after `since`: a file of theirs came, went or has other bytes; with
 * `labels_only`, those whose json may be another. Reads only groups of rows in which something did. */
int catalog_changed_since(struct catalog_reader *reader, uint32_t since, bool labels_only,
                          struct rowset **ret, struct error *err);
/* What this version itself changed of clips that were there before it: by attribute, the rows of those of
 * which it changed what they have. Attributes of which it changed nothing are left out. Non-zero from `each`
 * ends it with that. */
typedef int catalog_own_fn(void *ctx, uint32_t attribute, const struct rowset *rows, struct error *err);
int catalog_own_cells(struct catalog_reader *reader, catalog_own_fn *each, void *ctx, struct error *err);
/* Appends the bytes of <key>.json: one line, json_size bytes. */
int catalog_json(struct catalog_reader *reader, uint32_t row, struct buf *buf, struct error *err);
/* Each value of each attribute of a clip, by attribute name, values in value order. */
typedef int catalog_clip_value_fn(void *ctx, const struct catalog_attribute *attribute,
                                  const struct value *value, struct error *err);
int catalog_clip_values(struct catalog_reader *reader, uint32_t row, catalog_clip_value_fn *each, void *ctx,
                        struct error *err);
/* The same of a few attributes, ids ascending: no more is read than tells it. Lists are without their
 * numbers. */
struct catalog_some {
    const uint32_t *ids;
    size_t count;
};
int catalog_clip_some(struct catalog_reader *reader, uint32_t row, const struct catalog_some *some,
                      catalog_clip_value_fn *each, void *ctx, struct error *err);

/* Who set something, in which version it last changed; 0: before that was recorded. */
struct catalog_origin {
    const char *setter;
    uint32_t version;
};
/* As catalog_clip_values(), with who set each value; events are left out. */
typedef int catalog_blame_fn(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                             const struct catalog_origin *origin, struct error *err);
int catalog_blame(struct catalog_reader *reader, uint32_t row, catalog_blame_fn *each, void *ctx,
                  struct error *err);

struct catalog_event {        /* a labelled span of a clip's own time */
    struct value label;       /* a text */
    int64_t start_ns, end_ns; /* from the clip's start; 0 <= start <= end */
    struct catalog_origin origin;
};
/* A clip's events, by label, start and end. Their labels are the values of its attribute "event". */
typedef int catalog_event_fn(void *ctx, const struct catalog_event *event, struct error *err);
int catalog_events(struct catalog_reader *reader, uint32_t row, catalog_event_fn *each, void *ctx,
                   struct error *err);

/* Appends the clip's extra; nothing if it has none. An episode's: what LeRobot said of it, tools/FORMAT.md.
 */
int catalog_extra(struct catalog_reader *reader, uint32_t row, struct buf *buf, struct error *err);

/* Starts to fetch what catalog_extra() and catalog_clip_source() of these rows (ascending, some thousand at a
 * time) will read. */
void catalog_extras_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count);

/* ---- sources: those that were imported as a whole, a LeRobot data set each ---- */

struct catalog_source {
    uint32_t id;
    uint32_t root;
    uint32_t changed;   /* the version that last changed its files */
    const char *folder; /* below the root; "": all of it */
};
/* The source that a clip is of. -ENOENT: of none, or no such clip. */
int catalog_clip_source(struct catalog_reader *reader, uint32_t row, uint32_t *ret_source, struct error *err);
/* Each source that clips are or were of, by id; and one of them: -ENOENT. Borrowed until `each` returns,
 * which calls nothing of this reader; non-zero from it ends it with that. */
typedef int catalog_source_fn(void *ctx, const struct catalog_source *source, struct error *err);
int catalog_sources(struct catalog_reader *reader, catalog_source_fn *each, void *ctx, struct error *err);
int catalog_source(struct catalog_reader *reader, uint32_t source, catalog_source_fn *each, void *ctx,
                   struct error *err);
/* The files in which a source spoke of itself when this version was made, by name: paths below its folder,
 * "meta/info.json". Names are good UTF-8 without control characters, "." and ".."; one may be a folder of
 * another. At most 255, of 1 MiB each, of 4 MiB together. -ENOENT: no such source. */
typedef int catalog_source_file_fn(void *ctx, const char *name, uint64_t size, struct error *err);
int catalog_source_files(struct catalog_reader *reader, uint32_t source, catalog_source_file_fn *each,
                         void *ctx, struct error *err);
/* Appends the bytes of one of them. -ENOENT. */
int catalog_source_file(struct catalog_reader *reader, uint32_t source, const char *name, struct buf *buf,
                        struct error *err);
/* Starts to fetch all files of these sources, so that who waits does so once. */
void catalog_sources_ahead(struct catalog_reader *reader, const uint32_t *sources, size_t count);

/* ---- streams and objects ---- */

#define CATALOG_NO_OBJECT UINT32_MAX
struct catalog_piece {
    enum extent_kind kind; /* OBJECT, INLINE, ZERO */
    uint64_t offset, len;
};
struct catalog_stream {
    uint64_t size;
    uint32_t object; /* CATALOG_NO_OBJECT: no piece is of one */
    char container[16];
    char reason[256];
    int64_t preroll_ns;
    struct catalog_piece *pieces; /* owned, as inline_bytes: catalog_stream_done() */
    size_t piece_count;
    struct buf inline_bytes;
};
/* `stream` is an index into catalog_clip.files. Lengths sum up to size, inline offsets lie in inline_bytes;
 * whether object ranges lie in the object is checked by extent_map_seal(). -ENOENT: no such clip or stream.
 */
int catalog_stream(struct catalog_reader *reader, uint32_t row, uint32_t stream, struct catalog_stream *ret,
                   struct error *err);
void catalog_stream_done(struct catalog_stream *stream);

struct catalog_object {
    uint32_t root;
    uint64_t size;
    char *path, *pin; /* owned: catalog_object_done() */
};
int catalog_object(struct catalog_reader *reader, uint32_t id, struct catalog_object *ret, struct error *err);
void catalog_object_done(struct catalog_object *object);
