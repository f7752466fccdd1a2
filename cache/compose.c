// SPDX-License-Identifier: Apache-2.0
/*
 * A read is walked span by span. One span is passed on as it is; of several each is a read of its own into
 * its part of one buffer, and the last that ends ends the whole. No fill and no block is known here; of a map
 * of objects nothing comes here but what is the map's own.
 */
#include "cache/compose.h"

#include <errno.h>
#include <string.h>

#include "cache/read.h"

enum span_kind { SPAN_INLINE, SPAN_ZERO, SPAN_OWN, SPAN_STREAM };

/* Bytes of the virtual file that come from one place. */
struct span {
    enum span_kind kind;
    uint64_t offset, len;        /* in the virtual file */
    const struct extent *extent; /* the first one */
    uint64_t into;               /* offset in that extent */
};

struct join;

struct piece {
    struct cache_read sub; /* first */
    struct join *join;
    struct cache_file *stream;
    uint64_t at; /* offset in the whole read */
    bool ended;  /* guarded by the join's lock */
};

struct join {
    struct cache_file *file;
    struct cache_read *read;
    uint8_t *bytes;
    struct piece *pieces;
    size_t count;
    pthread_mutex_t lock; /* guards what follows, and pieces[].ended */
    size_t left;          /* pieces that run, and 1 while they are being started */
    int rc;
    struct error err;
};

/* ---- spans ---- */

static struct span span_at(const struct cache_file *file, uint64_t offset, uint64_t end)
{
    size_t i = extent_map_find(file->map, offset), count = extent_map_count(file->map);
    const struct extent *first = extent_map_at(file->map, i);
    struct span span = {.offset = offset, .extent = first, .into = offset - first->start};
    uint64_t to = first->start + first->len;
    bool has_object = false;
    if (first->kind == EXTENT_STREAM) {
        span.kind = SPAN_STREAM;
    } else {
        uint64_t run_to = to;
        for (; i < count; i++) {
            const struct extent *extent = extent_map_at(file->map, i);
            if (extent->kind == EXTENT_STREAM || extent->start >= end)
                break;
            has_object |= extent->kind == EXTENT_OBJECT;
            run_to = extent->start + extent->len;
        }
        span.kind = has_object ? SPAN_OWN : first->kind == EXTENT_INLINE ? SPAN_INLINE : SPAN_ZERO;
        to = has_object ? run_to : to;
    }
    span.len = (to < end ? to : end) - offset;
    return span;
}

static void copy_span(const struct cache_file *file, const struct span *span, uint8_t *to)
{
    if (span->kind == SPAN_INLINE)
        memcpy(to, extent_map_inline(file->map, span->extent) + span->into, span->len);
    else
        memset(to, 0, span->len);
}

bool compose_takes(const struct cache_file *file, uint64_t offset, uint64_t len)
{
    if (!file->map)
        return false;
    struct span span = span_at(file, offset, offset + len);
    return span.kind != SPAN_OWN && (file->streams || span.len == len || !file->cached);
}

/* ---- one read ---- */

static void join_free(struct join *join)
{
    pthread_mutex_destroy(&join->lock);
    free(join->bytes);
    free(join->pieces);
    free(join);
}

/* One piece, or the starting, has ended; the last one ends the read. */
static void leave(struct join *join, int rc, const struct error *err)
{
    pthread_mutex_lock(&join->lock);
    if (rc && !join->rc) {
        join->rc = rc;
        error_copy(&join->err, err);
    }
    bool last = !--join->left;
    pthread_mutex_unlock(&join->lock);
    if (!last)
        return;
    join->read->done(join->read, join->rc, join->rc ? NULL : join->bytes, join->rc ? &join->err : NULL);
    join_free(join);
}

static void piece_done(struct cache_read *sub, int rc, const void *bytes, const struct error *err)
{
    struct piece *piece = (struct piece *)sub;
    struct join *join = piece->join;
    if (!rc)
        memcpy(join->bytes + piece->at, bytes, sub->len);
    pthread_mutex_lock(&join->lock);
    piece->ended = true;
    pthread_mutex_unlock(&join->lock);
    if (piece->stream)
        streams_give(join->file->streams, piece->stream);
    leave(join, rc, err);
}

static void start_piece(struct join *join, struct piece *piece, const struct span *span)
{
    struct cache_file *file = join->file;
    struct error err;
    piece->join = join;
    piece->at = span->offset - join->read->offset;
    piece->sub = (struct cache_read){
        .offset = span->extent->offset + span->into, .len = span->len, .done = piece_done};
    pthread_mutex_lock(&join->lock);
    join->left++;
    pthread_mutex_unlock(&join->lock);
    int rc = streams_take(file->streams, span->extent->source, &piece->stream, &err);
    if (rc)
        piece_done(&piece->sub, rc, NULL, &err);
    else
        cache_read(piece->stream, &piece->sub);
}

/* A read of one span needs no copy. */
static bool start_inline(struct cache_file *file, struct cache_read *read)
{
    struct span span = span_at(file, read->offset, read->offset + read->len);
    if (span.kind != SPAN_INLINE || span.len < read->len)
        return false;
    read->done(read, 0, extent_map_inline(file->map, span.extent) + span.into, NULL);
    return true;
}

void compose_start(struct cache_file *file, struct cache_read *read)
{
    if (start_inline(file, read))
        return;
    uint64_t end = read->offset + read->len;
    struct join *join = MEM_NEW(struct join);
    join->file = file;
    join->read = read;
    join->bytes = mem_alloc(read->len);
    join->left = 1;
    pthread_mutex_init(&join->lock, NULL);
    size_t count = 0;
    for (uint64_t at = read->offset; at < end; count++)
        at += span_at(file, at, end).len;
    join->pieces = mem_zero(count * sizeof *join->pieces);
    read->state[1] = join;
    for (uint64_t at = read->offset; at < end;) {
        struct span span = span_at(file, at, end);
        at += span.len;
        if (span.kind == SPAN_INLINE || span.kind == SPAN_ZERO)
            copy_span(file, &span, join->bytes + (span.offset - read->offset));
        else
            start_piece(join, &join->pieces[join->count++], &span);
    }
    leave(join, 0, NULL);
}

void compose_cancel(struct cache_read *read)
{
    struct join *join = read->state[1];
    pthread_mutex_lock(&join->lock); /* serialises with piece_done(); no done() runs inside a cancel */
    for (size_t i = 0; i < join->count; i++) {
        struct piece *piece = &join->pieces[i];
        if (!piece->ended)
            cache_read_cancel(piece->stream, &piece->sub);
    }
    pthread_mutex_unlock(&join->lock);
}

int compose_now(struct cache_file *file, uint64_t offset, size_t len, uint8_t *to, struct error *err)
{
    uint64_t end = offset + len;
    for (uint64_t at = offset; at < end;) {
        struct span span = span_at(file, at, end);
        uint8_t *here = to + (at - offset);
        struct cache_file *stream;
        int rc = 0;
        if (span.kind == SPAN_INLINE || span.kind == SPAN_ZERO) {
            copy_span(file, &span, here);
        } else if (!(rc = streams_take(file->streams, span.extent->source, &stream, err))) {
            rc = cache_read_now(stream, span.extent->offset + span.into, span.len, here, err);
            streams_give(file->streams, stream);
        }
        if (rc)
            return rc;
        at += span.len;
    }
    return 0;
}
