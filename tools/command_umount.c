// SPDX-License-Identifier: Apache-2.0
/* `elidefs umount`: a mount point, or the data set that is mounted somewhere. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/mount.h"
#include "tools/commands.h"
#include "tools/mount_stats.h"
#include "tools/session.h"

/* "kitchen" or its URL, which is mounted somewhere. */
static const struct mount_entry *mount_of(const struct mount_list *mounts, const char *given)
{
    CLEANUP_FREE char *url = NULL;
    if (session_dataset_url(given, &url, NULL))
        return NULL;
    for (size_t i = 0; i < mounts->count; i++)
        if (!strcmp(mounts->entries[i].url, url))
            return &mounts->entries[i];
    return NULL;
}

static int refuse(const struct mount_list *mounts, const char *given, struct error *err)
{
    const struct mount_entry *mount = mount_of(mounts, given);
    if (!mount)
        return mount_list_refuse(mounts, given, err);
    return error_set(err, EINVAL, "%s is mounted on %s: \"elidefs umount %s\"", given, mount->mountpoint,
                     mount->mountpoint);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    const char *given = arguments->positional[0];
    int rc = mount_list_read(&mounts, err);
    if (rc)
        return rc;
    const struct mount_entry *mount = mount_list_find(&mounts, given, &rest);
    if (!mount)
        return refuse(&mounts, given, err);
    if (*rest)
        return error_set(err, EINVAL, "%s lies inside the mount %s: \"elidefs umount %s\"", given,
                         mount->mountpoint, mount->mountpoint);
    CLEANUP_FREE char *owner = mount_stats_user(mount->owner);
    if (geteuid() && mount->owner != geteuid())
        return error_set(err, EPERM, "%s belongs to %s: only %s can unmount it", mount->mountpoint, owner,
                         mount->owner ? "they and root" : "root");
    return fs_unmount(given, err);
}

static const struct command_example examples[] = {
    {"elidefs umount /mnt/kitchen", "Unmount it"},
    {NULL, NULL},
};

const struct command command_umount = {
    .name = "umount",
    .synopsis = "MOUNTPOINT",
    .summary = "unmounts a data set",
    .description =
        "Unmounts MOUNTPOINT and ends its daemon; a mount whose daemon has ended is taken away, too. A mount "
        "that "
        "is in use stays, and the programs that use it are named. Also as umount(8) or `fusermount3 -u`.",
    .least = 1,
    .most = 1,
    .examples = examples,
    .run = run,
};
