// SPDX-License-Identifier: Apache-2.0
/*
 * What most commands need: the process's stores, its cache and one data set, opened from the arguments. One
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "cache/cache.h"
#include "cache/store/store.h"
#include "index/dataset/dataset.h"
#include "query/say/place.h"
#include "tools/command.h"

struct session {
    struct stores *stores;
    struct cache *cache;
    struct dataset *dataset;
    char *url;          /* of the data set */
    char *path;         /* of the query, "" if none was given */
    char *cache_folder; /* in, owned: where --cache does not say; and how large where --cache-size does not */
    uint64_t cache_size;
    bool for_paths, for_roots; /* in: what will be asked for next, see struct dataset_options */
};

/* Opens stores only. */
int session_open_stores(const struct arguments *arguments, struct session *ret, struct error *err);
/* Opens stores (unless they are open), cache and the data set `url`, for which its mount may stand. `trust`
 * as in dataset_open(). */
int session_open(const struct arguments *arguments, const char *url, const char *const *trust,
                 struct session *ret, struct error *err);
/* From the positional arguments "DATASET PATH", "DATASET" (path "") or one path inside a mount. */
int session_open_path(const struct arguments *arguments, struct session *ret, struct error *err);
/* The URL of a data set's name in the configuration, else `given` itself; the caller frees it. Starts no
 * threads. */
int session_dataset_url(const char *given, char **ret_url, struct error *err);
/* Closes what is open; `session` may be zeroed. */
void session_close(struct session *session);
#define CLEANUP_SESSION CLEANUP(session_close)

/* A session, the place its path means, and a reader of that version that waits. */
struct session_place {
    struct session session;
    struct place place;
    struct catalog_reader *reader;
};
/* From the positional arguments, as session_open_path(). What was opened before a failure is the caller's to
 * close, too. */
int session_open_place(const struct arguments *arguments, struct session_place *ret, struct error *err);
/* The second half of it: what the session's path means now. */
int session_resolve(struct session_place *place, struct error *err);
void session_close_place(struct session_place *place);
#define CLEANUP_SESSION_PLACE CLEANUP(session_close_place)
