// SPDX-License-Identifier: Apache-2.0
/* From a stream in a catalog to its extents, with its object's root resolved to a store. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "index/catalog/catalog_known.h"
#include "index/dataset/dataset_state.h"

static void stream_done(struct catalog_stream *stream)
{
    catalog_stream_done(stream);
}

static void object_done(struct catalog_object *object)
{
    catalog_object_done(object);
}

static bool has_object(const struct catalog_stream *stream)
{
    for (size_t i = 0; i < stream->piece_count; i++)
        if (stream->pieces[i].kind == EXTENT_OBJECT)
            return true;
    return false;
}

static int damaged(struct dataset *dataset, uint32_t row, uint32_t stream, struct error *err)
{
    return error_set(err, EUCLEAN, "%s: stream %u of row %u is damaged: its pieces do not fit it",
                     dataset_url(dataset), stream, row);
}

int dataset_object(struct dataset *dataset, struct catalog_reader *reader, uint32_t id,
                   struct dataset_object *ret, struct error *err)
{
    struct catalog_object object CLEANUP(object_done) = {0};
    CLEANUP_STORE struct store *store = NULL;
    struct evidence evidence = {0};
    int rc = catalog_object(reader, id, &object, err);
    if (!rc && strlen(object.pin) >= STORE_PIN_BYTES)
        rc = error_set(err, EUCLEAN, "%s: the pin of object %u is too long", dataset_url(dataset), id);
    if (!rc)
        rc = roots_open(dataset->roots, object.root, catalog_reader_nowait(reader), &store, err);
    if (!rc)
        rc = catalog_known_evidence(reader, id, object.size, &evidence, err);
    if (rc < 0)
        return rc;
    *ret = (struct dataset_object){.root = object.root,
                                   .store = STEAL(store),
                                   .path = STEAL(object.path),
                                   .pinned = {.size = object.size, .evidence = evidence}};
    memcpy(ret->pinned.pin, object.pin, strlen(object.pin) + 1);
    return 0;
}

void dataset_object_done(struct dataset_object *object)
{
    if (object->store)
        store_unref(object->store);
    free(object->path);
    *object = (struct dataset_object){0};
}

/* Adds the stream's object to the map, where its root lies now. */
static int add_object(struct dataset *dataset, struct catalog_reader *reader, uint32_t id,
                      struct extent_map *map, struct error *err)
{
    struct dataset_object object CLEANUP(dataset_object_done) = {0};
    int rc = dataset_object(dataset, reader, id, &object, err);
    if (rc < 0)
        return rc;
    uint32_t number =
        extent_map_object(map, object.store, object.path, object.pinned.size, object.pinned.pin);
    extent_map_evidence(map, number, &object.pinned.evidence);
    return 0;
}

static bool add_piece(struct extent_map *map, const struct catalog_stream *stream,
                      const struct catalog_piece *piece)
{
    switch (piece->kind) {
    case EXTENT_INLINE:
        if (piece->offset > stream->inline_bytes.len || piece->len > stream->inline_bytes.len - piece->offset)
            return false;
        extent_map_append_inline(map, stream->inline_bytes.data + piece->offset, (size_t)piece->len);
        return true;
    case EXTENT_OBJECT: /* the only object: number 0 */
    case EXTENT_ZERO:
        extent_map_append(map, piece->kind, 0, piece->kind == EXTENT_ZERO ? 0 : piece->offset, piece->len);
        return true;
    case EXTENT_STREAM:
        break;
    }
    return false;
}

int dataset_stream_map(struct dataset *dataset, struct catalog_reader *reader, uint32_t row, uint32_t stream,
                       struct extent_map **ret, struct error *err)
{
    struct catalog_stream found CLEANUP(stream_done) = {0};
    CLEANUP_EXTENT_MAP struct extent_map *map = extent_map_new();
    int rc = catalog_stream(reader, row, stream, &found, err);
    if (!rc && has_object(&found))
        rc = add_object(dataset, reader, found.object, map, err);
    for (size_t i = 0; !rc && i < found.piece_count; i++)
        if (!add_piece(map, &found, &found.pieces[i]))
            rc = damaged(dataset, row, stream, err);
    if (!rc)
        rc = extent_map_seal(map, err);
    if (!rc && extent_map_size(map) != found.size)
        rc = damaged(dataset, row, stream, err);
    if (rc < 0)
        return rc;
    *ret = STEAL(map);
    return 0;
}

int dataset_stream_source(struct dataset *dataset, struct catalog_reader *reader, uint32_t row,
                          uint32_t stream, struct buf *buf, struct error *err)
{
    struct catalog_stream found CLEANUP(stream_done) = {0};
    struct catalog_object object CLEANUP(object_done) = {0};
    int rc = catalog_stream(reader, row, stream, &found, err);
    if (rc < 0 || !has_object(&found))
        return rc;
    rc = catalog_object(reader, found.object, &object, err);
    if (!rc)
        rc = roots_url(dataset->roots, object.root, catalog_reader_nowait(reader), buf, err);
    if (!rc)
        buf_printf(buf, "/%s", object.path);
    return rc;
}
