// SPDX-License-Identifier: Apache-2.0
/* What the kernel offers, and which of it is taken; the table in fs/README.md has the reasons. */
#include "fs/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "fs/passthrough.h"

enum {
    BACKGROUND = 64,
    CONGESTION = 48
}; /* READs of read-ahead under way: enough to hide a store's latency */

/*
 * A kernel that is told once that open needs no answer opens files itself from then on, with no round trip;
 * it also never asks for passthrough, which is worth more where it can be had.
 */
static bool without_open(const struct fs *fs, const struct fuse_conn_info *conn)
{
    if (!(conn->capable & FUSE_CAP_NO_OPEN_SUPPORT) || fs->options.opens == FS_OPENS_ASKED)
        return false;
    return fs->options.opens == FS_OPENS_FREE || !passthrough_is_offered(fs->passthrough);
}

void settings_apply(struct fs *fs, struct fuse_conn_info *conn)
{
    unsigned wanted =
        FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS;
    /* Splicing is slower than a copy here. Nothing under a version changes, so no attribute has to be looked
     * at before cached pages are used. A process that waits for an asynchronous O_DIRECT read cannot be
     * killed. */
    unsigned unwanted = FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                        FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_DIO | FUSE_CAP_CACHE_SYMLINKS;
    conn->want |= wanted & conn->capable;
    conn->want &= ~unwanted;
    conn->max_write = FS_READ_BYTES; /* also bounds the pages of a READ */
    conn->max_read = FS_READ_BYTES;
    conn->max_readahead = FS_READ_BYTES;
    conn->max_background = BACKGROUND;
    conn->congestion_threshold = CONGESTION;
    conn->time_gran = 1;
    atomic_store(&fs->noopen, without_open(fs, conn));
}

void settings_read_ahead(const struct attach *attach)
{
    char path[64], text[16];
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", attach->major, attach->minor);
    int len = snprintf(text, sizeof text, "%d", FS_READ_BYTES / 1024);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    file_write_all(fd, text, (size_t)len);
    close(fd);
}
