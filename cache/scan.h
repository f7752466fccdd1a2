// SPDX-License-Identifier: Apache-2.0
/* What lies in the cache folder. Thread rule: any thread; takes as long as the folder is large. Private to
 * cache/. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "cache/folder.h"

struct scan_file {
    uint8_t key[SHA256_BYTES];
    uint64_t bytes;      /* of both files, as allocated */
    int64_t modified_ns; /* of the side file: when it was last closed by a writer */
};

/* Calls each(ctx, file) for every key that has a file, the longest unused first. -ECANCELED when *stop. */
int scan_folder(const struct folder *folder, const atomic_bool *stop,
                void (*each)(void *ctx, const struct scan_file *file), void *ctx);
