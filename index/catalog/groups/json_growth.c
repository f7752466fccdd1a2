// SPDX-License-Identifier: Apache-2.0
/* One clip's growth is asked for at random, so a group of rows has a bit a row: counting bits says
 * where its numbers are. Runs of commits are read whole, once, so they are made small: a commit of labels has
 * done the same to most of its clips, so a clip is a step to it and a code. */
#include "index/catalog/groups/json_growth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_BYTES = GROWN_ROWS / 8 };

/* ---- lists ---- */

void json_growth_add(struct json_growth *growth, struct json_growth_entry entry)
{
    mem_grow(&growth->list, &growth->cap, growth->count + 1, sizeof *growth->list);
    growth->list[growth->count++] = entry;
}

static int compare_entries(const void *a, const void *b)
{
    const struct json_growth_entry *x = a, *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row)
                            : (x->version > y->version) - (x->version < y->version);
}

/* Mostly they come so. */
void json_growth_order(struct json_growth *growth)
{
    bool ordered = true;
    for (size_t i = 1; i < growth->count; i++)
        ordered &= compare_entries(&growth->list[i - 1], &growth->list[i]) <= 0;
    if (!ordered)
        qsort(growth->list, growth->count, sizeof *growth->list, compare_entries);
}

void json_growth_settle(struct json_growth *growth)
{
    struct json_growth_entry *list = growth->list;
    size_t kept = 0;
    json_growth_order(growth);
    for (size_t i = 0; i < growth->count; i++) {
        struct json_growth_entry *last = kept ? &list[kept - 1] : NULL;
        if (!last || last->row != list[i].row) {
            list[kept++] = list[i];
            continue;
        }
        last->bytes = (int64_t)((uint64_t)last->bytes + (uint64_t)list[i].bytes);
        last->version = list[i].version;
        last->touched |= list[i].touched;
    }
    growth->count = kept;
}

const struct json_growth_entry *json_growth_find(const struct json_growth *growth, uint32_t row,
                                                 size_t *ret_count)
{
    size_t low = 0, high = growth->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (growth->list[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    while (high < growth->count && growth->list[high].row == row)
        high++;
    *ret_count = high - low;
    return high > low ? &growth->list[low] : NULL;
}

void json_growth_done(struct json_growth *growth)
{
    free(growth->list);
    *growth = (struct json_growth){0};
}

/* ---- runs ---- */

static bool read_version(struct cursor *c, uint32_t *ret)
{
    uint64_t version = cursor_varint(c);
    *ret = (uint32_t)version;
    return !c->failed && version <= UINT32_MAX;
}

static bool read_head(struct cursor *c, struct json_growth_head *head)
{
    uint64_t level = cursor_varint(c);
    if (level > GROWTH_LEVEL_MAX || !read_version(c, &head->newest))
        return false;
    uint64_t rows = cursor_varint(c);
    head->level = (uint32_t)level;
    head->rows = (uint32_t)rows;
    return !c->failed && rows && rows <= GROWTH_ROWS_MAX;
}

/* What clips share that one commit has changed alike. */
struct changes {
    uint32_t count, width; /* of a code in bytes: 0 where there is one */
    struct numbers bytes, versions, touched;
};

static uint32_t width_of(uint32_t changes)
{
    return changes < 2 ? 0 : changes <= 1 << 8 ? 1 : changes <= 1 << 16 ? 2 : 3;
}

static bool read_changes(struct cursor *c, const struct json_growth_head *head, struct changes *ret)
{
    uint64_t count = cursor_varint(c);
    if (c->failed || !count || count > head->rows)
        return false;
    ret->count = (uint32_t)count;
    ret->width = width_of(ret->count);
    if (!numbers_decode(c, ret->count, &ret->bytes) || !numbers_decode(c, ret->count, &ret->versions) ||
        !numbers_decode(c, ret->count, &ret->touched))
        return false;
    for (uint32_t i = 0; i < ret->count; i++) {
        int64_t version = numbers_at(&ret->versions, i), touched = numbers_at(&ret->touched, i);
        if (version < 0 || version > head->newest || touched < 0 || touched > UINT32_MAX)
            return false;
    }
    return true;
}

static struct json_growth_entry entry_of(const struct changes *changes, uint32_t row, uint32_t code)
{
    return (struct json_growth_entry){row, (uint32_t)numbers_at(&changes->versions, code),
                                      numbers_at(&changes->bytes, code),
                                      (uint32_t)numbers_at(&changes->touched, code)};
}

/* Rows, whose codes stand behind all of them. */
static bool read_rows(struct cursor *c, const struct json_growth_head *head, const struct changes *changes,
                      uint64_t done, struct json_growth *growth)
{
    size_t coded = (size_t)head->rows * changes->width;
    if (cursor_left(c) < coded)
        return false;
    const uint8_t *codes = c->data + c->len - coded;
    int64_t row = -1;
    for (uint32_t i = 0; i < head->rows; i++) {
        uint64_t step = cursor_varint(c);
        uint32_t code = 0;
        for (uint32_t k = 0; k < changes->width; k++)
            code |= (uint32_t)codes[(size_t)k * head->rows + i] << 8 * k;
        if (c->failed || step >= UINT32_MAX - (uint64_t)row || code >= changes->count)
            return false;
        row += (int64_t)step + 1;
        if (head->level < GROWTH_LEVEL_MAX || (uint64_t)row >= done)
            json_growth_add(growth, entry_of(changes, (uint32_t)row, code));
    }
    return cursor_left(c) == coded;
}

int json_growth_decode(const void *bytes, size_t len, uint64_t done, struct json_growth_head *ret_head,
                       struct json_growth *growth)
{
    struct cursor c = cursor_of(bytes, len);
    struct json_growth_head head;
    struct changes changes;
    size_t count = growth->count;
    if (!read_head(&c, &head) || head.rows > GROWTH_ROWS_MAX - count || !read_changes(&c, &head, &changes))
        return -EUCLEAN;
    if (!read_rows(&c, &head, &changes, done, growth)) {
        growth->count = count;
        return -EUCLEAN;
    }
    *ret_head = head;
    return 0;
}

static uint32_t newest_of(const struct json_growth_entry *list, size_t count)
{
    uint32_t newest = 0;
    for (size_t i = 0; i < count; i++)
        newest = list[i].version > newest ? list[i].version : newest;
    return newest;
}

enum column { BYTES, VERSION, TOUCHED };

static void encode_column(const struct json_growth_entry *list, size_t count, enum column column,
                          struct buf *buf)
{
    CLEANUP_FREE int64_t *numbers = mem_alloc(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = column == BYTES ? list[i].bytes : column == VERSION ? list[i].version : list[i].touched;
    numbers_encode(numbers, (uint32_t)count, buf);
}

static void encode_columns(const struct json_growth_entry *list, size_t count, struct buf *buf)
{
    encode_column(list, count, BYTES, buf);
    encode_column(list, count, VERSION, buf);
    encode_column(list, count, TOUCHED, buf);
}

static int compare_changes(const void *a, const void *b)
{
    const struct json_growth_entry *x = a, *y = b;
    if (x->version != y->version)
        return (x->version > y->version) - (x->version < y->version);
    return x->touched != y->touched ? (x->touched > y->touched) - (x->touched < y->touched)
                                    : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* What there is to be said of rows, each once; the list is sorted by it. */
static size_t changes_of(struct json_growth_entry *list, size_t count)
{
    size_t kept = 0;
    qsort(list, count, sizeof *list, compare_changes);
    for (size_t i = 0; i < count; i++)
        if (!kept || compare_changes(&list[kept - 1], &list[i]) != 0)
            list[kept++] = list[i];
    return kept;
}

static void encode_codes(const struct json_growth_entry *list, size_t count,
                         const struct json_growth_entry *changes, size_t change_count, struct buf *buf)
{
    uint32_t width = width_of((uint32_t)change_count);
    uint8_t *codes = buf_room(buf, width * count);
    for (size_t i = 0; i < count && width; i++) {
        const struct json_growth_entry *found =
            bsearch(&list[i], changes, change_count, sizeof *changes, compare_changes);
        size_t code = (size_t)(found - changes);
        for (uint32_t k = 0; k < width; k++)
            codes[k * count + i] = (uint8_t)(code >> 8 * k);
    }
    buf->len += width * count;
    buf->data[buf->len] = 0;
}

void json_growth_encode(const struct json_growth_entry *list, size_t count, uint32_t level, struct buf *buf)
{
    CLEANUP_FREE struct json_growth_entry *changes = mem_copy(list, count * sizeof *list);
    size_t change_count = changes_of(changes, count);
    buf_varint(buf, level);
    buf_varint(buf, newest_of(list, count));
    buf_varint(buf, count);
    buf_varint(buf, change_count);
    encode_columns(changes, change_count, buf);
    for (size_t i = 0; i < count; i++)
        buf_varint(buf, i ? list[i].row - list[i - 1].row - 1 : list[i].row);
    encode_codes(list, count, changes, change_count, buf);
}

/* ---- groups ---- */

static uint32_t bits_before(const uint8_t *bits, uint32_t end)
{
    uint32_t count = 0, i = 0;
    for (uint64_t word; i + 64 <= end; i += 64) {
        memcpy(&word, bits + i / 8, sizeof word);
        count += (uint32_t)__builtin_popcountll(word);
    }
    for (; i < end; i++)
        count += bits[i / 8] >> i % 8 & 1;
    return count;
}

int grown_decode(const void *bytes, size_t len, struct grown *ret)
{
    struct cursor c = cursor_of(bytes, len);
    struct grown grown;
    if (!read_version(&c, &grown.newest) || !(grown.bits = cursor_bytes(&c, BITS_BYTES)))
        return -EUCLEAN;
    uint32_t count = bits_before(grown.bits, GROWN_ROWS);
    if (!numbers_decode(&c, count, &grown.bytes) || !numbers_decode(&c, count, &grown.versions) ||
        !numbers_decode(&c, count, &grown.touched) || cursor_left(&c))
        return -EUCLEAN;
    *ret = grown;
    return 0;
}

int grown_find(const struct grown *grown, uint32_t i, struct json_growth_entry *ret)
{
    if (!(grown->bits[i / 8] >> i % 8 & 1))
        return 0;
    uint32_t at = bits_before(grown->bits, i);
    int64_t version = numbers_at(&grown->versions, at), touched = numbers_at(&grown->touched, at);
    if (version < 0 || version > grown->newest || touched < 0 || touched > UINT32_MAX)
        return -EUCLEAN;
    ret->bytes = numbers_at(&grown->bytes, at);
    ret->version = (uint32_t)version;
    ret->touched = (uint32_t)touched;
    return 1;
}

uint32_t grown_encode(const struct json_growth_entry *list, uint32_t count, struct buf *buf)
{
    uint8_t bits[BITS_BYTES] = {0};
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = list[k].row % GROWN_ROWS;
        bits[i / 8] |= (uint8_t)(1 << i % 8);
    }
    uint32_t newest = newest_of(list, count);
    buf_varint(buf, newest);
    buf_append(buf, bits, sizeof bits);
    encode_columns(list, count, buf);
    return newest;
}
