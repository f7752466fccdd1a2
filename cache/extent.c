// SPDX-License-Identifier: Apache-2.0
/*
 * Extents are appended in the order of the virtual file, so starts need no sorting and a lookup is a binary
 * search. What touches is merged while building: two maps of the same bytes then have the same canonical form
 * however their builders cut them.
 *
 * A builder never reports errors one by one: the first wrong append is remembered and seal() tells it.
 */
#include "cache/extent.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/strmap.h"

struct extent_map {
    atomic_uint refs;
    struct extent *extents;
    size_t count, cap;
    struct extent_object *objects;
    size_t object_count, object_cap;
    struct extent_map **streams;
    size_t stream_count, stream_cap;
    struct buf bytes; /* of the INLINE extents */
    uint64_t size;
    unsigned depth; /* 0: no streams below */
    bool overflow, sealed;
    uint8_t key[SHA256_BYTES]; /* set by seal */
};

struct extent_map *extent_map_new(void)
{
    struct extent_map *map = MEM_NEW(struct extent_map);
    atomic_init(&map->refs, 1);
    return map;
}

struct extent_map *extent_map_ref(struct extent_map *map)
{
    atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
    return map;
}

void extent_map_unref(struct extent_map *map)
{
    if (!map || atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < map->object_count; i++) {
        store_unref(map->objects[i].store);
        free(map->objects[i].path);
        free(map->objects[i].pin);
    }
    for (size_t i = 0; i < map->stream_count; i++)
        extent_map_unref(map->streams[i]);
    free(map->extents);
    free(map->objects);
    free(map->streams);
    buf_done(&map->bytes);
    free(map);
}

/* ---- building ---- */

/* Builders that name their object before each extent would otherwise prevent merging. */
static bool is_last_object(const struct extent_map *map, const struct extent_object *object)
{
    const struct extent_object *last = map->object_count ? &map->objects[map->object_count - 1] : NULL;
    return last && last->store == object->store && last->size == object->size &&
           !strcmp(last->path, object->path) && !strcmp(last->pin, object->pin);
}

uint32_t extent_map_object(struct extent_map *map, struct store *store, const char *path, uint64_t size,
                           const char *pin)
{
    assert(!map->sealed && map->object_count < UINT32_MAX);
    struct extent_object object = {.store = store,
                                   .path = (char *)(uintptr_t)path,
                                   .size = size,
                                   .pin = (char *)(uintptr_t)(pin ? pin : "")};
    if (is_last_object(map, &object))
        return (uint32_t)map->object_count - 1;
    object.store = store_ref(store);
    object.path = mem_text(object.path);
    object.pin = mem_text(object.pin);
    mem_grow(&map->objects, &map->object_cap, map->object_count + 1, sizeof *map->objects);
    map->objects[map->object_count] = object;
    return (uint32_t)map->object_count++;
}

void extent_map_evidence(struct extent_map *map, uint32_t object, const struct evidence *evidence)
{
    assert(!map->sealed && object < map->object_count);
    map->objects[object].evidence = *evidence;
}

uint32_t extent_map_stream(struct extent_map *map, struct extent_map *stream)
{
    assert(!map->sealed && stream->sealed && map->stream_count < UINT32_MAX);
    mem_grow(&map->streams, &map->stream_cap, map->stream_count + 1, sizeof *map->streams);
    map->streams[map->stream_count] = extent_map_ref(stream);
    if (map->depth < stream->depth + 1)
        map->depth = stream->depth + 1;
    return (uint32_t)map->stream_count++;
}

/* The last extent grows instead if the new bytes follow its own in the same source. */
static bool merge_into_last(struct extent_map *map, const struct extent *next)
{
    struct extent *last = map->count ? &map->extents[map->count - 1] : NULL;
    if (!last || !next->len || last->kind != next->kind || last->source != next->source)
        return false;
    if (next->kind != EXTENT_ZERO && last->offset + last->len != next->offset)
        return false;
    last->len += next->len;
    return true;
}

void extent_map_append(struct extent_map *map, enum extent_kind kind, uint32_t source, uint64_t offset,
                       uint64_t len)
{
    assert(!map->sealed);
    struct extent next = {.kind = kind, .source = source, .start = map->size, .offset = offset, .len = len};
    if (__builtin_add_overflow(map->size, len, &map->size) || map->size > INT64_MAX)
        map->overflow = true;
    if (map->overflow || merge_into_last(map, &next))
        return;
    mem_grow(&map->extents, &map->cap, map->count + 1, sizeof *map->extents);
    map->extents[map->count++] = next;
}

void extent_map_append_inline(struct extent_map *map, const void *bytes, size_t len)
{
    uint64_t offset = map->bytes.len;
    buf_append(&map->bytes, bytes, len);
    extent_map_append(map, EXTENT_INLINE, 0, offset, len);
}

/* ---- sealing ---- */

static int range_check(const struct extent *extent, uint64_t limit, const char *what, struct error *err)
{
    if (extent->offset > limit || extent->len > limit - extent->offset)
        return error_set(err, EINVAL, "extent at %llu: bytes %llu+%llu lie outside the %llu bytes of %s",
                         (unsigned long long)extent->start, (unsigned long long)extent->offset,
                         (unsigned long long)extent->len, (unsigned long long)limit, what);
    return 0;
}

static int source_check(const struct extent *extent, size_t count, const char *what, struct error *err)
{
    if (extent->source >= count)
        return error_set(err, EINVAL, "extent at %llu names %s %u, the map has %zu",
                         (unsigned long long)extent->start, what, (unsigned)extent->source, count);
    return 0;
}

static int extent_check(const struct extent_map *map, const struct extent *extent, struct error *err)
{
    if (!extent->len)
        return error_set(err, EINVAL, "extent at %llu is empty", (unsigned long long)extent->start);
    int rc;
    switch (extent->kind) {
    case EXTENT_OBJECT:
        rc = source_check(extent, map->object_count, "object", err);
        return rc ? rc
                  : range_check(extent, map->objects[extent->source].size, map->objects[extent->source].path,
                                err);
    case EXTENT_STREAM:
        rc = source_check(extent, map->stream_count, "stream", err);
        return rc ? rc : range_check(extent, map->streams[extent->source]->size, "the stream", err);
    case EXTENT_INLINE:
        return range_check(extent, map->bytes.len, "the inline bytes", err);
    case EXTENT_ZERO:
        return 0;
    }
    return error_set(err, EINVAL, "extent at %llu has unknown kind %d", (unsigned long long)extent->start,
                     (int)extent->kind);
}

/* Invariant 6: of the first extent with a source all others have the kind. */
static int mix_check(const struct extent_map *map, struct error *err)
{
    const struct extent *first = NULL;
    for (size_t i = 0; i < map->count; i++) {
        const struct extent *extent = &map->extents[i];
        if (extent->kind != EXTENT_OBJECT && extent->kind != EXTENT_STREAM)
            continue;
        first = first ? first : extent;
        if (extent->kind != first->kind)
            return error_set(
                err, EINVAL,
                "extent at %llu is of %s and that at %llu of %s: a map is made of objects or of "
                "streams, so that the cache keeps each byte once",
                (unsigned long long)first->start, first->kind == EXTENT_OBJECT ? "an object" : "a stream",
                (unsigned long long)extent->start, extent->kind == EXTENT_OBJECT ? "an object" : "a stream");
    }
    return 0;
}

/* Invariants 1 to 4 and 6 of extent.h; 5 holds by merge_into_last(). */
static int map_check(const struct extent_map *map, struct error *err)
{
    if (map->overflow)
        return error_set(err, EFBIG, "the extents are longer than any file can be");
    if (map->depth > EXTENT_DEPTH_MAX)
        return error_set(err, ELOOP, "streams are nested %u deep, at most %d are allowed", map->depth,
                         EXTENT_DEPTH_MAX);
    uint64_t start = 0;
    for (size_t i = 0; i < map->count; i++) {
        int rc = extent_check(map, &map->extents[i], err);
        if (rc)
            return rc;
        assert(map->extents[i].start == start);
        start += map->extents[i].len;
    }
    assert(start == map->size);
    return mix_check(map, err);
}

static void append_text(struct buf *buf, const void *text, size_t len)
{
    buf_le64(buf, len);
    buf_append(buf, text, len);
}

/* Appends the declaration of `extent`'s source if no equal one stands before; returns its number. */
static uint64_t canonical_source(const struct extent_map *map, const struct extent *extent,
                                 struct strmap *seen, struct buf *form)
{
    CLEANUP_BUF struct buf item = BUF_INIT;
    if (extent->kind == EXTENT_OBJECT) {
        const struct extent_object *object = &map->objects[extent->source];
        CLEANUP_BUF struct buf identity = BUF_INIT;
        store_object_identity(object->store, object->path, &identity);
        buf_u8(&item, 'O');
        append_text(&item, buf_text(&identity), identity.len);
        buf_le64(&item, object->size);
        append_text(&item, object->pin, strlen(object->pin));
    } else {
        buf_u8(&item, 'S');
        buf_append(&item, map->streams[extent->source]->key, SHA256_BYTES);
    }
    bool is_new;
    size_t number = strmap_count(seen);
    struct strmap_entry *entry = strmap_put(seen, buf_text(&item), item.len, &is_new);
    if (is_new) {
        entry->value = number;
        buf_append(form, item.data, item.len);
    }
    return entry->value;
}

/* The canonical form: cache/FORMAT.md. */
static void canonical_form(const struct extent_map *map, struct buf *form)
{
    CLEANUP_STRMAP struct strmap *seen = strmap_new();
    buf_text_append(form, "elidefs extent map 1\n");
    buf_le64(form, map->size);
    for (size_t i = 0; i < map->count; i++) {
        const struct extent *extent = &map->extents[i];
        uint64_t number = 0;
        bool has_source = extent->kind == EXTENT_OBJECT || extent->kind == EXTENT_STREAM;
        if (has_source)
            number = canonical_source(map, extent, seen, form);
        buf_u8(form, (uint8_t)extent->kind);
        buf_le64(form, extent->len);
        if (has_source) {
            buf_le64(form, number);
            buf_le64(form, extent->offset);
        } else if (extent->kind == EXTENT_INLINE) {
            buf_append(form, map->bytes.data + extent->offset, extent->len);
        }
    }
}

int extent_map_seal(struct extent_map *map, struct error *err)
{
    assert(!map->sealed);
    int rc = map_check(map, err);
    if (rc)
        return rc;
    CLEANUP_BUF struct buf form = BUF_INIT;
    canonical_form(map, &form);
    sha256_of(form.data, form.len, map->key);
    map->sealed = true;
    return 0;
}

/* ---- reading ---- */

size_t extent_map_memory(const struct extent_map *map)
{
    size_t bytes = sizeof *map + map->bytes.len + map->cap * sizeof *map->extents +
                   map->object_cap * sizeof *map->objects + map->stream_cap * sizeof *map->streams;
    for (size_t i = 0; i < map->object_count; i++)
        bytes += strlen(map->objects[i].path) + strlen(map->objects[i].pin) + 2;
    for (size_t i = 0; i < map->stream_count; i++)
        bytes += extent_map_memory(map->streams[i]);
    return bytes;
}

uint64_t extent_map_size(const struct extent_map *map)
{
    return map->size;
}

size_t extent_map_count(const struct extent_map *map)
{
    return map->count;
}

const struct extent *extent_map_at(const struct extent_map *map, size_t i)
{
    assert(i < map->count);
    return &map->extents[i];
}

size_t extent_map_find(const struct extent_map *map, uint64_t offset)
{
    assert(map->sealed && offset < map->size);
    size_t low = 0, high = map->count; /* extents[low].start <= offset < extents[high].start */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (map->extents[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const struct extent_object *extent_map_object_at(const struct extent_map *map, uint32_t source)
{
    assert(source < map->object_count);
    return &map->objects[source];
}

struct extent_map *extent_map_stream_at(const struct extent_map *map, uint32_t source)
{
    assert(source < map->stream_count);
    return map->streams[source];
}

const uint8_t *extent_map_inline(const struct extent_map *map, const struct extent *extent)
{
    assert(extent->kind == EXTENT_INLINE);
    return map->bytes.data + extent->offset;
}

void extent_map_key(const struct extent_map *map, uint8_t ret_key[SHA256_BYTES])
{
    assert(map->sealed);
    memcpy(ret_key, map->key, SHA256_BYTES);
}
