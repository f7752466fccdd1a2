// SPDX-License-Identifier: Apache-2.0
/* A few bytes a group are read for the whole data set; the groups themselves are megabytes. */
#include "index/catalog/groups/newest.h"

#include <errno.h>

#include "index/catalog/groups/numbers.h"

int newest_decode(const void *bytes, size_t len, uint32_t versions[NEWEST_GROUPS], uint32_t *ret_groups)
{
    struct cursor c = cursor_of(bytes, len);
    struct numbers numbers;
    uint64_t groups = cursor_varint(&c);
    if (c.failed || groups > NEWEST_GROUPS || !numbers_decode(&c, (uint32_t)groups, &numbers) ||
        cursor_left(&c))
        return -EUCLEAN;
    for (uint32_t i = 0; i < groups; i++) {
        int64_t version = numbers_at(&numbers, i);
        if (version < 0 || version > UINT32_MAX)
            return -EUCLEAN;
        versions[i] = (uint32_t)version;
    }
    *ret_groups = (uint32_t)groups;
    return 0;
}

void newest_encode(const uint32_t *versions, uint32_t groups, struct buf *buf)
{
    int64_t numbers[NEWEST_GROUPS];
    for (uint32_t i = 0; i < groups; i++)
        numbers[i] = versions[i];
    buf_varint(buf, groups);
    numbers_encode(numbers, groups, buf);
}
