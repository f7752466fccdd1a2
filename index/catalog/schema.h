// SPDX-License-Identifier: Apache-2.0
/* The catalog's tables (index/FORMAT.md, "Catalog") and every statement that is ever run on them. */
#pragma once

enum {
    SCHEMA_FORMAT = 6,
    SCHEMA_PAGE_BYTES = 8192,
    SCHEMA_APPLICATION_ID = 0x656c6964, /* "elid" */
    SCHEMA_STREAM_BITS = 10,            /* inline.id = row << 10 | number */
    SCHEMA_PART_BITS = 16,              /* part.id = attribute << 16 | row >> 16 */
    SCHEMA_PARTS = 1 << (32 - SCHEMA_PART_BITS),
    SCHEMA_FORWARD_ROWS = 8, /* forward.part = row / 8 */
    SCHEMA_GROUP_ROWS = 128, /* event.part = row / 128 */
    SCHEMA_LIST_BITS = 32,   /* list.part = attribute << 32 | row / 128 */
    SCHEMA_RUN_BITS = 17,    /* a run is version << 17 | attribute, and a tail run with this more: */
    SCHEMA_RUN_TAIL = 1 << 16,
    SCHEMA_RUN_SPAN_BITS = 14,     /* its spans are run << 14 | number, see cells/runs.h */
    SCHEMA_RUN_PIECE_BITS = 12,    /* run.id = span << 12 | piece, see pieces.h */
    SCHEMA_GROWTH_PIECE_BITS = 10, /* growth.id = version << 10 | piece, */
    SCHEMA_POSTING_PIECE_BITS = 5, /* and posting.id and codes.id likewise */
    SCHEMA_CODES_PIECE_BITS = 8,
    SCHEMA_LATE_BITS = 32, /* late.id = attribute << 32 | row / 4096 */
    SCHEMA_LATE_ROWS = 4096,
    SCHEMA_EXTRA_PIECE_BITS = 16, /* extra.id = row << 16 | piece */
    SCHEMA_FILE_BITS = 8,         /* a source's files: source << 8 | number, 0: their list, */
    SCHEMA_FILE_PIECE_BITS = 8,   /* and file.id = that << 8 | piece */
    SCHEMA_SOURCES_MAX = 1 << 20,
    SCHEMA_SOURCED_BITS = 10, /* sourced.id = row >> 10 */
    SCHEMA_VERSIONS_MAX = 1 << 20,
    SCHEMA_ATTRIBUTES_MAX = 65536,
    SCHEMA_ORIGINS_MAX = 1 << 21, /* one a commit that sets values, and versions end before that */
};

/* The CREATE statements in order, NULL-terminated. A file whose stored schema is another text is no catalog.
 */
extern const char *const schema_tables[];
/* Those that every reader reads first, and that stay small. NULL-terminated. */
extern const char *const schema_hot_tables[];
/* Those of them that are looked up by attribute, and may get long; and those that say what attributes there
 * are. NULL-terminated. */
extern const char *const schema_by_attribute[], *const schema_of_attributes[];
/* Those that no question of a mount begins with: not even what is above their leaves is hot. */
extern const char *const schema_cold_tables[];
/* Those of which many rows are read at once: here and there by a listing, or all. NULL-terminated. */
extern const char *const schema_listed_tables[];

enum schema_query {
    QUERY_ROOTS,
    QUERY_META,
    QUERY_VERSION_TIME,
    QUERY_LIVE,
    QUERY_SHARDS,
    QUERY_DICT,
    QUERY_BLOCK,
    QUERY_MEMBERS,
    QUERY_POSTING,
    QUERY_ATTRIBUTES,
    QUERY_PARTS,
    QUERY_CODES,
    QUERY_CLIPS,
    QUERY_NAMES,
    QUERY_TEMPLATE,
    QUERY_TEMPLATES,
    QUERY_SIZES,
    QUERY_GROWTHS,
    QUERY_GROWN,
    QUERY_NEWEST,
    QUERY_IDENT,
    QUERY_KEYS,
    QUERY_GROUP,
    QUERY_DICTIONARY,
    QUERY_EXTRA,
    QUERY_STREAM,
    QUERY_STREAMS,
    QUERY_INLINE,
    QUERY_OBJECT,
    QUERY_OBJECTS,
    QUERY_RECORDING,
    QUERY_EVIDENCE,
    QUERY_HASH,
    QUERY_HASHES,
    QUERY_ORIGIN,
    QUERY_EVENTS,
    QUERY_LISTS,
    QUERY_DESCRIPTION,
    QUERY_FORMER,
    QUERY_STATES,
    QUERY_RUN,
    QUERY_LATE,
    QUERY_WORK,
    QUERY_SOURCE,
    QUERY_SOURCES,
    QUERY_FILE,
    QUERY_SOURCED,
    QUERY_SOURCED_ALL,
    QUERY_META_PUT,
    QUERY_VERSION_PUT,
    QUERY_POSTING_PUT,
    QUERY_POSTING_DROP,
    QUERY_LIVE_PUT,
    QUERY_LIVE_DROP,
    QUERY_SHARDS_PUT,
    QUERY_SHARDS_DROP,
    QUERY_DICT_PUT,
    QUERY_DICT_DROP,
    QUERY_BLOCK_PUT,
    QUERY_BLOCK_DROP,
    QUERY_MEMBERS_PUT,
    QUERY_MEMBERS_DROP,
    QUERY_ATTRIBUTE_PUT,
    QUERY_PART_PUT,
    QUERY_CODES_PUT,
    QUERY_CODES_DROP,
    QUERY_PART_DROP,
    QUERY_NAMES_PUT,
    QUERY_TEMPLATE_PUT,
    QUERY_SIZES_PUT,
    QUERY_GROWTH_PUT,
    QUERY_GROWTHS_DROP,
    QUERY_GROWN_PUT,
    QUERY_GROWN_DROP,
    QUERY_NEWEST_PUT,
    QUERY_IDENT_PUT,
    QUERY_GROUP_PUT,
    QUERY_DICTIONARY_PUT,
    QUERY_DICTIONARY_DROP,
    QUERY_EXTRA_PUT,
    QUERY_EXTRA_DROP,
    QUERY_STREAM_PUT,
    QUERY_INLINE_PUT,
    QUERY_INLINES_DROP,
    QUERY_OBJECT_PUT,
    QUERY_OBJECT_DROP,
    QUERY_RECORDING_PUT,
    QUERY_RECORDING_DROP,
    QUERY_EVIDENCE_PUT,
    QUERY_EVIDENCE_DROP,
    QUERY_HASH_ADD,
    QUERY_HASH_PUT,
    QUERY_HASH_DROP,
    QUERY_ATTRIBUTE_DROP,
    QUERY_ORIGIN_PUT,
    QUERY_EVENTS_PUT,
    QUERY_LISTS_PUT,
    QUERY_LISTS_DROP,
    QUERY_DESCRIPTION_PUT,
    QUERY_DESCRIPTION_DROP,
    QUERY_FORMER_PUT,
    QUERY_FORMER_DROP,
    QUERY_FORMERS_FORGET,
    QUERY_STATE_PUT,
    QUERY_STATE_DROP,
    QUERY_RUN_PUT,
    QUERY_RUN_DROP,
    QUERY_SOURCE_PUT,
    QUERY_SOURCE_DROP,
    QUERY_FILE_PUT,
    QUERY_FILES_DROP,
    QUERY_SOURCED_PUT,
    QUERY_SOURCED_DROP,
    QUERY_WORK_PUT,
    QUERY_WORK_DROP,
    QUERY_LATE_PUT,
    QUERY_LATES_DROP,
    QUERY_COUNT
};
extern const char *const schema_queries[QUERY_COUNT];

/* Of what a hash is: hash.id >> 56. */
enum schema_hash { SCHEMA_HASH_KEY = 1, SCHEMA_HASH_FINGERPRINT, SCHEMA_HASH_OBJECT, SCHEMA_HASH_KINDS = 3 };
