// SPDX-License-Identifier: Apache-2.0
/* Streams of clips, gathered for a group of rows and written when the next one is entered. Rows come in
 * ascending order, each once. Thread rule: one thread at a time. Private to apply(). */
#pragma once

#include "index/catalog/groups/streams.h"
#include "index/commit/apply/apply_state.h"

struct apply_streams;

struct apply_streams *apply_streams_new(struct db *db); /* borrows it */
void apply_streams_free(struct apply_streams *streams);
/* The streams of `row` become these; the parent has the row, if it is `known`. Inline bytes and pieces are
 * borrowed for the call, texts until the flush. */
int apply_streams_put(struct apply_streams *streams, uint32_t row, bool known, const struct streams_row *list,
                      struct error *err);
int apply_streams_flush(struct apply_streams *streams, struct error *err);
