// SPDX-License-Identifier: Apache-2.0
/* A handful of bits decide; nothing behind the slice type is parsed. */
#include "index/containers/mp4/nal.h"

enum {
    H264_SLICE = 1,
    H264_PARTITION_A = 2,
    H264_IDR = 5,
    H264_SEI = 6,
    HEVC_LAST_SLICE = 31,
    HEVC_FIRST_IRAP = 16,
    HEVC_LAST_IRAP = 21,
    SEI_RECOVERY_POINT = 6,
    SLICE_TYPE_I = 2,
};

/* Bits of a raw payload: emulation prevention bytes (00 00 03) are passed over. */
struct bits {
    const uint8_t *data;
    size_t len, at;
    unsigned zeros; /* zero bytes just before `at` */
    unsigned left;  /* bits of `byte` not read yet */
    uint8_t byte;
    bool failed;
};

static uint8_t next_byte(struct bits *b)
{
    if (b->at < b->len && b->zeros >= 2 && b->data[b->at] == 3) {
        b->at++;
        b->zeros = 0;
    }
    if (b->at >= b->len) {
        b->failed = true;
        return 0;
    }
    uint8_t byte = b->data[b->at++];
    b->zeros = byte ? 0 : b->zeros + 1;
    return byte;
}

static unsigned next_bit(struct bits *b)
{
    if (!b->left) {
        b->byte = next_byte(b);
        b->left = 8;
    }
    return b->byte >> --b->left & 1;
}

/* Exp-Golomb, ue(v): H.264 section 9.1. */
static uint32_t next_ue(struct bits *b)
{
    unsigned zeros = 0;
    while (!b->failed && !next_bit(b))
        if (++zeros > 31)
            b->failed = true;
    uint64_t value = 1;
    for (unsigned i = 0; i < zeros && !b->failed; i++)
        value = value << 1 | next_bit(b);
    return b->failed ? 0 : (uint32_t)(value - 1);
}

/* Payload types and sizes are sums of bytes up to one that is not 255 (H.264 section 7.3.2.3.1). */
static uint32_t next_sei_number(struct bits *b)
{
    uint32_t sum = 0;
    uint8_t byte;
    do {
        byte = next_byte(b);
        sum += byte;
    } while (byte == 255);
    return sum;
}

static void look_at_sei(struct nal_scan *scan, struct bits b)
{
    while (!b.failed) {
        uint32_t type = next_sei_number(&b);
        uint32_t len = next_sei_number(&b);
        if (b.failed)
            return;
        if (type == SEI_RECOVERY_POINT) {
            bool at_once = next_ue(&b) == 0;
            bool exact = next_bit(&b);
            scan->recovers = !b.failed && at_once && exact;
            return;
        }
        for (uint32_t i = 0; i < len && !b.failed; i++)
            next_byte(&b);
    }
}

static enum nal_start look_at_slice(const struct nal_scan *scan, struct bits b)
{
    next_ue(&b); /* first_mb_in_slice */
    uint32_t slice_type = next_ue(&b);
    bool intra = !b.failed && slice_type % 5 == SLICE_TYPE_I;
    if (!intra)
        return NAL_OTHER;
    return scan->recovers ? NAL_KEY : NAL_INTRA;
}

static enum nal_start look_h264(struct nal_scan *scan, const uint8_t *unit, size_t len)
{
    struct bits b = {.data = unit, .len = len, .at = 1};
    switch (unit[0] & 31) {
    case H264_IDR:
        return NAL_KEY;
    case H264_SEI:
        look_at_sei(scan, b);
        return NAL_MORE;
    case H264_SLICE:
    case H264_PARTITION_A:
        return look_at_slice(scan, b);
    default:
        return NAL_MORE;
    }
}

enum nal_start nal_look(struct nal_scan *scan, const uint8_t *unit, size_t len)
{
    if (!len)
        return NAL_MORE;
    if (scan->codec == NAL_H264)
        return look_h264(scan, unit, len);
    unsigned type = unit[0] >> 1 & 63;
    if (type > HEVC_LAST_SLICE)
        return NAL_MORE;
    return type >= HEVC_FIRST_IRAP && type <= HEVC_LAST_IRAP ? NAL_KEY : NAL_OTHER;
}
