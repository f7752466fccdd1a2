// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/json.h"
#include "query/place.h"
#include "tools/commands.h"
#include "tools/readable.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, false, "print each version as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

struct checked { /* a version, or the clips of a path in it */
    uint32_t version;
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct rowset *rows; /* NULL: all */
};

struct verifying {
    struct session session;
    struct readable *readable;
    struct checked *list;
    size_t count, cap;
    bool json, bad;
};

static struct checked *add(struct verifying *v, uint32_t version)
{
    mem_grow(&v->list, &v->cap, v->count + 1, sizeof *v->list);
    v->list[v->count] = (struct checked){.version = version};
    return &v->list[v->count++];
}

static int open_checked(struct verifying *v, struct checked *checked, struct error *err)
{
    int rc = checked->catalog
                 ? 0
                 : dataset_catalog(v->session.dataset, checked->version, false, &checked->catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(checked->catalog, &(struct catalog_patience){0}, &checked->reader, err);
    return rc;
}

static int add_versions(struct verifying *v, struct error *err)
{
    int rc = 0;
    for (uint32_t version = dataset_head(v->session.dataset); !rc && version; version--)
        rc = open_checked(v, add(v, version), err);
    return rc;
}

static int take_row(void *ctx, uint32_t row, struct error *err)
{
    (void)err;
    rowset_add(ctx, row);
    return 0;
}

static int add_path(struct verifying *v, struct error *err)
{
    CLEANUP_PLACE struct place place = {0};
    int rc = place_resolve(v->session.dataset, v->session.path, &place, err);
    if (rc)
        return rc;
    struct checked *checked = add(v, place.version);
    checked->catalog = catalog_ref(place.catalog);
    checked->rows = rowset_new();
    rc = open_checked(v, checked, err);
    if (rc)
        return rc;
    return place.is_file ? take_row(checked->rows, place.row, err)
                         : query_each(place.query, checked->reader, take_row, checked->rows, err);
}

/* ---- telling ---- */

static void print_text(const struct checked *checked, const struct readable_counts *counts)
{
    printf("v%-5u %8llu of %llu clips can be read", checked->version, (unsigned long long)counts->readable,
           (unsigned long long)counts->clips);
    if (counts->key)
        printf("; not '%s': %s", counts->key, counts->reason);
    putchar('\n');
}

static void print_json(const struct checked *checked, const struct readable_counts *counts)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_printf(&line, "{\"version\":%u,\"clips\":%llu,\"readable\":%llu", checked->version,
               (unsigned long long)counts->clips, (unsigned long long)counts->readable);
    if (counts->key) {
        buf_text_append(&line, ",\"first\":{\"key\":");
        json_write_text(&line, counts->key, strlen(counts->key));
        buf_text_append(&line, ",\"reason\":");
        json_write_text(&line, counts->reason, strlen(counts->reason));
        buf_text_append(&line, "}");
    }
    buf_text_append(&line, "}");
    puts(buf_text(&line));
}

static int tell(struct verifying *v, const struct checked *checked, struct error *err)
{
    struct readable_counts counts CLEANUP(readable_counts_done) = {0};
    int rc = readable_count(v->readable, checked->reader, checked->rows, &counts, err);
    if (rc)
        return rc;
    v->bad |= counts.readable < counts.clips;
    if (v->json)
        print_json(checked, &counts);
    else
        print_text(checked, &counts);
    return 0;
}

/* ---- all of it ---- */

static int verify(struct verifying *v, struct error *err)
{
    int rc = *v->session.path ? add_path(v, err) : add_versions(v, err);
    v->readable = readable_new(v->session.dataset);
    for (size_t i = 0; !rc && i < v->count; i++)
        rc = readable_add(v->readable, v->list[i].reader, v->list[i].rows, err);
    if (rc)
        return rc;
    struct progress *progress = progress_new("checked", "recordings", 0);
    rc = readable_probe(v->readable, progress, err);
    progress_free(progress);
    for (size_t i = 0; !rc && i < v->count; i++)
        rc = tell(v, &v->list[i], err);
    return rc;
}

static void verifying_done(struct verifying *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->list[i].reader)
            catalog_reader_release(v->list[i].reader);
        if (v->list[i].catalog)
            catalog_unref(v->list[i].catalog);
        rowset_unref(v->list[i].rows);
    }
    free(v->list);
    if (v->readable)
        readable_free(v->readable);
    session_close(&v->session);
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct verifying v CLEANUP(verifying_done) = {.json = arguments_flag(arguments, "json")};
    int rc = session_open_path(arguments, &v.session, err);
    if (!rc)
        rc = verify(&v, err);
    return rc ? rc : v.bad ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_example examples[] = {
    {"elidefs verify s3://lab-data/kitchen", "How many clips of each version can still be read"},
    {"elidefs verify s3://lab-data/kitchen v3/outcome=fail", "Can a training run on these go ahead?"},
    {NULL, NULL},
};

const struct command command_verify = {
    .name = "verify",
    .synopsis = "DATASET [PATH] [OPTION]...",
    .summary = "tells which clips can still be read",
    .description =
        "Asks for a byte of every recording under its pin, and prints for each version, newest first, how "
        "many "
        "clips can be read, with the first that cannot be and why: its recording was overwritten, removed, "
        "or "
        "may not be read. With PATH, such as v3/outcome=fail, only these clips are checked. Ends with status "
        "1 if a clip cannot be read.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
