// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP requests on one I/O thread, with a pool of kept connections. Redirects are not followed, content is
 * not decoded, TLS is verified. The sole owner of libcurl.
 *
 * Return codes of a request: 0 a reply arrived whole, whatever its status; -EAGAIN it broke on the way;
 * -ECONNREFUSED no connection came about: no such host, nobody listens there, or nobody answers;
 * -ETIMEDOUT its deadline passed; -ECANCELED; -EIO it cannot work (a certificate, a malformed reply); or what
 * a callback said.
 *
 * Thread rule: locks itself. Callbacks run on the I/O thread and must not block.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct stores;
struct http;

int http_new(struct stores *stores, struct http **ret, struct error *err);
void http_stop(struct http *http); /* all requests, these and later ones, end with -ECANCELED at once */
void http_free(struct http *http); /* none may be running; NULL is fine */

struct http_reply {
    int status;
    struct buf head; /* the header's lines */
};

/* The value of a header, copied (at most cap - 1 bytes; a longer one counts as absent). False if absent. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *ret_value, size_t cap);

struct http_request {
    const char *method;
    char *url;      /* this and the headers are owned by the request: http_request_done() frees */
    char **headers; /* "Name: value" */
    size_t headers_count, headers_cap;
    const void *body;
    size_t body_len;
    const char *ca_path; /* a bundle instead of the system's; NULL */
    uint64_t expected;   /* bytes of the body; 0: not known */
    int64_t deadline_ns; /* clock_now_ns() */
    int64_t idle_ns;     /* nothing moved for so long: -EAGAIN; 0: a default */
    bool no_proxy;       /* for link-local services */
    struct http_reply reply;
    /* The header has arrived. Non-zero ends the request with it; the callback fills `err`. May be NULL. */
    int (*on_head)(struct http_request *request, struct error *err);
    int (*on_body)(struct http_request *request, const void *bytes, size_t len, struct error *err);
    /* Exactly once, the last call. `request` may be freed in it. */
    void (*on_done)(struct http_request *request, int rc, const struct error *err);
    void *ctx;
    atomic_bool cancelled;
    void *state; /* http.c's own */
};

/* The instant of a Last-Modified or Date header; 0 if it is none. */
int64_t http_date(const char *text);

/* An HTTP date of seconds since 1970 (RFC 9110 section 5.6.7). */
enum { HTTP_DATE_BYTES = 64 };
void http_date_print(int64_t seconds, char ret_text[HTTP_DATE_BYTES]);

/* Where a Location header of a reply from `url` leads; NULL if it leads nowhere. The caller frees it. */
char *http_location(const char *url, const char *location);

void http_request_header(struct http_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void http_request_done(struct http_request *request); /* wipes and frees what the request owns */

/* The request is borrowed until on_done(). */
void http_start(struct http *http, struct http_request *request);
/* As store_get_cancel(): not after on_done() has returned. */
void http_cancel(struct http *http, struct http_request *request);

/* Runs a request and waits; the body is appended to `buf`, -EFBIG over max_bytes. Callbacks are set by it. */
int http_run(struct http *http, struct http_request *request, size_t max_bytes, struct buf *buf,
             struct error *err);
