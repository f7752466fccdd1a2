// SPDX-License-Identifier: Apache-2.0
/* A version's catalog and a reader of it, for the time of one request. One thread at a time. */
#pragma once

#include "fs/fs.h"

struct scope {
    struct catalog *catalog;
    struct catalog_reader *reader;
};
#define CLEANUP_SCOPE CLEANUP(scope_close)

/* -EAGAIN where the patience says not to wait and something is missing. */
int scope_open(struct fs *fs, uint32_t version, const struct catalog_patience *patience, struct scope *ret,
               struct error *err);
void scope_close(struct scope *scope); /* an empty one is fine */
