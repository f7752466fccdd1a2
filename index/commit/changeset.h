// SPDX-License-Identifier: Apache-2.0
/*
 * A change set: what a commit wants, in logical operations by key and name. Importers emit nothing else; it
 * never holds row numbers, codes or catalog ids, so it can be applied to any parent. apply()
 * (index/commit/apply/apply.h) is deterministic.
 *
 * The operations are kept as an encoded log (format: index/FORMAT.md, "Change set"), which is what is spooled
 * and read back; writing appends, reading iterates. Of a large one memory holds a window
 * (cache/base/spool.h): where its file cannot be written, the next clip, or apply(), fails.
 *
 * Thread rule: one thread at a time. Texts and bytes are copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/store/evidence.h"
#include "index/base/clip.h"
#include "index/base/value.h"
#include "index/containers/slice.h"

struct changeset;

struct changeset *changeset_new(void);
void changeset_free(struct changeset *set);
CLEANUP_DEFINE(struct changeset, changeset_free, cleanup_changeset)
#define CLEANUP_CHANGESET CLEANUP(cleanup_changeset)

size_t changeset_clips(const struct changeset *set);
size_t changeset_removals(const struct changeset *set);
const struct buf *changeset_log(const struct changeset *set);
/* Takes a log read from outside: checked whole before anything is made of it. */
int changeset_decode(const void *bytes, size_t len, struct changeset **ret, struct error *err);

/* ---- writing; ids are numbers within this change set, from 0 in the order of first mention ---- */

/* Caps on one piece of a log stand in index/base/clip.h: what lies over them is an error of the caller's
 * world, checked before it calls. */

/* A place objects lie below: a store URL in canonical form. Equal URLs give equal ids. */
uint32_t changeset_root(struct changeset *set, const char *url);
/* Equal (root, path) must come with equal size and pin: -ESTALE "changed while it was imported" else. */
int changeset_object(struct changeset *set, uint32_t root, const char *path, uint64_t size, const char *pin,
                     uint32_t *ret_object, struct error *err);
/* What was seen of the object's bytes (cache/store/evidence.h); said once, none is not said. */
void changeset_evidence(struct changeset *set, uint32_t object, const struct evidence *evidence);
/* The compact index of a recording (mp4_table_encode()), so that new clips can be cut from it with no read.
 */
void changeset_table(struct changeset *set, uint32_t object, const char *container, const void *bytes,
                     size_t len); /* at most CLIP_BYTES_MAX */
/* An attribute's declared type and whether a clip may hold several values. Must come before values of that
 * name; the same declaration twice is fine, a different one -EEXIST. A clip has one list: no several. */
int changeset_attribute(struct changeset *set, const char *name, enum value_type type, bool multi,
                        struct error *err);

/* The set speaks of this declared attribute for some of its clips only, as a table does that has no row for
 * the others: a clip without a value of it keeps what imports have said, unless changeset_none()
 * (index/commit/changeset_labels.h) follows. Before the first clip. */
void changeset_partial(struct changeset *set, const char *attribute);

#define CHANGESET_NO_OBJECT UINT32_MAX

struct changeset_clip {
    const char *key; /* escaped form (index/base/name.h); key.json must be a file name, too */
    uint8_t fingerprint[SHA256_BYTES]; /* content identity, made without reading a recording */
    int64_t t0_ns, t1_ns;              /* UTC span or CLIP_NO_TIME */
    const char *source;                /* for messages: where it comes from */
};
/* Begins a clip; what follows belongs to it. A second clip of this key: -EEXIST naming both sources. */
int changeset_clip(struct changeset *set, const struct changeset_clip *clip, struct error *err);
/* Where the clip of this key comes from; NULL: there is none. Valid until something is added. */
const char *changeset_source(const struct changeset *set, const char *key);
/* Adds one value (several calls: several values, if the attribute is multi). -EINVAL: not declared, another
 * type, no value (value_check()), or a second one of an attribute that holds one. */
int changeset_value(struct changeset *set, const char *attribute, const struct value *value,
                    struct error *err);

struct changeset_stream {
    const char *name;      /* escaped; "" for a file that keeps its plain name */
    const char *ext;       /* without the dot, escaped; "" for none */
    const char *container; /* "mp4", "parquet", ... or ""; at most 15 bytes */
    uint32_t object; /* the recording that SLICE_RECORDING pieces are ranges of, or CHANGESET_NO_OBJECT */
    const struct slice *slice;
};
/* A file name that this clip has already, or that is its .json: -EEXIST; more than CLIP_STREAMS_MAX:
 * -E2BIG; pieces that leave their object or the inline bytes: -EINVAL. */
int changeset_stream(struct changeset *set, const struct changeset_stream *stream, struct error *err);
/* Opaque bytes kept with the clip (a source's per-episode statistics). At most once a clip. */
void changeset_extra(struct changeset *set, const void *bytes, size_t len);
/* The clip's content was known as `key` before: what others have said of that clip (the values this set does
 * not declare) is now said of this one, and of the clip `key` no more. `key` keeps its row; whether it also
 * goes is for changeset_clip() or changeset_remove() to say. At most once a clip, and no two clips take over
 * one key: -EEXIST. */
int changeset_labels_of(struct changeset *set, const char *key, struct error *err);

/* The clip is not to be seen, whatever else is said of it: its content was removed under another key, and
 * stays removed under this one. At most once a clip. */
void changeset_hide(struct changeset *set);

/* The clip of this key is hidden from this version on, and its values are forgotten. Applied to a parent that
 * has no such clip it does nothing. -EEXIST: the set removes it already, or holds a clip of this key. */
int changeset_remove(struct changeset *set, const char *key, struct error *err);

/* ---- reading ---- */

/* CHANGESET_ROOT and so on: index/commit/operations.def. */
enum changeset_kind {
#define OPERATION(kind, number, name, fields, needs, replay, intake) CHANGESET_##kind = number,
#include "index/commit/operations.def"
#undef OPERATION
};

struct changeset_op {
    enum changeset_kind kind;
    uint32_t id; /* ROOT, OBJECT, ATTRIBUTE, SOURCE: its own number; TABLE, STREAM: the object's; VALUE, NONE,
                    PARTIAL: the attribute's; OF_SOURCE: the source's */
    uint32_t root; /* OBJECT, SOURCE */
    /* ROOT: URL; OBJECT: path; SOURCE: folder; FILE: name; CLIP, REMOVE, LABELS_OF, LABELS: key; ATTRIBUTE,
     * VALUE, RENAME, DESCRIBE, DROP, TO_TEXT, NONE, PARTIAL: name; STREAM: name; TABLE: container; SETTER:
     * name; EVENTS: label */
    const char *text;
    const char *source;                /* CLIP */
    const char *ext;                   /* STREAM */
    const char *container;             /* STREAM */
    const char *pin;                   /* OBJECT */
    const char *reason;                /* STREAM: why it was passed through whole, or "" */
    uint64_t size;                     /* OBJECT: bytes; STREAM: bytes */
    struct value value;                /* VALUE */
    enum value_type type;              /* ATTRIBUTE */
    bool multi;                        /* ATTRIBUTE */
    uint8_t fingerprint[SHA256_BYTES]; /* CLIP */
    int64_t t0_ns, t1_ns;              /* CLIP */
    int64_t preroll_ns;                /* STREAM */
    const uint8_t *bytes;              /* STREAM: inline bytes; EXTRA, TABLE, FILE: the bytes */
    size_t len;
    const struct slice_piece *pieces; /* STREAM; valid until the next call */
    size_t piece_count;
    const char *other;        /* SETTER: table; RENAME: new name; DESCRIBE: description */
    uint64_t place;           /* LABELS */
    unsigned policy;          /* SETTER: enum changeset_policy */
    int64_t start_ns, end_ns; /* EVENT */
};

struct changeset_reader {
    const struct changeset *set;
    size_t at; /* of the next operation in the log; may be kept and set again, to read a clip a second time */
    struct slice_piece *pieces; /* owned */
    size_t cap;
    size_t last;    /* where the one before it ended */
    size_t touched; /* bytes of the log that reading has brought into memory, or nearly so */
};
#define CHANGESET_READER(changeset) ((struct changeset_reader){.set = (changeset)})
void changeset_reader_done(struct changeset_reader *reader);
/* 1 with the next operation, 0 at the end. The log was checked when it was made, so nothing can fail.
 * Borrowed texts live as long as nothing is added to the change set. */
int changeset_next(struct changeset_reader *reader, struct changeset_op *ret);
