// SPDX-License-Identifier: Apache-2.0
/* One behind the other: attribute, type, bytes (value_encode()). A clip has few, so they are searched one by
 * one. */
#include "tools/import/draft_values.h"

#include <assert.h>

void draft_values_done(struct draft_values *values)
{
    buf_done(&values->bytes);
    values->count = 0;
}

void draft_values_add(struct draft_values *values, size_t attribute, const struct value *value)
{
    buf_varint(&values->bytes, attribute);
    buf_u8(&values->bytes, (uint8_t)value->type);
    value_encode(&values->bytes, value);
    values->count++;
}

void draft_values_remove(struct draft_values *values, size_t attribute)
{
    struct draft_values kept = {.count = 0};
    struct draft_values_reader reader = DRAFT_VALUES_READER(values);
    while (draft_values_next(&reader))
        if (reader.attribute != attribute)
            draft_values_add(&kept, reader.attribute, &reader.value);
    draft_values_done(values);
    *values = kept;
}

void draft_values_fit(struct draft_values *values)
{
    struct buf *bytes = &values->bytes;
    if (bytes->cap <= bytes->len + 1)
        return;
    bytes->cap = bytes->len + 1; /* a NUL follows */
    bytes->data = mem_resize(bytes->data, bytes->cap);
}

bool draft_values_next(struct draft_values_reader *reader)
{
    if (!cursor_left(&reader->at))
        return false;
    reader->attribute = (size_t)cursor_varint(&reader->at);
    enum value_type type = (enum value_type)cursor_u8(&reader->at);
    value_decode_unchecked(&reader->at, type, &reader->value);
    assert(!reader->at.failed); /* we wrote it */
    return true;
}
