// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "tools/commands.h"
#include "tools/session.h"

struct asked {
    struct dataset *dataset;
    unsigned foreign;
};

static int print_foreign(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct asked *asked = ctx;
    int trust = dataset_root_trust(asked->dataset, url, err);
    if (trust < 0)
        return trust;
    if (trust == DATASET_ROOT_FOREIGN && printf("%s\n", url))
        asked->foreign++;
    return 0;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    int rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    for (size_t i = 1; !rc && i < arguments->count; i++)
        rc = dataset_trust(session.dataset, arguments->positional[i], err);
    if (rc || arguments->count > 1)
        return rc;
    struct asked asked = {.dataset = session.dataset};
    rc = dataset_roots(session.dataset, print_foreign, &asked, err);
    if (!rc && asked.foreign)
        fprintf(
            stderr,
            "the data set reads there, and you have not trusted it; if you do, type: elidefs trust %s URL\n",
            arguments->positional[0]);
    else if (!rc)
        fputs("the data set reads nowhere that you have not trusted\n", stderr);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs trust s3://lab-data/kitchen", "Which places does this data set want to read?"},
    {"elidefs trust s3://lab-data/kitchen s3://recordings/kitchen", "Let it read there"},
    {NULL, NULL},
};

const struct command command_trust = {
    .name = "trust",
    .synopsis = "DATASET [URL]...",
    .summary = "lets a data set read recordings that lie outside it",
    .description =
        "A data set may read below its own folder or prefix. Recordings elsewhere are read, with your "
        "credentials, "
        "only if you trust exactly that place for exactly this data set: so nobody can make a data set that "
        "reads "
        "your private files or another bucket for him. What you imported yourself you trust already.\n\n"
        "With a URL, records in ~/.config/elidefs/trust that the data set may read below it; without, lists "
        "the "
        "places that it reads and you have not trusted. An administrator trusts for all users of a machine "
        "with "
        "lines \"UUID URL\" in files of /etc/elidefs/trust.d; for one mount there is -o trust=URL.",
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 64,
    .examples = examples,
    .run = run,
};
