// SPDX-License-Identifier: Apache-2.0
/*
 * From a pack's bytes, as they arrive, to the catalog they hold: a temporary file that has no name. Nothing
 * is to be believed before unpack_finish() has compared sizes and SHA-256 with the manifest; what unpacks to
 * more than the manifest says is stopped there.
 *
 * Thread rule: one thread at a time; a finished spool may be read by several.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/base/manifest.h"

/* The unpacked file, shared by reference count. */
struct spool {
    atomic_uint refs;
    int fd;
    bool in_memory; /* the cache folder's disk did not take it */
};
struct spool *spool_ref(struct spool *spool);
void spool_unref(struct spool *spool);

struct unpack;

/* `name` stands in errors; `folder`: where the temporary file is made. Both and `catalog` are borrowed. Where
 * the disk does not take the file (full, read-only, gone), memory does, for catalogs of up to 1 GiB. */
int unpack_new(const char *name, const struct manifest_catalog *catalog, const char *folder,
               struct unpack **ret, struct error *err);
void unpack_free(struct unpack *unpack);
uint64_t unpack_received(const struct unpack *unpack); /* bytes of the pack so far */
/* The next bytes of the pack. An error stays: every further call gives it again. -EUCLEAN: damaged. */
int unpack_add(struct unpack *unpack, const void *bytes, size_t len, struct error *err);
int unpack_check(const struct unpack *unpack, struct error *err); /* the error that stays, or 0 */
/* After the last byte: the verified catalog, the caller's reference. */
int unpack_finish(struct unpack *unpack, struct spool **ret, struct error *err);
