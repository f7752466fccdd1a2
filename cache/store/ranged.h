// SPDX-License-Identifier: Apache-2.0
/*
 * What a GET asks for, and what a reply to it must say before one byte of it is handed out (RFC 9110,
 * sections 14 and 15.3.7). Shared by the stores that speak HTTP. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/store/http.h"
#include "cache/store/store.h"

enum { RANGED_TEXT_BYTES = 64 };

bool ranged_is_part(const struct store_get *get); /* false: the whole object is asked for */
/* The value of the Range header. */
void ranged_format(const struct store_get *get, char ret_text[RANGED_TEXT_BYTES]);

/* A reply on its way to the caller of a GET. One thread at a time. */
struct ranged {
    struct store_get *get;
    bool accepted;
    uint64_t at, end; /* next byte to come; end of what was promised (once accepted) */
};
/* Is a reply of status 2xx, whose pin has been compared, exactly what was asked? Then what answered is told
 * to who asked. object->size is the reply's Content-Length before, the size of the object after it. -EIO;
 * -ESTALE: another size than the pinned one. */
int ranged_accept(struct ranged *ranged, const struct http_reply *reply, struct store_object *object,
                  struct error *err);
/* Hands out bytes of an accepted reply. -EIO: more than it said. */
int ranged_take(struct ranged *ranged, const void *bytes, size_t len, struct error *err);
/* -EAGAIN if the accepted reply ended before its end. */
int ranged_whole(const struct ranged *ranged, struct error *err);
