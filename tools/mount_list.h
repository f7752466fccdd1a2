// SPDX-License-Identifier: Apache-2.0
/*
 * The mounts of data sets on this machine, as /proc/self/mountinfo tells them, and which of them a path lies
 * in. Asks no mount anything, so that one whose daemon has ended or hangs does not matter. One thread.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "cache/base/error.h"

struct mount_entry {
    char *mountpoint, *url;
    uid_t owner; /* who mounted it */
};
struct mount_list {
    struct mount_entry *entries;
    size_t count, cap;
};
int mount_list_read(struct mount_list *ret, struct error *err);
/* The mounts in a text of that format (proc(5)); what is no mount of ours is passed over. */
void mount_list_parse(struct mount_list *ret, const char *mountinfo);
void mount_list_done(struct mount_list *list);
#define CLEANUP_MOUNT_LIST CLEANUP(mount_list_done)
/*
 * The mount `path` lies in, or NULL; *ret_rest is the part of the path below it (owned), with the names that
 * were typed: links outside of the mount are followed, but "latest/arm=left" and "tags/nightly" stay as they
 * are. A relative path starts in the folder that the shell calls the current one. The path need not exist.
 */
const struct mount_entry *mount_list_find(const struct mount_list *list, const char *path, char **ret_rest);
/* -ENOENT: no data set is mounted at `path`, and where some are. */
int mount_list_refuse(const struct mount_list *list, const char *path, struct error *err);
