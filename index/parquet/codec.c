// SPDX-License-Identifier: Apache-2.0
/*
 * One handler a codec. Each is given the exact room and must fill it: a page that unpacks to more or less
 * than its header says is damaged.
 */
#include "index/parquet/codec.h"

#include <errno.h>
#include <limits.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { CODEC_PLAIN = 0, CODEC_SNAPPY = 1, CODEC_GZIP = 2, CODEC_ZSTD = 6, CODEC_COUNT };

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

static const struct codec {
    const char *name;
    bool (*unpack)(const uint8_t *from, size_t len, struct room room);
} codecs[CODEC_COUNT] = {
    [CODEC_PLAIN] = {"uncompressed", unpack_plain},
    [CODEC_SNAPPY] = {"snappy", unpack_snappy},
    [CODEC_GZIP] = {"gzip", unpack_gzip},
    [CODEC_ZSTD] = {"zstd", unpack_zstd},
};

bool parquet_codec_known(int codec)
{
    return codec >= 0 && codec < CODEC_COUNT && codecs[codec].unpack;
}

int parquet_codec_unpack(int codec, const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len,
                         struct error *err)
{
    if (!parquet_codec_known(codec))
        return error_set(err, ENOTSUP, "compression codec %d is not read", codec);
    if (!codecs[codec].unpack(from, from_len, (struct room){to, to_len}))
        return error_set(err, EINVAL, "%zu %s bytes do not unpack to %zu", from_len, codecs[codec].name,
                         to_len);
    return 0;
}
