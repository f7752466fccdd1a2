// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a range. A reply's bytes are handed out only if the reply is exactly what was asked: status, range,
 * length and ETag; so neither an error page nor another object's bytes can reach the caller.
 *
 *     start --keys at hand--> http --> done
 *       \--keys must be fetched--> [worker] --> http --> done
 *                                     http: 403 --> [worker: is it missing?] --> done
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/ranged.h"
#include "cache/store/s3.h"
#include "cache/store/stores.h"

struct s3_get {
    struct s3 *s3; /* a reference */
    struct ranged ranged;
    struct http_request http;
    uint64_t generation;
    int64_t ahead_ns;   /* s3_prepare() */
    bool gzip;          /* asked for as it is kept */
    struct pin_s3 pin;  /* what must answer; all empty if any may */
    struct buf refusal; /* body of a reply that was not accepted */
    int rc;             /* on the way to tell(), below */
    struct error err;
    atomic_bool cancelled;
};

/* Errors get the object's URL in front in one place, when the request has ended. */
static int fail(struct error *err, int code, const char *text)
{
    return error_set(err, code, "%s", text);
}

/* ---- the end ---- */

static void end(struct s3_get *g, int rc, const struct error *err)
{
    struct store *store = &g->s3->base;
    g->ranged.get->on_done(g->ranged.get, rc, err);
    http_request_done(&g->http); /* only now: a cancel may come until on_done() has returned */
    buf_done(&g->refusal);
    free(g);
    store_unref(store);
}

static void check_missing(void *ctx)
{
    struct s3_get *g = ctx;
    int rc = s3_missing_or_refused(g->s3, g->ranged.get->path, g->rc, &g->err);
    end(g, rc, &g->err);
}

/* ---- what the reply says ---- */

static int check_pin(const struct s3_get *g, const struct store_object *object, struct error *err)
{
    struct pin_s3 pin;
    if (!*g->pin.etag)
        return 0;
    if (pin_s3_parse(object->pin, &pin) || strcmp(pin.etag, g->pin.etag) ||
        (*g->pin.version && *pin.version && strcmp(pin.version, g->pin.version)))
        return fail(err, ESTALE, "the object is not the one that was pinned; it has been overwritten");
    return 0;
}

static int take_head(struct http_request *http, struct error *err)
{
    struct s3_get *g = http->ctx;
    struct store_object object;
    char length[24];
    if (http->reply.status / 100 != 2)
        return 0;
    int rc = s3_check_encoding(g->s3, &http->reply, g->gzip, err);
    if (rc)
        return rc;
    if (!http_reply_header(&http->reply, "content-length", length, sizeof length))
        return fail(err, EIO, "the reply has no Content-Length");
    rc = s3_object(&http->reply, &object, err);
    if (!rc)
        rc = check_pin(g, &object, err);
    return rc ? rc : ranged_accept(&g->ranged, &http->reply, &object, err);
}

static int take_body(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct s3_get *g = http->ctx;
    if (g->ranged.accepted)
        return ranged_take(&g->ranged, bytes, len, err);
    size_t room = S3_REFUSAL_BYTES - g->refusal.len;
    buf_append(&g->refusal, bytes, len < room ? len : room);
    return 0;
}

static int judge(struct s3_get *g, struct error *err)
{
    if (g->ranged.accepted) {
        if (g->s3->credentials)
            credentials_prove(g->s3->credentials, g->generation);
        return ranged_whole(&g->ranged, err);
    }
    struct s3_refusal refusal = {.method = "GET",
                                 .generation = g->generation,
                                 .ahead_ns = g->ahead_ns,
                                 .reply = &g->http.reply,
                                 .body = &g->refusal};
    return s3_meaning(g->s3, &refusal, err);
}

static void finish(struct http_request *http, int rc, const struct error *err)
{
    struct s3_get *g = http->ctx;
    g->err = *err;
    g->rc = rc < 0 ? rc : judge(g, &g->err);
    if (g->rc < 0)
        s3_prefix(g->s3, g->ranged.get->path, &g->err);
    if (g->rc == -EACCES && !g->ranged.get->pin)
        workers_submit(stores_workers(g->s3->base.stores), check_missing, g);
    else
        end(g, g->rc, &g->err);
}

/* ---- the start ---- */

static void send(struct s3_get *g, const struct keys *keys)
{
    const struct store_get *get = g->ranged.get;
    char range[RANGED_TEXT_BYTES];
    CLEANUP_BUF struct buf query = BUF_INIT;
    struct s3_ask ask = {.method = "GET", .path = get->path, .gzip = g->gzip = atomic_load(&g->s3->unpacks)};
    size_t n = 0;
    if (ranged_is_part(get)) {
        ranged_format(get, range);
        ask.extra[n++] = (struct sigv4_header){.name = "range", .value = range};
    }
    if (*g->pin.etag)
        ask.extra[n++] = (struct sigv4_header){.name = "if-match", .value = g->pin.etag};
    if (*g->pin.version) {
        buf_text_append(&query, "versionId=");
        escape_append(&query, g->pin.version, strlen(g->pin.version), "~", 0);
        ask.query = buf_text(&query);
    }
    g->ahead_ns = s3_prepare(g->s3, &ask, keys, &g->http);
    http_start(g->s3->http, &g->http);
}

static void send_later(void *ctx)
{
    struct s3_get *g = ctx;
    CLEANUP_KEYS struct keys keys = {0};
    int rc = credentials_get(g->s3->credentials, &keys, &g->generation, &g->err);
    if (!rc && (atomic_load(&g->cancelled) || stores_stopped(g->s3->base.stores)))
        rc = fail(&g->err, ECANCELED, "cancelled");
    if (!rc) {
        send(g, &keys);
        return;
    }
    s3_prefix(g->s3, g->ranged.get->path, &g->err);
    end(g, rc, &g->err);
}

static void refuse(void *ctx)
{
    struct s3_get *g = ctx;
    end(g, g->rc, &g->err);
}

void s3_get_start(struct store *store, struct store_get *get)
{
    struct s3 *s3 = s3_of(store_ref(store));
    struct workers *workers = stores_workers(store->stores);
    CLEANUP_KEYS struct keys keys = {0};
    struct s3_get *g = MEM_NEW(struct s3_get);
    g->s3 = s3;
    g->ranged.get = get;
    g->http = (struct http_request){.expected = get->len,
                                    .deadline_ns = get->deadline_ns,
                                    .idle_ns = s3->idle_ns,
                                    .on_head = take_head,
                                    .on_body = take_body,
                                    .on_done = finish,
                                    .ctx = g};
    get->state = g;
    if (get->pin && pin_s3_parse(get->pin, &g->pin)) {
        g->rc = error_set(&g->err, EINVAL, "%s/%s: '%s' is no pin of an S3 object", s3->place.url, get->path,
                          get->pin);
        workers_submit(workers, refuse, g);
    } else if (!s3->credentials) {
        send(g, NULL);
    } else if (!credentials_peek(s3->credentials, &keys, &g->generation)) {
        send(g, &keys);
    } else {
        workers_submit(workers, send_later, g);
    }
}

void s3_get_cancel(struct store *store, struct store_get *get)
{
    struct s3_get *g = get->state;
    atomic_store(&g->cancelled, true);
    http_cancel(g->s3->http, &g->http);
}
