// SPDX-License-Identifier: Apache-2.0
/* How many bytes of a version each table takes. Of its trees only the pages above the leaves are read, so
 * pages of rows that are longer than a page are told as such, whichever table they are of. Waits. Any thread.
 */
#pragma once

#include "index/pages/pages.h"

enum { CATALOG_TABLE_BYTES = 32 };
struct catalog_table {
    char name[CATALOG_TABLE_BYTES]; /* "": long rows, and the list of free pages */
    uint64_t pages, bytes;          /* as they are stored */
};
/* The largest first; *ret is to be freed. */
int catalog_tables(struct pages *pages, struct catalog_table **ret, size_t *ret_count, struct error *err);
