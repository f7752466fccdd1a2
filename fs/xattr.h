// SPDX-License-Identifier: Apache-2.0
/*
 * Extended attributes of clip files: `user.<attribute>` is the value as in <key>.json, text unquoted (a list
 * where a clip may have several); `user.elidefs.source`, `.range` (what the file is of it: "first-last"
 * bytes, comma-separated), `.preroll` (seconds) and `.reason` (why a file was passed through whole). Tasks.
 */
#pragma once

#include "fs/task.h"

task_fn xattr_get, xattr_list;
