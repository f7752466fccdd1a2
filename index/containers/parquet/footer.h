// SPDX-License-Identifier: Apache-2.0
/*
 * An opened Parquet file: what its footer says, checked.
 *
 * Source of the format: apache/parquet-format, README.md (file layout) and parquet.thrift (FileMetaData).
 *
 *     "PAR1" | column chunks, row group after row group | page indexes ... | FileMetaData | length u32 |
 * "PAR1" ^ footer_at
 *
 * The footer stays as bytes; groups and chunks name their place in it and are parsed again where more of them
 * is wanted, so that a file of a thousand groups costs little. Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/strmap.h"
#include "index/containers/parquet/parquet.h"
#include "index/containers/parquet/schema.h"
#include "index/containers/parquet/thrift.h"

/* FileMetaData, RowGroup, ColumnChunk, ColumnMetaData: the fields used here */
enum {
    FILE_SCHEMA = 2,
    FILE_ROWS = 3,
    FILE_GROUPS = 4,
    FILE_METADATA = 5,
    FILE_ORDERS = 7,
    FILE_ENCRYPTION = 8,
    GROUP_CHUNKS = 1,
    GROUP_BYTES = 2,
    GROUP_ROWS = 3,
    GROUP_OFFSET = 5,
    GROUP_ORDINAL = 7,
    CHUNK_PATH = 1,
    CHUNK_OFFSET = 2,
    CHUNK_META = 3,
    CHUNK_OFFSET_INDEX = 4,
    CHUNK_OFFSET_INDEX_LEN = 5,
    CHUNK_COLUMN_INDEX = 6,
    CHUNK_COLUMN_INDEX_LEN = 7,
    CHUNK_CRYPTO = 8,
    CHUNK_CRYPTO_META = 9,
    META_TYPE = 1,
    META_ENCODINGS = 2,
    META_PATH = 3,
    META_CODEC = 4,
    META_VALUES = 5,
    META_UNPACKED = 6,
    META_COMPRESSED = 7,
    META_DATA_PAGE = 9,
    META_INDEX_PAGE = 10,
    META_DICTIONARY_PAGE = 11,
    META_STATISTICS = 12,
    META_BLOOM = 14,
    META_BLOOM_LEN = 15,
};

struct parquet_chunk {
    uint64_t start, len; /* in the file: from its first page, dictionary included */
    uint64_t values;     /* entries: values, nulls, and null or empty lists */
    uint32_t footer_at;  /* of its ColumnChunk in the footer */
    int8_t codec;        /* CompressionCodec */
};

struct parquet_group {
    uint64_t first_row, rows;
    uint32_t footer_at; /* of its RowGroup in the footer */
};

struct parquet_field {
    int16_t field;
    uint8_t type;     /* enum thrift_type */
    uint32_t at, len; /* of the value in the footer */
};

enum { PARQUET_FILE_FIELDS_MAX = 32 };

struct parquet {
    const struct recording *recording;
    struct parquet_limits limits;
    struct buf footer;
    uint64_t footer_at;
    struct parquet_field fields[PARQUET_FILE_FIELDS_MAX]; /* of FileMetaData, in the file's order */
    size_t field_count;
    uint64_t rows;
    struct parquet_schema schema;
    struct parquet_group *groups;
    size_t group_count, group_cap;
    struct parquet_chunk *chunks; /* [group * schema.leaf_count + leaf] */
    size_t chunk_cap;
    bool *ordered;           /* a leaf's min_value and max_value are in the order of its type */
    struct strmap *names;    /* top-level column names to their index */
    struct strmap *metadata; /* keys to index in `texts` */
    char **texts;
    size_t text_count;
};

/* The chunk of a leaf in a group. */
const struct parquet_chunk *parquet_chunk_of(const struct parquet *parquet, size_t group, size_t leaf);
/* Parses the struct at this offset of the footer (it was parsed once at open, so this does not fail). */
thrift_id parquet_footer_parse(const struct parquet *parquet, uint32_t at, struct thrift *tree);

/* Appends where a leaf lies in the schema: the path_in_schema of its chunk in a group, as Thrift. */
void parquet_footer_path(const struct parquet *parquet, size_t group, size_t leaf, struct buf *out);

/* What a footer has that is another file's otherwise. */
struct parquet_footer_anew {
    uint64_t rows;
    const struct buf *groups; /* the list of row groups, as Thrift */
    bool orders;              /* all statistics are in the order of the type */
};
/* Appends a footer, its length and "PAR1". -EFBIG. */
int parquet_footer_write(const struct parquet *parquet, const struct parquet_footer_anew *anew,
                         struct buf *out, struct error *err);
