// SPDX-License-Identifier: Apache-2.0
/*
 * The stage @since=vN[,KEY]: clips that are new or changed since version N; with KEY, those whose values of
 * that attribute are others than in version N (a clip that was not there had none).
 *
 * It only narrows, so it stands among the conditions and is sorted with them. Immutable; any thread (through
 * its own reader).
 */
#pragma once

#include <stdbool.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog.h"
#include "query/grammar.h"
#include "query/refusal.h"

struct since;

/* -ENOENT with the reason: what is no version, or not one up to the reader's; an attribute that is not there.
 */
int since_bind(const struct grammar_component *component, struct catalog_reader *reader, struct since **ret,
               struct refusal *why, struct error *err);
void since_free(struct since *since);

void since_print(const struct since *since, struct buf *buf); /* canonical: "@since=v9,arm" */
/* In a version before N nothing is changed since N. */
int since_select(const struct since *since, struct catalog_reader *reader, struct rowset **ret,
                 struct error *err);
