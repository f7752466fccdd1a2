// SPDX-License-Identifier: Apache-2.0
/* Composing and signing one request, and its blocking form. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/s3.h"

enum { HEADERS = 8 };

/* The path as it is sent and signed: '/'s of the key stay, all else that is not unreserved is encoded once.
 */
static char *encode_path(const struct s3 *s3, const char *path)
{
    struct buf buf = BUF_INIT;
    buf_text_append(&buf, s3->place.path);
    if (path || !buf.len)
        buf_text_append(&buf, "/");
    if (path) {
        escape_append(&buf, s3->place.key_prefix, strlen(s3->place.key_prefix), "/~", 0);
        escape_append(&buf, path, strlen(path), "/~", 0);
    }
    return (char *)buf_steal(&buf);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sigv4_header *)a)->name, ((const struct sigv4_header *)b)->name);
}

struct signing {
    struct sigv4_header headers[HEADERS];
    size_t count;
    char time[SIGV4_TIME_BYTES], hash[SHA256_HEX_BYTES];
};

static void add(struct signing *signing, const char *name, const char *value)
{
    signing->headers[signing->count++] = (struct sigv4_header){.name = name, .value = value};
}

static void collect(const struct s3 *s3, const struct s3_ask *ask, const struct keys *keys,
                    struct signing *signing)
{
    add(signing, "host", s3->place.host);
    for (size_t i = 0; i < sizeof ask->extra / sizeof *ask->extra && ask->extra[i].name; i++)
        add(signing, ask->extra[i].name, ask->extra[i].value);
    if (!keys)
        return;
    add(signing, "x-amz-content-sha256", signing->hash);
    add(signing, "x-amz-date", signing->time);
    if (*keys->token)
        add(signing, "x-amz-security-token", keys->token);
}

static void hash_body(const struct s3_ask *ask, char ret_hash[SHA256_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    if (!strcmp(ask->method, "GET") || !strcmp(ask->method, "HEAD")) {
        strcpy(ret_hash, "UNSIGNED-PAYLOAD");
        return;
    }
    sha256_of(ask->body ? ask->body : "", ask->body_len, digest);
    hex_print(digest, sizeof digest, ret_hash);
}

static void authorize(const struct s3 *s3, const struct sigv4_request *request, const struct keys *keys,
                      const char *time, struct http_request *http)
{
    CLEANUP_BUF struct buf value = BUF_INIT;
    struct sigv4_scope scope = {
        .access_key = keys->access, .secret_key = keys->secret, .region = s3->place.region, .service = "s3"};
    uint8_t key[SHA256_BYTES];
    memcpy(scope.time, time, sizeof scope.time);
    signing_key_get(s3->signing_key, &scope, key);
    sigv4_sign(request, &scope, key, &value);
    explicit_bzero(key, sizeof key);
    http_request_header(http, "Authorization: %s", buf_text(&value));
}

int64_t s3_prepare(struct s3 *s3, const struct s3_ask *ask, const struct keys *keys,
                   struct http_request *http)
{
    CLEANUP_FREE char *path = encode_path(s3, ask->path);
    const char *query = ask->query ? ask->query : "";
    struct signing signing = {0};
    int64_t ahead_ns = atomic_load(&s3->ahead_ns);
    http->method = ask->method;
    http->url = mem_printf("%s%s%s%s", s3->place.origin, path, *query ? "?" : "", query);
    http->body = ask->body;
    http->body_len = ask->body_len;
    http->ca_path = s3->place.ca;
    if (keys) {
        sigv4_time(instant_now() + ahead_ns, signing.time);
        hash_body(ask, signing.hash);
    }
    collect(s3, ask, keys, &signing);
    qsort(signing.headers, signing.count, sizeof *signing.headers, by_name);
    for (size_t i = 0; i < signing.count; i++)
        http_request_header(http, "%s: %s", signing.headers[i].name, signing.headers[i].value);
    if (ask->gzip) /* not signed: the stores that need it change it on the way */
        http_request_header(http, "accept-encoding: gzip");
    if (!strcmp(ask->method, "PUT") || !strcmp(ask->method, "POST"))
        http_request_header(http, "content-type: application/octet-stream");
    struct sigv4_request request = {.method = ask->method,
                                    .path = path,
                                    .query = query,
                                    .headers = signing.headers,
                                    .headers_count = signing.count,
                                    .payload_hash = signing.hash};
    if (keys)
        authorize(s3, &request, keys, signing.time, http);
    return ahead_ns;
}

void s3_reply_done(struct s3_reply *reply)
{
    buf_done(&reply->http.head);
    buf_done(&reply->body);
}

/* One attempt: half a minute, and a second more for each MiB sent or copied. */
static int64_t attempt_ns(const struct s3_ask *ask)
{
    return (30 + (int64_t)((ask->body_len + ask->copied) >> 20)) * 1000000000;
}

static int send(struct s3 *s3, const struct s3_ask *ask, const struct keys *keys, struct s3_reply *reply,
                int64_t *ret_ahead_ns, struct error *err)
{
    int64_t attempt = attempt_ns(ask);
    struct http_request http = {.deadline_ns = clock_now_ns() + attempt,
                                .idle_ns = ask->copied ? attempt : s3->idle_ns};
    *ret_ahead_ns = s3_prepare(s3, ask, keys, &http);
    int rc = http_run(s3->http, &http, S3_REPLY_BYTES, &reply->body, err);
    reply->http.status = http.reply.status;
    reply->http.head = http.reply.head;
    http.reply.head = BUF_INIT;
    http_request_done(&http);
    return rc;
}

int s3_run(struct s3 *s3, const struct s3_ask *ask, struct s3_reply *reply, struct error *err)
{
    CLEANUP_KEYS struct keys keys = {0};
    uint64_t generation = 0;
    int64_t ahead_ns = 0;
    int rc = s3->credentials ? credentials_get(s3->credentials, &keys, &generation, err) : 0;
    if (!rc)
        rc = send(s3, ask, s3->credentials ? &keys : NULL, reply, &ahead_ns, err);
    if (rc == -ETIMEDOUT) /* the attempt's, not the caller's */
        rc = error_set(err, EAGAIN, "no reply in time");
    if (rc < 0)
        return s3_prefix(s3, ask->path, err);
    if (reply->http.status / 100 == 2) {
        if (s3->credentials)
            credentials_prove(s3->credentials, generation);
        return 0;
    }
    struct s3_refusal refusal = {.method = ask->method,
                                 .generation = generation,
                                 .ahead_ns = ahead_ns,
                                 .reply = &reply->http,
                                 .body = &reply->body};
    s3_meaning(s3, &refusal, err);
    return s3_prefix(s3, ask->path, err);
}
