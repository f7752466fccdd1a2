// SPDX-License-Identifier: Apache-2.0
/* One stream of a manifest's row: what its cells say. Any thread. */
#pragma once

#include "tools/import/manifest_columns.h"
#include "tools/import/manifest_cut.h"
#include "tools/import/table_batch.h"

struct manifest_stream {
    const struct table_kept *cells[MANIFEST_FIELDS]; /* NULL: it says nothing of it */
};
struct manifest_stream_texts {
    char *url, *ext; /* owned; NULL: not said */
};
void manifest_stream_texts_done(struct manifest_stream_texts *texts);
#define CLEANUP_MANIFEST_STREAM_TEXTS CLEANUP(manifest_stream_texts_done)

/* Times and bytes into `cut`, with its kind. -EINVAL: *ret_column says where. */
int manifest_stream_read(const struct manifest_stream *stream, struct manifest_cut *cut,
                         struct manifest_stream_texts *ret, size_t *ret_column, struct error *err);
/* Escaped: the one that is said, else that of the object's name. The caller frees it. */
char *manifest_stream_ext(const struct manifest_stream_texts *texts, const char *name);
/* A name as clips and streams have it. The caller frees it. */
char *manifest_escaped(const char *raw);
