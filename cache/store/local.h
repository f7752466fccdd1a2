// SPDX-License-Identifier: Apache-2.0
/*
 * A local folder as a store. Objects are regular files below the root; nothing follows a symbolic link below
 * it, and a path that would leave it is refused. Reads run on the worker threads, all else in the caller's.
 */
#pragma once

#include <sys/stat.h>

#include "cache/store/ops.h"

/* `folder`: absolute, need not exist. */
int local_new(struct stores *stores, const char *folder, struct store **ret, struct error *err);

/* ---- shared by the files of this store ---- */

/* Opens `path` below the root without following links. Errors name the object. */
int local_open(const struct store *store, const char *path, int flags, struct error *err);
/* -ENOENT for a folder, -EACCES for what is neither that nor a regular file. */
int local_check_regular(const struct store *store, const char *path, const struct stat *st,
                        struct error *err);
void local_object(const struct stat *st, struct store_object *ret);
int local_fail(const struct store *store, const char *path, int code, struct error *err);

void local_get_start(struct store *store, struct store_get *get);
void local_get_cancel(struct store *store, struct store_get *get);
int local_read_ranges(struct store *store, const struct store_ranges *ranges, struct error *err);
int local_put(struct store *store, const struct store_put *put, struct store_object *ret, struct error *err);
int local_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err);
int local_upload_part(struct store_upload *upload, unsigned number, const void *bytes, size_t len,
                      struct error *err);
int local_upload_finish(struct store_upload *upload, struct store_object *ret, struct error *err);
void local_upload_free(struct store_upload *upload, bool abort);
bool local_may_copy(const struct store *store, const struct store *from, enum store_copy_how how);
int local_copy(struct store *store, const struct store_copy *copy, struct store_object *ret,
               struct error *err);
int local_list(struct store *store, const struct store_listing *listing, struct error *err);

/* Names of files being written; a listing skips them. */
bool local_name_is_temporary(const char *name);
