// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a range over HTTP. A reply's bytes are handed out only if the reply is exactly what was asked, as
 * for S3; a redirect within the server is asked instead.
 *
 *     start --> [worker, if a file says who asks] --> http --> done
 *                          ^---- redirected --------/
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/encoding.h"
#include "cache/store/ranged.h"
#include "cache/store/stores.h"
#include "cache/store/web.h"

struct web_get {
    struct web *web; /* a reference */
    struct ranged ranged;
    struct http_request http;
    struct pin_http pin; /* what must answer, if get->pin */
    char *url;           /* to be asked next */
    unsigned redirects;
    int rc; /* on the way to refuse(), below */
    struct error err;
    atomic_bool cancelled;
};

static int fail(struct error *err, int code, const char *text)
{
    return error_set(err, code, "%s", text);
}

/* ---- the end ---- */

static void end(struct web_get *g, int rc, const struct error *err)
{
    struct store *store = &g->web->base;
    g->ranged.get->on_done(g->ranged.get, rc, err);
    http_request_done(&g->http); /* only now: a cancel may come until on_done() has returned */
    free(g->url);
    free(g);
    store_unref(store);
}

static void refuse(void *ctx)
{
    struct web_get *g = ctx;
    web_prefix(g->web, g->ranged.get->path, &g->err);
    end(g, g->rc, &g->err);
}

/* ---- what the reply says ---- */

/* A data set that was made in a bucket or a folder, and is shown by a web server now, has pins of that store.
 * Both hold enough to be compared: the bucket's ETag, or the file's time to the second. */
static int take_pin(const char *text, struct pin_http *ret)
{
    struct pin_local local;
    struct pin_s3 s3;
    if (!pin_http_parse(text, ret))
        return 0;
    if (!pin_local_parse(text, &local))
        return pin_http_make(NULL, local.mtime_ns, ret);
    return !pin_s3_parse(text, &s3) ? pin_http_make(s3.etag, 0, ret) : -EINVAL;
}

static int check_pin(const struct web_get *g, const struct store_object *object, struct error *err)
{
    struct pin_http now = {0};
    if (!g->ranged.get->pin)
        return 0;
    if (*g->pin.etag)
        pin_http_parse(object->pin, &now);
    else
        now.modified_s = object->modified_ns / INT64_C(1000000000);
    if (!strcmp(now.etag, g->pin.etag) && (*now.etag || now.modified_s == g->pin.modified_s))
        return 0;
    if (*g->pin.etag ? !*now.etag : !now.modified_s)
        return error_set(err, ESTALE, "the server does not say what the object was pinned by (%s)",
                         g->ranged.get->pin);
    return fail(err, ESTALE, "the object is not the one that was pinned; it has been overwritten");
}

static int take_head(struct http_request *http, struct error *err)
{
    struct web_get *g = http->ctx;
    struct store_object object;
    if (http->reply.status / 100 != 2)
        return 0;
    int rc = encoding_check_none(&http->reply, err);
    if (!rc)
        rc = web_object(&http->reply, &object, err);
    if (!rc)
        rc = check_pin(g, &object, err);
    return rc ? rc : ranged_accept(&g->ranged, &http->reply, &object, err);
}

static int take_body(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct web_get *g = http->ctx;
    /* Of a refusal, its status tells enough. */
    return g->ranged.accepted ? ranged_take(&g->ranged, bytes, len, err) : 0;
}

/* ---- requests ---- */

static void send_or_refuse(void *ctx);

static void start(struct web_get *g)
{
    if (g->web->authorization)
        workers_submit(stores_workers(g->web->base.stores), send_or_refuse, g);
    else
        send_or_refuse(g);
}

static void finish(struct http_request *http, int rc, const struct error *err)
{
    struct web_get *g = http->ctx;
    g->err = *err;
    g->rc = rc;
    if (!rc && g->ranged.accepted)
        g->rc = ranged_whole(&g->ranged, &g->err);
    else if (!rc)
        g->rc = web_meaning(g->web, http, g->redirects, &g->url, &g->err);
    if (!g->rc && g->url) {
        g->redirects++;
        start(g);
    } else {
        if (g->rc < 0)
            web_prefix(g->web, g->ranged.get->path, &g->err);
        end(g, g->rc, &g->err);
    }
}

static void add_conditions(struct web_get *g)
{
    char text[RANGED_TEXT_BYTES], date[HTTP_DATE_BYTES];
    if (ranged_is_part(g->ranged.get)) {
        ranged_format(g->ranged.get, text);
        http_request_header(&g->http, "Range: %s", text);
    }
    if (g->ranged.get->pin && *g->pin.etag) {
        http_request_header(&g->http, "If-Match: %s", g->pin.etag);
    } else if (g->ranged.get->pin) {
        http_date_print(g->pin.modified_s, date);
        http_request_header(&g->http, "If-Unmodified-Since: %s", date);
    }
}

static void send_or_refuse(void *ctx)
{
    struct web_get *g = ctx;
    http_request_done(&g->http);
    int rc = web_prepare(g->web, STEAL(g->url), &g->http, &g->err);
    if (!rc && (atomic_load(&g->cancelled) || stores_stopped(g->web->base.stores)))
        rc = fail(&g->err, ECANCELED, "cancelled");
    if (!rc) {
        add_conditions(g);
        http_start(g->web->http, &g->http);
        return;
    }
    g->rc = rc;
    workers_submit(stores_workers(g->web->base.stores), refuse, g);
}

void web_get_start(struct store *store, struct store_get *get)
{
    struct web_get *g = MEM_NEW(struct web_get);
    g->web = web_of(store_ref(store));
    g->ranged.get = get;
    g->url = web_object_url(g->web, get->path);
    g->http = (struct http_request){.method = "GET",
                                    .expected = get->len,
                                    .deadline_ns = get->deadline_ns,
                                    .idle_ns = g->web->idle_ns,
                                    .on_head = take_head,
                                    .on_body = take_body,
                                    .on_done = finish,
                                    .ctx = g};
    get->state = g;
    if (get->pin && take_pin(get->pin, &g->pin)) {
        g->rc = error_set(&g->err, EINVAL, "'%s' is no pin", get->pin);
        workers_submit(stores_workers(store->stores), refuse, g);
        return;
    }
    start(g);
}

void web_get_cancel(struct store *store, struct store_get *get)
{
    struct web_get *g = get->state;
    atomic_store(&g->cancelled, true);
    http_cancel(g->web->http, &g->http);
}
