// SPDX-License-Identifier: Apache-2.0
/*
 * One handler a codec. Each is given the exact room and must fill it: a page that unpacks to more or less
 * than its header says is damaged.
 */
#include "index/containers/parquet/codec.h"

#include <brotli/decode.h>
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "cache/base/cursor.h"

enum {
    CODEC_PLAIN = 0,
    CODEC_SNAPPY = 1,
    CODEC_GZIP = 2,
    CODEC_BROTLI = 4,
    CODEC_LZ4 = 5,
    CODEC_ZSTD = PARQUET_CODEC_PACKED,
    CODEC_LZ4_RAW = 7,
    CODEC_COUNT,
};

struct room {
    uint8_t *to;
    size_t len;
};

static bool unpack_plain(const uint8_t *from, size_t len, struct room room)
{
    if (len != room.len)
        return false;
    if (len)
        memcpy(room.to, from, len);
    return true;
}

static bool unpack_snappy(const uint8_t *from, size_t len, struct room room)
{
    size_t claimed;
    if (snappy_uncompressed_length((const char *)from, len, &claimed) != SNAPPY_OK || claimed != room.len)
        return false;
    return snappy_uncompress((const char *)from, len, (char *)room.to, &claimed) == SNAPPY_OK;
}

static bool unpack_zstd(const uint8_t *from, size_t len, struct room room)
{
    return ZSTD_decompress(room.to, room.len, from, len) == room.len;
}

/* A page may be several gzip members one behind the other (RFC 1952 section 2.2). */
static bool inflate_members(z_stream *stream)
{
    while (stream->avail_in) {
        if (inflate(stream, Z_FINISH) != Z_STREAM_END || inflateReset(stream) != Z_OK)
            return false;
    }
    return stream->avail_out == 0;
}

static bool unpack_gzip(const uint8_t *from, size_t len, struct room room)
{
    z_stream stream = {.next_in = (Bytef *)from, .next_out = room.to};
    if (len > UINT_MAX || room.len > UINT_MAX)
        return false;
    stream.avail_in = (uInt)len;
    stream.avail_out = (uInt)room.len;
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) /* 16: a gzip header is wanted */
        return false;
    bool done = inflate_members(&stream);
    inflateEnd(&stream);
    return done;
}

static bool unpack_brotli(const uint8_t *from, size_t len, struct room room)
{
    size_t got = room.len;
    return BrotliDecoderDecompress(len, from, &got, room.to) == BROTLI_DECODER_RESULT_SUCCESS &&
           got == room.len;
}

static bool unpack_lz4_raw(const uint8_t *from, size_t len, struct room room)
{
    if (len > INT_MAX || room.len > INT_MAX)
        return false;
    int got = LZ4_decompress_safe((const char *)from, (char *)room.to, (int)len, (int)room.len);
    return got >= 0 && (size_t)got == room.len;
}

/* Hadoop's: frames of | unpacked u32, big-endian | blocks of | packed u32 | bytes |, as many as fill it |. */
static bool unpack_lz4_frames(const uint8_t *from, size_t len, struct room room)
{
    struct cursor c = cursor_of(from, len);
    size_t done = 0;
    while (cursor_left(&c)) {
        size_t frame = cursor_be32(&c);
        if (c.failed || frame > room.len - done)
            return false;
        for (size_t end = done + frame; done < end;) {
            uint32_t packed = cursor_be32(&c);
            const uint8_t *bytes = cursor_bytes(&c, packed);
            if (!bytes || packed > INT_MAX || end - done > INT_MAX)
                return false;
            int got = LZ4_decompress_safe((const char *)bytes, (char *)room.to + done, (int)packed,
                                          (int)(end - done));
            if (got <= 0)
                return false;
            done += (size_t)got;
        }
    }
    return done == room.len;
}

/* The format left open what its LZ4 is: Hadoop's frames, or one block, as the first C++ writers had it. */
static bool unpack_lz4(const uint8_t *from, size_t len, struct room room)
{
    return unpack_lz4_frames(from, len, room) || unpack_lz4_raw(from, len, room);
}

static const struct codec {
    const char *name;
    bool (*unpack)(const uint8_t *from, size_t len, struct room room);
} codecs[CODEC_COUNT] = {
    [CODEC_PLAIN] = {"uncompressed", unpack_plain},
    [CODEC_SNAPPY] = {"snappy", unpack_snappy},
    [CODEC_GZIP] = {"gzip", unpack_gzip},
    [CODEC_BROTLI] = {"brotli", unpack_brotli},
    [CODEC_LZ4] = {"lz4", unpack_lz4},
    [CODEC_ZSTD] = {"zstd", unpack_zstd},
    [CODEC_LZ4_RAW] = {"lz4", unpack_lz4_raw},
};

const char *parquet_codec_unread(int codec)
{
    if (codec < 0 || codec >= CODEC_COUNT)
        return "it is compressed by a codec that is not known";
    return codecs[codec].unpack ? NULL /* 3 is the only gap */ : "it is compressed by LZO, which is not read";
}

int parquet_codec_unpack(int codec, const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len,
                         struct error *err)
{
    const char *why = parquet_codec_unread(codec);
    if (why)
        return error_set(err, ENOTSUP, "%s", why);
    if (!codecs[codec].unpack(from, from_len, (struct room){to, to_len}))
        return error_set(err, EINVAL, "%zu %s bytes do not unpack to %zu", from_len, codecs[codec].name,
                         to_len);
    return 0;
}

int parquet_codec_pack(const void *from, size_t len, struct buf *out, struct error *err)
{
    size_t most = ZSTD_compressBound(len);
    uint8_t *to = buf_room(out, most);
    size_t made = ZSTD_compress(to, most, from, len, ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(made))
        return error_set(err, EIO, "%zu bytes cannot be packed: %s", len, ZSTD_getErrorName(made));
    out->len += made;
    return 0;
}
