// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/place.h"
#include "tools/commands.h"
#include "tools/session.h"

static int print_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    (void)ctx, (void)err;
    printf("%s v%u\n", name, version);
    return 0;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    int rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    if (rc || arguments->count == 1)
        return rc ? rc : dataset_tags(session.dataset, print_tag, NULL, err);
    const char *name = arguments->positional[1],
               *version_name = arguments->count > 2 ? arguments->positional[2] : "latest";
    uint32_t version;
    rc = dataset_tag_check(name, err);
    if (!rc)
        rc = place_version(session.dataset, version_name, strlen(version_name), &version, err);
    if (!rc)
        rc = dataset_tag_put(session.dataset, name, version, err);
    if (!rc)
        print_tag(NULL, name, version, err);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs tag s3://lab-data/kitchen paper-1 v12", "Name version 12"},
    {NULL, NULL},
};

const struct command command_tag = {
    .name = "tag",
    .synopsis = "DATASET [NAME [VERSION]]",
    .summary = "names a version, or lists the names",
    .description = "Makes NAME another name of VERSION (default: the newest). A tag is not moved: naming "
                   "another version "
                   "with it fails. With DATASET alone, lists the tags.",
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 3,
    .examples = examples,
    .run = run,
};
