// SPDX-License-Identifier: Apache-2.0
/*
 * Folders that a web server shows: http(s)://host[:port]/folder, read only, without a listing. Source: RFC
 * 9110 (If-Match, If-Unmodified-Since, ranges). The retry decorator stands above. Thread rule: any thread.
 */
#pragma once

#include <stdbool.h>

#include "cache/store/http.h"
#include "cache/store/ops.h"
#include "cache/store/pin.h"

bool web_is_url(const char *url); /* starts with http:// or https:// */
/* -EINVAL for a URL that holds a password, a query or a fragment, or that has no sound path. */
int web_new(struct stores *stores, const char *url, struct store **ret, struct error *err);

/* ---- shared by the files of this store ---- */

enum { WEB_REDIRECTS = 5 };

struct web {
    struct store base;
    char *origin;        /* https://host[:port], canonical */
    char *folder;        /* encoded: "" or "/a/b" */
    char *ca;            /* or NULL */
    char *authorization; /* path of a file: the value of the Authorization header; or NULL */
    struct http *http;
    int64_t idle_ns; /* a transfer that does not move for so long is broken; 0: http.h's default */
};

static inline struct web *web_of(const struct store *store)
{
    return (struct web *)store;
}

char *web_object_url(const struct web *web, const char *path); /* the caller frees it */
/* Fills in URL, CA and what proves who we are; takes `url`. Reads a file if there is one. */
int web_prepare(const struct web *web, char *url, struct http_request *http, struct error *err);
/* Size, time and pin out of a reply's headers; the pin is "" where nothing in them pins. -EIO without a size.
 */
int web_object(const struct http_reply *reply, struct store_object *ret, struct error *err);
/* For a reply that is none of 2xx: a code as in ops.h, and a sentence without the object's name. A redirect
 * within the origin: 0, with *ret_url to ask instead (the caller frees it). */
int web_meaning(struct web *web, const struct http_request *http, unsigned redirects, char **ret_url,
                struct error *err);
int web_prefix(const struct web *web, const char *path,
               struct error *err); /* the object's URL into the front */

void web_get_start(struct store *store, struct store_get *get);
void web_get_cancel(struct store *store, struct store_get *get);
