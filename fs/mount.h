// SPDX-License-Identifier: Apache-2.0
/*
 * A data set as a mounted file system.
 *
 * Thread rule: fs_mount() ... fs_free() from one thread; fs_stop() from any thread, also from a signal
 * handler.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cache/base/error.h"
#include "cache/cache.h"
#include "index/dataset/dataset.h"

struct fs;

/* What an open(2) of a file does. */
enum fs_opens {
    FS_OPENS_AUTO,  /* ASKED where the kernel can do passthrough, else FREE */
    FS_OPENS_ASKED, /* asks the daemon: passthrough if `passthrough`; a clip that cannot be had fails here */
    FS_OPENS_FREE, /* no round trip, for trees of small files; a clip that cannot be had fails when it is read
                    */
};

struct fs_options {
    const char *mountpoint; /* an existing folder */
    bool allow_other;
    uid_t uid; /* owner shown; (uid_t)-1: who mounts */
    gid_t gid;
    mode_t umask;     /* cleared from 0644 / 0755; default 0 */
    unsigned poll_ms; /* how often to look for a new version and tags; 0: 5000 */
    unsigned threads; /* 0: one a core */
    bool passthrough; /* try kernel passthrough (needs privilege and Linux 6.9) */
    enum fs_opens opens;
};

/* Mounts; the kernel may send requests from then on, they are answered by fs_run(). -EBUSY if the folder is
 * an elidefs mount already, with the data set's name; -ENOTCONN leftovers of a dead daemon are unmounted
 * first. The data set and cache are borrowed until fs_free(). */
int fs_mount(struct dataset *dataset, struct cache *cache, const struct fs_options *options, struct fs **ret,
             struct error *err);
/* Serves until unmounted or stopped: 0, or -errno. */
int fs_run(struct fs *fs, struct error *err);
void fs_stop(struct fs *fs);
/* Unmounts if still mounted, ends all requests and closes what programs left open. Within a second, whatever
 * the network does, if stores_stop() was called before: what waits for a store ends then. */
void fs_free(struct fs *fs);

/* Unmounts `mountpoint`: directly as root, else with fusermount3. -EBUSY names who uses it where that can be
 * told. */
int fs_unmount(const char *mountpoint, struct error *err);
