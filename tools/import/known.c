// SPDX-License-Identifier: Apache-2.0
/* A copy's path is made of the source's URL and of the object's path, size and pin, so that it tells both
 * where it came from and whether it is the same bytes, and nothing else need be recorded:
 *
 *     elidefs/data/<16 hex digits: the source>/<32 hex digits: the object>
 */
#include "tools/import/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/strmap.h"
#include "index/commit/changeset.h"

enum { SOURCE_DIGITS = KNOWN_SOURCE_DIGITS, OBJECT_DIGITS = 32 };
static const char copies[] = "elidefs/data/";

enum origin { ORIGIN_UNASKED, ORIGIN_OURS, ORIGIN_OTHER };

struct known {
    struct dataset *dataset;
    uint32_t version;
    char *url;
    struct catalog *catalog;       /* NULL: no version yet */
    struct catalog_reader *reader; /* as above */
    uint32_t root, own_root;       /* 0: the data set has no such root */
    struct rowset *more_roots;     /* known_add_root() */
    char source[SOURCE_DIGITS + 1];
    struct strmap *sources;               /* its digits, and those of what its root was called before */
    char other_source[SOURCE_DIGITS + 1]; /* known_take_over(); "": none */
    uint8_t *origins;                     /* by object: enum origin */
    size_t origin_count;
};

void known_source_digits(const char *url, char ret[KNOWN_SOURCE_DIGITS + 1])
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    sha256_of(url, strlen(url), digest);
    hex_print(digest, SHA256_BYTES, hex);
    snprintf(ret, SOURCE_DIGITS + 1, "%.*s", SOURCE_DIGITS, hex);
}

const char *known_copy_source(const char *path)
{
    size_t head = sizeof copies - 1;
    bool is = !strncmp(path, copies, head) && strcspn(path + head, "/") == SOURCE_DIGITS;
    return is ? path + head : NULL;
}

static int find_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct known *known = ctx;
    (void)err;
    if (!known->root && !strcmp(url, known->url))
        known->root = id;
    if (!known->own_root && !strcmp(url, dataset_url(known->dataset)))
        known->own_root = id;
    return 0;
}

struct root_match {
    struct known *known;
    const char *url;
};

static int add_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct root_match *match = ctx;
    (void)err;
    if (!strcmp(url, match->url))
        rowset_add(match->known->more_roots, id);
    return 0;
}

int known_add_root(struct known *known, const char *url, struct error *err)
{
    return dataset_roots(known->dataset, add_root, &(struct root_match){known, url}, err);
}

/* Copies keep the name that their source had when they were made. */
static int take_name(void *ctx, const char *url, struct error *err)
{
    struct known *known = ctx;
    char digits[SOURCE_DIGITS + 1];
    (void)err;
    known_source_digits(url, digits);
    strmap_put(known->sources, digits, SOURCE_DIGITS, NULL);
    return 0;
}

int known_open(struct dataset *dataset, const char *source_url, struct known **ret, struct error *err)
{
    CLEANUP_KNOWN struct known *known = MEM_NEW(struct known);
    struct catalog_patience patience = {0};
    uint32_t head;
    known->dataset = dataset;
    known->more_roots = rowset_new();
    known->url = mem_text(source_url);
    known->sources = strmap_new();
    known_source_digits(source_url, known->source);
    strmap_put(known->sources, known->source, SOURCE_DIGITS, NULL);
    int rc = dataset_refresh(dataset, &head, err);
    if (!rc)
        rc = dataset_roots(dataset, find_root, known, err);
    if (!rc && known->root)
        rc = dataset_root_history(dataset, known->root, take_name, known, err);
    known->version = rc ? 0 : head;
    if (!rc && head)
        rc = dataset_catalog(dataset, head, PATIENCE_ENDLESS, &known->catalog, err);
    if (!rc && head)
        rc = catalog_reader_acquire(known->catalog, &patience, &known->reader, err);
    if (!rc)
        *ret = STEAL(known);
    return rc;
}

void known_free(struct known *known)
{
    if (known->reader)
        catalog_reader_release(known->reader);
    if (known->catalog)
        catalog_unref(known->catalog);
    rowset_unref(known->more_roots);
    strmap_free(known->sources);
    free(known->origins);
    free(known->url);
    free(known);
}

uint32_t known_version(const struct known *known)
{
    return known->version;
}

const char *known_own_url(const struct known *known)
{
    return dataset_url(known->dataset);
}

struct catalog_reader *known_reader(struct known *known)
{
    return known->reader;
}

struct dataset *known_dataset(const struct known *known)
{
    return known->dataset;
}

uint32_t known_root(const struct known *known)
{
    return known->reader ? known->root : 0;
}

/* ---- objects ---- */

int known_objects(struct known *known, const char *path, catalog_object_fn *each, void *ctx,
                  struct error *err)
{
    return catalog_known_objects(known->reader, known->root, path, each, ctx, err);
}

int known_pinned(struct known *known, uint32_t id, struct store_object *ret, struct error *err)
{
    struct catalog_object object = {0};
    struct store_object pinned = {0};
    int rc = catalog_object(known->reader, id, &object, err);
    if (!rc)
        rc = catalog_known_evidence(known->reader, id, object.size, &pinned.evidence, err);
    if (rc >= 0 && strlen(object.pin) >= sizeof pinned.pin)
        rc = error_set(err, EUCLEAN, "%s: its pin is too long", object.path);
    if (rc >= 0) {
        pinned.size = object.size;
        memcpy(pinned.pin, object.pin, strlen(object.pin) + 1);
        *ret = pinned;
    }
    catalog_object_done(&object);
    return rc < 0 ? rc : 0;
}

static void copy_path(const char *source, const struct source_object *object, char ret[64])
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    buf_printf(&text, "%llu\n%s\n%s", (unsigned long long)object->pinned.size, object->pinned.pin,
               object->path);
    sha256_of(text.data, text.len, digest);
    hex_print(digest, SHA256_BYTES, hex);
    snprintf(ret, 64, "%s%s/%.*s", copies, source, OBJECT_DIGITS, hex);
}

void known_copy_path(const struct known *known, const struct source_object *object, char ret[64])
{
    copy_path(known->source, object, ret);
}

static int find_copy(struct known *known, const struct source_object *object, struct known_object *ret,
                     struct error *err)
{
    struct catalog_object copy = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < strmap_count(known->sources); i++) {
        copy_path(strmap_at(known->sources, i)->key, object, ret->path);
        rc = catalog_known_object(known->reader, known->own_root, ret->path, 0, NULL, &ret->id, err);
    }
    if (rc < 1)
        return rc;
    rc = catalog_object(known->reader, ret->id, &copy, err);
    if (!rc && (strlen(copy.pin) >= sizeof ret->pinned.pin || copy.size != object->pinned.size))
        rc = error_set(err, EUCLEAN, "%s: the copy of %s is not recorded as one", ret->path, object->path);
    if (!rc) {
        ret->copy = true;
        ret->pinned = (struct store_object){.size = copy.size, .versioned = true};
        memcpy(ret->pinned.pin, copy.pin, strlen(copy.pin) + 1);
    }
    catalog_object_done(&copy);
    return rc ? rc : 1;
}

int known_in_source(struct known *known, const struct source_object *object, uint32_t *ret, struct error *err)
{
    if (!known->reader || !known->root)
        return 0;
    return catalog_known_object(known->reader, known->root, object->path, object->pinned.size,
                                object->pinned.pin, ret, err);
}

int known_is_link(struct known *known, const struct source_object *object, const struct store_object *was,
                  struct error *err)
{
    struct source_object then = {.path = object->path, .pinned = *was};
    struct known_object copy = {0};
    if (!known->reader || !known->own_root)
        return 0;
    int rc = find_copy(known, &then, &copy, err);
    return rc < 1 ? rc : !strcmp(copy.pinned.pin, object->pinned.pin);
}

int known_object(struct known *known, const struct source_object *object, struct known_object *ret,
                 struct error *err)
{
    *ret = (struct known_object){0};
    int rc = 0;
    if (known->reader && known->own_root)
        rc = find_copy(known, object, ret, err);
    return rc ? rc : known_in_source(known, object, &ret->id, err);
}

int known_recording(struct known *known, const struct source_object *object, const char *container,
                    struct buf *buf, struct error *err)
{
    struct known_object found;
    uint32_t id;
    int rc = known_object(known, object, &found, err);
    if (rc == 1)
        rc = catalog_known_recording(known->reader, found.id, container, buf, err);
    if (rc || !found.copy)
        return rc;
    rc = known_in_source(known, object, &id, err); /* it was read before it was copied */
    return rc < 1 ? rc : catalog_known_recording(known->reader, id, container, buf, err);
}

/* ---- streams ---- */

int known_attribute(struct known *known, const char *name, enum value_type *ret, struct error *err)
{
    struct catalog_attribute found;
    int rc = known->reader ? catalog_known_attribute(known->reader, name, &found, err) : 0;
    if (rc < 0)
        return rc;
    *ret = rc ? found.type : 0;
    return 0;
}

int known_clip(struct known *known, const char *key, struct catalog_known *ret, struct error *err)
{
    int rc = known->reader ? catalog_known_key(known->reader, key, ret, err) : 0;
    return rc == 1 ? ret->live : rc;
}

int known_removed(struct known *known, const char *key, struct catalog_known *ret, struct error *err)
{
    struct catalog_info info = {0};
    int rc = known->reader ? catalog_info(known->reader, &info, err) : 0;
    if (rc || info.clips == info.rows) /* none was: nearly always */
        return rc;
    rc = catalog_known_key(known->reader, key, ret, err);
    return rc == 1 ? !ret->live : rc;
}

static bool take_pieces(const struct catalog_stream *stream, struct slice *slice)
{
    for (size_t i = 0; i < stream->piece_count; i++) {
        const struct catalog_piece *piece = &stream->pieces[i];
        const struct buf *bytes = &stream->inline_bytes;
        if (piece->kind == EXTENT_OBJECT)
            slice_add_range(slice, piece->offset, piece->len);
        else if (piece->kind == EXTENT_INLINE && piece->offset <= bytes->len &&
                 piece->len <= bytes->len - piece->offset)
            slice_add_inline(slice, bytes->data + piece->offset, (size_t)piece->len);
        else
            return false;
    }
    slice->preroll_ns = stream->preroll_ns;
    slice_set_reason(slice, stream->reason);
    return true;
}

int known_stream(struct known *known, uint32_t row, const struct source_object *object, struct slice *slice,
                 struct error *err)
{
    struct known_object found;
    struct catalog_clip clip;
    int rc = known_object(known, object, &found, err);
    if (rc < 1)
        return rc;
    rc = catalog_clip(known->reader, row, &clip, err);
    if (rc)
        return rc;
    uint32_t count = clip.file_count;
    bool taken = false;
    for (uint32_t i = 0; !rc && !taken && i < count; i++) {
        struct catalog_stream stream = {0};
        rc = catalog_stream(known->reader, row, i, &stream, err);
        if (!rc && stream.object == found.id)
            taken = take_pieces(&stream, slice);
        catalog_stream_done(&stream);
    }
    return rc < 0 ? rc : taken;
}

/* ---- where clips came from ---- */

static bool is_copy(const struct known *known, const struct catalog_object *object)
{
    return known->own_root && object->root == known->own_root &&
           !strncmp(object->path, copies, sizeof copies - 1);
}

/* A copy that a live clip reads, of the source that is taken over. */
static int is_copy_of_other(void *ctx, uint32_t row, uint32_t id, struct error *err)
{
    struct known *known = ctx;
    struct catalog_object object = {0};
    (void)row;
    int rc = catalog_object(known->reader, id, &object, err);
    if (!rc)
        rc = is_copy(known, &object) &&
             !strncmp(object.path + sizeof copies - 1, known->other_source, SOURCE_DIGITS);
    catalog_object_done(&object);
    return rc;
}

int known_take_over(struct known *known, const char *url, struct error *err)
{
    uint64_t before = rowset_count(known->more_roots);
    int rc = known_add_root(known, url, err);
    known_source_digits(url, known->other_source);
    if (rc || rowset_count(known->more_roots) > before)
        return rc;
    /* Its folder may lie elsewhere since; its copies are still called by what it was then. */
    rc = known->reader ? catalog_known_streams(known->reader, is_copy_of_other, known, err) : 0;
    return rc == 1 ? 0
           : rc
               ? rc
               : error_set(err, ENOENT,
                           "no clip of the data set came from %s: `elidefs root list` tells the places", url);
}

static bool object_is_ours(const struct known *known, const struct catalog_object *object)
{
    const char *copied = object->path + sizeof copies - 1;
    if (is_copy(known, object))
        return strmap_find(known->sources, copied, SOURCE_DIGITS) ||
               (*known->other_source && !strncmp(copied, known->other_source, SOURCE_DIGITS));
    return object->root == known->root || rowset_contains(known->more_roots, object->root);
}

static int origin_of(struct known *known, uint32_t id, enum origin *ret, struct error *err)
{
    struct catalog_object object = {0};
    if (id < known->origin_count && known->origins[id]) {
        *ret = (enum origin)known->origins[id];
        return 0;
    }
    int rc = catalog_object(known->reader, id, &object, err);
    if (rc)
        return rc;
    size_t before = known->origin_count;
    mem_grow(&known->origins, &known->origin_count, (size_t)id + 1, sizeof *known->origins);
    memset(known->origins + before, 0, known->origin_count - before);
    *ret = object_is_ours(known, &object) ? ORIGIN_OURS : ORIGIN_OTHER;
    known->origins[id] = (uint8_t)*ret;
    catalog_object_done(&object);
    return 0;
}

/* The first object that the clip reads: 1, 0 where it reads none. */
static int first_object(struct known *known, uint32_t row, uint32_t *ret, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(known->reader, row, &clip, err);
    uint32_t count = rc ? 0 : clip.file_count;
    for (uint32_t i = 0; !rc && i < count; i++) {
        struct catalog_stream stream = {0};
        rc = catalog_stream(known->reader, row, i, &stream, err);
        uint32_t object = stream.object;
        catalog_stream_done(&stream);
        if (!rc && object != CATALOG_NO_OBJECT) {
            *ret = object;
            return 1;
        }
    }
    return rc;
}

int known_is_ours(struct known *known, uint32_t row, struct error *err)
{
    uint32_t object;
    enum origin origin;
    int rc = first_object(known, row, &object, err);
    if (rc < 1)
        return rc ? rc : 1;
    rc = origin_of(known, object, &origin, err);
    return rc ? rc : origin == ORIGIN_OURS;
}

struct root_search {
    struct known *known;
    const struct catalog_object *object;
    struct buf *buf;
};

static int append_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct root_search *search = ctx;
    const struct catalog_object *object = search->object;
    char source[SOURCE_DIGITS + 1];
    (void)err;
    known_source_digits(url, source);
    bool is = is_copy(search->known, object)
                  ? !strncmp(object->path + sizeof copies - 1, source, SOURCE_DIGITS)
                  : id == object->root;
    if (is)
        buf_text_append(search->buf, url);
    return is;
}

int known_given_by(struct known *known, uint32_t row, const char **ret, struct error *err)
{
    struct catalog_clip clip;
    const struct manifest *manifest;
    uint32_t version = 0;
    int rc = catalog_clip(known->reader, row, &clip, err);
    for (uint32_t i = 0; !rc && i < clip.file_count; i++)
        version = clip.files[i].changed > version ? clip.files[i].changed : version;
    *ret = NULL;
    if (rc || !version)
        return rc;
    struct error why = {0};
    rc = dataset_manifest(known->dataset, version, &manifest, &why);
    if (rc == -ENOENT || rc == -EUCLEAN) /* an old version may be lost */
        return 0;
    if (rc)
        return error_copy(err, &why);
    *ret = manifest->source;
    return 0;
}

int known_source(struct known *known, uint32_t row, struct buf *buf, struct error *err)
{
    uint32_t id = 0;
    struct catalog_object object = {0};
    int rc = first_object(known, row, &id, err);
    if (rc < 1)
        return rc;
    rc = catalog_object(known->reader, id, &object, err);
    struct root_search search = {known, &object, buf};
    if (!rc)
        rc = dataset_roots(known->dataset, append_root, &search, err);
    catalog_object_done(&object);
    const char *given = NULL;
    if (!rc) /* its copies are of a folder that lies elsewhere now: what the import was given tells */
        rc = known_given_by(known, row, &given, err);
    if (given)
        buf_text_append(buf, given);
    return rc < 0 ? rc : 0;
}

struct clip_walk {
    struct known *known;
    uint32_t last; /* row, plus one */
    known_clip_fn *each;
    void *ctx;
    struct rowset *rows;
};

/* Rows are gathered first: a reader has one statement of each kind. */
static int take_row(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    struct clip_walk *walk = ctx;
    enum origin origin;
    if (walk->last == row + 1)
        return 0;
    walk->last = row + 1;
    int rc = origin_of(walk->known, object, &origin, err);
    if (!rc && origin == ORIGIN_OURS)
        rowset_add(walk->rows, row);
    return rc;
}

int known_clips(struct known *known, known_clip_fn *each, void *ctx, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    struct clip_walk walk = {.known = known, .each = each, .ctx = ctx, .rows = rows};
    struct catalog_clip clip;
    uint32_t row;
    if (!known->reader)
        return 0;
    int rc = catalog_known_streams(known->reader, take_row, &walk, err);
    for (uint64_t from = 0; !rc && rowset_rows(rows, from, &row, 1); from = row + 1ull) {
        rc = catalog_clip(known->reader, row, &clip, err);
        if (!rc)
            rc = each(ctx, row, clip.key, err);
    }
    return rc;
}
