// SPDX-License-Identifier: Apache-2.0
/* Small whole-file operations on the local machine. Any thread. Errors name the path. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

/* Appends the whole file; -EFBIG over `max_bytes`. */
int file_read(const char *path, size_t max_bytes, struct buf *buf, struct error *err);
/* Replaces `path` by a new file with these bytes: temporary file beside it, fsync, rename. */
int file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct error *err);
/* mkdir -p; existing folders are left as they are. */
int file_make_folders(const char *path, mode_t mode, struct error *err);
/* Makes a folder "<parent>/<name>.XXXXXX"; the caller frees *ret_path. parent NULL: $TMPDIR or /tmp. */
int file_make_temp_folder(const char *parent, const char *name, char **ret_path, struct error *err);
/* A file without a name in $TMPDIR, else /var/tmp or /tmp: the caller closes *ret_fd, and it is gone. */
int file_make_temp(int *ret_fd, struct error *err);
/* That such a file cannot be made or written: names the folder, and how another is chosen. Returns rc. */
int file_temp_failed(int rc, struct error *err);
/* rm -rf; a missing path is fine. Never follows a symbolic link. */
int file_remove_tree(const char *path, struct error *err);
/* Writes all bytes, retrying short writes. */
int file_write_all(int fd, const void *bytes, size_t len);
