// SPDX-License-Identifier: Apache-2.0
/*
 * The manifest of a version: one readable JSON object (format and golden file: index/FORMAT.md, "Manifest").
 * Its SHA-256 stands in the next one, so from one hash the whole history is verified.
 *
 * Bytes are hostile: everything is checked, and what is wrong is named. Thread rule: immutable once parsed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "index/base/layout.h"
#include "index/base/map.h"

enum {
    MANIFEST_BYTES_MAX = 4 << 20,
    MANIFEST_UUID_BYTES = 37,            /* RFC 9562 text form with its NUL */
    MANIFEST_TAG_BYTES = 65,             /* with its NUL */
    MANIFEST_FEATURE_MAX = 64,           /* bytes of a feature's name, */
    MANIFEST_FEATURES_MAX = 16,          /* and how many a version may require */
    MANIFEST_VERSION_MAX = (1 << 20) - 1 /* a node number in the mount has 20 bits for it */
};

#define MANIFEST_CATALOG         "catalog-6" /* the catalog is of the format that this program knows */
#define MANIFEST_CATALOG_PROGRAM "0.1.0"     /* the first elidefs that reads it */

struct manifest_tag {
    char name[MANIFEST_TAG_BYTES];
    uint32_t version, seq;
};

/* How far a series is written that says which versions are forgotten (index/dataset/forgotten.h). */
struct manifest_forgets {
    uint32_t first, seq; /* of the versions from `first` on */
};

/* How far the series goes that says what was purged (index/dataset/purges.h). */
struct manifest_purge {
    uint32_t seq; /* 0: nothing was */
    uint8_t sha256[SHA256_BYTES];
};

/* What people and tools see of one version. */
struct manifest {
    char uuid[MANIFEST_UUID_BYTES]; /* the data set's */
    uint32_t version;
    uint32_t parent;                     /* version - 1; 0 for v0 */
    uint8_t parent_sha256[SHA256_BYTES]; /* zeros for v0 */
    int64_t time_ns;
    char *author, *message;
    char *source; /* of an import: its folder, prefix or manifest; NULL: not said */
    char commit_id[LAYOUT_ID_BYTES];
    char *unsupported; /* required features this program lacks, "a, b": the version's contents are refused,
                          `catalog` is empty; NULL: none */
    char *program;     /* the first elidefs that knows all that is required; NULL: not said */
    bool outdated;     /* refused, too, since the catalog is of a format from before the first release */
    bool stub; /* it was forgotten, and what it held is gone: this stands in its place. `time_ns`, `author`
                  and `message` are of who forgot it, `sha256` is of the manifest that was there; of what
                  follows and stands before, it has `uuid`, `version`, the parent and `commit_id` alone */
    struct map_top catalog; /* where it lies; no pages: the version has none (v0) */
    uint64_t clips, rows;
    uint64_t added, replaced, removed, unchanged; /* clips, against the parent */
    uint64_t labelled;                            /* clips whose values or events somebody set */
    uint32_t roots;            /* recorded when it was committed: their highest id; 0: not said */
    struct manifest_tag *tags; /* by name, as of the commit */
    size_t tag_count;
    struct manifest_forgets *forgets; /* ascending, as of the commit */
    size_t forgets_count;
    struct manifest_purge purge;  /* as of the commit: `catalog` has none of that */
    uint8_t sha256[SHA256_BYTES]; /* of the manifest's own bytes */
};

/* `name` stands in errors. -EUCLEAN with the field that is wrong. `ret` is the caller's: manifest_free(). */
int manifest_parse(const char *name, const void *bytes, size_t len, struct manifest **ret, struct error *err);
void manifest_free(struct manifest *manifest);
CLEANUP_DEFINE(struct manifest, manifest_free, cleanup_manifest)
#define CLEANUP_MANIFEST CLEANUP(cleanup_manifest)

/* Appends the JSON of all fields but `sha256`, `unsupported`, `program` and `outdated`: what this program
 * writes requires what it needs itself. Of a stub, with `sha256`. */
void manifest_print(struct buf *buf, const struct manifest *manifest);
/* -ENOENT: "v12 was forgotten on 2026-03-01 by lena@lab: the arm was not calibrated". */
int manifest_say_forgotten(uint32_t version, int64_t time_ns, const char *author, const char *message,
                           struct error *err);

struct json;
/* Where a catalog lies, as JSON: "catalog" of a manifest. And back; `name` stands in errors. -EUCLEAN */
void manifest_print_top(struct buf *buf, const struct map_top *top);
int manifest_parse_top(const char *name, const struct json *json, struct map_top *ret, struct error *err);

/* Makes what a person typed fit for `author` and `message`: control characters, but for line ends and tabs,
 * and bytes that are no UTF-8 become blanks. */
void manifest_clean_text(char *text);

/* 0 if the contents can be read, else -ENOTSUP with a sentence that says which feature is not known and which
 * program knows it, or what to do, or -ENOENT: it was forgotten. */
int manifest_check_supported(const struct manifest *manifest, struct error *err);
/* Is `child` the successor of exactly this parent? -EUCLEAN with both hashes. */
int manifest_check_parent(const struct manifest *child, const struct manifest *parent, struct error *err);

/* The name of a feature, or the number of a program: 1 to 64 of A-Z a-z 0-9 . _ -, fit for a terminal. */
bool manifest_is_feature_name(const char *name);
/* A small object other than a manifest may have a list `requires`, too: -ENOTSUP if it names anything, for no
 * such feature is known yet. Fields that a reader may pass over need none. */
int manifest_check_requires(const char *name, const struct json *object, struct error *err);

/* A tag's name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}, not latest, tags, v+digits. -EINVAL with the rule. */
int manifest_check_tag(const char *name, struct error *err);

/* A new random UUID (RFC 9562, version 4). */
void manifest_new_uuid(char ret_uuid[MANIFEST_UUID_BYTES]);
