// SPDX-License-Identifier: Apache-2.0
/* What a refusal means. First its code in the body's XML, because that tells more; then the status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/store/s3.h"
#include "cache/store/status.h"
#include "cache/store/xml.h"

enum { TEXT_BYTES = 200 };

/* Handled like the code, whose meaning is a number of its own. */
enum { IDENTITY = 10001, ARCHIVED };

struct fault {
    char code[64], message[TEXT_BYTES], region[64];
};

int s3_prefix(const struct s3 *s3, const char *path, struct error *err)
{
    return path ? error_prefix(err, "%s/%s", s3->place.url, path) : error_prefix(err, "%s", s3->place.url);
}

static void keep(char *to, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);
    memcpy(to, text, len);
    to[len] = 0;
}

static int take(void *ctx, const char *path, const char *text, struct error *err)
{
    struct fault *fault = ctx;
    if (!strcmp(path, "Error/Code"))
        keep(fault->code, sizeof fault->code, text);
    else if (!strcmp(path, "Error/Message"))
        keep(fault->message, sizeof fault->message, text);
    else if (!strcmp(path, "Error/Region"))
        keep(fault->region, sizeof fault->region, text);
    return 0;
}

static const struct {
    const char *code;
    int meaning;
    const char *sentence;
} codes[] = {
    {"InvalidAccessKeyId", IDENTITY, "the store does not know this access key"},
    {"SignatureDoesNotMatch", IDENTITY, "the secret key does not fit the access key"},
    {"ExpiredToken", IDENTITY, "the credentials have expired"},
    {"InvalidToken", IDENTITY, "the session token is not valid"},
    {"TokenRefreshRequired", IDENTITY, "the credentials have expired"},
    {"AccessDenied", EACCES, "access denied"},
    {"InvalidObjectState", ARCHIVED, "it is archived, and must be restored before it can be read"},
    {"RequestTimeTooSkewed", EACCES, "this machine's clock differs too much from the store's"},
    {"NoSuchBucket", ENOENT, NULL}, /* the sentence names it */
    {"NoSuchKey", ENOENT, "no such object"},
    {"NoSuchVersion", ESTALE, "the version that was pinned is gone"},
    {"RequestTimeout", EAGAIN, "the store waited too long for the request"},
    {"SlowDown", EAGAIN, "the store asks to slow down"},
    {"InternalError", EAGAIN, "the store failed inside"},
    {"OperationAborted", EAGAIN, "another operation was under way"},
    {"ConditionalRequestConflict", EAGAIN, "another operation was under way"},
};

/* Where S3 means something else than HTTP (status.h). */
static const struct {
    int status, meaning;
    const char *sentence;
} statuses[] = {
    {301, EIO, "the bucket lies in another region"},
    {307, EIO, "the bucket lies at another address"},
    {308, EIO, "the bucket lies in another region"},
    {401, IDENTITY, "access denied"},
};

/* 412 is the answer to the condition that we set. */
static int broken_condition(const struct s3_refusal *refusal, struct error *err)
{
    if (!strcmp(refusal->method, "PUT") || !strcmp(refusal->method, "POST"))
        return error_set(err, EEXIST, "exists already");
    return error_set(err, ESTALE, "the object is not the one that was pinned; it has been overwritten");
}

static int look_up(const struct s3 *s3, const struct fault *fault, int status, struct error *err)
{
    if (!strcmp(fault->code, "NoSuchBucket"))
        return error_set(err, ENOENT, "bucket '%s' does not exist at %s", s3->place.bucket, s3->place.origin);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!strcmp(codes[i].code, fault->code))
            return error_set(err, codes[i].meaning, "%s", codes[i].sentence);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return error_set(err, statuses[i].meaning, "%s", statuses[i].sentence);
    return status_meaning(status, err);
}

static void add_details(const struct s3 *s3, const struct s3_refusal *refusal, struct fault *fault,
                        struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_printf(&text, "%s (", err->text);
    if (err->code == EACCES && !s3->credentials)
        buf_text_append(&text, "asked without credentials, ");
    if (!*fault->region)
        http_reply_header(refusal->reply, "x-amz-bucket-region", fault->region, sizeof fault->region);
    if (*fault->region && strcmp(fault->region, s3->place.region))
        buf_printf(&text, "its region is %s, not %s, ", fault->region, s3->place.region);
    buf_printf(&text, "status %d%s%s%s%s)", refusal->reply->status, *fault->code ? " " : "", fault->code,
               *fault->message ? ": " : "", fault->message);
    error_set(err, err->code, "%s", buf_text(&text));
}

/* Refused for who we are: once more with new keys, if there may be any. Keys that were good for another
 * object need no renewal for "access denied". */
static int refused_identity(struct s3 *s3, const struct s3_refusal *refusal, bool identity, struct error *err)
{
    err->code = EACCES;
    if (!s3->credentials || (!identity && credentials_proven(s3->credentials, refusal->generation)))
        return -EACCES;
    if (credentials_refused(s3->credentials, refusal->generation))
        err->code = EKEYEXPIRED;
    return -err->code;
}

/* Stores refuse what was signed more than a quarter of an hour from their own time (Amazon S3 API Reference,
 * "RequestTimeTooSkewed"; a HEAD's refusal has no code). Where this machine's clock is wrong, the refusal
 * itself says what time it is there. Should it differ by more than zones do, that is no clock to go by. */
static bool sets_clock(struct s3 *s3, const struct s3_refusal *refusal)
{
    const int64_t minute_ns = INT64_C(60000000000);
    char date[64];
    if (!s3->credentials || refusal->reply->status != 403 ||
        !http_reply_header(refusal->reply, "date", date, sizeof date))
        return false;
    int64_t there_ns = http_date(date), ahead_ns = there_ns - instant_now();
    if (!there_ns || llabs(ahead_ns) > 24 * 60 * minute_ns ||
        llabs(ahead_ns - refusal->ahead_ns) < 5 * minute_ns)
        return false;
    atomic_store(&s3->ahead_ns, ahead_ns);
    return true;
}

int s3_meaning(struct s3 *s3, const struct s3_refusal *refusal, struct error *err)
{
    struct fault fault = {0};
    int status = refusal->reply->status;
    if (refusal->body->len)
        xml_read("reply", refusal->body->data, refusal->body->len, take, &fault, NULL);
    int rc = status == 412 ? broken_condition(refusal, err) : look_up(s3, &fault, status, err);
    bool identity = rc == -IDENTITY, archived = rc == -ARCHIVED;
    if (identity || archived)
        err->code = EACCES;
    add_details(s3, refusal, &fault, err);
    rc = -err->code;
    if (rc == -EACCES && sets_clock(s3, refusal))
        return -(err->code = EKEYEXPIRED); /* once more, signed anew */
    if (rc == -EACCES && !archived)        /* whoever asks */
        rc = refused_identity(s3, refusal, identity, err);
    if (rc == -EAGAIN)
        status_obey_retry_after(&s3->base, refusal->reply);
    return rc;
}

/* Is a name that nobody can have written, beside `path`, refused as well? */
static bool refuses_missing(struct s3 *s3, const char *path)
{
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    const char *slash = strrchr(path, '/');
    char id[33];
    uint8_t bytes[16];
    random_bytes(bytes, sizeof bytes);
    hex_print(bytes, sizeof bytes, id);
    CLEANUP_FREE char *beside = mem_printf("%.*s%s", slash ? (int)(slash - path + 1) : 0, path, id);
    struct s3_ask ask = {.method = "HEAD", .path = beside};
    struct error why = {0};
    return s3_run(s3, &ask, &reply, &why) == -EACCES;
}

int s3_missing_or_refused(struct s3 *s3, const char *path, int rc, struct error *err)
{
    CLEANUP_KEYS struct keys keys = {0};
    uint64_t generation;
    if (rc != -EACCES || !s3->credentials || credentials_peek(s3->credentials, &keys, &generation) ||
        !credentials_proven(s3->credentials, generation))
        return rc;
    if (!atomic_load(&s3->blind) && !refuses_missing(s3, path))
        return rc;
    atomic_store(&s3->blind, true); /* asked once: who looks for new versions looks every few seconds */
    return error_set(err, ENOENT, "%s/%s: no such object (or refused: the store tells only who may list)",
                     s3->place.url, path);
}
