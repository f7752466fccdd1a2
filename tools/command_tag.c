// SPDX-License-Identifier: Apache-2.0
/* `elidefs tag` and `elidefs untag`: names of versions that can be moved. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/meant.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"force", 0, NULL, false, "move a tag that names another version"},
    {NULL, 0, NULL, false, NULL},
};

static int print_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    (void)ctx, (void)err;
    printf("%s v%u\n", name, version);
    return 0;
}

static int put(const struct arguments *arguments, struct dataset *dataset, const char *name, uint32_t version,
               struct error *err)
{
    if (arguments_flag(arguments, "force"))
        return dataset_tag_move(dataset, name, version, err);
    struct error why = {0};
    int rc = dataset_tag_put(dataset, name, version, &why);
    if (rc == -EEXIST)
        return error_set(err, EEXIST, "%s; --force moves it", why.text);
    return rc < 0 ? error_copy(err, &why) : rc;
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
        rc = put(arguments, session.dataset, name, version, err);
    if (!rc)
        print_tag(NULL, name, version, err);
    return rc;
}

static int run_untag(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    int rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    const char *name = arguments->positional[1];
    struct error why = {0};
    if (rc)
        return rc;
    rc = dataset_tag_remove(session.dataset, name, &why);
    if (rc != -ENOENT)
        return rc ? error_copy(err, &why) : 0;
    CLEANUP_BUF struct buf meant = BUF_INIT;
    meant_tag(session.dataset, name, &meant);
    return error_set(err, ENOENT, "%s%s", why.text, buf_text(&meant));
}

static const struct command_example examples[] = {
    {"elidefs tag s3://lab-data/kitchen paper-1 v12", "Name version 12"},
    {"elidefs tag s3://lab-data/kitchen stable v13 --force", "Let a name lead to another version"},
    {NULL, NULL},
};

const struct command command_tag = {
    .name = "tag",
    .synopsis = "DATASET [NAME [VERSION]] [OPTION]...",
    .summary = "names a version, or lists the names",
    .description =
        "Makes NAME another name of VERSION (default: the newest). A tag that names another version "
        "is not moved without --force, for paths that begin with it would mean other clips. With "
        "DATASET alone, lists the tags. `elidefs untag` takes a name away.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 3,
    .examples = examples,
    .run = run,
};

static const struct command_example untag_examples[] = {
    {"elidefs untag s3://lab-data/kitchen paper-1", "The version keeps its number, and loses this name"},
    {NULL, NULL},
};

const struct command command_untag = {
    .name = "untag",
    .synopsis = "DATASET TAG [OPTION]...",
    .summary = "takes the name of a version away",
    .description = "TAG names nothing from now on; the version stays.",
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 2,
    .examples = untag_examples,
    .run = run_untag,
};
