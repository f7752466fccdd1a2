// SPDX-License-Identifier: Apache-2.0
/* Replies that were passed on once, to be given again without the server. Locks itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

struct kept;

struct kept_reply {
    struct buf bytes; /* head and body as they were sent */
    int status;
    uint64_t body_len;
};

struct kept *kept_new(void); /* never freed */
/* NULL: none. Stays valid. */
const struct kept_reply *kept_find(struct kept *kept, const char *request);
/* Takes `reply`'s bytes; the first one of a request stays. */
void kept_put(struct kept *kept, const char *request, struct kept_reply *reply);
