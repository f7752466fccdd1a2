// SPDX-License-Identifier: Apache-2.0
/*
 *     v1:  header | packed [ u32 len, rep runs | u32 len, def runs | values ]
 *     v2:  header | rep runs | def runs | packed [ values ]
 *
 * Levels that can only be 0 are not stored. In v2 the header has the lengths of the levels, and says whether
 * the values are packed at all.
 */
#include "index/containers/parquet/page.h"

#include <errno.h>
#include <zlib.h>

#include "index/containers/parquet/codec.h"
#include "index/containers/parquet/encoding.h"

enum { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

/* PageHeader */
enum {
    HEADER_TYPE = 1,
    HEADER_UNPACKED = 2,
    HEADER_PACKED = 3,
    HEADER_CRC = 4,
    HEADER_DATA = 5,
    HEADER_DICTIONARY = 7,
    HEADER_DATA_V2 = 8,
};

/* DataPageHeader, DictionaryPageHeader, DataPageHeaderV2 */
enum {
    PAGE_VALUES = 1,
    PAGE_ENCODING = 2,
    PAGE_DEF_ENCODING = 3,
    PAGE_REP_ENCODING = 4,
    PAGE_V2_ENCODING = 4,
    PAGE_V2_DEF_LEN = 5,
    PAGE_V2_REP_LEN = 6,
    PAGE_V2_PACKED = 7,
};

struct body {
    struct cursor packed; /* as it lies in the chunk */
    uint64_t unpacked_len;
    thrift_id header; /* of the type of the page */
};

void parquet_pages_init(struct parquet_pages *pages, const struct parquet_layout *layout, int codec,
                        struct cursor chunk, uint64_t bytes_max)
{
    *pages = (struct parquet_pages){.layout = layout, .codec = codec, .chunk = chunk, .bytes_max = bytes_max};
}

void parquet_pages_done(struct parquet_pages *pages)
{
    thrift_done(&pages->header);
    buf_done(&pages->unpacked);
}

static int unpack(struct parquet_pages *pages, struct cursor from, uint64_t len, struct cursor *ret,
                  struct error *err)
{
    if (len > pages->bytes_max)
        return error_set(err, EFBIG, "the page claims to unpack to %llu bytes, at most %llu are read",
                         (unsigned long long)len, (unsigned long long)pages->bytes_max);
    size_t from_len = cursor_left(&from);
    const uint8_t *bytes = cursor_bytes(&from, from_len);
    buf_clear(&pages->unpacked);
    uint8_t *to = buf_room(&pages->unpacked, (size_t)len);
    int rc = parquet_codec_unpack(pages->codec, bytes, from_len, to, (size_t)len, err);
    if (rc)
        return rc;
    *ret = cursor_of(to, (size_t)len);
    return 0;
}

/* `max`: the greatest there is; where it is 0, none are stored. */
static int take_levels_v1(struct parquet_page *page, unsigned max, int64_t encoding,
                          struct parquet_levels *ret, struct error *err)
{
    if (!max)
        return 0;
    if (encoding != PARQUET_RLE && encoding != PARQUET_BIT_PACKED)
        return error_set(err, ENOTSUP, "levels in encoding %lld are not read", (long long)encoding);
    ret->bit_packed = encoding == PARQUET_BIT_PACKED;
    uint64_t len = ret->bit_packed ? parquet_levels_packed_len(max, page->values) : cursor_le32(&page->data);
    ret->bytes = cursor_sub(&page->data, len);
    return page->data.failed ? error_set(err, EINVAL, "levels are longer than their page") : 0;
}

static int open_v1(struct parquet_pages *pages, const struct body *body, struct parquet_page *page,
                   struct error *err)
{
    const struct thrift *tree = &pages->header;
    page->encoding = thrift_integer_or(tree, body->header, PAGE_ENCODING, -1);
    int rc = unpack(pages, body->packed, body->unpacked_len, &page->data, err);
    if (!rc)
        rc = take_levels_v1(page, pages->layout->depth,
                            thrift_integer_or(tree, body->header, PAGE_REP_ENCODING, -1), &page->rep, err);
    if (!rc)
        rc = take_levels_v1(page, pages->layout->max_def,
                            thrift_integer_or(tree, body->header, PAGE_DEF_ENCODING, -1), &page->def, err);
    return rc;
}

static int open_v2(struct parquet_pages *pages, const struct body *body, struct parquet_page *page,
                   struct error *err)
{
    const struct thrift *tree = &pages->header;
    page->encoding = thrift_integer_or(tree, body->header, PAGE_V2_ENCODING, -1);
    int64_t rep = thrift_integer_or(tree, body->header, PAGE_V2_REP_LEN, -1);
    int64_t def = thrift_integer_or(tree, body->header, PAGE_V2_DEF_LEN, -1);
    struct cursor rest = body->packed;
    if (rep < 0 || def < 0 || (uint64_t)rep > body->unpacked_len ||
        (uint64_t)def > body->unpacked_len - (uint64_t)rep)
        return error_set(err, EINVAL, "levels are longer than their page");
    page->rep.bytes = cursor_sub(&rest, (uint64_t)rep);
    page->def.bytes = cursor_sub(&rest, (uint64_t)def);
    if (rest.failed)
        return error_set(err, EINVAL, "levels are longer than their page");
    uint64_t len = body->unpacked_len - (uint64_t)rep - (uint64_t)def;
    bool packed = thrift_integer_or(tree, body->header, PAGE_V2_PACKED, 1) != 0;
    if (len == 0 || !packed) { /* a page of nulls has no values to unpack */
        page->data = cursor_sub(&rest, cursor_left(&rest));
        return 0;
    }
    struct cursor values = cursor_sub(&rest, cursor_left(&rest));
    return unpack(pages, values, len, &page->data, err);
}

static int open_dictionary(struct parquet_pages *pages, const struct body *body, struct parquet_page *page,
                           struct error *err)
{
    page->dictionary = true;
    page->encoding = thrift_integer_or(&pages->header, body->header, PAGE_ENCODING, -1);
    if (page->encoding != PARQUET_PLAIN && page->encoding != PARQUET_PLAIN_DICTIONARY)
        return error_set(err, ENOTSUP, "a dictionary in encoding %lld is not read",
                         (long long)page->encoding);
    return unpack(pages, body->packed, body->unpacked_len, &page->data, err);
}

static int check_crc(const struct thrift *tree, thrift_id header, struct cursor body, struct error *err)
{
    int64_t stated;
    if (!thrift_integer(tree, thrift_field(tree, header, HEADER_CRC), &stated))
        return 0;
    size_t len = cursor_left(&body);
    uint32_t crc = (uint32_t)crc32_z(0, cursor_bytes(&body, len), len);
    if (crc != (uint32_t)stated)
        return error_set(err, EINVAL, "the page's checksum is %08x, stated is %08x", (unsigned)crc,
                         (unsigned)(uint32_t)stated);
    return 0;
}

static int open_page(struct parquet_pages *pages, thrift_id header, int64_t type, struct body body,
                     struct parquet_page *ret, struct error *err)
{
    static const struct {
        int field;
        int (*open)(struct parquet_pages *, const struct body *, struct parquet_page *, struct error *);
    } types[] = {
        [PAGE_DATA] = {HEADER_DATA, open_v1},
        [PAGE_DICTIONARY] = {HEADER_DICTIONARY, open_dictionary},
        [PAGE_DATA_V2] = {HEADER_DATA_V2, open_v2},
    };
    body.header = thrift_field(&pages->header, header, types[type].field);
    int64_t values = thrift_integer_or(&pages->header, body.header, PAGE_VALUES, -1);
    if (values < 0)
        return error_set(err, EINVAL, "the page header states no number of values");
    if (type != PAGE_DICTIONARY)
        pages->entries = (uint64_t)values;
    struct parquet_page page = {.values = (uint64_t)values};
    int rc = check_crc(&pages->header, header, body.packed, err);
    if (!rc)
        rc = types[type].open(pages, &body, &page, err);
    if (rc)
        return rc;
    *ret = page;
    return 1;
}

int parquet_pages_next(struct parquet_pages *pages, struct parquet_page *ret, struct error *err)
{
    while (cursor_left(&pages->chunk)) {
        size_t at = pages->chunk.at;
        thrift_id header;
        pages->entries = UINT64_MAX;
        int rc = thrift_parse(&pages->header, &pages->chunk, &header, err);
        if (rc)
            return error_within(err, rc, "page header");
        int64_t type = thrift_integer_or(&pages->header, header, HEADER_TYPE, -1);
        int64_t unpacked = thrift_integer_or(&pages->header, header, HEADER_UNPACKED, -1);
        int64_t packed = thrift_integer_or(&pages->header, header, HEADER_PACKED, -1);
        if (unpacked < 0 || packed < 0 || (uint64_t)packed > cursor_left(&pages->chunk))
            return error_set(err, EINVAL, "the page at %zu claims %lld bytes, the chunk has %zu more", at,
                             (long long)packed, cursor_left(&pages->chunk));
        struct body body = {.packed = cursor_sub(&pages->chunk, (uint64_t)packed),
                            .unpacked_len = (uint64_t)unpacked};
        if (type == PAGE_DATA || type == PAGE_DICTIONARY || type == PAGE_DATA_V2)
            return open_page(pages, header, type, body, ret, err);
        /* index pages hold nothing for a reader, and a page of an unknown type may be passed over */
    }
    return 0;
}
