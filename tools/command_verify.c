// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs verify`: can all clips of all versions, or of a path, be read? A version that is broken is told
 * and does not hide the next.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/json.h"
#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/readable.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"deep", 0, NULL, false,
     "read every recording to its end, decode Parquet pages, and read every catalog, whose hash is compared"},
    {"json", 0, NULL, false, "print each version as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

struct verifying {
    struct session session;
    struct readable *readable;
    struct pages_check *check; /* of catalogs */
    bool json, deep;
    uint32_t versions, faulty;
};

struct checked { /* a version, or the clips of a path in it */
    uint32_t version;
    struct readable_counts counts;
    struct error clips,
        stored; /* the clips could not be told, the catalog is not in the store as it should be */
};

/* ---- telling ---- */

static void print_text(const struct checked *checked)
{
    const struct readable_counts *counts = &checked->counts;
    printf("v%-5u ", checked->version);
    if (checked->clips.code)
        printf("cannot be read: %s", checked->clips.text);
    else
        printf("%8llu of %s can be read", (unsigned long long)counts->readable, COUNT(counts->clips, "clip"));
    if (counts->key)
        printf("; not '%s': %s", counts->key, counts->reason);
    if (checked->stored.code && !checked->clips.code)
        printf("; its catalog can only be read here: %s", checked->stored.text);
    putchar('\n');
}

static void add_text(struct buf *line, const char *name, const char *text)
{
    buf_printf(line, ",\"%s\":", name);
    json_write_text(line, text, strlen(text));
}

static void print_json(const struct checked *checked)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    const struct readable_counts *counts = &checked->counts;
    buf_printf(&line, "{\"version\":%u", checked->version);
    if (checked->clips.code)
        add_text(&line, "error", checked->clips.text);
    else
        buf_printf(&line, ",\"clips\":%llu,\"readable\":%llu", (unsigned long long)counts->clips,
                   (unsigned long long)counts->readable);
    if (counts->key) {
        buf_text_append(&line, ",\"first\":{\"key\":");
        json_write_text(&line, counts->key, strlen(counts->key));
        add_text(&line, "reason", counts->reason);
        buf_text_append(&line, "}");
    }
    if (checked->stored.code)
        add_text(&line, "catalog", checked->stored.text);
    buf_text_append(&line, "}");
    puts(buf_text(&line));
}

static void tell(struct verifying *v, const struct checked *checked)
{
    v->versions++;
    v->faulty += checked->clips.code || checked->stored.code || checked->counts.key;
    if (v->json)
        print_json(checked);
    else
        print_text(checked);
    fflush(stdout); /* versions come one by one */
}

static void tell_all(const struct verifying *v)
{
    struct readable_totals totals = readable_totals(v->readable);
    if (v->faulty)
        fprintf(stderr, "faults in %u of %s; %llu of %s cannot be read\n", v->faulty,
                COUNT(v->versions, "version"), (unsigned long long)totals.unreadable,
                COUNT(totals.recordings, "recording"));
}

/* ---- checking ---- */

/* What the user must settle, or wants, ends it; all else is a fault of the version, and the next has its own.
 */
static bool ends(int rc)
{
    return rc == -EPERM || rc == -ECANCELED;
}

static int check_version(struct verifying *v, uint32_t version, struct error *err)
{
    struct checked checked = {.version = version};
    dataset_check_stored(v->session.dataset, v->check, version, &checked.stored);
    int rc = readable_check_version(v->readable, version, &checked.counts, &checked.clips);
    if (ends(rc))
        return error_copy(err, &checked.clips);
    tell(v, &checked);
    readable_counts_done(&checked.counts);
    return 0;
}

/* Of a version that is forgotten nothing need be there but what the next one's hash is of. */
static int check_chain(struct verifying *v, uint32_t version, struct error *err)
{
    const struct manifest *manifest;
    struct checked checked = {.version = version};
    int rc = dataset_manifest(v->session.dataset, version, &manifest, &checked.clips);
    if (ends(rc))
        return error_copy(err, &checked.clips);
    if (rc)
        tell(v, &checked);
    return 0;
}

static int check_versions(struct verifying *v, struct error *err)
{
    uint32_t head;
    int rc = dataset_refresh(v->session.dataset, &head, err);
    for (uint32_t version = head; !rc && version; version--)
        rc = dataset_is_forgotten(v->session.dataset, version) ? check_chain(v, version, err)
                                                               : check_version(v, version, err);
    return rc;
}

static int check_path(struct verifying *v, struct error *err)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct checked checked = {0};
    int rc = place_resolve(v->session.dataset, v->session.path, &place, err);
    if (!rc)
        rc = catalog_reader_acquire(place.catalog, PATIENCE_ENDLESS, &reader, err);
    if (!rc && !place.is_file)
        rc = query_rows(place.query, reader, &rows, err);
    if (rc)
        return rc;
    if (place.is_file) {
        rows = rowset_new();
        rowset_add(rows, place.row);
    }
    checked.version = place.version;
    dataset_check_stored(v->session.dataset, v->check, place.version, &checked.stored);
    rc = readable_check(v->readable, reader, rows, &checked.counts, err);
    if (!rc)
        tell(v, &checked);
    readable_counts_done(&checked.counts);
    return rc;
}

static void verifying_done(struct verifying *v)
{
    readable_free(v->readable);
    if (v->check)
        pages_check_free(v->check);
    session_close(&v->session);
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct verifying v CLEANUP(verifying_done) = {.json = arguments_flag(arguments, "json"),
                                                  .deep = arguments_flag(arguments, "deep")};
    int rc = session_open_path(arguments, &v.session, err);
    if (rc)
        return rc;
    v.readable = readable_new(v.session.dataset, v.deep);
    v.check = dataset_check_new(v.session.dataset);
    rc = *v.session.path ? check_path(&v, err) : check_versions(&v, err);
    if (rc)
        return rc;
    tell_all(&v);
    return v.faulty ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_example examples[] = {
    {"elidefs verify s3://lab-data/kitchen", "How many clips of each version can still be read"},
    {"elidefs verify s3://lab-data/kitchen v3/outcome=fail", "Can a training run on these go ahead?"},
    {"elidefs verify s3://lab-data/kitchen --deep", "After a disk was repaired: read everything once"},
    {NULL, NULL},
};

const struct command command_verify = {
    .name = "verify",
    .synopsis = "DATASET [PATH] [OPTION]...",
    .summary = "tells which clips can still be read",
    .description =
        "Asks for a byte of every recording under its pin, once for all versions, and prints for each "
        "version, "
        "newest first, how many clips can be read, with the first that cannot be and why: its recording was "
        "overwritten, removed, or may not be read. Every page of the version's catalog must be "
        "in the store as it was stored, too; pages that versions share are read once. Forgotten versions are "
        "passed over, but for the hashes that tie those before them to those after. A version "
        "that cannot be opened is told, and the others are checked all the same. With PATH, such as "
        "v3/outcome=fail, only these clips are checked. Ends with status 1 if there is a fault.\n\n"
        "A recording that has its pin (ETag or version; time and inode in a folder) is taken to have its "
        "bytes. "
        "--deep reads them all, so a disk that cannot is found; there is no digest of a recording to compare "
        "them with. It also decodes every page of the Parquet files that clips are cut out of, and names row "
        "group, column and page of the first that cannot be; what is in an encoding or compression that "
        "elidefs does not know, or in a column chunk of more than 512 MiB, is only read.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
