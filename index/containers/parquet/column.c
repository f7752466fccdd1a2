// SPDX-License-Identifier: Apache-2.0
/*
 * From pages to columns: levels say which entry begins a row or a list and which holds a value; values fill
 * the places that are not null. Source of the method: Dremel (Melnik et al., 2010), as parquet-format's
 * README.md ("Nested Encoding") applies it.
 */
#include <errno.h>
#include <string.h>

#include "index/containers/parquet/encoding.h"
#include "index/containers/parquet/page.h"
#include "index/containers/parquet/value.h"

struct levels {
    uint32_t *all;
    size_t cap;
};

struct assembly {
    const struct parquet_layout *layout;
    uint64_t rows; /* of the group */
    uint64_t left; /* entries the chunk has still to give */
    uint64_t values_max;
    struct parquet_store store;
    struct parquet_store dictionary;
    bool has_dictionary;
    struct levels rep, def;            /* of the current page */
    struct buf plain;                  /* its values, where they were written in another way */
    uint64_t lists[PARQUET_DEPTH_MAX]; /* begun at each nesting */
    size_t offsets_cap[PARQUET_DEPTH_MAX];
    size_t null_list_cap;
};

static void assembly_done(struct assembly *a)
{
    parquet_values_done(&a->store.values);
    parquet_values_done(&a->dictionary.values);
    free(a->rep.all);
    free(a->def.all);
    buf_done(&a->plain);
}

static int read_levels(struct levels *levels, const struct parquet_levels *from, unsigned max, uint64_t n,
                       struct error *err)
{
    mem_grow(&levels->all, &levels->cap, n, sizeof *levels->all);
    return parquet_levels_read(from, max, n, levels->all, err);
}

/* Elements so far in the lists at nesting k: lists one deeper, or values. */
static uint64_t elements(const struct assembly *a, unsigned k, uint64_t slots)
{
    return k + 1 < a->layout->depth ? a->lists[k + 1] : a->store.values.count + slots;
}

static void begin_list(struct assembly *a, unsigned k, uint64_t elements_before)
{
    struct parquet_values *values = &a->store.values;
    mem_grow(&values->offsets[k], &a->offsets_cap[k], a->lists[k] + 1, sizeof **values->offsets);
    values->offsets[k][a->lists[k]++] = elements_before;
}

static void begin_row(struct assembly *a, bool is_null)
{
    struct parquet_values *values = &a->store.values;
    mem_grow(&values->null_list, &a->null_list_cap, values->rows + 1, sizeof *values->null_list);
    values->null_list[values->rows++] = is_null;
}

/* One entry of a nested column: begins the lists from its repetition level inwards, for as long as its
 * definition level says that they are there. Returns whether it has a value or a null value. */
static bool place(struct assembly *a, uint32_t rep, uint32_t def, uint64_t slots)
{
    const struct parquet_layout *layout = a->layout;
    if (rep == 0)
        begin_row(a, def < layout->list_def[0]);
    for (unsigned k = rep; k < layout->depth && (k == 0 || def > layout->list_def[k - 1]); k++)
        begin_list(a, k, elements(a, k, slots));
    return def > layout->list_def[layout->depth - 1];
}

static int place_nested(struct assembly *a, uint64_t n, uint64_t *ret_slots, uint64_t *ret_present,
                        struct error *err)
{
    const struct parquet_layout *layout = a->layout;
    uint64_t slots = 0, present = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t rep = a->rep.all[i], def = a->def.all[i];
        if (rep == 0 ? a->store.values.rows == a->rows
                     : a->store.values.rows == 0 || def <= layout->list_def[rep - 1])
            return error_set(err, EINVAL, "the levels of entry %llu do not fit the rows",
                             (unsigned long long)i);
        if (place(a, rep, def, slots)) {
            bool valid = def == layout->max_def;
            a->store.values.valid[a->store.values.count + slots++] = valid;
            present += valid;
        }
    }
    *ret_slots = slots;
    *ret_present = present;
    return 0;
}

static int place_flat(struct assembly *a, uint64_t n, uint64_t *ret_present, struct error *err)
{
    struct parquet_values *values = &a->store.values;
    if (n > a->rows - values->rows)
        return error_set(err, EINVAL, "more values than the group has rows");
    uint64_t present = 0;
    for (uint64_t i = 0; i < n; i++) {
        bool valid = a->def.all[i] == a->layout->max_def;
        values->valid[values->count + i] = valid;
        present += valid;
    }
    values->rows += n;
    *ret_present = present;
    return 0;
}

static int decode_other(struct assembly *a, const struct parquet_page *page, uint64_t present,
                        struct error *err)
{
    buf_clear(&a->plain);
    struct parquet_coded coded = {page->encoding, page->data, present};
    int rc = parquet_encoding_to_plain(a->layout, &coded, a->store.bytes_max, &a->plain, err);
    struct cursor data = cursor_of(a->plain.data, a->plain.len);
    return rc ? rc : parquet_decode_plain(a->layout, &data, present, &a->store, err);
}

static int decode(struct assembly *a, struct parquet_page *page, uint64_t present, struct error *err)
{
    switch (page->encoding) {
    case PARQUET_PLAIN:
        return parquet_decode_plain(a->layout, &page->data, present, &a->store, err);
    case PARQUET_PLAIN_DICTIONARY:
    case PARQUET_RLE_DICTIONARY:
        if (!a->has_dictionary)
            return error_set(err, EINVAL, "a page uses a dictionary, but there is none");
        return parquet_decode_dictionary(&page->data, present, &a->dictionary.values, &a->store, err);
    case PARQUET_RLE:
        if (a->layout->physical == PARQUET_TYPE_BOOLEAN)
            return present ? parquet_decode_rle_bool(&page->data, present, &a->store, err) : 0;
    }
    return decode_other(a, page, present, err);
}

static int add_dictionary(struct assembly *a, struct parquet_page *page, struct error *err)
{
    if (a->has_dictionary)
        return error_set(err, EINVAL, "a second dictionary");
    if (page->values > a->values_max)
        return error_set(err, EFBIG, "a dictionary of %llu values", (unsigned long long)page->values);
    parquet_store_reserve(&a->dictionary, page->values);
    int rc = parquet_decode_plain(a->layout, &page->data, page->values, &a->dictionary, err);
    if (rc)
        return error_within(err, rc, "dictionary");
    a->dictionary.values.count = page->values;
    a->has_dictionary = true;
    return 0;
}

static int add_page(struct assembly *a, struct parquet_page *page, struct error *err)
{
    if (page->dictionary)
        return add_dictionary(a, page, err);
    uint64_t n = page->values, slots = n, present = 0;
    if (n > a->left)
        return error_set(err, EINVAL, "the pages have more values than the column chunk");
    a->left -= n;
    int rc = read_levels(&a->rep, &page->rep, a->layout->depth, n, err);
    if (!rc)
        rc = read_levels(&a->def, &page->def, a->layout->max_def, n, err);
    if (rc)
        return rc;
    parquet_store_reserve(&a->store, n);
    if (a->layout->depth)
        rc = place_nested(a, n, &slots, &present, err);
    else
        rc = place_flat(a, n, &present, err);
    if (!rc)
        rc = decode(a, page, present, err);
    if (rc)
        return rc;
    parquet_store_spread(&a->store, slots, present);
    return 0;
}

static int finish(struct assembly *a, struct error *err)
{
    if (a->left)
        return error_set(err, EINVAL, "the column chunk ends %llu values early", (unsigned long long)a->left);
    if (a->store.values.rows != a->rows)
        return error_set(err, EINVAL, "%llu rows, the row group has %llu",
                         (unsigned long long)a->store.values.rows, (unsigned long long)a->rows);
    a->store.values.depth = a->layout->depth;
    for (unsigned k = 0; k < a->layout->depth; k++) {
        begin_list(a, k, elements(a, k, 0)); /* the end of the last list */
        a->lists[k]--;
    }
    if (a->layout->depth && !a->store.values.null_list)
        a->store.values.null_list = mem_alloc(0);
    return 0;
}

static int read_pages(struct assembly *a, const struct parquet *parquet, const struct parquet_chunk *chunk,
                      struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (chunk->len > parquet->limits.bytes || chunk->values > parquet->limits.values)
        return error_set(err, EFBIG, "%llu values in %llu bytes are more than is read at once",
                         (unsigned long long)chunk->values, (unsigned long long)chunk->len);
    int rc = recording_read(parquet->recording, chunk->start, (size_t)chunk->len,
                            buf_room(&bytes, (size_t)chunk->len), err);
    if (rc)
        return rc;
    CLEANUP_PARQUET_PAGES struct parquet_pages pages;
    parquet_pages_init(&pages, a->layout, chunk->codec, cursor_of(bytes.data, (size_t)chunk->len),
                       parquet->limits.bytes);
    struct parquet_page page;
    for (unsigned i = 0; a->left && (rc = parquet_pages_next(&pages, &page, err)) != 0; i++) {
        if (rc > 0)
            rc = add_page(a, &page, err);
        if (rc)
            return error_within(err, rc, "page %u", i);
    }
    return finish(a, err);
}

int parquet_read(struct parquet *parquet, size_t group, size_t column, struct parquet_values *ret,
                 struct error *err)
{
    const struct parquet_column *info = &parquet->schema.columns[column];
    if (!info->readable)
        return error_set(err, ENOTSUP, "%s: column '%s': %s", parquet->recording->name, info->name,
                         info->why);
    const struct parquet_layout *layout = &parquet->schema.layouts[column];
    const struct parquet_chunk *chunk = parquet_chunk_of(parquet, group, layout->leaf);
    CLEANUP(assembly_done)
    struct assembly a = {.layout = layout,
                         .rows = parquet->groups[group].rows,
                         .left = chunk->values,
                         .values_max = parquet->limits.values};
    parquet_store_init(&a.store, info->kind, parquet->limits.bytes);
    parquet_store_init(&a.dictionary, info->kind, parquet->limits.bytes);
    int rc = read_pages(&a, parquet, chunk, err);
    if (rc)
        return error_within(err, rc, "%s: row group %zu, column '%s'", parquet->recording->name, group,
                            info->name);
    *ret = a.store.values;
    a.store.values = (struct parquet_values){0};
    return 0;
}
