// SPDX-License-Identifier: Apache-2.0
/*
 * A fill becomes a plan: bytes of the map at once, the rest as parts, of which each is one GET or one read of
 * a stream. The parts run beside each other, and the last that ends ends the fill.
 */
#include "cache/map_source.h"

#include <pthread.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/streams.h"

struct map_source {
    struct cache_source source; /* first */
    struct extent_map *map;
    struct streams *streams;
    pthread_mutex_t lock; /* guards what follows, and the parts' `ended` */
    struct job *jobs;
};

/* Where bytes of an object go. */
struct target {
    uint64_t from, len; /* in the object or stream */
    uint64_t to;        /* in the virtual file */
};

/* One request. */
struct part {
    struct job *job;
    const struct extent *extent; /* the first */
    struct target *targets;      /* in ascending order, a gap between two is discarded */
    size_t count, cap, at;       /* at: the first target that lacks bytes */
    struct store_get get;        /* OBJECT */
    struct cache_read read;      /* STREAM */
    struct cache_file *stream;
    bool ended;
};

struct job {
    struct map_source *source;
    struct cache_fill *fill;
    struct job *prev, *next;
    struct part **parts;
    size_t count, cap;
    size_t left; /* parts that run, and 1 while they are being started; guarded, like rc and err */
    int rc;
    struct error err;
};

/* ---- the end ---- */

static void job_free(struct job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        free(job->parts[i]->targets);
        free(job->parts[i]);
    }
    free(job->parts);
    free(job);
}

/* A part, or the starting, has ended; the last one ends the fill. */
static void leave(struct job *job, struct part *part, int rc, const struct error *err)
{
    struct map_source *source = job->source;
    pthread_mutex_lock(&source->lock);
    if (part)
        part->ended = true;
    if (rc && !job->rc) {
        job->rc = rc;
        error_copy(&job->err, err);
    }
    bool last = !--job->left;
    if (last) {
        *(job->prev ? &job->prev->next : &source->jobs) = job->next;
        if (job->next)
            job->next->prev = job->prev;
    }
    pthread_mutex_unlock(&source->lock);
    if (!last)
        return;
    cache_fill_done(job->fill, job->rc, job->rc ? &job->err : NULL);
    job_free(job);
}

static uint64_t part_from(const struct part *part)
{
    return part->targets[0].from;
}

static uint64_t part_to(const struct part *part)
{
    const struct target *last = &part->targets[part->count - 1];
    return last->from + last->len;
}

/* ---- objects ---- */

static void object_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct part *part = get->ctx;
    struct cache_fill *fill = part->job->fill;
    uint64_t end = offset + len;
    cache_fill_count(fill, 0, len);
    for (; part->at < part->count; part->at++) {
        const struct target *target = &part->targets[part->at];
        uint64_t target_end = target->from + target->len;
        uint64_t from = offset > target->from ? offset : target->from;
        uint64_t to = end < target_end ? end : target_end;
        if (from < to)
            cache_fill_data(fill, target->to + (from - target->from),
                            (const uint8_t *)bytes + (from - offset), to - from);
        if (end < target_end)
            break;
    }
}

static void object_done(struct store_get *get, int rc, const struct error *err)
{
    struct part *part = get->ctx;
    struct error told = {0};
    if (rc < 0) {
        error_copy(&told, err);
        rc = error_prefix(&told, "reading %llu bytes at %llu of %s", (unsigned long long)get->len,
                          (unsigned long long)get->offset, get->path);
    }
    leave(part->job, part, rc < 0 ? rc : 0, &told);
}

static void start_object(struct map_source *source, struct part *part)
{
    const struct extent_object *object = extent_map_object_at(source->map, part->extent->source);
    part->get = (struct store_get){.path = object->path,
                                   .pin = *object->pin ? object->pin : NULL,
                                   .evidence = &object->evidence,
                                   .size = object->size,
                                   .offset = part_from(part),
                                   .len = part_to(part) - part_from(part),
                                   .on_data = object_data,
                                   .on_done = object_done,
                                   .ctx = part};
    cache_fill_count(part->job->fill, 1, 0);
    store_get_start(object->store, &part->get);
}

/* ---- streams ---- */

static void stream_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct part *part = read->ctx;
    if (!rc)
        cache_fill_data(part->job->fill, part->targets[0].to, bytes, read->len);
    if (part->stream)
        streams_give(part->job->source->streams, part->stream);
    leave(part->job, part, rc, err);
}

static void start_stream(struct map_source *source, struct part *part)
{
    struct error err;
    part->read = (struct cache_read){
        .offset = part_from(part), .len = part->targets[0].len, .done = stream_done, .ctx = part};
    int rc = streams_take(source->streams, part->extent->source, &part->stream, &err);
    if (rc)
        stream_done(&part->read, rc, NULL, &err);
    else
        cache_read(part->stream, &part->read);
}

/* ---- the plan ---- */

static void give_zeros(struct cache_fill *fill, uint64_t offset, uint64_t len)
{
    static const uint8_t zeros[CACHE_BLOCK_BYTES];
    for (uint64_t done = 0, n; done < len; done += n) {
        n = len - done < sizeof zeros ? len - done : sizeof zeros;
        cache_fill_data(fill, offset + done, zeros, n);
    }
}

/* The last part of the same object, if the new range follows it closely. */
static struct part *part_to_extend(struct job *job, const struct extent *extent, uint64_t from)
{
    struct part *last = job->count ? job->parts[job->count - 1] : NULL;
    if (!last || extent->kind != EXTENT_OBJECT || last->extent->kind != EXTENT_OBJECT ||
        last->extent->source != extent->source)
        return NULL;
    return from >= part_to(last) && from - part_to(last) <= MAP_SOURCE_GAP_BYTES ? last : NULL;
}

static void add_target(struct job *job, const struct extent *extent, struct target target)
{
    struct part *part = part_to_extend(job, extent, target.from);
    if (!part) {
        part = MEM_NEW(struct part);
        part->job = job;
        part->extent = extent;
        mem_grow(&job->parts, &job->cap, job->count + 1, sizeof *job->parts);
        job->parts[job->count++] = part;
    }
    mem_grow(&part->targets, &part->cap, part->count + 1, sizeof *part->targets);
    part->targets[part->count++] = target;
}

/* Gives what the map holds itself and lists the requests for the rest. */
static void plan(struct map_source *source, struct job *job)
{
    uint64_t at = cache_fill_offset(job->fill), end = at + cache_fill_len(job->fill);
    for (size_t i = extent_map_find(source->map, at); at < end; i++) {
        const struct extent *extent = extent_map_at(source->map, i);
        uint64_t into = at - extent->start, len = extent->len - into;
        len = len < end - at ? len : end - at;
        if (extent->kind == EXTENT_INLINE)
            cache_fill_data(job->fill, at, extent_map_inline(source->map, extent) + into, len);
        else if (extent->kind == EXTENT_ZERO)
            give_zeros(job->fill, at, len);
        else
            add_target(job, extent, (struct target){.from = extent->offset + into, .len = len, .to = at});
        at += len;
    }
}

static void start(struct cache_source *base, struct cache_fill *fill)
{
    struct map_source *source = (struct map_source *)base;
    struct job *job = MEM_NEW(struct job);
    job->source = source;
    job->fill = fill;
    job->left = 1;
    plan(source, job);
    pthread_mutex_lock(&source->lock);
    job->next = source->jobs;
    if (job->next)
        job->next->prev = job;
    source->jobs = job;
    job->left += job->count;
    pthread_mutex_unlock(&source->lock);
    for (size_t i = 0; i < job->count; i++) {
        if (job->parts[i]->extent->kind == EXTENT_OBJECT)
            start_object(source, job->parts[i]);
        else
            start_stream(source, job->parts[i]);
    }
    leave(job, NULL, 0, NULL);
}

static void cancel_part(struct map_source *source, struct part *part)
{
    if (part->ended)
        return;
    if (part->extent->kind == EXTENT_OBJECT)
        store_get_cancel(extent_map_object_at(source->map, part->extent->source)->store, &part->get);
    else
        cache_read_cancel(part->stream, &part->read);
}

/* Only after start() has returned, so every part has begun. */
static void cancel(struct cache_source *base, struct cache_fill *fill)
{
    struct map_source *source = (struct map_source *)base;
    pthread_mutex_lock(&source->lock); /* a part that ends waits for it */
    struct job *job = source->jobs;
    while (job && job->fill != fill)
        job = job->next;
    for (size_t i = 0; job && i < job->count; i++)
        cancel_part(source, job->parts[i]);
    pthread_mutex_unlock(&source->lock);
}

static void free_source(struct cache_source *base)
{
    struct map_source *source = (struct map_source *)base;
    streams_free(source->streams);
    extent_map_unref(source->map);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

struct cache_source *map_source_new(struct cache *cache, struct extent_map *map)
{
    static const struct cache_source_ops ops = {
        .start = start, .cancel = cancel, .free = free_source, .counts = true};
    struct map_source *source = MEM_NEW(struct map_source);
    source->source.ops = &ops;
    source->map = extent_map_ref(map);
    source->streams = streams_new(cache, map);
    pthread_mutex_init(&source->lock, NULL);
    return &source->source;
}
