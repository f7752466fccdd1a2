// SPDX-License-Identifier: Apache-2.0
/*
 * What was purged from a data set, all of it: where the catalogs of those versions lie that hold none of it
 * any more, in place of those that their manifests name; and of each purge when it was, which rows it took
 * and hashes of their keys, from which no key can be read. Format: index/FORMAT.md, "Purges". Bytes are
 * hostile. Thread rule: immutable once it is made.
 */
#pragma once

#include "index/base/manifest.h"
#include "index/base/rowset.h"

struct purge_version {
    uint32_t version;
    uint64_t clips; /* live ones that are left */
    struct map_top top;
};
struct purge_event {
    int64_t time_ns;
    char *author;
    struct rowset *rows; /* of clips, in all versions: a row is never another clip's */
    uint64_t *keys;      /* purge_key_hash(), ascending */
    size_t key_count;
};
struct purge_list {
    uint32_t newest;                /* the newest version that all of it was taken from */
    struct purge_version *versions; /* ascending */
    size_t version_count, version_cap;
    struct purge_event *events; /* in their order */
    size_t event_count, event_cap;
};
void purge_list_done(struct purge_list *list);
#define CLEANUP_PURGE_LIST CLEANUP(purge_list_done)
/* The version, whose catalog lies elsewhere; NULL: where its manifest says. */
const struct purge_version *purge_list_find(const struct purge_list *list, uint32_t version);
/* In the place of what was said of the version. */
void purge_list_put(struct purge_list *list, const struct purge_version *version);
/* All rows that were ever purged: a new set. */
struct rowset *purge_list_rows(const struct purge_list *list);
/* Appends an empty one; valid until the next. */
struct purge_event *purge_list_add(struct purge_list *list, int64_t time_ns, const char *author);
/* When a clip with this key was purged last; NULL: none was. */
const struct purge_event *purge_list_event_of(const struct purge_list *list, uint64_t key_hash);

/* The first 8 bytes of a SHA-256 of the data set's UUID and the key. */
uint64_t purge_key_hash(const char *uuid, const char *key, size_t len);

enum { PURGE_LIST_BYTES_MAX = 256 << 20 };
void purge_list_print(struct buf *buf, const struct purge_list *list);
int purge_list_parse(const char *name, const void *bytes, size_t len, struct purge_list *ret,
                     struct error *err);
