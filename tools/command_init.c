// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tools/commands.h"
#include "tools/session.h"

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    int rc = session_open_stores(arguments, &session, err);
    if (!rc)
        rc = dataset_init(session.stores, arguments->positional[0], err);
    if (!rc)
        fprintf(stderr, "made the data set %s: next, `elidefs import %s SOURCE`\n", arguments->positional[0],
                arguments->positional[0]);
    return rc;
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
