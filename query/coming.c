// SPDX-License-Identifier: Apache-2.0
/* Rows are told window by window, for a set may be of all clips, and the catalog borrows the list. */
#include "query/coming.h"

static int each_of(const struct catalog_coming *coming, struct catalog_reader *reader, set_row_fn *each,
                   void *ctx, struct error *err)
{
    int rc = 0;
    catalog_expect(reader, coming);
    for (size_t i = 0; !rc && i < coming->count; i++)
        rc = each(ctx, coming->rows[i], err);
    catalog_expect(reader, NULL);
    return rc;
}

int coming_each(const struct set *set, struct catalog_reader *reader, enum catalog_coming_what what,
                set_row_fn *each, void *ctx, struct error *err)
{
    uint64_t count = set_count(set);
    size_t most = count < COMING_ROWS ? (size_t)count : COMING_ROWS;
    CLEANUP_FREE uint32_t *rows = mem_alloc((most + 1) * sizeof *rows);
    struct catalog_coming coming = {.rows = rows, .what = what};
    uint64_t from = 0, next;
    int rc = 0;
    for (; !rc && (coming.count = set_read(set, from, rows, most, &next)); from = next)
        rc = each_of(&coming, reader, each, ctx, err);
    return rc;
}
