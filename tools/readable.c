// SPDX-License-Identifier: Apache-2.0
/* Object numbers are never given twice in a data set: an object is the same in every version that has it. */
#include "tools/readable.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/workers.h"
#include "index/catalog/catalog_known.h"
#include "tools/progress.h"
#include "tools/readable_parquet.h"

/* As many as the store has connections; with whole recordings, as many as memory is worth. */
enum { PROBES_AT_A_TIME = 64, WHOLES_AT_A_TIME = 16, WINDOW = 1024, REASONS_MAX = 4096 };

struct bad {
    uint32_t id;
    char *reason;
};

struct readable {
    struct dataset *dataset;
    bool whole;
    struct rowset *probed, *unreadable; /* objects */
    struct bad *reasons;                /* of the first few */
    size_t count, cap;
};

struct readable *readable_new(struct dataset *dataset, bool whole)
{
    struct readable *readable = MEM_NEW(struct readable);
    *readable = (struct readable){
        .dataset = dataset, .whole = whole, .probed = rowset_new(), .unreadable = rowset_new()};
    return readable;
}

void readable_free(struct readable *readable)
{
    if (!readable)
        return;
    for (size_t i = 0; i < readable->count; i++)
        free(readable->reasons[i].reason);
    free(readable->reasons);
    rowset_unref(readable->probed);
    rowset_unref(readable->unreadable);
    free(readable);
}

struct readable_totals readable_totals(const struct readable *readable)
{
    return (struct readable_totals){rowset_count(readable->probed), rowset_count(readable->unreadable)};
}

/* ---- which ---- */

struct adding {
    const struct rowset *rows;
    struct rowset *objects;
};

static int add_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    struct adding *adding = ctx;
    (void)err;
    if (!adding->rows || rowset_contains(adding->rows, row))
        rowset_add(adding->objects, object);
    return 0;
}

/* ---- probing some ---- */

struct probed {
    uint32_t id;
    struct dataset_object object;
    int rc;
    struct error err;
};

struct probing {
    const struct readable *readable;
    struct probed *list;
    size_t count;
    atomic_size_t next;
    pthread_mutex_t lock; /* guards progress */
    struct progress *progress;
};

/* A hash of all bytes that is known must be theirs; else it is known from now on. */
static int read_whole(struct dataset *dataset, const struct dataset_object *object, struct error *err)
{
    struct evidence found = {0};
    int rc = evidence_take_whole(object->store, object->path, &object->pinned, &found, err);
    if (!rc)
        rc = dataset_check_whole(dataset, object, found.sha256, err);
    return rc ? rc : readable_parquet(object, err);
}

/* A byte tells as much as all of the pin: the store compares it before it sends any. */
static int probe(const struct readable *readable, const struct dataset_object *object, struct error *err)
{
    struct store_object now = {0};
    uint8_t byte;
    if (object->pinned.size && readable->whole)
        return read_whole(readable->dataset, object, err);
    if (object->pinned.size)
        return store_read(object->store, object->path, &object->pinned, 0, 1, &byte, err);
    int rc = store_head(object->store, object->path, &now, err);
    if (!rc && now.size)
        rc = error_set(err, ESTALE, "%s/%s: is no longer empty", store_url(object->store), object->path);
    return rc;
}

static void probe_some(void *ctx)
{
    struct probing *probing = ctx;
    size_t i;
    while ((i = atomic_fetch_add(&probing->next, 1)) < probing->count) {
        struct probed *probed = &probing->list[i];
        if (!probed->rc)
            probed->rc = probe(probing->readable, &probed->object, &probed->err);
        pthread_mutex_lock(&probing->lock);
        progress_add(probing->progress, 1);
        pthread_mutex_unlock(&probing->lock);
    }
}

static int probe_list(struct probing *probing, struct error *err)
{
    struct workers *workers;
    unsigned most = probing->readable->whole ? WHOLES_AT_A_TIME : PROBES_AT_A_TIME;
    unsigned threads = probing->count < most ? (unsigned)probing->count : most;
    int rc = workers_new(threads, &workers, err);
    if (rc < 0)
        return rc;
    pthread_mutex_init(&probing->lock, NULL);
    for (unsigned i = 0; i < threads; i++)
        workers_submit(workers, probe_some, probing);
    workers_free(workers);
    pthread_mutex_destroy(&probing->lock);
    return 0;
}

static void keep(struct readable *readable, const struct probed *probed)
{
    rowset_add(readable->probed, probed->id);
    if (!probed->rc)
        return;
    rowset_add(readable->unreadable, probed->id);
    if (readable->count == REASONS_MAX)
        return;
    mem_grow(&readable->reasons, &readable->cap, readable->count + 1, sizeof *readable->reasons);
    readable->reasons[readable->count++] = (struct bad){probed->id, mem_text(probed->err.text)};
}

/* Where an object lies is asked here, since a reader serves one thread. Of what cannot be resolved, only what
 * the user must settle ends it all. */
static int probe_window(struct readable *readable, struct catalog_reader *reader, struct probing *probing,
                        const uint32_t *ids, struct error *err)
{
    int rc = 0;
    probing->next = 0;
    for (size_t i = 0; !rc && i < probing->count; i++) {
        struct probed *probed = &probing->list[i];
        *probed = (struct probed){.id = ids[i]};
        probed->rc = dataset_object(readable->dataset, reader, ids[i], &probed->object, &probed->err);
        if (probed->rc == -EPERM || probed->rc == -ECANCELED)
            rc = error_copy(err, &probed->err);
    }
    if (!rc)
        rc = probe_list(probing, err);
    for (size_t i = 0; i < probing->count; i++) {
        if (!rc)
            keep(readable, &probing->list[i]);
        dataset_object_done(&probing->list[i].object);
    }
    return rc;
}

static int probe_all(struct readable *readable, struct catalog_reader *reader, const struct rowset *objects,
                     struct error *err)
{
    uint32_t ids[WINDOW];
    struct probing probing = {.readable = readable, .list = mem_zero(WINDOW * sizeof *probing.list)};
    int rc = 0;
    probing.progress = progress_new("checked", "recordings", rowset_count(objects));
    for (uint64_t from = 0; !rc && (probing.count = rowset_rows(objects, from, ids, WINDOW));
         from = ids[probing.count - 1] + 1ull)
        rc = probe_window(readable, reader, &probing, ids, err);
    progress_free(probing.progress);
    free(probing.list);
    return rc;
}

/* ---- counting ---- */

struct counting {
    const struct readable *readable;
    const struct rowset *rows;
    struct rowset *bad;
    uint32_t first; /* object of the first row */
};

static int count_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    struct counting *counting = ctx;
    (void)err;
    if ((counting->rows && !rowset_contains(counting->rows, row)) ||
        !rowset_contains(counting->readable->unreadable, object))
        return 0;
    if (rowset_empty(counting->bad))
        counting->first = object;
    rowset_add(counting->bad, row);
    return 0;
}

/* Only the first few reasons are kept: a later one is asked for again. */
static char *reason_of(const struct readable *readable, struct catalog_reader *reader, uint32_t id)
{
    struct dataset_object object CLEANUP(dataset_object_done) = {0};
    struct error err = {.text = "could not be read a moment ago"};
    for (size_t i = 0; i < readable->count; i++)
        if (readable->reasons[i].id == id)
            return mem_text(readable->reasons[i].reason);
    if (!dataset_object(readable->dataset, reader, id, &object, &err))
        probe(readable, &object, &err);
    return mem_text(err.text);
}

static int count(const struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                 struct readable_counts *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *bad = rowset_new();
    struct counting counting = {.readable = readable, .rows = rows, .bad = bad};
    struct catalog_info info;
    struct catalog_clip clip;
    uint32_t row;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = catalog_known_reads(reader, count_stream, &counting, err);
    bool any = !rc && rowset_rows(bad, 0, &row, 1);
    if (any)
        rc = catalog_clip(reader, row, &clip, err);
    if (rc)
        return rc;
    *ret = (struct readable_counts){.clips = rows ? rowset_count(rows) : info.clips};
    ret->readable = ret->clips - rowset_count(bad);
    ret->key = any ? mem_text(clip.key) : NULL;
    ret->reason = any ? reason_of(readable, reader, counting.first) : NULL;
    return 0;
}

int readable_check(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                   struct readable_counts *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *objects = rowset_new();
    struct adding adding = {rows, objects};
    int rc = catalog_known_reads(reader, add_stream, &adding, err);
    rowset_andnot(objects, readable->probed);
    if (!rc && !rowset_empty(objects))
        rc = probe_all(readable, reader, objects, err);
    return rc ? rc : count(readable, reader, rows, ret, err);
}

int readable_check_version(struct readable *readable, uint32_t version, struct readable_counts *ret,
                           struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = dataset_catalog(readable->dataset, version, PATIENCE_ENDLESS, &catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, err);
    return rc ? rc : readable_check(readable, reader, NULL, ret, err);
}

void readable_counts_done(struct readable_counts *counts)
{
    free(counts->key);
    free(counts->reason);
    *counts = (struct readable_counts){0};
}
