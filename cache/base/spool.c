// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes are written with pwrite(2), which says when a disk is full, and only then mapped in the place of the
 * memory that held them. Addresses are set aside for twice as much as there is, so they move seldom.
 */
#include "cache/base/spool.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/base/file.h"

static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes / page * page;
}

static size_t pages_of(size_t bytes)
{
    return whole_pages(bytes + (size_t)sysconf(_SC_PAGESIZE) - 1);
}

static size_t window_of(const struct spool *spool)
{
    return spool->window ? spool->window : SPOOL_WINDOW;
}

static uint8_t *check(void *mapped)
{
    if (mapped == MAP_FAILED) {
        fputs("elidefs: out of memory\n", stderr);
        abort();
    }
    return mapped;
}

/* Addresses that nothing lies at. */
static uint8_t *set_aside(size_t len)
{
    return check(mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* Pages of a file, from `offset` on; of memory that can be written, where there is none (-1). */
static void map(uint8_t *at, size_t len, int fd, size_t offset)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *mapped =
        mmap(at, len, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags | MAP_FIXED, fd, (off_t)offset);
    check(mapped);
}

static void unmap(struct spool *spool)
{
    if (spool->span)
        munmap(spool->bytes.data, spool->span);
    else
        free(spool->bytes.data);
}

void spool_done(struct spool *spool)
{
    unmap(spool);
    if (spool->span)
        close(spool->fd);
    free(spool->why);
    *spool = (struct spool){.window = spool->window};
}

/* Addresses for `span` bytes, of which those that are there are moved there, and `room` more can be written.
 */
static void move(struct spool *spool, size_t span, size_t room)
{
    struct buf *bytes = &spool->bytes;
    uint8_t *data = set_aside(span);
    size_t cap = pages_of(bytes->len + room);
    if (spool->filed)
        map(data, spool->filed, spool->fd, 0);
    map(data + spool->filed, cap - spool->filed, -1, 0);
    memcpy(data + spool->filed, bytes->data + spool->filed, bytes->len - spool->filed);
    unmap(spool);
    bytes->data = data;
    bytes->cap = cap;
    spool->span = span;
}

static int write_at(int fd, const uint8_t *bytes, size_t len, size_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = pwrite(fd, bytes + done, len - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put ? -errno : -ENOSPC;
        done += (size_t)put;
    }
    return 0;
}

static void fail(struct spool *spool, int rc)
{
    struct error why;
    file_temp_failed(rc, &why);
    spool->why = mem_copy(&why, sizeof why);
}

/* The whole pages of what is in memory. */
static void write_out(struct spool *spool)
{
    uint8_t *from = spool->bytes.data + spool->filed;
    size_t len = whole_pages(spool->bytes.len - spool->filed);
    int rc = write_at(spool->fd, from, len, spool->filed);
    if (rc) {
        fail(spool, rc);
        return;
    }
    map(from, len, spool->fd, spool->filed);
    spool->filed += len;
}

static void begin(struct spool *spool)
{
    struct error why;
    int rc = file_make_temp(&spool->fd, &why);
    if (rc < 0)
        spool->why = mem_copy(&why, sizeof why);
    else
        move(spool, pages_of(4 * (spool->bytes.len + window_of(spool))), window_of(spool));
}

static void make_room(struct spool *spool, size_t len)
{
    struct buf *bytes = &spool->bytes;
    size_t window = window_of(spool), want = len > window ? len : window;
    if (!spool->why && bytes->len - spool->filed >= window)
        write_out(spool);
    if (bytes->len + want > spool->span) {
        move(spool, pages_of(2 * (bytes->len + want)), want);
        return;
    }
    size_t cap = pages_of(bytes->len + want);
    if (cap > bytes->cap)
        map(bytes->data + bytes->cap, cap - bytes->cap, -1, 0);
    bytes->cap = cap > bytes->cap ? cap : bytes->cap;
}

void spool_append(struct spool *spool, const void *bytes, size_t len)
{
    if (!spool->span && !spool->why && spool->bytes.len + len > window_of(spool))
        begin(spool);
    if (!spool->span) {
        buf_append(&spool->bytes, bytes, len);
        return;
    }
    if (spool->bytes.cap - spool->bytes.len < len)
        make_room(spool, len);
    if (len)
        memcpy(spool->bytes.data + spool->bytes.len, bytes, len);
    spool->bytes.len += len;
}

int spool_check(const struct spool *spool, struct error *err)
{
    return spool->why ? error_copy(err, spool->why) : 0;
}

void spool_forget(const struct spool *spool)
{
    if (spool->filed)
        madvise(spool->bytes.data, spool->filed, MADV_DONTNEED);
}

size_t spool_held(const struct spool *spool)
{
    return spool->bytes.len - spool->filed;
}
