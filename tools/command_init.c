// SPDX-License-Identifier: Apache-2.0
/* `elidefs init`: makes an empty data set, and says what to type next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/mount_list.h"
#include "tools/session.h"

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    const char *given = arguments->positional[0];
    int rc = session_open_stores(arguments, &session, err);
    const struct mount_entry *mount = rc || strstr(given, "://") || mount_list_read(&mounts, NULL)
                                          ? NULL
                                          : mount_list_find(&mounts, given, &rest);
    if (mount)
        return error_set(err, EROFS, "%s: the data set %s is mounted there", given, mount->url);
    if (!rc)
        rc = dataset_init(session.stores, given, err);
    if (rc)
        return rc;
    const char *named = stores_dataset_url(session.stores, given), *url = named ? named : given;
    CLEANUP_FREE char *folder = strstr(url, "://") ? NULL : realpath(url, NULL);
    fprintf(stderr, "made the data set %s: next, `elidefs import %s SOURCE`\n", folder ? folder : url, given);
    return 0;
}

static const struct command_example examples[] = {
    {"elidefs init /data/kitchen", "A data set in a local folder"},
    {"elidefs init s3://lab-data/kitchen", "A data set in a bucket"},
    {NULL, NULL},
};

const struct command command_init = {
    .name = "init",
    .synopsis = "DATASET [OPTION]...",
    .summary = "makes an empty data set in a folder or bucket",
    .description =
        "Makes DATASET: an empty data set, to which imports add versions. The store is asked first whether "
        "it can "
        "create an object only if it is absent, which commits stand on; one that cannot is refused.",
    .store_options = true,
    .least = 1,
    .most = 1,
    .examples = examples,
    .run = run,
};
