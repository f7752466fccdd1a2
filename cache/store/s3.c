// SPDX-License-Identifier: Apache-2.0
#include "cache/store/s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/listing.h"
#include "cache/store/stores.h"

enum { PAGE_KEYS = 1000 };

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
    pin_s3_print(&pin, object.pin);
    *ret = object;
    return 0;
}

int s3_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    struct s3 *s3 = s3_of(store);
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    struct s3_ask ask = {.method = "HEAD", .path = path};
    int rc = s3_run(s3, &ask, &reply, err);
    if (rc < 0)
        return s3_missing_or_refused(s3, path, rc, err);
    char size[24];
    if (!http_reply_header(&reply.http, "content-length", size, sizeof size))
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

/* ---- listing ---- */

struct paging {
    struct s3 *s3;
    const struct store_listing *listing;
    char *full_prefix;
    char *next; /* continuation token */
};

static void add_parameter(struct buf *query, const char *name, const char *value)
{
    buf_printf(query, "%s%s=", query->len ? "&" : "", name);
    escape_append(query, value, strlen(value), "~", 0);
}

static char *page_query(const struct paging *paging)
{
    struct buf query = BUF_INIT;
    char keys[16];
    snprintf(keys, sizeof keys, "%u", paging->s3->page_keys);
    if (paging->next)
        add_parameter(&query, "continuation-token", paging->next);
    add_parameter(&query, "encoding-type", "url");
    add_parameter(&query, "list-type", "2");
    add_parameter(&query, "max-keys", keys);
    add_parameter(&query, "prefix", paging->full_prefix);
    if (!paging->next && *paging->listing->after) {
        CLEANUP_FREE char *after = mem_printf("%s%s", paging->s3->place.key_prefix, paging->listing->after);
        add_parameter(&query, "start-after", after);
    }
    return (char *)buf_steal(&query);
}

static int tell_page(const struct paging *paging, const struct listing *page, struct error *err)
{
    const char *prefix = paging->s3->place.key_prefix;
    size_t len = strlen(prefix);
    for (size_t i = 0; i < page->count; i++) {
        const struct listing_entry *entry = &page->entries[i];
        struct store_object object = {.size = entry->size, .modified_ns = entry->modified_ns};
        struct pin_s3 pin = {0};
        strcpy(pin.etag, entry->etag);
        pin_s3_print(&pin, object.pin);
        if (strncmp(entry->key, prefix, len))
            return error_set(err, EIO, "%s: the listing strayed to '%s'", paging->s3->place.url, entry->key);
        int rc = paging->listing->each(paging->listing->ctx, entry->key + len, &object, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* 0, with paging->next NULL behind the last page. */
static int list_page(struct paging *paging, struct error *err)
{
    struct s3 *s3 = paging->s3;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_LISTING struct listing page = {0};
    CLEANUP_FREE char *query = page_query(paging);
    struct s3_ask ask = {.method = "GET", .query = query};
    int rc = s3_run(s3, &ask, &reply, err);
    if (rc < 0)
        return rc;
    rc = listing_parse(s3->place.url, reply.body.data, reply.body.len, &page, err);
    if (rc < 0) {
        err->code = EIO;
        return error_prefix(err, "listing");
    }
    rc = tell_page(paging, &page, err);
    free(paging->next);
    paging->next = rc ? NULL : STEAL(page.next);
    return rc;
}

static int s3_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct s3 *s3 = s3_of(store);
    CLEANUP_FREE char *prefix = mem_printf("%s%s", s3->place.key_prefix, listing->prefix);
    struct paging paging = {.s3 = s3, .listing = listing, .full_prefix = prefix};
    int rc;
    do
        rc = list_page(&paging, err);
    while (!rc && paging.next);
    free(paging.next);
    return rc;
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
