// SPDX-License-Identifier: Apache-2.0
/*
 * The cache folder: where it is, whether it may be used, and the names in it (layout: cache/FORMAT.md).
 * Immutable after open; any thread. Private to cache/.
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/base/memory.h"

struct folder;

/* `path` NULL: $ELIDEFS_CACHE, else $XDG_CACHE_HOME/elidefs, else ~/.cache/elidefs. Made 0700 with its
 * parents if missing. -EACCES if it belongs to someone else or others may write in it. */
int folder_open(const char *path, struct folder **ret, struct error *err);
void folder_free(struct folder *folder);

const char *folder_path(const struct folder *folder);
int folder_fd(const struct folder *folder);
const char *folder_warning(const struct folder *folder); /* why it is a poor place; NULL if it is not */
/* Free bytes for this user and the size of its file system; -errno. */
int folder_space(const struct folder *folder, uint64_t *ret_free, uint64_t *ret_total);

enum { FOLDER_NAME_BYTES = 2 + 1 + 2 + 1 + 64 + 7 + 1 };
enum folder_file { FOLDER_DATA, FOLDER_SIDE };
/* "ab/cd/<key in hex>" and that with ".blocks", relative to the folder. */
void folder_name(const uint8_t key[SHA256_BYTES], enum folder_file which, char ret[FOLDER_NAME_BYTES]);
/* The key of a file name without its folders; -EINVAL if the cache did not make it. */
int folder_key(const char *name, uint8_t ret_key[SHA256_BYTES], enum folder_file *ret_which);
/* Opens one file of a key, and makes it and its two folders if `create`; a descriptor or -errno. */
int folder_open_file(const struct folder *folder, const uint8_t key[SHA256_BYTES], enum folder_file which,
                     int create);
