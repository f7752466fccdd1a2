// SPDX-License-Identifier: Apache-2.0
/* What the status of a refused reply means, where nothing else in it tells more. Any thread. */
#pragma once

#include "cache/store/http.h"
#include "cache/store/ops.h"

/* A code as in ops.h and a sentence without the object's name. */
int status_meaning(int status, struct error *err);
/* The server's own wish when to be asked again: kept in the store, at most a minute. */
void status_obey_retry_after(struct store *store, const struct http_reply *reply);
