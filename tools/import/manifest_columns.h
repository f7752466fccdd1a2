// SPDX-License-Identifier: Apache-2.0
/*
 * Which of a manifest's columns say what. A stream is spelled by up to six of them:
 *
 *     NAME.url            where the file lies            NAME.ext     its extension, else that of the URL
 *     NAME.start NAME.end seconds, cut out of an MP4     NAME.offset NAME.length    bytes of the file
 *     streams.NAME        short for streams.NAME.url; `streams.` before a stream's columns means nothing else
 *
 * In JSON Lines "front": {"url": ..., "start": ...} is the same as `front.url`, `front.start`. `key` is the
 * key; every other column is an attribute. Immutable after manifest_columns_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/import/table_reader.h"

enum manifest_field {
    MANIFEST_URL,
    MANIFEST_EXT,
    MANIFEST_START,
    MANIFEST_END,
    MANIFEST_OFFSET,
    MANIFEST_LENGTH,
    MANIFEST_FIELDS
};

enum { MANIFEST_ATTRIBUTE = -1, MANIFEST_KEY = -2 };

struct manifest_column {
    int stream; /* its number, or one of the two above */
    enum manifest_field field;
};

struct manifest_columns {
    struct manifest_column *columns; /* by column of the table */
    size_t count;
    struct strmap *streams; /* names, as the manifest spells them, in the order met */
};

/* May a column of this name be the key or a stream's? Without it a clip would be another one. */
bool manifest_columns_need(const char *column);

/* Of a reader that has given all its rows. -EINVAL: no key, no stream, a stream's field that is none. */
int manifest_columns_new(const struct table_reader *reader, struct manifest_columns *ret, struct error *err);
void manifest_columns_done(struct manifest_columns *columns);
#define CLEANUP_MANIFEST_COLUMNS CLEANUP(manifest_columns_done)
const char *manifest_columns_stream(const struct manifest_columns *columns, size_t stream);
