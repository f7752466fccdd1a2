// SPDX-License-Identifier: Apache-2.0
/*
 * Listing, a page a request. Of objects a page ends with a token for the next one; of versions, of which the
 * newest of each object alone is told, with the key and version that it ends at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/memory.h"
#include "cache/store/listing.h"
#include "cache/store/s3.h"

struct paging {
    struct s3 *s3;
    const struct store_listing *listing;
    char *full_prefix;
    char *after;        /* key up to which all is left out; NULL: none */
    char *next;         /* continuation token, or key marker; NULL: no page but the first */
    char *next_version; /* version id marker, or NULL */
};

static void add_parameter(struct buf *query, const char *name, const char *value)
{
    buf_printf(query, "%s%s=", query->len ? "&" : "", name);
    escape_append(query, value, strlen(value), "~", 0);
}

static void objects_query(const struct paging *paging, const char *keys, struct buf *query)
{
    if (paging->next)
        add_parameter(query, "continuation-token", paging->next);
    add_parameter(query, "encoding-type", "url");
    add_parameter(query, "list-type", "2");
    add_parameter(query, "max-keys", keys);
    add_parameter(query, "prefix", paging->full_prefix);
    if (!paging->next && paging->after)
        add_parameter(query, "start-after", paging->after);
}

static void versions_query(const struct paging *paging, const char *keys, struct buf *query)
{
    add_parameter(query, "encoding-type", "url");
    if (paging->next || paging->after)
        add_parameter(query, "key-marker", paging->next ? paging->next : paging->after);
    add_parameter(query, "max-keys", keys);
    add_parameter(query, "prefix", paging->full_prefix);
    if (paging->next_version)
        add_parameter(query, "version-id-marker", paging->next_version);
    add_parameter(query, "versions", "");
}

static int tell_page(const struct paging *paging, const struct listing *page, struct error *err)
{
    const char *prefix = paging->s3->place.key_prefix;
    size_t len = strlen(prefix);
    for (size_t i = 0; i < page->count; i++) {
        const struct listing_entry *entry = &page->entries[i];
        struct store_object object = {.size = entry->size,
                                      .modified_ns = entry->modified_ns,
                                      .versioned = *entry->version,
                                      .archived = entry->archived};
        struct pin_s3 pin = {0};
        strcpy(pin.etag, entry->etag);
        strcpy(pin.version, entry->version);
        pin_s3_print(&pin, object.pin);
        if (strncmp(entry->key, prefix, len))
            return error_set(err, EIO, "%s: the listing strayed to '%s'", paging->s3->place.url, entry->key);
        if (paging->after && strcmp(entry->key, paging->after) <= 0)
            continue; /* a key marker may be told again */
        int rc = paging->listing->each(paging->listing->ctx, entry->key + len, &object, err);
        if (rc)
            return rc;
    }
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* A server that ends each page of versions at the same place must not keep us listing for ever: nothing need
 * be told of such a page. */
static int turn_page(struct paging *paging, struct listing *page, struct error *err)
{
    bool versions = paging->listing->versions;
    int order = versions && page->next && paging->next ? strcmp(page->next, paging->next) : 1;
    if (order < 0 || (!order && same(page->next_version, paging->next_version)))
        return error_set(err, EIO, "%s: the listing is out of order at '%s'", paging->s3->place.url,
                         page->next);
    free(paging->next);
    free(paging->next_version);
    paging->next = STEAL(page->next);
    paging->next_version = STEAL(page->next_version);
    return 0;
}

static int parse_page(const struct paging *paging, const struct buf *body, struct listing *ret,
                      struct error *err)
{
    const char *name = paging->s3->place.url;
    int rc = paging->listing->versions ? listing_parse_versions(name, body->data, body->len, ret, err)
                                       : listing_parse(name, body->data, body->len, ret, err);
    if (rc == 0)
        return 0;
    return error_within(err, error_recode(err, EIO), "listing");
}

/* 0, with paging->next NULL behind the last page. */
static int list_page(struct paging *paging, struct error *err)
{
    struct s3 *s3 = paging->s3;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_LISTING struct listing page = {0};
    CLEANUP_BUF struct buf query = BUF_INIT;
    char keys[16];
    snprintf(keys, sizeof keys, "%u", s3->page_keys);
    if (paging->listing->versions)
        versions_query(paging, keys, &query);
    else
        objects_query(paging, keys, &query);
    struct s3_ask ask = {.method = "GET", .query = buf_text(&query)};
    int rc = s3_run(s3, &ask, &reply, err);
    if (!rc)
        rc = parse_page(paging, &reply.body, &page, err);
    if (!rc)
        rc = tell_page(paging, &page, err);
    return rc ? rc : turn_page(paging, &page, err);
}

int s3_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct s3 *s3 = s3_of(store);
    const char *above = s3->place.key_prefix;
    CLEANUP_FREE char *prefix = mem_printf("%s%s", above, listing->prefix);
    CLEANUP_FREE char *after = *listing->after ? mem_printf("%s%s", above, listing->after) : NULL;
    struct paging paging = {.s3 = s3, .listing = listing, .full_prefix = prefix, .after = after};
    int rc;
    do
        rc = list_page(&paging, err);
    while (!rc && paging.next);
    free(paging.next);
    free(paging.next_version);
    return rc;
}
