// SPDX-License-Identifier: Apache-2.0
/*
 * Of all clips the index has the counts; of few clips with many values each clip is read; of others the
 * values are walked with their rows. That there are too many may be seen from some of the clips.
 */
#include "query/facets.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

enum {
    FEW_VALUES = 1000, /* are walked rather than more clips read */
    READ_CLIPS = 2048  /* no more are read one by one */
};

/* ---- the list ---- */

static void insert(struct facets *facets, size_t at, const struct value *value, uint64_t clips)
{
    mem_grow(&facets->list, &facets->cap, facets->count + 1, sizeof *facets->list);
    struct facet *place = facets->list + at;
    memmove(place + 1, place, (facets->count - at) * sizeof *place);
    *place = (struct facet){*value, clips};
    if (value_borrows(value))
        place->value.text = mem_copy(value->text, value->len);
    facets->count++;
}

void facets_done(struct facets *facets)
{
    for (size_t i = 0; i < facets->count; i++)
        if (value_borrows(&facets->list[i].value))
            free((char *)(uintptr_t)facets->list[i].value.text);
    free(facets->list);
    *facets = (struct facets){0};
}

static int compare(const void *a, const void *b)
{
    const struct facet *x = a, *y = b;
    if (x->clips != y->clips)
        return x->clips > y->clips ? -1 : 1;
    return value_compare(&x->value, &y->value);
}

void facets_sort(struct facets *facets)
{
    if (facets->count)
        qsort(facets->list, facets->count, sizeof *facets->list, compare);
}

void facets_print_value(const struct value *value, struct buf *buf)
{
    size_t start = buf->len;
    value_print(buf, value);
    if (!memchr(buf->data + start, '\n', buf->len - start)) {
        buf_u8(buf, '\n');
        return;
    }
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_append(&text, buf->data + start, buf->len - start);
    buf_truncate(buf, start);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n')
            buf_text_append(buf, "%0A");
        else
            buf_u8(buf, text.data[i]);
    buf_u8(buf, '\n');
}

void facets_print(const struct facets *facets, struct buf *buf)
{
    for (size_t i = 0; i < facets->count; i++) {
        buf_printf(buf, "%7" PRIu64 " ", facets->list[i].clips);
        facets_print_value(&facets->list[i].value, buf);
    }
}

/* ---- clip by clip ---- */

struct gathering {
    struct facets *facets; /* in value order */
    size_t most;
};

static int gather_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                        struct error *err)
{
    const struct gathering *gathering = ctx;
    struct facets *facets = gathering->facets;
    size_t low = 0, high = facets->count;
    (void)attribute, (void)err;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value_compare(&facets->list[middle].value, value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < facets->count && !value_compare(&facets->list[low].value, value))
        facets->list[low].clips++;
    else if (facets->count == gathering->most)
        return 1;
    else
        insert(facets, low, value, 1);
    return 0;
}

/* What the first READ_CLIPS have. 1: more than `most` values. */
static int gather(const struct facets_asked *asked, size_t most, struct facets *facets, struct error *err)
{
    CLEANUP_FREE uint32_t *rows = mem_alloc(READ_CLIPS * sizeof *rows);
    struct gathering gathering = {facets, most};
    const struct catalog_some some = {&asked->attribute->id, 1};
    size_t count = rowset_rows(asked->rows, 0, rows, READ_CLIPS);
    int rc = 0;
    const struct catalog_coming coming = {rows, count, CATALOG_COMING_SOME, &some};
    catalog_expect(asked->reader, &coming);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = catalog_clip_some(asked->reader, rows[i], &some, gather_value, &gathering, err);
        rc = rc == -ENOENT ? 0 : rc; /* purged meanwhile */
    }
    catalog_expect(asked->reader, NULL);
    return rc;
}

/* ---- values and counts in value order, whichever way ---- */

struct scale {
    uint64_t clips, values;
    bool all;   /* the clips are all there are */
    bool event; /* its values are not among those of a clip */
};

static bool is_event(const struct catalog_attribute *attribute)
{
    return strcmp(attribute->name, "event") == 0;
}

static int measure(const struct facets_asked *asked, struct scale *ret, struct error *err)
{
    struct catalog_counts counts;
    struct catalog_info info;
    int rc = catalog_info(asked->reader, &info, err);
    if (!rc)
        rc = catalog_attribute_counts(asked->reader, asked->attribute->id, &counts, err);
    if (rc)
        return rc;
    uint64_t clips = rowset_count(asked->rows);
    *ret = (struct scale){clips, counts.distinct, clips == info.clips, is_event(asked->attribute)};
    return 0;
}

struct counting {
    catalog_value_fn *each;
    void *ctx;
};

static int count_rows(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    const struct counting *counting = ctx;
    return counting->each(counting->ctx, value, rowset_count(rows), err);
}

static int each_value(const struct facets_asked *asked, const struct scale *scale, catalog_value_fn *each,
                      void *ctx, struct error *err)
{
    struct counting counting = {each, ctx};
    uint32_t id = asked->attribute->id;
    if (asked->attribute->type == VALUE_LIST)
        return 0;
    return scale->all ? catalog_values(asked->reader, id, each, ctx, err)
                      : catalog_values_within(asked->reader, id, asked->rows, count_rows, &counting, err);
}

/* ---- as a list ---- */

static int collect(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    const struct gathering *gathering = ctx;
    struct facets *facets = gathering->facets;
    (void)err;
    if (facets->count == gathering->most)
        return 1;
    insert(facets, facets->count, value, clips);
    return 0;
}

static int read_least(const struct facets_asked *asked, const struct scale *scale, size_t most,
                      struct facets *ret, struct error *err)
{
    CLEANUP_FACETS struct facets facets = {0};
    int rc = each_value(asked, scale, collect, &(struct gathering){&facets, most}, err);
    if (rc < 0)
        return rc;
    *ret = facets;
    facets = (struct facets){0};
    return rc;
}

int facets_least(const struct facets_asked *asked, size_t most, struct facets *ret, struct error *err)
{
    struct scale scale;
    int rc = measure(asked, &scale, err);
    return rc ? rc : read_least(asked, &scale, most, ret, err);
}

/* 1: some of the clips have more than `most` already. Asked where it takes less to read than all rows of all
 * values. */
static int some_have_more(const struct facets_asked *asked, const struct scale *scale, size_t most,
                          struct error *err)
{
    CLEANUP_FACETS struct facets some = {0};
    if (asked->attribute->type == VALUE_LIST || scale->all || scale->event || scale->clips <= READ_CLIPS ||
        scale->values <= FEW_VALUES || scale->values <= most || most >= READ_CLIPS)
        return 0;
    return gather(asked, most, &some, err);
}

int facets_of(const struct facets_asked *asked, size_t most, struct facets *ret, struct error *err)
{
    CLEANUP_FACETS struct facets facets = {0};
    struct scale scale;
    int rc = measure(asked, &scale, err);
    if (!rc)
        rc = some_have_more(asked, &scale, most, err);
    if (!rc)
        rc = read_least(asked, &scale, most, &facets, err);
    if (rc == 1)
        return error_set(err, E2BIG, "there are more than %zu values", most);
    if (rc)
        return rc;
    facets_sort(&facets);
    *ret = facets;
    facets = (struct facets){0};
    return 0;
}

/* ---- in numbers ---- */

static int count_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    (void)value, (void)clips, (void)err;
    ++*(uint64_t *)ctx;
    return 0;
}

int facets_count_values(const struct facets_asked *asked, uint64_t *ret, struct error *err)
{
    struct scale scale;
    uint64_t count = 0;
    int rc = measure(asked, &scale, err);
    if (!rc)
        rc = each_value(asked, &scale, count_value, &count, err);
    if (!rc)
        *ret = count;
    return rc;
}

int facets_count_clips(struct catalog_reader *reader, const struct rowset *rows,
                       const struct catalog_literal *literal, uint64_t *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *found = NULL;
    int rc = catalog_select(reader, literal, &found, err);
    if (!rc)
        *ret = rowset_and_count(found, rows);
    return rc;
}

static int widen(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct facets_bounds *bounds = ctx;
    (void)clips, (void)err;
    if (value->type == VALUE_FLOAT && isinf(value->real)) {
        *(value->real < 0 ? &bounds->minus_infinity : &bounds->infinity) = true;
        return 0;
    }
    if (!bounds->numbers)
        bounds->least = *value;
    bounds->greatest = *value;
    bounds->numbers = true;
    return 0;
}

int facets_bounds(const struct facets_asked *asked, struct facets_bounds *ret, struct error *err)
{
    struct facets_bounds bounds = {0};
    struct scale scale;
    int rc = measure(asked, &scale, err);
    if (rc)
        return rc;
    scale.all |= scale.clips > READ_CLIPS && scale.values > FEW_VALUES;
    rc = each_value(asked, &scale, widen, &bounds, err);
    if (!rc)
        *ret = bounds;
    return rc;
}

/* ---- ahead ---- */

void facets_has_ahead(const struct facets_attributes *of, bool again)
{
    CLEANUP_FREE uint32_t *ids = mem_alloc((of->count + 1) * sizeof *ids);
    for (size_t i = 0; i < of->count; i++)
        ids[i] = of->list[i].id;
    catalog_has_ahead(of->reader, &(struct catalog_some){ids, of->count}, again);
}

/* Of clips that are read all attributes are with the first; of others the values are walked, with rows unless
 * the clips are all there are. */
void facets_values_ahead(const struct facets_attributes *of, bool again)
{
    CLEANUP_FREE uint32_t *ids = mem_alloc((of->count + 1) * sizeof *ids);
    struct catalog_some some = {ids, 0};
    struct catalog_info info;
    if (catalog_info(of->reader, &info, NULL))
        return;
    bool all = rowset_count(of->rows) == info.clips;
    for (size_t i = 0; i < of->count; i++) {
        bool by_clips = false;
        if (of->list[i].type == VALUE_LIST ||
            (!all && catalog_values_by_clips(of->reader, of->list[i].id, of->rows, &by_clips, NULL)))
            continue;
        if (!by_clips)
            ids[some.count++] = of->list[i].id;
    }
    (again ? catalog_values_ahead : catalog_values_ahead_once)(of->reader, &some, !all);
}

struct firsts { /* the values of a clip */
    struct facets values;
    uint32_t *ids;
    size_t cap;
};

static int note_first(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct firsts *firsts = ctx;
    (void)err;
    if (attribute->type == VALUE_LIST)
        return 0;
    mem_grow(&firsts->ids, &firsts->cap, firsts->values.count + 1, sizeof *firsts->ids);
    firsts->ids[firsts->values.count] = attribute->id;
    insert(&firsts->values, firsts->values.count, value, 1);
    return 0;
}

void facets_divide_ahead(const struct facets_attributes *of, bool again)
{
    struct firsts firsts = {0};
    uint32_t row;
    if (rowset_rows(of->rows, 0, &row, 1) &&
        !catalog_clip_values(of->reader, row, note_first, &firsts, NULL)) {
        CLEANUP_FREE struct catalog_literal *list = mem_zero((firsts.values.count + 1) * sizeof *list);
        for (size_t i = 0; i < firsts.values.count; i++)
            list[i] = (struct catalog_literal){.attribute = firsts.ids[i],
                                               .op = CATALOG_EQ,
                                               .values = &firsts.values.list[i].value,
                                               .count = 1};
        (again ? catalog_select_ahead : catalog_select_ahead_once)(of->reader, list, firsts.values.count);
    }
    facets_done(&firsts.values);
    free(firsts.ids);
}

/* ---- dividing ---- */

/* 1: one of the values is not that of all. */
static int any_divides(const struct facets_asked *asked, const struct facets *values, struct error *err)
{
    uint64_t count, all = rowset_count(asked->rows);
    for (size_t i = 0; i < values->count; i++) {
        const struct catalog_literal literal = {.attribute = asked->attribute->id,
                                                .op = CATALOG_EQ,
                                                .values = &values->list[i].value,
                                                .count = 1};
        int rc = facets_count_clips(asked->reader, asked->rows, &literal, &count, err);
        if (rc || count < all)
            return rc ? rc : 1;
    }
    return 0;
}

/* All of the clips have it. If all have what the first one has, others can only have more. */
static int values_divide(const struct facets_asked *asked, struct error *err)
{
    CLEANUP_ROWSET struct rowset *first = rowset_new();
    CLEANUP_FACETS struct facets values = {0}, all = {0};
    struct facets_asked of_first = *asked;
    uint32_t row;
    rowset_rows(asked->rows, 0, &row, 1);
    rowset_add(first, row);
    of_first.rows = first;
    int rc = facets_least(&of_first, SIZE_MAX, &values, err);
    if (!rc)
        rc = any_divides(asked, &values, err);
    if (rc || !(asked->attribute->multi || is_event(asked->attribute)))
        return rc;
    rc = facets_of(asked, values.count, &all, err);
    return rc == -E2BIG ? 1 : rc;
}

int facets_divide(const struct facets_asked *asked, struct error *err)
{
    const struct catalog_literal has = {.attribute = asked->attribute->id, .op = CATALOG_HAS};
    uint64_t count, all = rowset_count(asked->rows);
    if (asked->attribute->type == VALUE_LIST || all < 2)
        return 0;
    int rc = facets_count_clips(asked->reader, asked->rows, &has, &count, err);
    if (rc || count < all)
        return rc ? rc : count > 0;
    return values_divide(asked, err);
}
