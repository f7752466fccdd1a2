// SPDX-License-Identifier: Apache-2.0
/*
 * The vtable of S3: looking at, putting and removing single objects, and what a reply's head says of one.
 * Reads, uploads and listings have files of their own.
 */
#include "cache/store/s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/encoding.h"
#include "cache/store/listing.h"
#include "cache/store/stores.h"

enum { PAGE_KEYS = 1000 };
/* "Copying objects": 5 GiB is the most that one request copies. */
static const uint64_t COPY_MAX_BYTES = UINT64_C(5) << 30, COPY_PART_BYTES = UINT64_C(512) << 20;

int s3_check_encoding(struct s3 *s3, const struct http_reply *reply, bool gzip, struct error *err)
{
    if (!encoding_is_undone(reply))
        return 0;
    atomic_store(&s3->unpacks, true);
    return error_set(err, gzip ? EBADMSG : EAGAIN,
                     "it is kept gzip-encoded, and the store unpacks it on the way");
}

/* Of the storage classes these two are; a class that moves objects by itself says where they are. */
static bool is_archived(const struct http_reply *reply)
{
    char text[128];
    if (http_reply_header(reply, "x-amz-restore", text, sizeof text) &&
        strstr(text, "ongoing-request=\"false\""))
        return false;
    bool named = http_reply_header(reply, "x-amz-storage-class", text, sizeof text);
    return (named && listing_class_is_archive(text)) ||
           http_reply_header(reply, "x-amz-archive-status", text, sizeof text);
}

int s3_object(const struct http_reply *reply, struct store_object *ret, struct error *err)
{
    char size[24], etag[PIN_ETAG_BYTES], version[PIN_VERSION_BYTES], date[64];
    struct store_object object = {0};
    struct pin_s3 pin;
    if (http_reply_header(reply, "content-length", size, sizeof size))
        object.size = strtoull(size, NULL, 10);
    if (http_reply_header(reply, "last-modified", date, sizeof date))
        object.modified_ns = http_date(date);
    if (!http_reply_header(reply, "etag", etag, sizeof etag))
        return error_set(err, EIO, "the reply has no ETag");
    bool versioned = http_reply_header(reply, "x-amz-version-id", version, sizeof version);
    if (pin_s3_make(etag, versioned ? version : NULL, &pin))
        return error_set(err, EIO, "the ETag or version of the reply cannot pin an object");
    object.versioned = *pin.version;
    object.archived = is_archived(reply);
    pin_s3_print(&pin, object.pin);
    *ret = object;
    return 0;
}

int s3_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    struct s3 *s3 = s3_of(store);
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    struct s3_ask ask = {.method = "HEAD", .path = path, .gzip = atomic_load(&s3->unpacks)};
    int rc = s3_run(s3, &ask, &reply, err);
    if (rc < 0)
        return s3_missing_or_refused(s3, path, rc, err);
    char size[24];
    rc = s3_check_encoding(s3, &reply.http, ask.gzip, err);
    if (!rc && !http_reply_header(&reply.http, "content-length", size, sizeof size))
        rc = error_set(err, EIO, "the reply has no size");
    if (!rc)
        rc = s3_object(&reply.http, ret, err);
    return rc < 0 ? s3_prefix(s3, path, err) : 0;
}

int s3_put(struct store *store, const struct store_put *put, struct store_object *ret, struct error *err)
{
    struct s3 *s3 = s3_of(store);
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    struct s3_ask ask = {.method = "PUT", .path = put->path, .body = put->bytes, .body_len = put->len};
    if (put->mode == STORE_PUT_IF_ABSENT)
        ask.extra[0] = (struct sigv4_header){.name = "if-none-match", .value = "*"};
    int rc = s3_run(s3, &ask, &reply, err);
    if (rc < 0)
        return rc;
    if (s3_object(&reply.http, ret, err) < 0)
        return s3_prefix(s3, put->path, err);
    ret->size = put->len; /* Content-Length was the reply's own */
    return 0;
}

static int s3_remove(struct store *store, const char *path, struct error *err)
{
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    struct s3_ask ask = {.method = "DELETE", .path = path};
    int rc = s3_run(s3_of(store), &ask, &reply, err);
    bool missing = rc == -ENOENT && !strstr(buf_text(&reply.body), "NoSuchBucket");
    return missing ? 0 : rc;
}

static void s3_identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct s3_place *place = &s3_of(store)->place;
    buf_printf(buf, "s3 %s %s ", place->endpoint, place->bucket);
    escape_append(buf, place->key_prefix, strlen(place->key_prefix), "/", 0);
    escape_append(buf, path, strlen(path), "/", 0);
}

static void s3_free(struct store *store)
{
    struct s3 *s3 = s3_of(store);
    credentials_free(s3->credentials);
    signing_key_free(s3->signing_key);
    s3_place_done(&s3->place);
    free(s3);
}

static const struct store_ops s3_ops = {
    .name = "s3",
    .free = s3_free,
    .get_start = s3_get_start,
    .get_cancel = s3_get_cancel,
    .head = s3_head,
    .put = s3_put,
    .upload_begin = s3_upload_begin,
    .upload_part = s3_upload_part,
    .upload_finish = s3_upload_finish,
    .upload_free = s3_upload_free,
    .may_copy = s3_may_copy,
    .copy = s3_copy,
    .upload_copy = s3_upload_copy,
    .remove = s3_remove,
    .list = s3_list,
    .identity = s3_identity,
};

int s3_new(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    struct s3_place place;
    struct http *http;
    int rc = s3_place_resolve(stores, url, &place, err);
    if (rc < 0)
        return rc;
    rc = stores_http(stores, &http, err);
    if (rc < 0) {
        s3_place_done(&place);
        return rc;
    }
    struct s3 *s3 = MEM_NEW(struct s3);
    store_init(&s3->base, &s3_ops, stores, mem_text(place.url));
    s3->base.copy_max_bytes = COPY_MAX_BYTES;
    s3->base.copy_part_bytes = COPY_PART_BYTES;
    s3->place = place;
    s3->http = http;
    s3->page_keys = PAGE_KEYS;
    if (!place.anonymous) {
        s3->credentials = credentials_new(stores, place.profile);
        s3->signing_key = signing_key_new();
    }
    *ret = &s3->base;
    return 0;
}
