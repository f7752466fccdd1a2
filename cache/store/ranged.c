// SPDX-License-Identifier: Apache-2.0
/*
 * A reply is judged by its head before its first byte and by its length at its end. What does not say exactly
 * what was asked for is refused, and an object that changed is told from one that is broken.
 */
#include "cache/store/ranged.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A store has less to do for the whole of an object than for a range that happens to be all of it: Ceph looks
 * its attributes up with the bytes, not before them. */
bool ranged_is_part(const struct store_get *get)
{
    bool whole = get->len == UINT64_MAX || (get->size != UINT64_MAX && get->len == get->size);
    return get->len != 0 && (get->offset || !whole);
}

void ranged_format(const struct store_get *get, char ret_text[RANGED_TEXT_BYTES])
{
    if (get->len == UINT64_MAX)
        snprintf(ret_text, RANGED_TEXT_BYTES, "bytes=%" PRIu64 "-", get->offset);
    else
        snprintf(ret_text, RANGED_TEXT_BYTES, "bytes=%" PRIu64 "-%" PRIu64, get->offset,
                 get->offset + get->len - 1);
}

/* "bytes A-B/SIZE", nothing else. */
static bool parse(const char *text, uint64_t *first, uint64_t *last, uint64_t *size)
{
    char again[80];
    if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, first, last, size) != 3)
        return false;
    snprintf(again, sizeof again, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, *first, *last, *size);
    return !strcmp(text, again) && *first <= *last && *last < *size;
}

/* The object that was pinned, as its ETag says, but not its bytes. */
static bool is_changed(const struct store_get *get, const struct store_object *object)
{
    return get->pin && !strncmp(get->pin, "etag=", 5) && get->size != UINT64_MAX && object->size != get->size;
}

static int changed_on_the_way(const struct store_get *get, const struct store_object *object,
                              struct error *err)
{
    return error_set(err, EBADMSG,
                     "%" PRIu64 " bytes are sent of an object of %" PRIu64
                     ": it may be kept gzip-encoded, and unpacked on the way",
                     object->size, get->size);
}

static int check_part(const struct store_get *get, const struct http_reply *reply,
                      struct store_object *object, uint64_t *ret_end, struct error *err)
{
    char text[80];
    uint64_t first, last, size;
    if (reply->status != 206 && is_changed(get, object))
        return changed_on_the_way(get, object, err);
    if (reply->status != 206)
        return error_set(err, EIO,
                         "the store ignored the range that was asked for (it must support range requests)");
    if (!http_reply_header(reply, "content-range", text, sizeof text) || !parse(text, &first, &last, &size))
        return error_set(err, EIO, "the reply has no sound Content-Range");
    if (get->size != UINT64_MAX && size != get->size)
        return error_set(err, ESTALE, "the object is not the one that was pinned; its size has changed");
    uint64_t wanted = get->len == UINT64_MAX || get->len > size - first ? size - first : get->len;
    if (first != get->offset || last - first + 1 != wanted)
        return error_set(err, EIO, "asked for %" PRIu64 "+%" PRIu64 ", was given %s", get->offset, get->len,
                         text);
    if (object->size != last - first + 1)
        return error_set(err, EIO, "Content-Length and Content-Range of the reply differ");
    object->size = size;
    *ret_end = last + 1;
    return 0;
}

static int check_whole(const struct store_get *get, const struct http_reply *reply,
                       const struct store_object *object, uint64_t *ret_end, struct error *err)
{
    if (reply->status != 200)
        return error_set(err, EIO, "the store sent a part where the whole was asked for");
    if (is_changed(get, object))
        return changed_on_the_way(get, object, err);
    if (get->size != UINT64_MAX && object->size != get->size)
        return error_set(err, ESTALE, "the object is not the one that was pinned; its size has changed");
    *ret_end = object->size;
    return 0;
}

static int check(const struct store_get *get, const struct http_reply *reply, struct store_object *object,
                 uint64_t *ret_end, struct error *err)
{
    return ranged_is_part(get) ? check_part(get, reply, object, ret_end, err)
                               : check_whole(get, reply, object, ret_end, err);
}

int ranged_accept(struct ranged *ranged, const struct http_reply *reply, struct store_object *object,
                  struct error *err)
{
    int rc = check(ranged->get, reply, object, &ranged->end, err);
    if (rc < 0)
        return rc;
    ranged->at = ranged->get->offset;
    ranged->accepted = true;
    if (ranged->get->ret_object)
        *ranged->get->ret_object = *object;
    return 0;
}

int ranged_take(struct ranged *ranged, const void *bytes, size_t len, struct error *err)
{
    if (len > ranged->end - ranged->at)
        return error_set(err, EIO, "the reply is longer than it said");
    uint64_t at = ranged->at;
    ranged->at += len;
    ranged->get->on_data(ranged->get, at, bytes, len);
    return 0;
}

int ranged_whole(const struct ranged *ranged, struct error *err)
{
    return ranged->at == ranged->end ? 0 : error_set(err, EAGAIN, "the reply ended early");
}
