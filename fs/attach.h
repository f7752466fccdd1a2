// SPDX-License-Identifier: Apache-2.0
/*
 * The mount itself: a connection to the kernel at a mount point. Made here and not by libfuse, so that it is
 * known which mount is ours when it is taken away again (something else may lie below it or on top of it by
 * then), and so that passthrough can be had from a libfuse that does not know it. One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

struct attach {
    int fd;                /* the connection; owned by the session once there is one */
    char *path;            /* absolute */
    unsigned major, minor; /* the mounted file system's device */
};

struct attach_options {
    const char *mountpoint;
    const char *source; /* shown in /proc/mounts */
    bool allow_other;
    bool
        check_modes; /* the kernel compares modes and owners: it then asks for the root's at each path walk */
};

/* -EBUSY: an elidefs mount lies there already. A dead one is taken away first. */
int attach_mount(const struct attach_options *options, struct attach *ret, struct error *err);
/* Takes our mount away, lazily, if it is still there and on top. Waits for nobody. */
void attach_unmount(struct attach *attach);
void attach_done(struct attach *attach); /* frees; the connection is not closed */
