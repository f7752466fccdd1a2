// SPDX-License-Identifier: Apache-2.0
/*
 * A hash table by number, and a list of those that nobody uses, oldest first. What is to be closed is taken
 * out under the lock and closed behind it.
 */
#include "fs/inode.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "fs/passthrough.h"

enum { CHAINS = 1024 };

struct inodes {
    struct passthrough *passthrough;
    pthread_mutex_t lock; /* guards what follows */
    struct inode *chains[CHAINS];
    struct inode *oldest, *newest; /* idle ones */
    unsigned idle;
    size_t idle_bytes; /* held by these: generated ones, maps */
};

static size_t held(const struct inode *inode)
{
    return inode->bytes.len + inode->map_bytes;
}

void inode_free(struct inode *inode)
{
    if (inode->cached)
        cache_close(inode->cached);
    buf_done(&inode->bytes);
    free(inode);
}

static struct inode **find_locked(struct inodes *inodes, uint64_t ino)
{
    struct inode **at = &inodes->chains[(ino ^ ino >> 10) % CHAINS]; /* streams of a row, rows */
    while (*at && (*at)->ino != ino)
        at = &(*at)->next;
    return at;
}

static void busy_locked(struct inodes *inodes, struct inode *inode)
{
    *(inode->older ? &inode->older->newer : &inodes->oldest) = inode->newer;
    *(inode->newer ? &inode->newer->older : &inodes->newest) = inode->older;
    inode->older = inode->newer = NULL;
    inodes->idle--;
    inodes->idle_bytes -= held(inode);
}

static void idle_locked(struct inodes *inodes, struct inode *inode)
{
    inode->idle_since_ns = clock_now_ns();
    inode->older = inodes->newest;
    *(inode->older ? &inode->older->newer : &inodes->oldest) = inode;
    inodes->newest = inode;
    inodes->idle++;
    inodes->idle_bytes += held(inode);
}

/* Takes an idle one out of the table, onto the list `dropped` (by `next`). */
static void drop_locked(struct inodes *inodes, struct inode *inode, struct inode **dropped)
{
    busy_locked(inodes, inode);
    *find_locked(inodes, inode->ino) = inode->next;
    inode->next = *dropped;
    *dropped = inode;
}

static void close_all(struct inodes *inodes, struct inode *dropped)
{
    for (struct inode *next; dropped; dropped = next) {
        next = dropped->next;
        if (dropped->backing_id)
            passthrough_give_back(inodes->passthrough, dropped->backing_id);
        inode_free(dropped);
    }
}

struct inodes *inodes_new(struct passthrough *passthrough)
{
    struct inodes *inodes = MEM_NEW(struct inodes);
    inodes->passthrough = passthrough;
    pthread_mutex_init(&inodes->lock, NULL);
    return inodes;
}

void inodes_free(struct inodes *inodes)
{
    if (!inodes)
        return;
    for (size_t i = 0; i < CHAINS; i++)
        for (struct inode *inode = inodes->chains[i], *next; inode; inode = next) {
            next = inode->next;
            inode_free(inode);
        }
    pthread_mutex_destroy(&inodes->lock);
    free(inodes);
}

static struct inode *use_locked(struct inodes *inodes, struct inode *inode)
{
    if (inode && inode->users++ == 0)
        busy_locked(inodes, inode);
    return inode;
}

static bool too_many_locked(const struct inodes *inodes)
{
    return inodes->idle > INODES_IDLE_MAX ||
           (inodes->idle_bytes > INODES_IDLE_BYTES && inodes->oldest != inodes->newest);
}

/* The idle ones that are too many or too old, now out of the table. */
static struct inode *trim_locked(struct inodes *inodes)
{
    struct inode *dropped = NULL;
    int64_t too_old_ns = inodes->oldest ? clock_now_ns() - INODES_IDLE_NS : 0;
    while (inodes->oldest && (too_many_locked(inodes) || inodes->oldest->idle_since_ns < too_old_ns))
        drop_locked(inodes, inodes->oldest, &dropped);
    return dropped;
}

struct inode *inodes_get(struct inodes *inodes, uint64_t ino)
{
    pthread_mutex_lock(&inodes->lock);
    struct inode *inode = use_locked(inodes, *find_locked(inodes, ino));
    struct inode *dropped = trim_locked(inodes);
    pthread_mutex_unlock(&inodes->lock);
    close_all(inodes, dropped);
    return inode;
}

struct inode *inodes_enter(struct inodes *inodes, struct inode *made)
{
    pthread_mutex_lock(&inodes->lock);
    struct inode **at = find_locked(inodes, made->ino), *inode = use_locked(inodes, *at);
    if (!inode) {
        *at = inode = made;
        inode->users = 1;
    }
    pthread_mutex_unlock(&inodes->lock);
    if (inode != made)
        inode_free(made);
    return inode;
}

/* The generated ones that are too many bytes, now out of the table. */
static struct inode *trim_bytes_locked(struct inodes *inodes)
{
    struct inode *dropped = NULL;
    for (struct inode *at = inodes->oldest, *newer; at && at->newer && inodes->idle_bytes > INODES_IDLE_BYTES;
         at = newer) {
        newer = at->newer;
        if (!at->cached)
            drop_locked(inodes, at, &dropped);
    }
    return dropped;
}

void inodes_put(struct inodes *inodes, struct inode *inode)
{
    struct inode *dropped = NULL;
    pthread_mutex_lock(&inodes->lock);
    if (--inode->users == 0) {
        idle_locked(inodes, inode);
        dropped = trim_bytes_locked(inodes);
    }
    pthread_mutex_unlock(&inodes->lock);
    close_all(inodes, dropped); /* bytes alone: nothing of the cache is closed here */
}

void inodes_forget(struct inodes *inodes, uint64_t ino)
{
    struct inode *dropped = NULL;
    pthread_mutex_lock(&inodes->lock);
    struct inode *inode = *find_locked(inodes, ino);
    if (inode && inode->users == 0)
        drop_locked(inodes, inode, &dropped);
    pthread_mutex_unlock(&inodes->lock);
    close_all(inodes, dropped);
}

unsigned inodes_idle(struct inodes *inodes)
{
    pthread_mutex_lock(&inodes->lock);
    unsigned idle = inodes->idle;
    pthread_mutex_unlock(&inodes->lock);
    return idle;
}
