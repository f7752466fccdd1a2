// SPDX-License-Identifier: Apache-2.0
/* Asking a service for keys. Blocks; any thread. */
#pragma once

#include "cache/store/credentials.h"
#include "cache/store/http.h"

/* Runs `request`, whose method, URL and headers are set, within `limit_s`; its body is appended to `buf`,
 * which has room for it before. Frees what the request owns. 0 if the status is 200; -ENOENT if nobody
 * answers; -EACCES with `name` and the status. */
int credentials_ask(const struct credential_lookup *lookup, const char *name, struct http_request *request,
                    int limit_s, struct buf *buf, struct error *err);
