// SPDX-License-Identifier: Apache-2.0
/* A test's Parquet file in memory, with a count of what was read of it. */
#pragma once

#include <stdbool.h>

#include "index/containers/parquet/parquet.h"

struct opened {
    struct buf bytes;
    struct recording recording;
    uint64_t requests, bytes_read;
    uint64_t fail_at; /* the request that fails with EIO; 0: none */
    struct parquet *parquet;
};

#define CLEANUP_OPENED CLEANUP(opened_done)

/* PARQUET_TESTS/<name>.parquet; ends the test if it cannot be read or opened. */
void opened_init(struct opened *opened, const char *name);
/* The recording of a file anywhere, not opened; false if it is not there. */
bool opened_load(struct opened *opened, const char *path);
void opened_load_bytes(struct opened *opened, const char *name, const void *bytes, size_t len);
void opened_done(struct opened *opened);
