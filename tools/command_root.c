// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"verify", 0, NULL, false,
     "compare every recording with the new place first, and change nothing if one differs"},
    {NULL, 0, NULL, false, NULL},
};

static int print_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    static const char *const words[] = {[DATASET_ROOT_FOREIGN] = "not trusted",
                                        [DATASET_ROOT_TRUSTED] = "trusted",
                                        [DATASET_ROOT_OWN] = "own"};
    int trust = dataset_root_trust(ctx, url, err);
    if (trust >= 0)
        printf("%u %s (%s)\n", id, url, words[trust]);
    return trust < 0 ? trust : 0;
}

static int take_id(const char *text, uint32_t *ret, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long id = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (!id || errno || *end || id > UINT32_MAX)
        return error_set(err, EINVAL, "'%s' is no number of a root; `elidefs root list DATASET` shows them",
                         text);
    *ret = (uint32_t)id;
    return 0;
}

static int set(const struct arguments *arguments, struct session *session, struct error *err)
{
    bool verify = arguments_flag(arguments, "verify");
    struct dataset_compared compared = {.all = verify};
    uint32_t id = 0;
    int rc = take_id(arguments->positional[2], &id, err);
    if (!rc)
        rc = dataset_root_set(session->dataset, id, arguments->positional[3], &compared, err);
    if (!rc && verify)
        fprintf(stderr, "%s %s the same there; %llu read to tell (%.1f MiB)\n",
                COUNT(compared.objects, "recording"), compared.objects == 1 ? "is" : "are",
                (unsigned long long)compared.read, (double)compared.bytes / (1 << 20));
    else if (!rc && compared.others)
        fprintf(stderr, "note: %llu of the %llu recordings that were looked for cannot be read there: %s\n",
                (unsigned long long)compared.others, (unsigned long long)compared.objects, compared.example);
    return rc ? rc : dataset_roots(session->dataset, print_root, session->dataset, err);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    const char *verb = arguments->positional[0];
    bool list = !strcmp(verb, "list") && arguments->count == 2;
    if (!list && (strcmp(verb, "set") || arguments->count != 4)) {
        error_set(err, EINVAL, "elidefs root: expected list DATASET, or set DATASET ID URL");
        return -EINVAL;
    }
    int rc = session_open(arguments, arguments->positional[1], NULL, &session, err);
    if (!rc)
        rc = list ? dataset_roots(session.dataset, print_root, session.dataset, err)
                  : set(arguments, &session, err);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs root list s3://lab-data/kitchen", "Where the recordings of a data set lie"},
    {"elidefs root set s3://lab-data/kitchen 1 s3://archive/kitchen --verify",
     "They have been copied to another bucket"},
    {NULL, NULL},
};

const struct command command_root = {
    .name = "root",
    .synopsis = "list DATASET | set DATASET ID URL [OPTION]...",
    .summary = "shows or changes where the recordings of a data set lie",
    .description =
        "A version names its recordings relative to a root, such as the folder or bucket they were imported "
        "from. "
        "list prints each root's number and place, and whether you let the data set read there.\n\n"
        "set says that a root lies at URL from now on, for all versions and for everybody: a bucket that was "
        "moved "
        "or mirrored needs no new import. A few recordings are looked for there first, and nothing is "
        "changed if "
        "none "
        "of them can be read. A recording is read at the new place only if it is what was "
        "imported "
        "(the same ETag, or in a folder the same time and inode). A mirror that gives other ETags, or a "
        "copied folder, "
        "needs --verify, while the old place can still be read: it compares what it must byte by byte, and "
        "records "
        "beside the root what pins each recording there. Data sets that are mounted see it when "
        "they are "
        "mounted again; whoever has not trusted the new place is asked to.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 4,
    .examples = examples,
    .run = run,
};
