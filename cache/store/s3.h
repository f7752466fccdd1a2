// SPDX-License-Identifier: Apache-2.0
/*
 * S3 and what speaks like it. Source: Amazon S3 API Reference (2006-03-01). Requests are signed here
 * (sigv4.h) and sent by http.h; the retry decorator stands above. Thread rule: any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "cache/store/credentials.h"
#include "cache/store/http.h"
#include "cache/store/ops.h"
#include "cache/store/pin.h"
#include "cache/store/s3_place.h"
#include "cache/store/signing_key.h"
#include "cache/store/sigv4.h"

int s3_new(struct stores *stores, const char *url, struct store **ret, struct error *err);

/* ---- shared by the files of this store ---- */

struct s3 {
    struct store base;
    struct s3_place place;
    struct http *http;
    struct credentials *credentials; /* NULL: anonymous */
    struct signing_key *signing_key; /* likewise */
    unsigned page_keys;              /* of a listing */
    atomic_bool blind;               /* may not list: missing objects are refused */
    atomic_bool unpacks;             /* what is kept gzip-encoded, unless it is asked for so: encoding.h */
    atomic_llong ahead_ns; /* the store's clock, of this machine's, where these differ too much for it */
    int64_t idle_ns;       /* a transfer that does not move for so long is broken; 0: http.h's default */
};

static inline struct s3 *s3_of(const struct store *store)
{
    return (struct s3 *)store;
}

/* What a request asks. All texts are borrowed. */
struct s3_ask {
    const char *method;
    const char *path;             /* of the object; NULL: the bucket */
    const char *query;            /* encoded, sorted, each name with '='; NULL: none */
    struct sigv4_header extra[4]; /* further headers, lower case; name NULL ends them */
    const void *body;
    size_t body_len;
    bool gzip;       /* as it is kept, should that be gzip-encoded */
    uint64_t copied; /* bytes that the server moves before it replies */
};

/* Fills in method, URL, headers, body and CA of `http`; signs with `keys` unless NULL. Returns how far the
 * store's clock was taken to be ahead of this machine's, which a refusal is judged by. */
int64_t s3_prepare(struct s3 *s3, const struct s3_ask *ask, const struct keys *keys,
                   struct http_request *http);

/* What a refused reply means: a code as in ops.h, and a sentence without the object's name. `body` is the
 * start of it, XML or not. */
struct s3_refusal {
    const char *method;
    uint64_t generation; /* of the keys that signed */
    int64_t ahead_ns;    /* s3_prepare() */
    const struct http_reply *reply;
    const struct buf *body;
};
int s3_meaning(struct s3 *s3, const struct s3_refusal *refusal, struct error *err);

/* "s3://bucket/prefix/path", or the bucket if path is NULL, into the error's front. */
int s3_prefix(const struct s3 *s3, const char *path, struct error *err);

enum { S3_REPLY_BYTES = 16 << 20, S3_REFUSAL_BYTES = 65536 };

struct s3_reply {
    struct http_reply http;
    struct buf body;
};
void s3_reply_done(struct s3_reply *reply);
#define CLEANUP_S3_REPLY CLEANUP(s3_reply_done)

/* Runs a request and waits. 0 with a reply of status 2xx, else what it means. */
int s3_run(struct s3 *s3, const struct s3_ask *ask, struct s3_reply *reply, struct error *err);

/* -EAGAIN if what the reply holds was unpacked on the way, which the next request will forbid; -EBADMSG if
 * this one did. */
int s3_check_encoding(struct s3 *s3, const struct http_reply *reply, bool gzip, struct error *err);

/* Size, time and pin out of a reply's headers. -EIO if they are not all there and sound. */
int s3_object(const struct http_reply *reply, struct store_object *ret, struct error *err);

/* S3 says 403, not 404, for a missing object to callers who may not list. If `rc` is -EACCES, though these
 * keys were good for something else, asks once for a random name beside `path`; refused as well: -ENOENT,
 * now and later. Else `rc`. Blocks. */
int s3_missing_or_refused(struct s3 *s3, const char *path, int rc, struct error *err);

void s3_get_start(struct store *store, struct store_get *get);
void s3_get_cancel(struct store *store, struct store_get *get);
int s3_head(struct store *store, const char *path, struct store_object *ret, struct error *err);
int s3_put(struct store *store, const struct store_put *put, struct store_object *ret, struct error *err);
int s3_list(struct store *store, const struct store_listing *listing, struct error *err);
int s3_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err);
int s3_upload_part(struct store_upload *upload, unsigned number, const void *bytes, size_t len,
                   struct error *err);
int s3_upload_finish(struct store_upload *upload, struct store_object *ret, struct error *err);
/* A part has got there: its ETag is one of the list that makes the object. */
int s3_upload_note_part(struct store_upload *upload, unsigned number, const char *etag, uint64_t len,
                        struct error *err);
void s3_upload_free(struct store_upload *upload, bool abort);
/* What one request names a part: "partNumber=1&uploadId=...". The caller frees it. */
char *s3_upload_query(const struct store_upload *upload, unsigned number);
bool s3_may_copy(const struct store *store, const struct store *from, enum store_copy_how how);
int s3_copy(struct store *store, const struct store_copy *copy, struct store_object *ret, struct error *err);
int s3_upload_copy(struct store_upload *upload, unsigned number, const struct store_copy_range *range,
                   struct error *err);
