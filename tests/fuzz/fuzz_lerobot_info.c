// SPDX-License-Identifier: Apache-2.0
/* Whatever an info.json holds: an error, or templates whose paths stay inside the data set. */
#include <string.h>

#include "tools/import/lerobot_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool leaves(const char *path)
{
    size_t len = strlen(path);
    return path[0] == '/' || !strncmp(path, "../", 3) || !strcmp(path, "..") || strstr(path, "/../") ||
           (len >= 3 && !strcmp(path + len - 3, "/.."));
}

static void expand(const struct lerobot_info *info, const char *template, const char *video_key)
{
    CLEANUP_FREE char *path = NULL;
    struct lerobot_place place = {.chunk = 7, .file = 1 << 20, .episode = 12345, .video_key = video_key};
    if (!lerobot_info_path(info, template, &place, &path, NULL) &&
        (strncmp(path, "root/", 5) || leaves(path + 5)))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
    if (lerobot_info_parse("info.json", "root", data, size, &info, NULL))
        return 0;
    expand(info, info->data_path, NULL);
    for (size_t i = 0; i < info->feature_count; i++)
        if (info->is_video[i])
            expand(info, info->video_path, info->features[i]);
    return 0;
}
