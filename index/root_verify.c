// SPDX-License-Identifier: Apache-2.0
/*
 * Is what lies at a root's new place what catalogs name? Size and pin tell for most stores; else both are
 * read. An object that several versions name is looked at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/catalog_known.h"
#include "index/dataset_state.h"
#include "index/root_pins.h"

enum { PIECE_BYTES = 4 << 20, EXAMPLES = 3 };

struct comparing {
    struct dataset *dataset;
    uint32_t id;
    struct store *to;
    struct buf *pins;
    struct dataset_compared *counts;
    struct strmap *seen; /* path, newline, pin */
    uint64_t others;     /* objects with other bytes */
    struct buf examples;
};

static void differs(struct comparing *c, const char *path, const char *reason)
{
    if (c->others++ < EXAMPLES)
        buf_printf(&c->examples, "%s%s (%s)", c->examples.len ? "; " : "", path, reason);
}

/* 1: the same bytes, 0: others. */
static int same_bytes(const struct dataset_object *was, const struct comparing *c, const char *path,
                      const struct store_object *now, struct error *err)
{
    CLEANUP_FREE uint8_t *a = mem_zero(PIECE_BYTES), *b = mem_zero(PIECE_BYTES);
    for (uint64_t at = 0; at < now->size; at += PIECE_BYTES) {
        size_t len = now->size - at < PIECE_BYTES ? (size_t)(now->size - at) : PIECE_BYTES;
        int rc = store_read(was->store, was->path, &was->pinned, at, len, a, err);
        if (!rc)
            rc = store_read(c->to, path, now, at, len, b, err);
        if (rc < 0)
            return error_within(err, rc, "%s cannot be compared", path);
        if (memcmp(a, b, len))
            return 0;
    }
    return 1;
}

static int compare(struct comparing *c, const struct catalog_object *object, const struct dataset_object *was,
                   struct error *err)
{
    struct store_object now;
    struct error why = {0};
    c->counts->objects++;
    int rc = store_head(c->to, object->path, &now, &why);
    if (rc < 0 && rc != -ENOENT)
        return error_copy(err, &why);
    if (rc < 0 || now.size != object->size) {
        differs(c, object->path, rc < 0 ? "is not there" : "has another size");
        return 0;
    }
    if (!strcmp(now.pin, object->pin))
        return 0;
    if (!store_pin_same_bytes(now.pin, object->pin)) {
        c->counts->read++;
        c->counts->bytes += now.size;
        rc = same_bytes(was, c, object->path, &now, err);
        if (!rc)
            differs(c, object->path, "has other bytes");
        if (rc <= 0)
            return rc;
    }
    root_pins_print(c->pins, object->path, object->pin, now.pin);
    return 0;
}

static void object_done(struct catalog_object *object)
{
    catalog_object_done(object);
}

static int compare_id(struct comparing *c, struct catalog_reader *reader, uint32_t id, struct error *err)
{
    struct catalog_object object CLEANUP(object_done) = {0};
    struct dataset_object was CLEANUP(dataset_object_done) = {0};
    CLEANUP_BUF struct buf key = BUF_INIT;
    bool added = false;
    int rc = catalog_object(reader, id, &object, err);
    if (rc < 0 || object.root != c->id)
        return rc;
    buf_printf(&key, "%s\n%s", object.path, object.pin);
    strmap_put(c->seen, buf_text(&key), key.len, &added);
    if (!added)
        return 0;
    rc = dataset_object(c->dataset, reader, id, &was, err);
    return rc < 0 ? rc : compare(c, &object, &was, err);
}

static int take_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    rowset_add(ctx, object);
    return 0;
}

static int compare_version(struct comparing *c, uint32_t version, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_ROWSET struct rowset *objects = rowset_new();
    uint32_t id;
    int rc = dataset_catalog(c->dataset, version, false, &catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, err);
    if (!rc)
        rc = catalog_known_streams(reader, take_stream, objects, err);
    for (uint64_t from = 0; !rc && rowset_rows(objects, from, &id, 1); from = id + 1ull)
        rc = compare_id(c, reader, id, err);
    return rc;
}

int dataset_compare_root(struct dataset *dataset, uint32_t id, struct store *to, struct buf *pins,
                         struct dataset_compared *ret, struct error *err)
{
    CLEANUP_STRMAP struct strmap *seen = strmap_new();
    struct comparing c = {.dataset = dataset, .id = id, .to = to, .pins = pins, .counts = ret, .seen = seen};
    uint32_t head;
    int rc = dataset_refresh(dataset, &head, err);
    for (uint32_t version = 1; !rc && version <= head; version++)
        rc = compare_version(&c, version, err);
    if (!rc && c.others)
        rc = error_set(err, ESTALE,
                       "%s: %llu of %llu objects are not what was imported: %s; nothing was changed",
                       store_url(to), (unsigned long long)c.others, (unsigned long long)ret->objects,
                       buf_text(&c.examples));
    if (!rc && pins->len > ROOT_PINS_BYTES_MAX)
        rc = error_set(err, EFBIG, "%s: too many objects have other pins there", store_url(to));
    buf_done(&c.examples);
    return rc;
}
