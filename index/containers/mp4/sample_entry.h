// SPDX-License-Identifier: Apache-2.0
/*
 * Sample entries: what a track's `stsd` box says about its codec (ISO/IEC 14496-12 section 8.5.2, 14496-15).
 * Only what cutting needs is read; the box itself is copied into every clip. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/containers/mp4/box.h"

enum { SAMPLE_ENTRIES_MAX = 1024 };

struct sample_entry {
    uint32_t type;          /* 'avc1', 'av01', 'mp4a', ... */
    uint16_t width, height; /* pixels; video only */
    uint8_t nal_length;     /* H.264 and HEVC: bytes of a NAL unit's length, 1-4; else 0 */
};

/* Reads all entries of `stsd`, whose cursor stands behind the box header. The caller frees *ret. -EINVAL
 * damaged; -ENOTSUP encrypted. */
int sample_entries_read(const struct box *stsd, bool video, struct sample_entry **ret, size_t *ret_count,
                        struct error *err);
