// SPDX-License-Identifier: Apache-2.0
/* Writing one pack: a plain put where it is small, else in parts as large as a store likes them. One thread
 * at a time. */
#pragma once

#include "cache/base/buf.h"
#include "cache/store/store.h"
#include "index/base/map.h"

struct pack_write {
    struct store *store; /* borrowed */
    char *path;
    struct buf part;             /* bytes not sent yet */
    struct store_upload *upload; /* NULL as long as one part suffices */
};

void pack_write_begin(struct pack_write *pack, struct store *store, const uint8_t id[MAP_ID_BYTES]);
int pack_write_add(struct pack_write *pack, const void *bytes, size_t len, struct error *err);
/* The next `len` bytes of a file. */
int pack_write_copy(struct pack_write *pack, int fd, uint64_t offset, uint64_t len, struct error *err);
int pack_write_end(struct pack_write *pack, struct error *err); /* it is there */
void pack_write_done(struct pack_write *pack);                  /* gives up what did not end */
