// SPDX-License-Identifier: Apache-2.0
/* A read's loop: gather, or wait and gather again. Private to cache/. */
#pragma once

#include "cache/cached.h"

/* Reads bytes of one cached file; ends like cache_read(). `pattern` is the handle's. */
void read_start(struct cached *file, struct pattern *pattern, struct cache_read *read);
void read_cancel(struct cached *file, struct cache_read *read);
/* Never waits for the source: -EAGAIN, and nothing is fetched. */
int read_now(struct cached *file, uint64_t offset, size_t len, void *to, struct error *err);
/* The waits of a list (by `next`), unlinked from their files, go on or fail. No lock held. */
void read_continue_all(struct wait *waits);
void read_fail_all(struct wait *waits, int rc, const struct error *err);
