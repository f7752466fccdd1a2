// SPDX-License-Identifier: Apache-2.0
/* Multipart uploads: begin gives an id, each part an ETag, and the list of those makes the object. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/memory.h"
#include "cache/store/s3.h"
#include "cache/store/xml.h"

enum { PARTS = 10000, ID_BYTES = 1024 };

struct s3_upload {
    struct store_upload base;
    char *id; /* encoded for a query */
    char (*etags)[PIN_ETAG_BYTES];
    size_t etags_cap;
    unsigned parts;
    uint64_t size;
};

static int take_id(void *ctx, const char *path, const char *text, struct error *err)
{
    char **id = ctx;
    if (strcmp(path, "InitiateMultipartUploadResult/UploadId"))
        return 0;
    if (!*text || strlen(text) > ID_BYTES || *id)
        return error_set(err, EINVAL, "no sound UploadId");
    *id = mem_text(text);
    return 0;
}

static int begin(struct s3 *s3, const char *path, struct buf *ret_id, struct error *err)
{
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_FREE char *id = NULL;
    struct s3_ask ask = {.method = "POST", .path = path, .query = "uploads="};
    int rc = s3_run(s3, &ask, &reply, err);
    if (rc < 0)
        return rc;
    struct error why = {0};
    rc = xml_read("reply", reply.body.data, reply.body.len, take_id, &id, &why);
    if (rc < 0 || !id)
        return error_set(err, EIO, "%s/%s: begin of an upload: %s", s3->place.url, path,
                         rc < 0 ? why.text : "the reply has no UploadId");
    escape_append(ret_id, id, strlen(id), "~", 0);
    return 0;
}

int s3_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err)
{
    struct buf id = BUF_INIT;
    int rc = begin(s3_of(store), path, &id, err);
    if (rc < 0)
        return rc;
    struct s3_upload *upload = MEM_NEW(struct s3_upload);
    store_upload_init(&upload->base, store, path);
    upload->id = (char *)buf_steal(&id);
    *ret = &upload->base;
    return 0;
}

char *s3_upload_query(const struct store_upload *base, unsigned number)
{
    return mem_printf("partNumber=%u&uploadId=%s", number, ((const struct s3_upload *)base)->id);
}

int s3_upload_note_part(struct store_upload *base, unsigned number, const char *etag, uint64_t len,
                        struct error *err)
{
    struct s3_upload *upload = (struct s3_upload *)base;
    if (number > PARTS)
        return error_set(err, EFBIG, "%s/%s: more than %d parts", s3_of(base->store)->place.url, base->path,
                         PARTS);
    mem_grow(&upload->etags, &upload->etags_cap, number, sizeof *upload->etags);
    strcpy(upload->etags[number - 1], etag);
    upload->parts = number;
    upload->size += len;
    return 0;
}

int s3_upload_part(struct store_upload *base, unsigned number, const void *bytes, size_t len,
                   struct error *err)
{
    struct s3 *s3 = s3_of(base->store);
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_FREE char *query = s3_upload_query(base, number);
    struct s3_ask ask = {.method = "PUT", .path = base->path, .query = query, .body = bytes, .body_len = len};
    struct store_object part;
    struct pin_s3 pin;
    int rc = s3_run(s3, &ask, &reply, err);
    if (!rc)
        rc = s3_object(&reply.http, &part, err) < 0 ? s3_prefix(s3, base->path, err) : 0;
    if (rc < 0)
        return rc;
    pin_s3_parse(part.pin, &pin);
    return s3_upload_note_part(base, number, pin.etag, len, err);
}

static char *part_list(const struct s3_upload *upload)
{
    struct buf xml = BUF_INIT;
    buf_text_append(&xml, "<CompleteMultipartUpload>");
    for (unsigned i = 0; i < upload->parts; i++) {
        const char *etag = upload->etags[i]; /* quoted; holds no other quote */
        buf_printf(&xml, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", i + 1);
        for (const char *p = etag + 1; p[1]; p++)
            if (*p == '&' || *p == '<' || *p == '>')
                buf_printf(&xml, "&#%d;", *p);
            else
                buf_append(&xml, p, 1);
        buf_text_append(&xml, "&quot;</ETag></Part>");
    }
    buf_text_append(&xml, "</CompleteMultipartUpload>");
    return (char *)buf_steal(&xml);
}

struct completion {
    char etag[PIN_ETAG_BYTES];
    bool failed; /* status 200 with an error in the body: it began to answer before it knew */
};

static int take_completion(void *ctx, const char *path, const char *text, struct error *err)
{
    struct completion *completion = ctx;
    completion->failed |= !strcmp(path, "Error");
    if (!strcmp(path, "CompleteMultipartUploadResult/ETag") && strlen(text) < sizeof completion->etag)
        strcpy(completion->etag, text);
    return 0;
}

static bool is_ours(const struct s3_upload *upload, const struct store_object *object)
{
    char suffix[16];
    snprintf(suffix, sizeof suffix, "-%u\"", upload->parts);
    return object->size == upload->size && strstr(object->pin, suffix);
}

/* Some stores leave the ETag out of the reply (Ceph 16 sends an empty one). */
static int ask_object(const struct s3_upload *upload, struct store_object *ret, struct error *err)
{
    struct store_object object;
    int rc = s3_head(upload->base.store, upload->base.path, &object, err);
    if (rc < 0)
        return rc;
    if (!is_ours(upload, &object))
        return error_set(err, EIO, "%s/%s: another object stands where the parts were joined",
                         s3_of(upload->base.store)->place.url, upload->base.path);
    *ret = object;
    return 0;
}

static int read_completion(const struct s3_upload *upload, const struct s3_reply *reply,
                           struct store_object *ret, struct error *err)
{
    struct completion completion = {0};
    struct pin_s3 pin;
    char version[PIN_VERSION_BYTES];
    int rc = xml_read("reply", reply->body.data, reply->body.len, take_completion, &completion, err);
    if (rc < 0 || completion.failed)
        return error_set(err, EAGAIN, "%s/%s: the store failed to join the parts",
                         s3_of(upload->base.store)->place.url, upload->base.path);
    bool versioned = http_reply_header(&reply->http, "x-amz-version-id", version, sizeof version);
    if (pin_s3_make(completion.etag, versioned ? version : NULL, &pin))
        return ask_object(upload, ret, err);
    *ret = (struct store_object){.size = upload->size, .versioned = *pin.version};
    pin_s3_print(&pin, ret->pin);
    return 0;
}

int s3_upload_finish(struct store_upload *base, struct store_object *ret, struct error *err)
{
    struct s3_upload *upload = (struct s3_upload *)base;
    struct s3 *s3 = s3_of(base->store);
    if (!upload->parts) /* no object can be made of no parts */
        return s3_put(base->store, &(struct store_put){.path = base->path, .bytes = ""}, ret, err);
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_FREE char *query = mem_printf("uploadId=%s", upload->id);
    CLEANUP_FREE char *xml = part_list(upload);
    struct s3_ask ask = {
        .method = "POST", .path = base->path, .query = query, .body = xml, .body_len = strlen(xml)};
    int rc = s3_run(s3, &ask, &reply, err);
    /* Unknown upload: perhaps an earlier try succeeded and its reply was lost. */
    struct error why = {0};
    if (rc == -ENOENT && !ask_object(upload, ret, &why))
        return 0;
    return rc < 0 ? rc : read_completion(upload, &reply, ret, err);
}

static void forget_parts(const struct s3_upload *upload)
{
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_FREE char *query = mem_printf("uploadId=%s", upload->id);
    struct s3_ask ask = {.method = "DELETE", .path = upload->base.path, .query = query};
    struct error err;
    s3_run(s3_of(upload->base.store), &ask, &reply, &err);
}

void s3_upload_free(struct store_upload *base, bool abort)
{
    struct s3_upload *upload = (struct s3_upload *)base;
    if (abort || !upload->parts)
        forget_parts(upload);
    free(upload->etags);
    free(upload->id);
    store_upload_done(base);
    free(upload);
}
