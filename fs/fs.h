// SPDX-License-Identifier: Apache-2.0
/*
 * One mount: what its parts share. Made by fs_mount() (mount.c) and immutable from then on, except for the
 * parts that lock themselves.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fs/attach.h"
#include "fs/errors.h"
#include "fs/handle.h"
#include "fs/mount.h"
#include "fs/node.h"
#include "fs/pending.h"
#include "fs/times.h"

/* Timeouts of replies, in seconds. Nothing under a version ever changes. */
#define FS_FOREVER 1e9
#define FS_NOT     0.0
#define FS_WHILE   10.0 /* what ends only if somebody forgets a version */

enum { FS_READ_BYTES = 1 << 20 }; /* the largest READ */

struct fuse_session;
struct inodes;
struct passthrough;
struct refresh;
struct upcoming;
struct view_plans;
struct workers;

/* At most so many lines a while: a store that is away fails every read. */
struct fs_log {
    pthread_mutex_t lock; /* guards what follows */
    int64_t start_ns;     /* of the while */
    unsigned lines, left_out;
};

struct fs_counters {
    atomic_ullong lookups, opens, opens_passed, reads, bytes_read, reports_made, waited, errors;
};

struct fs {
    struct dataset *dataset;
    struct cache *cache;
    struct fs_options options; /* texts not valid after fs_mount() */
    struct attach attach;
    struct fuse_session *session;
    int stop_fd; /* an eventfd: written to stop the loop */

    struct nodes *nodes;
    struct query_results *results;
    struct view_plans *plans;
    struct errors *errors;
    struct fs_log log;
    struct times times;
    struct refresh *refresh;
    struct pendings pendings;
    struct handles handles;
    struct workers *pool;            /* for requests that wait for the catalog */
    struct passthrough *passthrough; /* NULL: every read comes to us */
    struct inodes *inodes;
    struct upcoming *upcoming;
    atomic_uint jobs_ahead;      /* open_ahead.c's */
    atomic_bool noopen;          /* the kernel opens files without asking */
    atomic_ullong parallel_init; /* wire.c's: the INIT that offers it and is not yet replied to */
    struct fs_counters counters;
};
