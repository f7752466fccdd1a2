// SPDX-License-Identifier: Apache-2.0
/*
 * libfuse knows passthrough from 3.17 on; what older ones lack are three fields in two replies. So we stand
 * between libfuse and the connection, and fill them in: in the reply to INIT that we want it, in the reply to
 * OPEN the backing id that the kernel gave for the cache's file. Layouts: include/uapi/linux/fuse.h, 7.40.
 *
 * The kernel refuses (EIO) an open that differs from how the same inode is open already: through a backing
 * file or through the page cache. So how an inode was opened first decides until the last one is closed. Its
 * backing id stays for the next open, as long as inode.h keeps the inode.
 */
#include "fs/passthrough.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache/base/memory.h"
#include "cache/cache.h"
#include "fs/reply.h"

/* What <linux/fuse.h> of Linux 6.1 lacks. */
enum {
    INIT_EXT = 1 << 30, /* flags: flags2 is valid */
    INIT2_PASSTHROUGH = 1 << 5,
    OPEN_PASSTHROUGH = 1 << 7,
};
struct init_out {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth, unused[6];
};
struct open_out {
    uint64_t fh;
    uint32_t open_flags;
    int32_t backing_id;
};
struct backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define BACKING_OPEN  _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

struct passthrough {
    int fd;
    atomic_ullong init_unique; /* of the INIT that offered passthrough and is not yet replied to */
    atomic_bool on;
    pthread_mutex_t lock; /* guards `opens` and `backing_id` of all inodes; the ioctl under it does no I/O */
};

/* Between libfuse's two calls of ours on one thread: the backing id for the OPEN reply it is writing. */
static _Thread_local int32_t backing_of_reply;

/* ---- between libfuse and the connection (wire.c) ---- */

void passthrough_see_init(struct passthrough *passthrough, uint64_t unique, const struct fuse_init_in *init)
{
    if (passthrough && (init->flags & INIT_EXT) && (init->flags2 & INIT2_PASSTHROUGH))
        atomic_store(&passthrough->init_unique, unique);
}

static void accept_offer(struct passthrough *passthrough, struct init_out *out)
{
    out->flags |= INIT_EXT;
    out->flags2 |= INIT2_PASSTHROUGH;
    out->max_stack_depth = 1;
    atomic_store(&passthrough->init_unique, 0);
    atomic_store(&passthrough->on, true);
}

void passthrough_see_reply(struct passthrough *passthrough, uint64_t unique, struct iovec *reply)
{
    if (!passthrough)
        return;
    if (unique == atomic_load_explicit(&passthrough->init_unique, memory_order_relaxed) &&
        reply->iov_len == sizeof(struct init_out)) {
        accept_offer(passthrough, reply->iov_base);
    } else if (backing_of_reply > 0 && reply->iov_len == sizeof(struct open_out)) {
        struct open_out *out = reply->iov_base;
        out->open_flags |= OPEN_PASSTHROUGH;
        out->backing_id = backing_of_reply;
    }
}

/* ---- inodes with open files ---- */

/* The cache's file, or -1 where how this inode opens is settled, or it is not all here. May read the disk. */
static int complete_fd(struct passthrough *passthrough, struct inode *inode)
{
    pthread_mutex_lock(&passthrough->lock);
    bool settled = inode->opens || inode->backing_id;
    pthread_mutex_unlock(&passthrough->lock);
    return settled || !passthrough_is_on(passthrough) ? -1 : cache_complete_fd(inode->cached);
}

static int32_t new_backing_id(struct passthrough *passthrough, int fd)
{
    int id = ioctl(passthrough->fd, BACKING_OPEN, &(struct backing_map){.fd = fd});
    if (id < 0 && (errno == EPERM || errno == ENOTTY))
        atomic_store(&passthrough->on, false); /* and every other one would fail, too */
    return id > 0 ? id : 0;
}

/* One open more of this inode; its backing id, or 0: through the page cache. */
static int32_t enter(struct passthrough *passthrough, struct inode *inode)
{
    int fd = complete_fd(passthrough, inode);
    pthread_mutex_lock(&passthrough->lock);
    if (inode->opens++ == 0 && !inode->backing_id && fd >= 0)
        inode->backing_id = new_backing_id(passthrough, fd);
    int32_t id = inode->backing_id;
    pthread_mutex_unlock(&passthrough->lock);
    return id;
}

void passthrough_closed(struct passthrough *passthrough, struct inode *inode)
{
    if (!passthrough || !inode->cached)
        return;
    pthread_mutex_lock(&passthrough->lock);
    inode->opens--;
    pthread_mutex_unlock(&passthrough->lock);
}

void passthrough_give_back(struct passthrough *passthrough, int32_t backing_id)
{
    ioctl(passthrough->fd, BACKING_CLOSE, &(uint32_t){(uint32_t)backing_id});
}

bool passthrough_is_on(const struct passthrough *passthrough)
{
    return passthrough && atomic_load_explicit(&passthrough->on, memory_order_relaxed);
}

bool passthrough_is_offered(const struct passthrough *passthrough)
{
    return passthrough && atomic_load_explicit(&passthrough->init_unique, memory_order_relaxed) != 0;
}

int passthrough_reply_open(struct task *task, struct inode *inode)
{
    struct passthrough *passthrough = task->fs->passthrough;
    if (!passthrough || !inode->cached)
        return reply_open(task->req, &task->fi);
    backing_of_reply = enter(passthrough, inode);
    if (backing_of_reply) {
        task->fi.keep_cache = 0; /* the kernel wants no other flag with it */
        atomic_fetch_add_explicit(&task->fs->counters.opens_passed, 1, memory_order_relaxed);
    }
    int rc = reply_open(task->req, &task->fi);
    backing_of_reply = 0;
    if (rc < 0)
        passthrough_closed(passthrough, inode);
    return rc;
}

/* ---- its life ---- */

struct passthrough *passthrough_new(int fd)
{
    if (geteuid() != 0)
        return NULL;
    struct passthrough *passthrough = MEM_NEW(struct passthrough);
    passthrough->fd = fd;
    pthread_mutex_init(&passthrough->lock, NULL);
    return passthrough;
}

void passthrough_free(struct passthrough *passthrough)
{
    if (!passthrough)
        return;
    pthread_mutex_destroy(&passthrough->lock);
    free(passthrough);
}
