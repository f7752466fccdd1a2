// SPDX-License-Identifier: Apache-2.0
#include "fs/mount.h"
#include "tools/commands.h"

static int run(const struct arguments *arguments, struct error *err)
{
    return fs_unmount(arguments->positional[0], err);
}

const struct command command_umount = {
    .name = "umount",
    .synopsis = "MOUNTPOINT",
    .summary = "unmounts a data set",
    .description = "Unmounts MOUNTPOINT and ends its daemon. Also as umount(8) or `fusermount3 -u`.",
    .least = 1,
    .most = 1,
    .run = run,
};
