// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs catalog`: a version's own file, as it is stored: pulled whole, or what its pages and packs take;
 * and what a path means, written as plain tables.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/house/gc.h"
#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/export.h"
#include "tools/session.h"
#include "tools/sources.h"

static int take_version(const struct session *session, const char *name, uint32_t *ret, struct error *err)
{
    return place_version(session->dataset, name, strlen(name), ret, err);
}

static void tell_purged(const struct session *session, uint32_t version)
{
    struct map_top top;
    if (dataset_is_purged(session->dataset, version, &top))
        fprintf(stderr, "note: clips were purged from v%u: its catalog is not the one that was committed\n",
                version);
}

static int pull(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    const char *const *words = arguments->positional;
    uint32_t version;
    int rc = session_open(arguments, words[1], NULL, &session, err);
    if (!rc)
        rc = take_version(&session, words[2], &version, err);
    if (!rc)
        rc = dataset_pull(session.dataset, version, words[3], err);
    if (!rc)
        printf("v%u %s\n", version, words[3]);
    if (!rc)
        tell_purged(&session, version);
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

/* A pack stays as long as some version needs a page of it. */
static int print_all(struct session *session, struct error *err)
{
    struct gc_report report;
    int rc = gc_measure(session->dataset, &report, err);
    if (!rc)
        printf("all versions: %s of %llu bytes, of which %llu are needed by none\n",
               COUNT(report.packs, "pack"), (unsigned long long)report.pack_bytes,
               (unsigned long long)(report.pack_bytes - report.needed_bytes));
    return rc;
}

static int open_version(const struct arguments *arguments, struct session *session, uint32_t *ret,
                        struct error *err)
{
    const char *name = arguments->count > 2 ? arguments->positional[2] : "latest";
    int rc = session_open(arguments, arguments->positional[1], NULL, session, err);
    return rc ? rc : take_version(session, name, ret, err);
}

static int stats(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_FREE struct dataset_pack *packs = NULL;
    const struct manifest *manifest;
    size_t count;
    uint32_t version;
    struct map_top top;
    uint64_t pages = 0, bytes = 0;
    int rc = open_version(arguments, &session, &version, err);
    if (!rc)
        rc = dataset_packs(session.dataset, version, &packs, &count, err);
    if (!rc)
        rc = dataset_manifest(session.dataset, version, &manifest, err);
    if (!rc)
        rc = print_tables(&session, version, err);
    for (size_t i = 0; !rc && i < count; i++) {
        pages += packs[i].used_pages;
        bytes += packs[i].used_bytes;
        printf("%s %10llu bytes, of them v%u's %llu in %s\n", packs[i].id, (unsigned long long)packs[i].bytes,
               version, (unsigned long long)packs[i].used_bytes, COUNT(packs[i].used_pages, "page"));
    }
    if (rc)
        return rc;
    if (!dataset_is_purged(session.dataset, version, &top))
        top = manifest->catalog;
    printf("v%u: %s of %u bytes, %llu stored in %llu bytes\n", version, COUNT(top.pages, "page"),
           top.page_bytes, (unsigned long long)pages, (unsigned long long)bytes);
    tell_purged(&session, version);
    return arguments->count > 2 ? 0 : print_all(&session, err);
}

/* ---- sources ---- */

static int sources(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    const char *file = arguments_text(arguments, "file");
    uint32_t version;
    int rc = open_version(arguments, &session, &version, err);
    if (rc)
        return rc;
    return file ? sources_cat(&session, version, file, err) : sources_print(&session, version, err);
}

/* ---- export ---- */

static void print_exported(const struct place *place, uint64_t clips, const char *file)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    query_canonical(place->query, &path);
    printf("v%u%s%s: %s in %s\n", place->version, path.len ? "/" : "", buf_text(&path), COUNT(clips, "clip"),
           file);
}

/* What stands between the verb and FILE is DATASET PATH, as for `query`. */
static int export(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    const char *file = arguments->positional[arguments->count - 1];
    const struct export_format *format;
    struct arguments place = *arguments;
    uint64_t clips;
    place.positional++;
    place.count -= 2;
    int rc = export_format_find(arguments_text(arguments, "format"), file, &format, err);
    if (!rc)
        rc = session_open_place(&place, &at, err);
    if (!rc)
        rc = export_place(&at, format, file, &clips, err);
    if (!rc)
        print_exported(&at.place, clips, file);
    return rc;
}

static const struct {
    const char *name;
    size_t least, most; /* words */
    int (*run)(const struct arguments *arguments, struct error *err);
} actions[] = {
    {"pull", 4, 4, pull}, {"stats", 2, 3, stats}, {"sources", 2, 3, sources}, {"export", 3, 4, export}};

static int run(const struct arguments *arguments, struct error *err)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(arguments->positional[0], actions[i].name) != 0)
            continue;
        if (arguments->count < actions[i].least || arguments->count > actions[i].most)
            break;
        return actions[i].run(arguments, err);
    }
    return error_set(err, EINVAL,
                     "elidefs catalog: expected one of: pull DATASET VERSION FILE, stats DATASET [VERSION], "
                     "sources DATASET [VERSION], export DATASET PATH FILE");
}

static const struct option_spec options[] = {
    {"format", 0, "FORMAT", true, "of export: sqlite or parquet, whatever FILE ends in"},
    {"file", 0, "NAME", true, "of sources: print this file of one, by the name that sources lists"},
    {NULL, 0, NULL, false, NULL},
};

static const struct command_example examples[] = {
    {"elidefs catalog pull s3://lab-data/kitchen v3 v3.db", "The catalog of version 3, for sqlite3"},
    {"elidefs catalog stats s3://lab-data/kitchen",
     "What takes how much in the newest version, and of each pack"},
    {"elidefs catalog sources s3://lab-data/kitchen v3 --file 1/meta/info.json",
     "What the first LeRobot data set said of itself when version 3 was made"},
    {"elidefs catalog export s3://lab-data/kitchen v3/arm=left left.db",
     "The clips of a path as tables, for sqlite3, DuckDB and pandas"},
    {"elidefs catalog export s3://lab-data/kitchen v3 tables/",
     "The same of all clips as Parquet files: tables/clips.parquet and three more"},
    {NULL, NULL},
};

const struct command command_catalog = {
    .name = "catalog",
    .synopsis = "pull DATASET VERSION FILE | stats|sources DATASET [VERSION] | export DATASET PATH FILE",
    .summary = "takes out a version's catalog, as it is or as plain tables, or tells how it is stored",
    .description =
        "pull writes the catalog of VERSION into a new FILE, page by page as it was committed: a SQLite "
        "database "
        "whose tables index/FORMAT.md describes. Of one version it is the same bytes for ever.\n\n"
        "stats lists the tables of VERSION (default: the newest), with the bytes that their pages take in "
        "the "
        "store; then the packs that hold these pages, with their bytes and what of them this version uses; "
        "others of the bytes belong to versions before, or to the page map. Without VERSION it looks at all "
        "versions, "
        "too: a pack stays as long as one needs a page of it, so some of its bytes may be needed by none "
        "(`elidefs "
        "gc`).\n\n"
        "sources lists the LeRobot data sets that clips of VERSION (default: the newest) came from, each "
        "with its "
        "number and the version that last saw it change, and the files in which it speaks of itself: "
        "meta/info.json, what else lies below meta/ and is not made anew from the episodes, README and "
        "LICENSE, as "
        "far as one has at most 1 MiB. With --file it prints one of them, as it was when VERSION was "
        "made.\n\n"
        "export writes the clips of PATH (as `elidefs query` takes it; without it, of the newest version) "
        "into the new FILE: a SQLite file where it ends in .db, .sqlite or .sqlite3, else, where it ends in "
        "/, a new folder with a Parquet file for each table (or as --format says). It appears when it is "
        "whole. There "
        "are four tables, without an index:\n\n"
        "clips(key, t0, t1, files, bytes): a clip's first and last time (NULL where unknown), the number "
        "of its files, and their bytes; its .json is not among them.\n\n"
        "attributes(key, name, type, value, by, version): a row for each value, who set it, and the "
        "version in which it last changed. Integers, floats and texts are stored as such, booleans as 0 "
        "and 1, timestamps as RFC 3339 text, durations in seconds, lists as JSON text.\n\n"
        "streams(key, name, ext, file, size, container, object, changed): a row for each file: its name "
        "in a folder, what it was cut out of (NULL: it is a recording's bytes as they are), the place of the "
        "recording that its bytes are read from (NULL where all lie in the catalog), and the version that "
        "last "
        "changed them.\n\n"
        "events(key, label, start_s, end_s, by, version): in seconds from the clip's start.\n\n"
        "In Parquet, times of clips are timestamps (ns, UTC), and the value of an attribute stands in three "
        "columns: value, its text; number, that of booleans, numbers and durations as a float; and "
        "integer, that of booleans and integers to the last digit. All else is the same, row by row.\n\n"
        "Values of the SQLite table are of several types: DuckDB wants SET sqlite_all_varchar = true before "
        "it attaches FILE, and a CAST where numbers are compared.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 4,
    .examples = examples,
    .run = run,
};
