// SPDX-License-Identifier: Apache-2.0
/* What a clip may be at most, and how "no time" is said: shared by change sets and catalogs. */
#pragma once

#include <stdint.h>

enum {
    CLIP_BYTES_MAX = 512 << 20, /* inline bytes of a stream, a recording's index, an extra */
    CLIP_STREAMS_MAX = 1000,
    CLIP_PRINT_BYTES = 16, /* of a fingerprint, a SHA-256, as catalogs keep it */
};

#define CLIP_NO_TIME INT64_MIN /* ns UTC */
