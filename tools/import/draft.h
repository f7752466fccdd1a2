// SPDX-License-Identifier: Apache-2.0
/*
 * Drafts: the clips an import found, before tables are joined and the change set is written. An importer adds
 * clips, values and streams; --set and --table change values; drafts_emit() writes the change set. Thread
 * rule: one thread at a time. Texts, values and slices are copied or stolen as said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/strmap.h"
#include "index/commit/changeset.h"
#include "tools/import/copy.h"
#include "tools/import/draft_values.h"
#include "tools/import/faults.h"
#include "tools/import/part.h"
#include "tools/import/scan_cache.h"

struct draft_stream {
    const char *name, *ext; /* those of a clip are drafts_text() */
    const char *container;  /* a constant */
    uint32_t object;
    bool renamed; /* --stream gave it its name */
    struct slice slice;
};

struct draft {
    const char *key;       /* escaped; lies in drafts.by_key */
    char *source;          /* where it comes from, for messages */
    int64_t episode_index; /* -1: none */
    uint8_t fingerprint[SHA256_BYTES];
    struct draft_values values; /* their attributes: index into drafts.attributes */
    uint32_t *none; /* attributes that a table's row says it has no value of; index into drafts.attributes */
    size_t none_count, none_cap;
    uint32_t *empty; /* attributes of which it has an empty list: a value if that is what they are */
    size_t empty_count, empty_cap;
    struct draft_stream *streams;
    size_t stream_count, stream_cap;
    struct buf extra;
    uint32_t source_number; /* the change set's, of the source it is of: */
    bool has_source;
    bool kept;       /* the newest version has it as it is: it is not given again */
    bool left_out;   /* it was removed from the data set, and stays so: */
    bool hidden;     /* under another key than this one, which is to be known as its key */
    bool bad;        /* something is wrong with it, or is not there yet: it is not given */
    char *labels_of; /* the key its content had before, or NULL */
};

struct draft_attribute {
    char *name;
    char *origin;         /* who set it: "importer", "--set", a table's name */
    enum value_type type; /* the widest seen: int and float make float */
    bool typed, multi;    /* multi: some clip has several values */
    bool partial;         /* a table's: clips that it has no row for keep what imports have said of them */
    bool forced;          /* values become of this type, whatever they are */
    bool asked;           /* what it is in the data set: */
    enum value_type was;  /* 0: it has no such attribute */
};

struct drafts {
    struct changeset *set; /* roots, objects and tables go straight into it */
    struct draft *clips;
    size_t count, cap;
    size_t given; /* clips that were, before those above: drafts_give() */
    struct draft_attribute *attributes;
    size_t attribute_count, attribute_cap;
    struct strmap *by_key, *by_name;
    struct strmap *bad_keys;           /* of clips that are no more, but were not given: key -> source */
    struct strmap *texts;              /* what many clips have in common, once */
    struct stream_names *stream_names; /* borrowed, or NULL */
    struct known *known;               /* borrowed, or NULL */
    struct copier *copier;             /* borrowed; NULL: recordings stay where they are. Needs `known` */
    struct faults *faults;             /* borrowed; NULL: the first one ends the import */
    size_t bad;                        /* clips that something is wrong with */
    size_t waiting;                    /* clips that a file is missing of which is not finished: */
    struct strmap *unfinished;         /* names of such files */
    struct scan_cache *scans; /* borrowed, or NULL: what was read by an import that was killed, or by parts */
    const struct import_part
        *part;          /* borrowed, or NULL: only its recordings are read, and nothing is emitted */
    uint32_t evidenced; /* objects below this number have had their chance of evidence */
};

struct drafts *drafts_new(void);
void drafts_free(struct drafts *drafts);
CLEANUP_DEFINE(struct drafts, drafts_free, cleanup_drafts)
#define CLEANUP_DRAFTS CLEANUP(cleanup_drafts)

/* A new clip; *ret is valid until the next one is added. A key twice: -EEXIST naming both sources. */
int drafts_clip(struct drafts *drafts, const char *key, const char *source, struct draft **ret,
                struct error *err);
struct draft *drafts_find(struct drafts *drafts, const char *key);
/* A copy of `text` that is there as long as the drafts are; equal texts have one. */
const char *drafts_text(struct drafts *drafts, const char *text);
/* Hands over what is wrong with a clip, or, where `clip` is NULL, with what would have been one; as
 * faults_add(). That another part reads a recording is none: the clip is not given. */
int drafts_fault(struct drafts *drafts, struct draft *clip, const char *file, const char *place,
                 struct error *err);

/* Notes that a file is still being written, and that `clip`, where one is known, has to wait for it. Nothing
 * is wrong: it is tried again the next time. */
void drafts_wait(struct drafts *drafts, struct draft *clip, const char *file);

/* The attribute a source's column becomes. Two columns that become one name: the caller compares `origin`. */
int drafts_attribute(struct drafts *drafts, const char *column, const char *origin, size_t *ret,
                     struct error *err);
/* --type: what follows as values of this attribute becomes of that type. Its origin is DRAFT_ORIGIN_TYPE
 * until somebody else names it. */
#define DRAFT_ORIGIN_TYPE "--type"
int drafts_force_type(struct drafts *drafts, const char *name, enum value_type type, struct error *err);
/* The type forced on the attribute that this column becomes; 0: none. */
enum value_type drafts_forced_type(const struct drafts *drafts, const char *column);
/* The type of the attribute that this column becomes in the data set; 0: it has none of that name. */
int drafts_known_type(const struct drafts *drafts, const char *column, enum value_type *ret,
                      struct error *err);
enum { DRAFT_VALUES_MAX = 10000 }; /* a clip; a damaged list of tasks may hold millions */
/* Adds a value; one that the clip has already is no second one. Types within an attribute must agree (int
 * widens to float, a forced type is parsed from the value's text): -EINVAL naming clip, value and types. */
int draft_value(struct drafts *drafts, struct draft *clip, size_t attribute, const struct value *value,
                struct error *err);
/* An empty list of nobody knows what: a value where the attribute is one of lists, which others show. */
int draft_empty(struct drafts *drafts, struct draft *clip, size_t attribute, struct error *err);
/* The clip has no value of it, which a table says. */
void draft_none(struct draft *clip, size_t attribute);
bool draft_has(const struct draft *clip, size_t attribute);

/* Copies the stream's texts, and takes the slice (which becomes SLICE_INIT). A file name twice in a clip:
 * -EEXIST; more streams than a clip can have: -E2BIG. */
int draft_stream(struct drafts *drafts, struct draft *clip, const struct draft_stream *stream,
                 struct slice *slice, struct error *err);

/* The change set's number of a source's object: of its copy, where there is one or shall be one. What was
 * seen of one that is new goes along; for that a local file is read. -EACCES: it is new, and archived. */
int drafts_object(struct drafts *drafts, uint32_t root, const struct source_object *object, uint32_t *ret,
                  struct error *err);
/* The same of an object that no clip reads: it is never copied. */
int drafts_note_object(struct drafts *drafts, uint32_t root, const struct source_object *object,
                       uint32_t *ret, struct error *err);
/* Is the object in the newest version where drafts_object() would put it? 1, 0 or -errno. */
int drafts_in_place(struct drafts *drafts, const struct source_object *object, struct error *err);

/* What only all values together show: clips whose values do not fit among the others are bad. */
int drafts_check(struct drafts *drafts, struct error *err);
/* Writes every clip that is neither kept nor left out nor bad (nor waits) into the change set, in the order
 * they were added. Each gives up all it has but its key for it: it would be in memory twice. */
int drafts_emit(struct drafts *drafts, struct error *err);
/* The same of clips that nothing more is said of and nobody asks for: they are forgotten, so that others may
 * follow. What all attributes are must be known by then. */
int drafts_give(struct drafts *drafts, struct error *err);
/* All that were found. */
static inline size_t drafts_count(const struct drafts *drafts)
{
    return drafts->given + drafts->count;
}
