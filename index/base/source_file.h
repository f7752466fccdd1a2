// SPDX-License-Identifier: Apache-2.0
/* Files in which a source of clips speaks of itself, as a LeRobot data set does: their names, and how much of
 * them is kept. Any thread. */
#pragma once

#include <stdbool.h>

enum {
    SOURCE_FILES_MAX = 255, /* of a source: */
    SOURCE_BYTES_MAX = 4 << 20,
    SOURCE_FILE_BYTES_MAX = 1 << 20,
    SOURCE_FILE_NAME_MAX = 255,
    SOURCE_FOLDER_MAX = 4096,
};

/* A path below a root: no empty, "." or ".." component. */
bool source_folder_is(const char *folder);
/* Such a path of a file below the source's folder: in UTF-8, without control characters. */
bool source_file_name_is(const char *name);
