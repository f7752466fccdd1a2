// SPDX-License-Identifier: Apache-2.0
/*
 * What SQLite leaves in the pages it writes: rows that were changed, moved or deleted stay where they were,
 * outside of what the page says it holds. Whoever takes a row out of a catalog means its bytes, too; and
 * zeros pack better. Thread rule: one thread at a time.
 */
#pragma once

#include "index/pages/overlay.h"

/* Every byte of the pages that were written and that is part of no row, no key and no list becomes 0. Pages
 * that are free are not stored at all (pages_write.h). -EUCLEAN: what was written is no SQLite file. */
int tidy_pages(struct overlay *overlay, struct error *err);
