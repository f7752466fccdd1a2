// SPDX-License-Identifier: Apache-2.0
/* Values come in their order, each with its rows; where they fall, the runs of equal ones are taken from the
 * last one on. */
#include "query/order/sorted.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/memory.h"

struct sorting {
    uint32_t *rows; /* value by value */
    size_t count, cap;
    size_t *ends; /* of the rows of each value */
    size_t end_count, end_cap;
};

static void sorting_done(struct sorting *sorting)
{
    free(sorting->rows);
    free(sorting->ends);
}
#define CLEANUP_SORTING CLEANUP(sorting_done)

static void append(struct sorting *sorting, const struct rowset *rows)
{
    size_t count = (size_t)rowset_count(rows);
    mem_grow(&sorting->rows, &sorting->cap, sorting->count + count, sizeof *sorting->rows);
    sorting->count += rowset_rows(rows, 0, sorting->rows + sorting->count, count);
}

static int take_value(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    struct sorting *sorting = ctx;
    append(sorting, rows);
    mem_grow(&sorting->ends, &sorting->end_cap, sorting->end_count + 1, sizeof *sorting->ends);
    sorting->ends[sorting->end_count++] = sorting->count;
    return 0;
}

/* The rows of one value that are in no list yet. */
static void place(struct sorting *to, const struct sorting *from, size_t value, struct rowset *left)
{
    for (size_t i = value ? from->ends[value - 1] : 0; i < from->ends[value]; i++)
        if (rowset_contains(left, from->rows[i])) {
            to->rows[to->count++] = from->rows[i];
            rowset_remove(left, from->rows[i]);
        }
}

int sorted_rows(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute, bool falling,
                uint32_t **ret, size_t *ret_count, struct error *err)
{
    CLEANUP_SORTING struct sorting found = {0}, sorted = {0};
    CLEANUP_ROWSET struct rowset *left = rowset_copy(rows);
    struct catalog_attribute info;
    int rc = catalog_attribute_get(reader, attribute, &info, err);
    if (!rc && info.type == VALUE_LIST)
        rc = error_set(err, EINVAL, "'%s' is a list, which has no order", info.name);
    if (!rc)
        rc = catalog_values_within(reader, attribute, rows, take_value, &found, err);
    if (rc)
        return rc;
    size_t count = (size_t)rowset_count(rows);
    mem_grow(&sorted.rows, &sorted.cap, count + 1, sizeof *sorted.rows);
    for (size_t i = 0; i < found.end_count; i++)
        place(&sorted, &found, falling ? found.end_count - 1 - i : i, left);
    append(&sorted, left);
    *ret = STEAL(sorted.rows);
    *ret_count = sorted.count;
    return 0;
}
