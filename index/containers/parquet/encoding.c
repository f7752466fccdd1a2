// SPDX-License-Identifier: Apache-2.0
/* One writer an encoding. What bytes share with those before them may multiply them, so each that is appended
 * counts against the cap. */
#include "index/containers/parquet/encoding.h"

#include <errno.h>
#include <string.h>

#include "index/containers/parquet/delta.h"

struct rewriting {
    const struct parquet_layout *layout;
    struct cursor data;
    uint64_t n;
    uint64_t bytes_max;
    struct buf *to;
    size_t start; /* of what is appended */
};

static int ends_early(uint64_t i, struct error *err)
{
    return error_set(err, EINVAL, "the page ends before value %llu", (unsigned long long)i);
}

static bool has_room(const struct rewriting *r, uint64_t more)
{
    return more <= r->bytes_max - (r->to->len - r->start);
}

static int too_large(const struct rewriting *r, struct error *err)
{
    return error_set(err, EFBIG, "its values take more than %llu bytes", (unsigned long long)r->bytes_max);
}

static size_t width_of(const struct parquet_layout *layout)
{
    bool narrow = layout->physical == PARQUET_TYPE_INT32 || layout->physical == PARQUET_TYPE_FLOAT;
    return layout->physical == PARQUET_TYPE_FIXED ? layout->width : narrow ? 4 : 8;
}

static int write_integers(struct rewriting *r, struct error *err)
{
    struct delta delta;
    bool narrow = r->layout->physical == PARQUET_TYPE_INT32;
    int rc = delta_open(&delta, r->data, r->n, err);
    if (rc)
        return rc;
    if (r->n > r->bytes_max / 8)
        return too_large(r, err);
    for (uint64_t i = 0; i < r->n; i++) {
        int64_t value;
        if (!delta_next(&delta, &value))
            return ends_early(i, err);
        if (narrow)
            buf_le32(r->to, (uint32_t)value);
        else
            buf_le64(r->to, (uint64_t)value);
    }
    return 0;
}

/* Lengths, and the cursor at what stands behind them. */
static int open_lengths(const struct rewriting *r, struct cursor *data, struct delta *ret, struct error *err)
{
    int64_t length;
    int rc = delta_open(ret, *data, r->n, err);
    if (rc)
        return rc;
    struct delta ahead = *ret;
    for (uint64_t i = 0; i < r->n; i++)
        if (!delta_next(&ahead, &length))
            return ends_early(i, err);
    *data = ahead.bytes;
    return 0;
}

static int write_lengths_and_bytes(struct rewriting *r, struct error *err)
{
    struct delta lengths;
    int rc = open_lengths(r, &r->data, &lengths, err);
    for (uint64_t i = 0; !rc && i < r->n; i++) {
        int64_t length = 0;
        delta_next(&lengths, &length);
        const uint8_t *bytes = length < 0 ? NULL : cursor_bytes(&r->data, (uint64_t)length);
        if (!bytes)
            return ends_early(i, err);
        if (!has_room(r, 4 + (uint64_t)length))
            return too_large(r, err);
        buf_le32(r->to, (uint32_t)length);
        buf_append(r->to, bytes, (size_t)length);
    }
    return rc;
}

struct span {
    size_t at, len; /* in what is appended to */
};

/* One value: `shared` bytes of the one before it, then `length` of the page. */
static int write_joined(struct rewriting *r, struct span *last, int64_t shared, int64_t length,
                        struct error *err)
{
    bool fixed = r->layout->physical == PARQUET_TYPE_FIXED;
    const uint8_t *bytes = length < 0 ? NULL : cursor_bytes(&r->data, (uint64_t)length);
    uint64_t len = (uint64_t)shared + (uint64_t)length;
    if (!bytes || shared < 0 || (uint64_t)shared > last->len || len > UINT32_MAX ||
        (fixed && len != r->layout->width))
        return error_set(err, EINVAL, "a value does not fit the one before it, or the page");
    if (!has_room(r, 4 + len))
        return too_large(r, err);
    if (!fixed)
        buf_le32(r->to, (uint32_t)len);
    struct span now = {r->to->len, (size_t)len};
    uint8_t *to = buf_room(r->to, now.len);
    if (shared)
        memcpy(to, r->to->data + last->at, (size_t)shared);
    if (length)
        memcpy(to + shared, bytes, (size_t)length);
    r->to->len += now.len;
    *last = now;
    return 0;
}

static int write_shared_and_bytes(struct rewriting *r, struct error *err)
{
    struct delta shares, lengths;
    struct span last = {0};
    int rc = open_lengths(r, &r->data, &shares, err);
    if (!rc)
        rc = open_lengths(r, &r->data, &lengths, err);
    for (uint64_t i = 0; !rc && i < r->n; i++) {
        int64_t shared = 0, length = 0;
        delta_next(&shares, &shared);
        delta_next(&lengths, &length);
        rc = write_joined(r, &last, shared, length, err);
    }
    return rc;
}

static int write_split(struct rewriting *r, struct error *err)
{
    size_t width = width_of(r->layout);
    size_t len = cursor_left(&r->data);
    if (!width || len / width != r->n || len % width)
        return error_set(err, EINVAL, "%llu values of %zu bytes in %zu bytes", (unsigned long long)r->n,
                         width, len);
    if (!has_room(r, len))
        return too_large(r, err);
    const uint8_t *bytes = cursor_bytes(&r->data, len);
    uint8_t *to = buf_room(r->to, len);
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < width; k++)
            to[i * width + k] = bytes[k * r->n + i];
    r->to->len += len;
    return 0;
}

#define TYPE(name) (1u << PARQUET_TYPE_##name)

static const struct encoding {
    unsigned types; /* that have it */
    int (*write)(struct rewriting *r, struct error *err);
} encodings[] = {
    [PARQUET_DELTA_BINARY_PACKED] = {TYPE(INT32) | TYPE(INT64), write_integers},
    [PARQUET_DELTA_LENGTH_BYTE_ARRAY] = {TYPE(BYTE_ARRAY), write_lengths_and_bytes},
    [PARQUET_DELTA_BYTE_ARRAY] = {TYPE(BYTE_ARRAY) | TYPE(FIXED), write_shared_and_bytes},
    [PARQUET_BYTE_STREAM_SPLIT] = {TYPE(INT32) | TYPE(INT64) | TYPE(FLOAT) | TYPE(DOUBLE) | TYPE(FIXED),
                                   write_split},
};
enum { ENCODINGS = sizeof encodings / sizeof *encodings };

static bool is_rewritten(int64_t encoding)
{
    return encoding >= 0 && encoding < ENCODINGS && encodings[encoding].write;
}

bool parquet_encoding_known(int64_t encoding)
{
    return encoding == PARQUET_PLAIN || encoding == PARQUET_PLAIN_DICTIONARY || encoding == PARQUET_RLE ||
           encoding == PARQUET_BIT_PACKED || encoding == PARQUET_RLE_DICTIONARY || is_rewritten(encoding);
}

int parquet_encoding_to_plain(const struct parquet_layout *layout, const struct parquet_coded *coded,
                              uint64_t bytes_max, struct buf *to, struct error *err)
{
    struct rewriting r = {.layout = layout,
                          .data = coded->data,
                          .n = coded->count,
                          .bytes_max = bytes_max,
                          .to = to,
                          .start = to->len};
    if (!is_rewritten(coded->encoding) || !(encodings[coded->encoding].types & 1u << layout->physical))
        return error_set(err, ENOTSUP, "values in encoding %lld are not read", (long long)coded->encoding);
    return r.n ? encodings[coded->encoding].write(&r, err) : 0;
}
