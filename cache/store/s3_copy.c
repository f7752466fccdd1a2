// SPDX-License-Identifier: Apache-2.0
/*
 * Copies that the server makes of its own objects: CopyObject, and UploadPartCopy for the ranges of larger
 * ones. The source is named in a header, with the ETag and the version it is pinned by. Not every server
 * knows the condition (Ceph's has another name for it), so what the copy was made of is looked at again
 * behind it. A copy may fail behind a status of 200, since the server begins to answer before it knows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/memory.h"
#include "cache/store/s3.h"
#include "cache/store/xml.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* One server, asked by one user. */
bool s3_may_copy(const struct store *store, const struct store *from, enum store_copy_how how)
{
    if (how != STORE_COPY_SHARE || from->ops != store->ops)
        return false;
    const struct s3_place *a = &s3_of(store)->place, *b = &s3_of(from)->place;
    return !strcmp(a->endpoint, b->endpoint) && same_text(a->profile, b->profile) &&
           a->anonymous == b->anonymous;
}

/* ---- the reply ---- */

struct copied {
    char etag[PIN_ETAG_BYTES];
    char sha256[64]; /* base64; of all bytes, unless it ends in "-N" */
    bool failed;
};

static void keep(char *to, size_t cap, const char *text)
{
    if (strlen(text) < cap)
        strcpy(to, text);
}

static int take(void *ctx, const char *path, const char *text, struct error *err)
{
    struct copied *copied = ctx;
    const char *leaf = strchr(path, '/');
    (void)err;
    copied->failed |= !strcmp(path, "Error");
    if (strncmp(path, "CopyObjectResult/", 17) != 0 && strncmp(path, "CopyPartResult/", 15) != 0)
        return 0;
    if (!strcmp(leaf, "/ETag"))
        keep(copied->etag, sizeof copied->etag, text);
    else if (!strcmp(leaf, "/ChecksumSHA256"))
        keep(copied->sha256, sizeof copied->sha256, text);
    return 0;
}

/* RFC 4648 section 4: exactly the 44 characters of 32 bytes. */
static bool parse_sha256(const char *text, uint8_t ret[SHA256_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { CHARS = 44 };
    uint8_t bytes[33];
    uint32_t bits = 0;
    if (strlen(text) != CHARS || strspn(text, digits) != CHARS - 1 || text[CHARS - 1] != '=')
        return false;
    for (unsigned i = 0; i < CHARS; i++) {
        bits = bits << 6 | (text[i] == '=' ? 0 : (uint32_t)(strchr(digits, text[i]) - digits));
        if (i % 4 < 3)
            continue;
        for (unsigned k = 0; k < 3; k++)
            bytes[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
    }
    memcpy(ret, bytes, SHA256_BYTES);
    return true;
}

/* ---- the request ---- */

struct asking {
    struct s3 *s3;
    const char *path;  /* of the copy */
    const char *query; /* or NULL */
    const struct store_copy_range *range;
};

static void name_source(const struct store_copy *copy, const struct pin_s3 *pin, struct buf *buf)
{
    const struct s3_place *place = &s3_of(copy->from)->place;
    buf_printf(buf, "/%s/", place->bucket);
    escape_append(buf, place->key_prefix, strlen(place->key_prefix), "/~", 0);
    escape_append(buf, copy->from_path, strlen(copy->from_path), "/~", 0);
    if (!*pin->version)
        return;
    buf_text_append(buf, "?versionId=");
    escape_append(buf, pin->version, strlen(pin->version), "~", 0);
}

static int read_reply(const struct asking *asking, const struct s3_reply *reply, struct copied *ret,
                      struct error *err)
{
    struct error why = {0};
    int rc = xml_read("reply", reply->body.data, reply->body.len, take, ret, &why);
    if (rc < 0 || ret->failed) {
        error_set(err, EAGAIN, "the store failed to copy");
        return s3_prefix(asking->s3, asking->path, err);
    }
    return 0;
}

static int source_changed(const struct store_copy *copy, struct error *err)
{
    return error_set(err, ESTALE, "%s/%s: the object is not the one that was pinned; it has been overwritten",
                     copy->from->url, copy->from_path);
}

static int ask(const struct asking *asking, struct copied *ret, struct error *err)
{
    const struct store_copy_range *range = asking->range;
    const struct store_copy *copy = range->copy;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_BUF struct buf source = BUF_INIT;
    struct pin_s3 pin;
    char bytes[64];
    if (pin_s3_parse(copy->pinned->pin, &pin))
        return error_set(err, ENOTSUP, "%s/%s: '%s' is no pin of an S3 object", copy->from->url,
                         copy->from_path, copy->pinned->pin);
    name_source(copy, &pin, &source);
    struct s3_ask ask = {
        .method = "PUT", .path = asking->path, .query = asking->query, .copied = range->len + 1};
    ask.extra[0] = (struct sigv4_header){"x-amz-copy-source", buf_text(&source)};
    ask.extra[1] = (struct sigv4_header){"x-amz-copy-source-if-match", pin.etag};
    if (asking->query) {
        snprintf(bytes, sizeof bytes, "bytes=%llu-%llu", (unsigned long long)range->offset,
                 (unsigned long long)(range->offset + range->len - 1));
        ask.extra[2] = (struct sigv4_header){"x-amz-copy-source-range", bytes};
    } else { /* a store that can tells the hash of what it has copied */
        ask.extra[2] = (struct sigv4_header){"x-amz-checksum-algorithm", "SHA256"};
    }
    int rc = s3_run(asking->s3, &ask, &reply, err);
    bool behind_end = rc == -EINVAL && asking->query; /* 416 */
    if (rc == -EEXIST || behind_end)                  /* 412: the one condition is ours on the source */
        return source_changed(copy, err);
    return rc < 0 ? rc : read_reply(asking, &reply, ret, err);
}

/* After the copy: was it made of what was pinned? `etag`: of the copy, or NULL if it tells nothing. */
static int check_source(const struct store_copy *copy, const char *etag, struct error *err)
{
    struct store_object now;
    struct pin_s3 pin, there;
    if (pin_s3_parse(copy->pinned->pin, &pin) || *pin.version || (etag && !strcmp(etag, pin.etag)))
        return 0;
    int rc = s3_head(copy->from, copy->from_path, &now, err);
    if (rc < 0)
        return rc;
    return pin_s3_parse(now.pin, &there) || strcmp(there.etag, pin.etag) != 0 ? source_changed(copy, err) : 0;
}

/* ---- from outside ---- */

int s3_copy(struct store *store, const struct store_copy *copy, struct store_object *ret, struct error *err)
{
    const struct store_copy_range all = {.copy = copy, .len = copy->pinned->size};
    struct asking asking = {.s3 = s3_of(store), .path = copy->to_path, .range = &all};
    struct store_object object;
    struct copied copied = {0};
    struct pin_s3 told, there;
    int rc = ask(&asking, &copied, err);
    if (!rc)
        rc = s3_head(store, copy->to_path, &object, err);
    if (rc < 0)
        return rc;
    pin_s3_parse(object.pin, &there);
    rc = check_source(copy, there.etag, err);
    if (rc < 0) { /* other bytes than its name says; `err` tells what matters */
        store->ops->remove(store, copy->to_path, &(struct error){0});
        return rc;
    }
    bool other = !pin_s3_make(copied.etag, NULL, &told) && strcmp(told.etag, there.etag) != 0;
    if (other || object.size != copy->pinned->size)
        return error_set(err, EIO, "%s/%s: another object stands where it was copied to", store->url,
                         copy->to_path);
    object.evidence.whole = parse_sha256(copied.sha256, object.evidence.sha256);
    *ret = object;
    return 0;
}

int s3_upload_copy(struct store_upload *upload, unsigned number, const struct store_copy_range *range,
                   struct error *err)
{
    CLEANUP_FREE char *query = s3_upload_query(upload, number);
    struct asking asking = {s3_of(upload->store), upload->path, query, range};
    struct copied copied = {0};
    struct pin_s3 pin;
    int rc = ask(&asking, &copied, err);
    if (rc < 0)
        return rc;
    if (pin_s3_make(copied.etag, NULL, &pin))
        return error_set(err, EIO, "%s/%s: the reply has no ETag", upload->store->url, upload->path);
    if (range->offset + range->len ==
        range->copy->pinned->size) /* the last: it was the same for all of them */
        rc = check_source(range->copy, NULL, err);
    if (rc < 0)
        return rc;
    return s3_upload_note_part(upload, number, pin.etag, range->len, err);
}
