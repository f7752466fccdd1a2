// SPDX-License-Identifier: Apache-2.0
/* `elidefs remove`: hides the clips that a path means, and says how many. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/commit/commit.h"
#include "tools/commands.h"
#include "tools/removal.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"all", 0, NULL, false, "allow PATH to mean every clip"},
    {"message", 'm', "MESSAGE", false, "say what this version is"},
    {"json", 0, NULL, false, "print the result as one JSON object"},
    {NULL, 0, NULL, false, NULL},
};

static void tell(const struct arguments *arguments, uint32_t version, const struct apply_counts *counts)
{
    fprintf(stderr, "v%u: %s removed; %llu in all\n", version, COUNT(counts->clips_removed, "clip"),
            (unsigned long long)counts->clips);
    if (arguments_flag(arguments, "json"))
        printf("{\"version\":%u,\"clips\":%llu,\"removed\":%llu}\n", version,
               (unsigned long long)counts->clips, (unsigned long long)counts->clips_removed);
    else
        printf("v%u\n", version);
}

static int tell_nothing(const struct arguments *arguments, struct session *session, struct error *err)
{
    const struct manifest *manifest;
    uint32_t version = dataset_head(session->dataset);
    int rc = dataset_manifest(session->dataset, version, &manifest, err);
    if (rc)
        return rc;
    fprintf(stderr, "nothing to remove: v%u stays\n", version);
    if (arguments_flag(arguments, "json"))
        printf("{\"version\":%u,\"clips\":%llu,\"removed\":0}\n", version,
               (unsigned long long)manifest->clips);
    else
        printf("v%u\n", version);
    return 0;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    struct apply_counts counts = {0};
    uint32_t version = 0;
    int rc = session_open_path(arguments, &session, err);
    if (rc)
        return rc;
    struct removal removal = {.path = session.path,
                              .all = arguments_flag(arguments, "all"),
                              .message = arguments_text(arguments, "message")};
    rc = removal_commit(session.dataset, &removal, &version, &counts, err);
    if (rc == -EALREADY)
        return tell_nothing(arguments, &session, err);
    if (!rc)
        tell(arguments, version, &counts);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs remove s3://lab-data/kitchen outcome=aborted -m 'operator stopped'", "The clips that match"},
    {"elidefs remove s3://lab-data/kitchen latest/ep000014.json", "One clip, named by any of its files"},
    {"elidefs remove /mnt/kitchen/latest/ep000014.json", "The same, by a path inside a mount"},
    {NULL, NULL},
};

const struct command command_remove = {
    .name = "remove",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "hides clips from the next version on",
    .description =
        "Commits a new version without the clips that PATH means: those of a query, or the clip of a file. "
        "Where "
        "somebody else commits meanwhile, PATH is looked up again; where it names an older version, a clip "
        "that "
        "has been replaced since stops it. "
        "Older versions keep them, and no recording is touched. Their labels are gone in the new version. An "
        "import leaves out what was removed, unless it has other content by then or --restore brings it "
        "back.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
