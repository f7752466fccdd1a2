// SPDX-License-Identifier: Apache-2.0
/*
 * --layout: how a path spells key, stream and extension: "{key}/{stream}.{ext}". A field matches one or more
 * bytes, never a '/'. Immutable after layout_parse().
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"

struct layout;

/* -EINVAL: no {key}, a field twice, an unknown field, two fields with nothing between them. */
int layout_parse(const char *text, struct layout **ret, struct error *err);
void layout_free(struct layout *layout);
CLEANUP_DEFINE(struct layout, layout_free, cleanup_layout)
#define CLEANUP_LAYOUT CLEANUP(cleanup_layout)

struct layout_match {   /* owned: layout_match_done() */
    char *key, *stream; /* as the path spells them; stream "" if the layout has none */
    char *ext;          /* plain word; "" if the layout has none */
};
bool layout_match(const struct layout *layout, const char *path, struct layout_match *ret);
void layout_match_done(struct layout_match *match);
#define CLEANUP_LAYOUT_MATCH CLEANUP(layout_match_done)
