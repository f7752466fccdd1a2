// SPDX-License-Identifier: Apache-2.0
/* One clip's growth is asked for at random, so a group of rows has a bit a row: counting bits says
 * where its numbers are. Runs of commits are small and are read whole, once. */
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

static int compare_rows(const void *a, const void *b)
{
    const struct json_growth_entry *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Mostly they come sorted. */
void json_growth_settle(struct json_growth *growth)
{
    struct json_growth_entry *list = growth->list;
    bool sorted = true;
    size_t kept = 0;
    for (size_t i = 1; i < growth->count; i++)
        sorted &= list[i - 1].row < list[i].row;
    if (sorted)
        return;
    qsort(list, growth->count, sizeof *list, compare_rows);
    for (size_t i = 0; i < growth->count; i++) {
        struct json_growth_entry *last = kept ? &list[kept - 1] : NULL;
        if (!last || last->row != list[i].row) {
            list[kept++] = list[i];
            continue;
        }
        last->bytes = (int64_t)((uint64_t)last->bytes + (uint64_t)list[i].bytes);
        last->version = list[i].version > last->version ? list[i].version : last->version;
        last->touched |= list[i].touched;
    }
    growth->count = kept;
}

const struct json_growth_entry *json_growth_find(const struct json_growth *growth, uint32_t row)
{
    struct json_growth_entry key = {.row = row};
    return growth->count ? bsearch(&key, growth->list, growth->count, sizeof *growth->list, compare_rows)
                         : NULL;
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

int json_growth_decode(const void *bytes, size_t len, uint64_t done, struct json_growth_head *ret_head,
                       struct json_growth *growth)
{
    struct cursor c = cursor_of(bytes, len);
    struct json_growth_head head;
    struct numbers rows, grown, versions, touched;
    size_t count = growth->count;
    int64_t before = -1;
    if (!read_head(&c, &head) || !numbers_decode(&c, head.rows, &rows) ||
        !numbers_decode(&c, head.rows, &grown) || !numbers_decode(&c, head.rows, &versions) ||
        !numbers_decode(&c, head.rows, &touched) || cursor_left(&c) || head.rows > GROWTH_ROWS_MAX - count)
        return -EUCLEAN;
    for (uint32_t i = 0; i < head.rows; i++) {
        int64_t row = numbers_at(&rows, i), version = numbers_at(&versions, i),
                touch = numbers_at(&touched, i);
        if (row <= before || row > UINT32_MAX || version < 0 || version > head.newest || touch < 0 ||
            touch > UINT32_MAX) {
            growth->count = count;
            return -EUCLEAN;
        }
        before = row;
        if (head.level < GROWTH_LEVEL_MAX || (uint64_t)row >= done)
            json_growth_add(growth, (struct json_growth_entry){(uint32_t)row, (uint32_t)version,
                                                               numbers_at(&grown, i), (uint32_t)touch});
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

enum column { ROW, BYTES, VERSION, TOUCHED };

static void encode_column(const struct json_growth_entry *list, size_t count, enum column column,
                          struct buf *buf)
{
    CLEANUP_FREE int64_t *numbers = mem_alloc(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = column == ROW       ? list[i].row
                     : column == BYTES   ? list[i].bytes
                     : column == VERSION ? list[i].version
                                         : list[i].touched;
    numbers_encode(numbers, (uint32_t)count, buf);
}

static void encode_columns(const struct json_growth_entry *list, size_t count, struct buf *buf)
{
    encode_column(list, count, BYTES, buf);
    encode_column(list, count, VERSION, buf);
    encode_column(list, count, TOUCHED, buf);
}

void json_growth_encode(const struct json_growth_entry *list, size_t count, uint32_t level, struct buf *buf)
{
    buf_varint(buf, level);
    buf_varint(buf, newest_of(list, count));
    buf_varint(buf, count);
    encode_column(list, count, ROW, buf);
    encode_columns(list, count, buf);
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
