// SPDX-License-Identifier: Apache-2.0
/* `elidefs forget`: versions that nobody is to read any more. What they hold goes with `elidefs gc`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/version.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"message", 'm', "TEXT", false, "say why; who asks for such a version is told"},
    {NULL, 0, NULL, false, NULL},
};

/* "v12", "v3..v9" */
static int parse_range(const char *text, struct dataset_range *ret, struct error *err)
{
    const char *dots = strstr(text, "..");
    const char *last = dots ? dots + 2 : text;
    bool spelt = version_parse(text, dots ? (size_t)(dots - text) : strlen(text), &ret->first) &&
                 version_parse(last, strlen(last), &ret->last);
    if (!spelt || !ret->first || !ret->last)
        return error_set(err, EINVAL, "'%s' is no version and no range of them: expected v12 or v3..v9",
                         text);
    if (ret->last < ret->first)
        return error_set(err, EINVAL, "'%s': the older version comes first", text);
    return 0;
}

static void print_range(const struct dataset_range *range)
{
    printf(range->first == range->last ? "v%" PRIu32 "\n" : "v%" PRIu32 "..v%" PRIu32 "\n", range->first,
           range->last);
}

/* What was asked for, but for those that somebody has tagged meanwhile. */
static void tell(struct dataset *dataset, const struct dataset_range *range)
{
    struct dataset_range gone = {0};
    for (uint64_t version = range->first; version <= range->last; version++) {
        bool is = dataset_is_forgotten(dataset, (uint32_t)version);
        if (!is)
            fprintf(stderr, "note: v%" PRIu64 " was tagged meanwhile, and stays as long as it is\n", version);
        if (is && !gone.first)
            gone.first = (uint32_t)version;
        if (is)
            gone.last = (uint32_t)version;
        if (gone.first && (!is || version == range->last)) {
            print_range(&gone);
            gone = (struct dataset_range){0};
        }
    }
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    size_t count = arguments->count - 1;
    CLEANUP_FREE struct dataset_range *ranges = mem_alloc(count * sizeof *ranges);
    struct dataset_forget forget = {
        .ranges = ranges, .count = count, .message = arguments_text(arguments, "message")};
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = parse_range(arguments->positional[i + 1], &ranges[i], err);
    if (!rc)
        rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    if (!rc)
        rc = dataset_check_writable(session.dataset, err);
    if (!rc)
        rc = dataset_forget(session.dataset, &forget, err);
    for (size_t i = 0; !rc && i < count; i++)
        tell(session.dataset, &ranges[i]);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs forget s3://lab-data/kitchen v3..v9 -m \"the arm was not calibrated\"",
     "Nobody is to train on these any more"},
    {NULL, NULL},
};

const struct command command_forget = {
    .name = "forget",
    .synopsis = "DATASET VERSION... [OPTION]...",
    .summary = "forgets versions, so that what only they need can be freed",
    .description =
        "Each VERSION (v12, or v3..v9: from v3 to v9) is gone for who asks for it: `log` says when it was "
        "forgotten, by whom and why, and a path that begins with it says the same, in mounts within some "
        "seconds; who reads in it goes on for now. Its number is never used again, and versions after it "
        "stay as they are. Nothing is freed yet: `elidefs gc` does that.\n\n"
        "The newest version and those with a tag cannot be forgotten, and then none of those named is. A tag "
        "that is set at the same moment keeps its version; one that is damaged, or of a newer elidefs, may "
        "keep "
        "any, so nothing is forgotten until `elidefs untag` takes it away. There is no way back.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 1000,
    .examples = examples,
    .run = run,
};
