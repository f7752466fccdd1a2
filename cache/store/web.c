// SPDX-License-Identifier: Apache-2.0
/*
 * The vtable of a web server's folder: a URL is parsed once into one spelling, its objects can be looked at,
 * and all that would change something is refused. Redirects are followed within the same origin.
 */
#include "cache/store/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/store/encoding.h"
#include "cache/store/endpoint.h"
#include "cache/store/path.h"
#include "cache/store/retry.h"
#include "cache/store/status.h"
#include "cache/store/stores.h"

enum { AUTHORIZATION_BYTES = 16384, HEAD_S = 30, LOCATION_BYTES = 4096, BODY_BYTES = 65536 };

bool web_is_url(const char *url)
{
    return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
}

/* ---- the URL ---- */

static int check_secrets(const char *url, const char *authority, size_t len, struct error *err)
{
    const char *at = memrchr(authority, '@', len);
    if (at)
        return error_set(
            err, EINVAL,
            "%.*s...%.*s: a password does not belong into a URL, which lists of mounts show; put it "
            "into a file and name that in the configuration: authorization_file = /PATH",
            (int)(authority - url), url, (int)(authority + len - at), at);
    size_t clean = strcspn(url, "?#");
    if (url[clean])
        return error_set(err, EINVAL, "%.*s: the URL of a folder has no '%c'", (int)clean, url, url[clean]);
    return 0;
}

/* Decoded, checked as a path, encoded again: one spelling for each folder. */
static int take_folder(const char *url, const char *text, struct web *web, struct error *err)
{
    CLEANUP_BUF struct buf raw = BUF_INIT;
    struct buf encoded = BUF_INIT;
    text += strspn(text, "/");
    size_t len = strlen(text);
    while (len && text[len - 1] == '/')
        len--;
    if (escape_decode(&raw, text, len, err) < 0)
        return error_prefix(err, "%s", url);
    if (raw.len && (strlen(buf_text(&raw)) != raw.len || !store_path_valid(buf_text(&raw))))
        return error_set(err, EINVAL, "%s: '%.*s' is no path of a folder", url, (int)len, text);
    if (raw.len)
        buf_u8(&encoded, '/');
    escape_append(&encoded, buf_text(&raw), raw.len, "/~", 0);
    web->folder = (char *)buf_steal(&encoded);
    return 0;
}

static int take_url(const char *url, struct web *web, struct error *err)
{
    const char *authority = strstr(url, "://") + 3;
    size_t len = strcspn(authority, "/?#");
    struct endpoint endpoint;
    int rc = check_secrets(url, authority, len, err);
    if (rc < 0)
        return rc;
    CLEANUP_FREE char *front = mem_copy(url, (size_t)(authority - url) + len);
    if (endpoint_parse(front, &endpoint, err) < 0)
        return error_set(err, EINVAL, "%s: there is no host in it", url);
    web->origin = mem_printf("%s://%s", endpoint.tls ? "https" : "http", endpoint.authority);
    return take_folder(url, authority + len, web, err);
}

char *web_object_url(const struct web *web, const char *path)
{
    struct buf url = BUF_INIT;
    buf_printf(&url, "%s%s/", web->origin, web->folder);
    escape_append(&url, path, strlen(path), "/~", 0);
    return (char *)buf_steal(&url);
}

/* ---- requests ---- */

static int add_authorization(const struct web *web, struct http_request *http, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (!web->authorization)
        return 0;
    int rc = file_read(web->authorization, AUTHORIZATION_BYTES, &text, err);
    size_t len = strcspn(buf_text(&text), "\r\n");
    if (!rc && (!len || strlen(buf_text(&text)) != text.len))
        rc = error_set(err, EINVAL, "%s: its first line is no value of an Authorization header",
                       web->authorization);
    if (!rc)
        http_request_header(http, "Authorization: %.*s", (int)len, buf_text(&text));
    if (text.len)
        explicit_bzero(text.data, text.len);
    if (rc == -ENOENT || rc == -EINVAL) /* the object is not what is missing */
        rc = error_recode(err, EACCES);
    return rc < 0 ? rc : 0;
}

int web_prepare(const struct web *web, char *url, struct http_request *http, struct error *err)
{
    http->url = url;
    http->ca_path = web->ca;
    http_request_header(http, "Accept-Encoding: identity");
    http_request_header(http, "User-Agent: elidefs/" ELIDEFS_VERSION);
    return add_authorization(web, http, err);
}

int web_prefix(const struct web *web, const char *path, struct error *err)
{
    return error_prefix(err, "%s/%s", web->base.url, path);
}

int web_object(const struct http_reply *reply, struct store_object *ret, struct error *err)
{
    char size[24], etag[PIN_ETAG_BYTES], date[64];
    struct store_object object = {0};
    struct pin_http pin;
    if (!http_reply_header(reply, "content-length", size, sizeof size) || !*size ||
        size[strspn(size, "0123456789")])
        return error_set(err, EIO, "the reply does not say how long it is (Content-Length)");
    object.size = strtoull(size, NULL, 10);
    if (http_reply_header(reply, "last-modified", date, sizeof date))
        object.modified_ns = http_date(date);
    bool tagged = http_reply_header(reply, "etag", etag, sizeof etag);
    if (!pin_http_make(tagged ? etag : NULL, object.modified_ns, &pin))
        pin_http_print(&pin, object.pin);
    *ret = object;
    return 0;
}

static bool within(const struct web *web, const char *url)
{
    size_t len = strlen(web->origin);
    return !strncmp(url, web->origin, len) && (!url[len] || strchr("/?#", url[len]));
}

/* Elsewhere may be anywhere: a server must not send us on to places that nobody here has trusted. */
static int redirect(const struct web *web, const struct http_request *http, unsigned redirects,
                    char **ret_url, struct error *err)
{
    char location[LOCATION_BYTES];
    bool given = http_reply_header(&http->reply, "location", location, sizeof location);
    CLEANUP_FREE char *url = given ? http_location(http->url, location) : NULL;
    if (!url)
        return error_set(err, EIO, "the server redirects to nowhere (status %d)", http->reply.status);
    const char *slashes = strstr(url, "://"), *host = slashes ? slashes + 3 : url;
    if (!within(web, url))
        return error_set(
            err, EIO,
            "the server redirects to %.*s%.*s; redirects are followed within one server only: use "
            "that address instead",
            (int)(host - url), url, (int)strcspn(host, "/?#"), host);
    if (redirects >= WEB_REDIRECTS)
        return error_set(err, EIO, "the server redirects in circles");
    *ret_url = STEAL(url);
    return 0;
}

int web_meaning(struct web *web, const struct http_request *http, unsigned redirects, char **ret_url,
                struct error *err)
{
    int status = http->reply.status;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
        return redirect(web, http, redirects, ret_url, err);
    if (status == 404)
        return error_set(err, ENOENT, "no such file (status 404)");
    status_meaning(status, err);
    CLEANUP_FREE char *sentence = mem_text(err->text);
    if (status == 401)
        error_set(err, EACCES, "%s (status 401; authorization_file in the configuration says who asks)",
                  sentence);
    else
        error_set(err, err->code, "%s (status %d)", sentence, status);
    if (err->code == EAGAIN)
        status_obey_retry_after(&web->base, &http->reply);
    return -err->code;
}

/* ---- the vtable, but for reading ---- */

static int head_once(struct web *web, char *url, unsigned redirects, struct store_object *ret, char **ret_url,
                     struct error *err)
{
    struct http_request http = {.method = "HEAD",
                                .deadline_ns = clock_now_ns() + HEAD_S * INT64_C(1000000000),
                                .idle_ns = web->idle_ns};
    CLEANUP_BUF struct buf body = BUF_INIT;
    int rc = web_prepare(web, url, &http, err);
    if (!rc)
        rc = http_run(web->http, &http, BODY_BYTES, &body, err);
    if (rc == -ETIMEDOUT) /* the attempt's, not the caller's */
        rc = error_set(err, EAGAIN, "no reply in time");
    if (!rc && http.reply.status / 100 != 2)
        rc = web_meaning(web, &http, redirects, ret_url, err);
    else if (!rc && !(rc = encoding_check_none(&http.reply, err)))
        rc = web_object(&http.reply, ret, err);
    http_request_done(&http);
    return rc;
}

static int web_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    struct web *web = web_of(store);
    struct store_object object = {0};
    char *url = web_object_url(web, path);
    int rc = 0;
    for (unsigned redirects = 0; url && !rc; redirects++) {
        char *next = NULL;
        rc = head_once(web, url, redirects, &object, &next, err);
        url = next;
    }
    if (!rc && !*object.pin)
        rc = error_set(
            err, ENOTSUP,
            "the server gives neither a strong ETag nor Last-Modified, so nothing would tell that the "
            "file has changed");
    if (rc < 0)
        return web_prefix(web, path, err);
    *ret = object;
    return 0;
}

static int read_only(struct store *store, struct error *err)
{
    return error_set(err, ENOTSUP, "%s: what is reached over %.*s is read-only", store->url,
                     (int)strcspn(store->url, ":"), store->url);
}

static int web_put(struct store *store, const struct store_put *put, struct store_object *ret,
                   struct error *err)
{
    return read_only(store, err);
}

static int web_upload_begin(struct store *store, const char *path, struct store_upload **ret,
                            struct error *err)
{
    return read_only(store, err);
}

static int web_remove(struct store *store, const char *path, struct error *err)
{
    return read_only(store, err);
}

static int web_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    return error_set(err, ENOTSUP, "%s/%s: a web server does not list its files", store->url,
                     listing->prefix);
}

static void web_identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct web *web = web_of(store);
    const char *folder = web->folder;
    buf_printf(buf, "http %s %s%s", web->origin, folder + (*folder == '/'), *folder ? "/" : "");
    escape_append(buf, path, strlen(path), "/", 0);
}

static void web_free(struct store *store)
{
    struct web *web = web_of(store);
    free(web->origin), free(web->folder), free(web->ca), free(web->authorization);
    free(web);
}

/* Uploads never begin. */
static const struct store_ops web_ops = {
    .name = "http",
    .free = web_free,
    .get_start = web_get_start,
    .get_cancel = web_get_cancel,
    .head = web_head,
    .put = web_put,
    .upload_begin = web_upload_begin,
    .remove = web_remove,
    .list = web_list,
    .identity = web_identity,
};

static void choose_settings(struct stores *stores, const char *url, struct web *web)
{
    const struct config_store *section = config_find(stores_config(stores), url);
    const char *ca = section && section->ca ? section->ca : stores_given(stores)->ca_bundle;
    web->ca = ca ? realpath(ca, NULL) : NULL; /* a daemon leaves the current folder */
    if (!web->ca)
        web->ca = mem_text(ca);
    web->authorization = mem_text(section ? section->authorization_file : NULL);
}

int web_new(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    struct web *web = MEM_NEW(struct web);
    int rc = take_url(url, web, err);
    if (!rc)
        rc = stores_http(stores, &web->http, err);
    if (rc < 0) {
        web_free(&web->base);
        return rc;
    }
    char *canonical = mem_printf("%s%s", web->origin, web->folder);
    choose_settings(stores, canonical, web);
    store_init(&web->base, &web_ops, stores, canonical);
    web->base.read_only = true;
    *ret = &web->base;
    return 0;
}
