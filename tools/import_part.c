// SPDX-License-Identifier: Apache-2.0
/*
 * A part is an import that reads its share of the recordings and stops there; the merge is an import that
 * finds everything read. Both are known by what was typed and what the source lists, so that no name need be
 * thought up for them.
 */
#include "tools/import_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "index/commit/commit.h"
#include "tools/import/faults.h"
#include "tools/import/part_put.h"

/* A file of one's own where another process has the first. */
static int open_scans(const struct session *session, const struct part_line *line, const char *what,
                      struct scan_cache **ret, struct error *err)
{
    char id[LAYOUT_ID_BYTES];
    const char *folder = cache_folder(session->cache);
    CLEANUP_FREE char *name = mem_printf("%s %s %s", dataset_uuid(session->dataset), line->id, what);
    *ret = scan_cache_open(folder, name, true);
    layout_random_id(id);
    CLEANUP_FREE char *other = mem_printf("%s %s", name, id);
    if (!*ret)
        *ret = scan_cache_open(folder, other, true);
    if (*ret)
        scan_cache_keep_all(*ret);
    return *ret ? 0
                : error_set(err, EACCES, "%s/scans: what is read of recordings cannot be kept there", folder);
}

/* ---- a part ---- */

struct running {
    struct store *store;
    struct part_record record;
    bool there; /* it is complete already */
};

static struct part_taking taking_of(struct store *store, const struct part_line *line,
                                    const struct import_listing *listing)
{
    return (struct part_taking){.store = store, .line = line, .listing = listing};
}

static int part_listed(void *ctx, const struct import_listing *listing, struct error *err)
{
    struct running *running = ctx;
    struct part_record *record = &running->record;
    record->listing = *listing;
    struct part_taking taking = taking_of(running->store, &record->line, listing);
    int rc = part_is_there(&taking, &record->part, err);
    running->there = rc == 1;
    return rc == 1 ? error_set(err, EALREADY, "the part is there") : rc;
}

static void tell_part(const struct part_record *record, bool there, bool json)
{
    const struct import_part *part = &record->part;
    if (there)
        fprintf(stderr, "part %u/%u is complete already\n", part->number, part->count);
    else
        fprintf(stderr, "part %u/%u: %s read\n", part->number, part->count, COUNT(record->files, "file"));
    if (json)
        printf("{\"part\":%u,\"parts\":%u,\"files\":%llu,\"bad\":%llu,\"already\":%s}\n", part->number,
               part->count, (unsigned long long)record->files, (unsigned long long)record->bad,
               there ? "true" : "false");
    else
        printf("part %u/%u\n", part->number, part->count);
}

static int hand_over(struct running *running, const struct import_request *request, struct error *err)
{
    struct part_record *record = &running->record;
    CLEANUP_BUF struct buf time = BUF_INIT;
    instant_print(&time, instant_now());
    record->format = mem_text(PART_FORMAT);
    record->program = mem_text(ELIDEFS_VERSION);
    record->time = mem_text(buf_text(&time));
    record->bad = faults_count(request->faults);
    record->files = scan_cache_found(request->scans) + scan_cache_read(request->scans);
    int rc = part_put(running->store, record, request->scans, err);
    running->there = !rc;
    return rc < 0 ? rc : 0;
}

static int scan_part(struct running *running, struct import_request *request, struct error *err)
{
    struct changeset *set = NULL;
    struct import_counts found;
    request->progress = progress_new("scanned", "files", 0);
    int rc = import_scan(request, &set, &found, err);
    progress_free(request->progress);
    if (set)
        changeset_free(set);
    free(found.moved.url);
    if (running->there)
        return 0;
    faults_print(request->faults, stderr);
    if (!rc && faults_count(request->faults))
        fprintf(stderr,
                "note: whether what is bad fails the import, the merge decides, which looks at it again\n");
    return rc ? rc : hand_over(running, request, err);
}

int import_part_run(const struct import_part *part, struct import_request *request, struct session *session,
                    bool json, struct error *err)
{
    struct running running = {.record = {.part = *part, .base = dataset_head(session->dataset)}};
    CLEANUP_SCAN_CACHE struct scan_cache *scans = NULL;
    CLEANUP_FREE char *what = mem_printf("part %u/%u", part->number, part->count);
    part_line_of(request, &running.record.line);
    int rc = open_scans(session, &running.record.line, what, &scans, err);
    if (!rc)
        rc = store_open(session->stores, dataset_url(session->dataset), &running.store, err);
    request->stores = session->stores;
    request->dataset = session->dataset;
    request->scans = scans;
    request->part = part;
    request->listed = part_listed;
    request->ctx = &running;
    request->notes = notes_new(); /* the merge says them, once */
    request->faults = faults_new();
    if (!rc)
        rc = scan_part(&running, request, err);
    if (!rc) {
        scan_cache_forget(scans);
        tell_part(&running.record, running.there, json);
    }
    notes_free(request->notes);
    faults_free(request->faults);
    if (running.store)
        store_unref(running.store);
    part_record_done(&running.record);
    return rc;
}

/* ---- the merge ---- */

static int changed_meanwhile(const struct import_merge *merge, struct error *err)
{
    return error_set(err, ESTALE, "%s: has changed while its parts were merged: merge again",
                     merge->line.source);
}

static int find_parts(struct import_merge *merge, struct error *err)
{
    struct dataset *dataset = merge->session->dataset;
    struct part_taking taking = taking_of(merge->store, &merge->line, &merge->listing);
    int rc = part_find(&taking, &merge->taken, err);
    if (rc)
        return rc;
    rc = dataset_find_commit(dataset, merge->taken.commit, merge->taken.base, &merge->landed, err);
    if (rc == 1)
        return error_set(err, EALREADY, "landed already as v%u", merge->landed);
    return rc ? rc : part_take(&taking, &merge->taken, merge->scans, err);
}

static int merge_listed(void *ctx, const struct import_listing *listing, struct error *err)
{
    struct import_merge *merge = ctx;
    if (merge->took)
        return memcmp(listing->digest, merge->listing.digest, SHA256_BYTES) ? changed_meanwhile(merge, err)
                                                                            : 0;
    merge->listing = *listing;
    int rc = find_parts(merge, err);
    merge->took = !rc;
    return rc;
}

/* What an earlier merge, which was killed, has left is taken anew. */
static int open_merge_scans(struct import_merge *merge, struct error *err)
{
    int rc = open_scans(merge->session, &merge->line, "merge", &merge->scans, err);
    if (rc)
        return rc;
    scan_cache_forget(merge->scans);
    scan_cache_free(STEAL(merge->scans));
    return open_scans(merge->session, &merge->line, "merge", &merge->scans, err);
}

int import_merge_begin(struct import_request *request, struct session *session, struct import_merge *ret,
                       struct error *err)
{
    *ret = (struct import_merge){.request = request, .session = session};
    part_line_of(request, &ret->line);
    int rc = store_open(session->stores, dataset_url(session->dataset), &ret->store, err);
    if (!rc)
        rc = open_merge_scans(ret, err);
    request->listed = merge_listed;
    request->ctx = ret;
    return rc;
}

void import_merge_done(struct import_merge *merge)
{
    if (merge->scans) {
        scan_cache_forget(merge->scans);
        scan_cache_free(merge->scans);
    }
    if (merge->store)
        store_unref(merge->store);
    part_taken_done(&merge->taken);
    part_line_done(&merge->line);
}

void import_merge_tell(const struct import_merge *merge)
{
    uint64_t here = scan_cache_read(merge->scans);
    if (!merge->took)
        return;
    fprintf(stderr, "%s had read %s", COUNT(merge->taken.count, "part"), COUNT(merge->taken.files, "file"));
    if (here)
        fprintf(stderr, "; %s read here, which no part has as %s now", COUNT(here, "file"),
                here == 1 ? "it is" : "they are");
    fputc('\n', stderr);
}
