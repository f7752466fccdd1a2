// SPDX-License-Identifier: Apache-2.0
/* One spelling for each version, so that a path means one thing and is one key of every cache. */
#include "index/base/version.h"

bool version_parse(const char *name, size_t len, uint32_t *ret)
{
    uint64_t number = 0;
    if (len < 2 || name[0] != 'v')
        return false;
    for (size_t i = 1; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(name[i] - '0');
        if (number > UINT32_MAX)
            number = UINT32_MAX;
    }
    if (ret)
        *ret = name[1] == '0' ? 0 : (uint32_t)number;
    return true;
}
