// SPDX-License-Identifier: Apache-2.0
/*
 * Groups of records on their way into the catalog: a thread of its own packs them while the next ones are
 * made. A catalog's first groups of records, if one commit brings enough, make the dictionary that they and
 * all later ones are packed with. They are written in the order they came, each once so many others have
 * come, so the file does not depend on who is faster. Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/catalog/db.h"

struct apply_packing;

/* Borrows `db`. A dictionary is made of so many groups, at most APPLY_PACKING_SAMPLES. */
enum { APPLY_PACKING_SAMPLES = 128 };
int apply_packing_new(struct db *db, size_t samples, struct apply_packing **ret, struct error *err);
void apply_packing_free(struct apply_packing *packing); /* NULL is fine */

/* The group `number` becomes these bytes, by `query`: QUERY_GROUP_PUT, QUERY_EVENTS_PUT. Takes the bytes and
 * leaves an empty buffer. Until apply_packing_flush() the catalog may not have it. */
int apply_packing_add(struct apply_packing *packing, enum schema_query query, int64_t number,
                      struct buf *bytes, struct error *err);
int apply_packing_flush(struct apply_packing *packing, struct error *err);
