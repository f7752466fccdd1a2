// SPDX-License-Identifier: Apache-2.0
/*
 * What the first bytes of an H.264 or HEVC access unit tell about starting to decode there (ITU-T H.264
 * sections 7.3.1, 7.3.3, D.2.8; ITU-T H.265 sections 7.3.1.2, 7.4.2.2). Bytes are hostile. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nal_codec { NAL_NONE, NAL_H264, NAL_HEVC };

enum nal_start {
    NAL_MORE,  /* no picture seen yet: go on with the next unit */
    NAL_KEY,   /* everything shown from here on is right: IDR, CRA, BLA, or an H.264 I picture with an exact
                  recovery point (open GOP) */
    NAL_INTRA, /* an I picture that promises nothing about those behind it */
    NAL_OTHER, /* needs earlier pictures; also a recovery point that is right only later (intra refresh) */
};

struct nal_scan {
    enum nal_codec codec;
    bool recovers; /* an exact recovery point with recovery_frame_cnt 0 was seen */
};

/* Looks at one NAL unit: `len` bytes of it are at `unit`, perhaps not all it has. */
enum nal_start nal_look(struct nal_scan *scan, const uint8_t *unit, size_t len);
