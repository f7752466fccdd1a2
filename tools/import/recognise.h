// SPDX-License-Identifier: Apache-2.0
/*
 * A source that was copied, restored, remounted or moved since it was imported has other pins, but the same
 * bytes: its objects are taken for what the data set knows, where evidence or a hash of them proves it
 * (cache/store/evidence.h), so that all of the import finds them unchanged. One thread at a time; waits.
 */
#pragma once

#include "tools/import/known.h"
#include "tools/import/notes.h"
#include "tools/import/source.h"

struct recognition {
    struct source *source;
    struct known *known;
    struct notes *notes;
    bool dry; /* nothing is written */
};
/* Gives such objects the pin they have in the data set, and keeps the one they have now for reading. What was
 * proved by all of its bytes is recorded beside the root, so that others need not read them. */
int recognise(const struct recognition *recognition, struct error *err);
