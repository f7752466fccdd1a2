// SPDX-License-Identifier: Apache-2.0
/* Of all clips the index has the counts; of others the values are walked with their rows. */
#include "query/facets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

static struct value own(const struct value *value)
{
    struct value copy = *value;
    if (value_borrows(value)) {
        char *text = mem_alloc(value->len + 1);
        memcpy(text, value->text, value->len);
        text[value->len] = 0;
        copy.text = text;
    }
    return copy;
}

static void disown(struct value *value)
{
    if (value_borrows(value))
        free((char *)(uintptr_t)value->text);
    *value = (struct value){0};
}

/* ---- values and counts, whichever way ---- */

struct counting {
    catalog_value_fn *each;
    void *ctx;
};

static int count_rows(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    const struct counting *counting = ctx;
    return counting->each(counting->ctx, value, rowset_count(rows), err);
}

static int each_value(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                      catalog_value_fn *each, void *ctx, struct error *err)
{
    struct catalog_info info;
    struct counting counting = {each, ctx};
    int rc = catalog_info(reader, &info, err);
    if (rc)
        return rc;
    return rowset_count(rows) == info.clips
               ? catalog_values(reader, attribute, each, ctx, err)
               : catalog_values_within(reader, attribute, rows, count_rows, &counting, err);
}

/* ---- all of them ---- */

void facets_add(struct facets *facets, const struct value *value, uint64_t clips)
{
    mem_grow(&facets->list, &facets->cap, facets->count + 1, sizeof *facets->list);
    facets->list[facets->count++] = (struct facet){own(value), clips};
    facets->clips += clips;
}

struct collecting {
    struct facets *facets;
    size_t most;
};

static int collect(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    const struct collecting *collecting = ctx;
    struct facets *facets = collecting->facets;
    if (facets->count == collecting->most)
        return error_set(err, E2BIG, "there are more than %zu values", collecting->most);
    facets_add(facets, value, clips);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct facet *x = a, *y = b;
    if (x->clips != y->clips)
        return x->clips > y->clips ? -1 : 1;
    return value_compare(&x->value, &y->value);
}

int facets_of(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute, size_t most,
              struct facets *ret, struct error *err)
{
    CLEANUP_FACETS struct facets facets = {0};
    int rc = each_value(reader, rows, attribute, collect, &(struct collecting){&facets, most}, err);
    if (rc)
        return rc;
    if (facets.count)
        qsort(facets.list, facets.count, sizeof *facets.list, compare);
    *ret = facets;
    facets = (struct facets){0};
    return 0;
}

void facets_print(const struct facets *facets, struct buf *buf)
{
    for (size_t i = 0; i < facets->count; i++) {
        buf_printf(buf, "%7" PRIu64 " ", facets->list[i].clips);
        value_print(buf, &facets->list[i].value);
        buf_u8(buf, '\n');
    }
}

void facets_done(struct facets *facets)
{
    for (size_t i = 0; i < facets->count; i++)
        disown(&facets->list[i].value);
    free(facets->list);
    *facets = (struct facets){0};
}

/* ---- is there more than one answer? ---- */

static int is_some(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    return clips < *(const uint64_t *)ctx;
}

int facets_divide(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                  struct error *err)
{
    uint64_t all = rowset_count(rows);
    return all ? each_value(reader, rows, attribute, is_some, &all, err) : 0;
}

/* ---- in short ---- */

static int summarise(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct facets_summary *summary = ctx;
    if (!summary->values++)
        summary->least = own(value);
    else
        disown(&summary->greatest);
    summary->greatest = own(value);
    return 0;
}

int facets_summarise(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                     struct facets_summary *ret, struct error *err)
{
    CLEANUP_FACETS_SUMMARY struct facets_summary summary = {0};
    int rc = each_value(reader, rows, attribute, summarise, &summary, err);
    if (rc)
        return rc;
    *ret = summary;
    summary = (struct facets_summary){0};
    return 0;
}

void facets_summary_done(struct facets_summary *summary)
{
    if (summary->values) {
        disown(&summary->least);
        disown(&summary->greatest);
    }
    *summary = (struct facets_summary){0};
}
