// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs catalog`: a version's own file, as it is stored: pulled whole, or what its pages and packs take.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/place.h"
#include "tools/commands.h"
#include "tools/session.h"

static int take_version(const struct session *session, const char *name, uint32_t *ret, struct error *err)
{
    return place_version(session->dataset, name, strlen(name), ret, err);
}

static int pull(const struct arguments *arguments, struct session *session, struct error *err)
{
    const char *const *words = arguments->positional;
    uint32_t version;
    int rc = take_version(session, words[2], &version, err);
    if (!rc)
        rc = dataset_pull(session->dataset, version, words[3], err);
    if (!rc)
        printf("v%u %s\n", version, words[3]);
    return rc;
}

static int print_tables(struct session *session, uint32_t version, struct error *err)
{
    CLEANUP_FREE struct catalog_table *tables = NULL;
    size_t count;
    int rc = dataset_tables(session->dataset, version, &tables, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        printf("%-13s %11llu bytes in %s\n", *tables[i].name ? tables[i].name : "(long rows)",
               (unsigned long long)tables[i].bytes, COUNT(tables[i].pages, "page"));
    return rc;
}

static int stats(const struct arguments *arguments, struct session *session, struct error *err)
{
    CLEANUP_FREE struct dataset_pack *packs = NULL;
    const struct manifest *manifest;
    size_t count;
    uint32_t version;
    uint64_t pages = 0, bytes = 0;
    int rc = take_version(session, arguments->count > 2 ? arguments->positional[2] : "latest", &version, err);
    if (!rc)
        rc = dataset_packs(session->dataset, version, &packs, &count, err);
    if (!rc)
        rc = dataset_manifest(session->dataset, version, &manifest, err);
    if (!rc)
        rc = print_tables(session, version, err);
    for (size_t i = 0; !rc && i < count; i++) {
        pages += packs[i].used_pages;
        bytes += packs[i].used_bytes;
        printf("%s %10llu bytes, of them v%u's %llu in %s\n", packs[i].id, (unsigned long long)packs[i].bytes,
               version, (unsigned long long)packs[i].used_bytes, COUNT(packs[i].used_pages, "page"));
    }
    if (!rc)
        printf("v%u: %s of %u bytes, %llu stored in %llu bytes\n", version,
               COUNT(manifest->catalog.pages, "page"), manifest->catalog.page_bytes,
               (unsigned long long)pages, (unsigned long long)bytes);
    return rc;
}

static const struct {
    const char *name;
    size_t least, most; /* words */
    int (*run)(const struct arguments *arguments, struct session *session, struct error *err);
} actions[] = {{"pull", 4, 4, pull}, {"stats", 2, 3, stats}};

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(arguments->positional[0], actions[i].name) != 0)
            continue;
        if (arguments->count < actions[i].least || arguments->count > actions[i].most)
            break;
        int rc = session_open(arguments, arguments->positional[1], NULL, &session, err);
        return rc ? rc : actions[i].run(arguments, &session, err);
    }
    return error_set(err, EINVAL,
                     "elidefs catalog: expected one of: pull DATASET VERSION FILE, stats DATASET [VERSION]");
}

static const struct command_example examples[] = {
    {"elidefs catalog pull s3://lab-data/kitchen v3 v3.db", "The catalog of version 3, for sqlite3"},
    {"elidefs catalog stats s3://lab-data/kitchen",
     "What takes how much in the newest version, and of each pack"},
    {NULL, NULL},
};

const struct command command_catalog = {
    .name = "catalog",
    .synopsis = "pull DATASET VERSION FILE | stats DATASET [VERSION]",
    .summary = "takes out a version's catalog, or tells how it is stored",
    .description =
        "pull writes the catalog of VERSION into a new FILE, page by page as it was committed: a SQLite "
        "database "
        "whose tables index/FORMAT.md describes. Of one version it is the same bytes for ever.\n\n"
        "stats lists the tables of VERSION (default: the newest), with the bytes that their pages take in "
        "the "
        "store; then the packs that hold these pages, with their bytes and what of them this version uses; "
        "others of the bytes belong to versions before, or to the page map.",
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 4,
    .examples = examples,
    .run = run,
};
