// SPDX-License-Identifier: Apache-2.0
/* The part of notes (cache.h) that the cache does by itself. Private to cache/. */
#pragma once

#include "cache/folder.h"

/* Removes the longest unused where there are too many. Takes as long as there are notes. */
void notes_prune(const struct folder *folder);
