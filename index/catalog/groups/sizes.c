// SPDX-License-Identifier: Apache-2.0
/* A row is read from where it stands: columns before it are stepped over, none is expanded. */
#include "index/catalog/groups/sizes.h"

#include <errno.h>

#include "index/base/clip.h"
#include "index/catalog/groups/numbers.h"

struct section {
    uint32_t rows, streams;
    struct numbers json, json_changed;
};

/* The head of the next section, which starts at row `first`; its streams come next. */
static bool read_section(struct cursor *c, uint32_t first, struct section *section)
{
    uint64_t rows = cursor_varint(c), streams = cursor_varint(c);
    if (c->failed || !rows || rows > SIZES_ROWS - first || streams > CLIP_STREAMS_MAX)
        return false;
    section->rows = (uint32_t)rows;
    section->streams = (uint32_t)streams;
    return numbers_decode(c, section->rows, &section->json) &&
           numbers_decode(c, section->rows, &section->json_changed);
}

static bool read_newest(struct cursor *c, uint32_t *ret)
{
    uint64_t newest = cursor_varint(c);
    *ret = (uint32_t)newest;
    return !c->failed && newest <= UINT32_MAX;
}

static bool is_version(int64_t number, uint32_t newest)
{
    return number >= 0 && number <= newest;
}

static bool read_files(struct cursor *c, const struct section *section, uint32_t i, uint32_t newest,
                       struct catalog_file *files)
{
    for (uint32_t k = 0; k < section->streams; k++) {
        struct numbers sizes, changed;
        if (!numbers_decode(c, section->rows, &sizes) || !numbers_decode(c, section->rows, &changed))
            return false;
        if (!files || i >= section->rows)
            continue;
        int64_t size = numbers_at(&sizes, i), version = numbers_at(&changed, i);
        if (size < 0 || !is_version(version, newest))
            return false;
        files[k].size = (uint64_t)size;
        files[k].changed = (uint32_t)version;
    }
    return true;
}

int sizes_decode(const void *bytes, size_t len, uint32_t i, struct sizes_row *ret)
{
    struct cursor c = cursor_of(bytes, len);
    uint32_t newest, first = 0;
    if (!read_newest(&c, &newest))
        return -EUCLEAN;
    while (cursor_left(&c)) {
        struct section section;
        if (!read_section(&c, first, &section))
            return -EUCLEAN;
        uint32_t at = i - first; /* in a later section, it is at least its rows */
        if (!read_files(&c, &section, at, newest, ret->files))
            return -EUCLEAN;
        first += section.rows;
        if (at >= section.rows)
            continue;
        int64_t changed = numbers_at(&section.json_changed, at);
        ret->json = numbers_at(&section.json, at);
        ret->json_changed = (uint32_t)changed;
        ret->count = section.streams;
        return is_version(changed, newest) ? 0 : -EUCLEAN;
    }
    return -EUCLEAN;
}

int sizes_newest(const void *bytes, size_t len, uint32_t *ret)
{
    struct cursor c = cursor_of(bytes, len);
    return read_newest(&c, ret) ? 0 : -EUCLEAN;
}

static bool raise(const struct numbers *versions, uint32_t rows, uint32_t newest, uint32_t *changed)
{
    for (uint32_t i = 0; i < rows; i++) {
        int64_t version = numbers_at(versions, i);
        if (!is_version(version, newest))
            return false;
        if (version > changed[i])
            changed[i] = (uint32_t)version;
    }
    return true;
}

int sizes_changed(const void *bytes, size_t len, bool json_only, uint32_t changed[SIZES_ROWS],
                  uint32_t *ret_rows)
{
    struct cursor c = cursor_of(bytes, len);
    uint32_t newest, first = 0;
    if (!read_newest(&c, &newest))
        return -EUCLEAN;
    for (struct section section; cursor_left(&c); first += section.rows) {
        if (!read_section(&c, first, &section))
            return -EUCLEAN;
        for (uint32_t i = 0; i < section.rows; i++)
            changed[first + i] = 0;
        if (!raise(&section.json_changed, section.rows, newest, changed + first))
            return -EUCLEAN;
        for (uint32_t k = 0; k < section.streams; k++) {
            struct numbers sizes, versions;
            if (!numbers_decode(&c, section.rows, &sizes) || !numbers_decode(&c, section.rows, &versions) ||
                (!json_only && !raise(&versions, section.rows, newest, changed + first)))
                return -EUCLEAN;
        }
    }
    *ret_rows = first;
    return 0;
}

/* ---- writing ---- */

static void encode_section(const struct sizes_row *list, uint32_t rows, struct buf *buf)
{
    int64_t numbers[SIZES_ROWS], changed[SIZES_ROWS];
    buf_varint(buf, rows);
    buf_varint(buf, list->count);
    for (uint32_t i = 0; i < rows; i++) {
        numbers[i] = list[i].json;
        changed[i] = list[i].json_changed;
    }
    numbers_encode(numbers, rows, buf);
    numbers_encode(changed, rows, buf);
    for (uint32_t k = 0; k < list->count; k++) {
        for (uint32_t i = 0; i < rows; i++) {
            numbers[i] = (int64_t)list[i].files[k].size;
            changed[i] = list[i].files[k].changed;
        }
        numbers_encode(numbers, rows, buf);
        numbers_encode(changed, rows, buf);
    }
}

void sizes_encode(const struct sizes_row *list, uint32_t rows, struct buf *buf)
{
    uint32_t newest = 0;
    for (uint32_t i = 0; i < rows; i++) {
        newest = list[i].json_changed > newest ? list[i].json_changed : newest;
        for (uint32_t k = 0; k < list[i].count; k++)
            newest = list[i].files[k].changed > newest ? list[i].files[k].changed : newest;
    }
    buf_varint(buf, newest);
    for (uint32_t i = 0, end; i < rows; i = end) {
        for (end = i + 1; end < rows && list[end].count == list[i].count;)
            end++;
        encode_section(list + i, end - i, buf);
    }
}
