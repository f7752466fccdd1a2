// SPDX-License-Identifier: Apache-2.0
/* What comes from a store or a catalog leads nowhere but below its folder, and shows as it is. */
#include "index/base/source_file.h"

#include <string.h>

#include "cache/base/utf8.h"

bool source_folder_is(const char *folder)
{
    for (const char *at = folder, *end; at; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, '/');
        size_t part = (size_t)(end - at);
        if (!part || (part <= 2 && !strncmp(at, "..", part)))
            return false;
    }
    return strlen(folder) <= SOURCE_FOLDER_MAX;
}

bool source_file_name_is(const char *name)
{
    size_t len = strlen(name);
    if (len > SOURCE_FILE_NAME_MAX || !utf8_valid(name, len) || !source_folder_is(name))
        return false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return false;
    return true;
}
