// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts and stopping may come at any moment, also before cache_read() has returned or while the callback
 * runs: `lock` decides whether the read can still be cancelled. Its two owners, the starter and the callback,
 * each hold a reference. Lock order: the pendings' lock or libfuse's lock of the request, ours, the cache's.
 */
#include "fs/reading.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fs/reply.h"

struct reading {
    struct cache_read read;
    struct pending pending;
    struct fs *fs;
    fuse_req_t req;
    struct inode *inode;
    atomic_int refs;
    pthread_mutex_t lock; /* guards what follows; taken before the cache's own */
    bool started;         /* cache_read() has returned */
    bool ended;           /* the callback has run: `read` is the cache's no more */
    bool unwanted;
};

static void unref(struct reading *reading)
{
    if (atomic_fetch_sub(&reading->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&reading->lock);
    free(reading);
}

static void cancel(struct reading *reading)
{
    pthread_mutex_lock(&reading->lock);
    if (reading->started && !reading->ended && !reading->unwanted)
        cache_read_cancel(reading->inode->cached, &reading->read);
    reading->unwanted = true;
    pthread_mutex_unlock(&reading->lock);
}

static void on_interrupt(fuse_req_t req, void *ctx)
{
    cancel(ctx);
}

static void cancel_pending(struct pending *pending)
{
    cancel((struct reading *)((char *)pending - offsetof(struct reading, pending)));
}

static void on_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct reading *reading = read->ctx;
    struct fs *fs = reading->fs;
    pthread_mutex_lock(&reading->lock);
    reading->ended = true;
    pthread_mutex_unlock(&reading->lock);
    if (rc < 0)
        reply_error(fs, reading->req, rc == -ENOENT ? -EIO : rc, err);
    else
        reply_bytes(reading->req, bytes, read->len);
    inodes_put(fs->inodes, reading->inode);
    pendings_remove(&fs->pendings, &reading->pending);
    unref(reading);
}

static void start(struct reading *reading)
{
    pendings_add(&reading->fs->pendings, &reading->pending);
    fuse_req_interrupt_func(reading->req, on_interrupt, reading);
    cache_read(reading->inode->cached, &reading->read);
    pthread_mutex_lock(&reading->lock);
    reading->started = true;
    if (reading->unwanted && !reading->ended) /* asked for while it was being started */
        cache_read_cancel(reading->inode->cached, &reading->read);
    pthread_mutex_unlock(&reading->lock);
    unref(reading);
}

static void read_cached(struct fs *fs, fuse_req_t req, struct inode *inode, uint64_t offset, size_t len)
{
    struct reading *reading = MEM_NEW(struct reading);
    *reading = (struct reading){.read = {.offset = offset, .len = len, .done = on_done, .ctx = reading},
                                .pending.cancel = cancel_pending,
                                .fs = fs,
                                .req = req,
                                .inode = inode};
    pthread_mutex_init(&reading->lock, NULL);
    atomic_init(&reading->refs, 2);
    start(reading);
}

void reading_start(struct fs *fs, fuse_req_t req, struct inode *inode, uint64_t offset, size_t len)
{
    uint64_t size = inode->cached ? cache_size(inode->cached) : inode->bytes.len;
    if (offset >= size)
        len = 0;
    else if (len > size - offset)
        len = size - offset;
    atomic_fetch_add_explicit(&fs->counters.reads, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&fs->counters.bytes_read, len, memory_order_relaxed);
    if (inode->cached && len > 0) {
        read_cached(fs, req, inode, offset, len);
        return;
    }
    reply_bytes(req, len ? inode->bytes.data + offset : NULL, len);
    inodes_put(fs->inodes, inode);
}
