// SPDX-License-Identifier: Apache-2.0
/* Memory for secrets: left out of core dumps, wiped before it is given back. Any thread. */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"

void *secret_new(size_t len); /* zeroed, in pages of its own */
void secret_free(void *memory, size_t len);
/* Wipes all of the buffer's memory, then frees it. A buffer that has grown leaves copies behind: reserve
 * first. */
void secret_buf_done(struct buf *buf);
#define CLEANUP_SECRET_BUF CLEANUP(secret_buf_done)
