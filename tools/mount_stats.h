// SPDX-License-Identifier: Apache-2.0
/* What a mount tells of itself in .elidefs/stats: lines "name value". One thread. */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "tools/mount_list.h"

/* Appends them. Gives up after some seconds (-ETIMEDOUT): a daemon that was stopped answers nobody.
 * -ENOTCONN: it has ended; -EACCES: the mount is another user's. The message names the user or the command to
 * type. Forks: call it before there are threads. */
int mount_stats_read(const struct mount_entry *mount, struct buf *ret, struct error *err);
/* The value of a line, as long as *ret_len; NULL if there is none. */
const char *mount_stats_text(const char *stats, const char *name, size_t *ret_len);
unsigned long long mount_stats_number(const char *stats, const char *name); /* 0 if there is none */

/* A user's name, or the number; the caller frees it. */
char *mount_stats_user(uid_t uid);
