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
/* Is a reply of status 2xx exactly what was asked? object->size is the reply's Content-Length before, the
 * size of the object after it; *ret_end: where the promised bytes end. -EIO; -ESTALE: another size than the
 * pinned one. */
int ranged_check(const struct store_get *get, const struct http_reply *reply, struct store_object *object,
                 uint64_t *ret_end, struct error *err);
