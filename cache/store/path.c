// SPDX-License-Identifier: Apache-2.0
/* One scan for all: a component is judged when it ends. */
#include "cache/store/path.h"

#include <errno.h>
#include <string.h>

static bool component_valid(const char *start, size_t len)
{
    return len && !(len == 1 && *start == '.') && !(len == 2 && start[0] == '.' && start[1] == '.');
}

bool store_path_valid(const char *path)
{
    size_t len = strnlen(path, STORE_PATH_BYTES + 1);
    if (len > STORE_PATH_BYTES)
        return false;
    for (const char *start = path;;) {
        const char *end = strchrnul(start, '/');
        if (!component_valid(start, (size_t)(end - start)))
            return false;
        if (!*end)
            return true;
        start = end + 1;
    }
}

int store_path_check(const char *url, const char *path, struct error *err)
{
    if (store_path_valid(path))
        return 0;
    return error_set(err, EINVAL, "%s: '%s' is not the path of an object", url, path);
}

int store_prefix_check(const char *url, const char *prefix, struct error *err)
{
    size_t len = strnlen(prefix, STORE_PATH_BYTES + 1);
    char head[STORE_PATH_BYTES + 1];
    const char *slash = strrchr(prefix, '/');
    if (!slash)
        return len <= STORE_PATH_BYTES ? 0 : error_set(err, EINVAL, "%s: the prefix is too long", url);
    size_t head_len = (size_t)(slash - prefix);
    if (len <= STORE_PATH_BYTES) {
        memcpy(head, prefix, head_len);
        head[head_len] = 0;
        if (store_path_valid(head))
            return 0;
    }
    return error_set(err, EINVAL, "%s: '%s' is not a prefix of paths", url, prefix);
}
