// SPDX-License-Identifier: Apache-2.0
/* Object numbers are never given twice in a data set: an object is the same in every version that has it. */
#include "tools/readable.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/workers.h"
#include "index/catalog_known.h"

enum { PROBES_AT_A_TIME = 16 };

struct probed {
    uint32_t id;
    bool done;
    struct dataset_object object;
    char *reason; /* NULL: it can be read */
};

struct readable {
    struct dataset *dataset;
    struct probed *list;
    size_t count, cap;
    uint32_t *by_id; /* number in list, plus one */
    size_t ids;
};

struct readable *readable_new(struct dataset *dataset)
{
    struct readable *readable = MEM_NEW(struct readable);
    readable->dataset = dataset;
    return readable;
}

void readable_free(struct readable *readable)
{
    for (size_t i = 0; i < readable->count; i++) {
        dataset_object_done(&readable->list[i].object);
        free(readable->list[i].reason);
    }
    free(readable->list);
    free(readable->by_id);
    free(readable);
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

static bool is_added(const struct readable *readable, uint32_t id)
{
    return id < readable->ids && readable->by_id[id];
}

static int add_object(struct readable *readable, struct catalog_reader *reader, uint32_t id,
                      struct error *err)
{
    struct dataset_object object = {0};
    int rc = is_added(readable, id) ? 1 : dataset_object(readable->dataset, reader, id, &object, err);
    if (rc)
        return rc < 0 ? rc : 0;
    size_t before = readable->ids;
    mem_grow(&readable->by_id, &readable->ids, (size_t)id + 1, sizeof *readable->by_id);
    memset(readable->by_id + before, 0, (readable->ids - before) * sizeof *readable->by_id);
    mem_grow(&readable->list, &readable->cap, readable->count + 1, sizeof *readable->list);
    readable->list[readable->count++] = (struct probed){.id = id, .object = object};
    readable->by_id[id] = (uint32_t)readable->count;
    return 0;
}

int readable_add(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                 struct error *err)
{
    CLEANUP_ROWSET struct rowset *objects = rowset_new();
    struct adding adding = {rows, objects};
    uint32_t id;
    int rc = catalog_known_streams(reader, add_stream, &adding, err);
    for (uint64_t from = 0; !rc && rowset_rows(objects, from, &id, 1); from = id + 1ull)
        rc = add_object(readable, reader, id, err);
    return rc;
}

/* ---- probing ---- */

struct probing {
    struct readable *readable;
    atomic_size_t next;
    pthread_mutex_t lock; /* guards progress */
    struct progress *progress;
};

/* A byte tells as much as all: the store compares the pin before it sends any. */
static int probe(const struct dataset_object *object, struct error *err)
{
    struct store_object now = {0};
    uint8_t byte;
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
    struct readable *readable = probing->readable;
    size_t i;
    while ((i = atomic_fetch_add(&probing->next, 1)) < readable->count) {
        struct probed *probed = &readable->list[i];
        struct error err = {0};
        if (probed->done)
            continue;
        if (probe(&probed->object, &err) < 0)
            probed->reason = mem_text(err.text);
        probed->done = true;
        pthread_mutex_lock(&probing->lock);
        progress_add(probing->progress, 1);
        pthread_mutex_unlock(&probing->lock);
    }
}

int readable_probe(struct readable *readable, struct progress *progress, struct error *err)
{
    struct probing probing = {.readable = readable, .progress = progress};
    struct workers *workers;
    progress_expect(progress, readable->count);
    int rc = workers_new(PROBES_AT_A_TIME, &workers, err);
    if (rc < 0)
        return rc;
    pthread_mutex_init(&probing.lock, NULL);
    for (int i = 0; i < PROBES_AT_A_TIME; i++)
        workers_submit(workers, probe_some, &probing);
    workers_free(workers);
    pthread_mutex_destroy(&probing.lock);
    return 0;
}

/* ---- counting ---- */

struct counting {
    const struct readable *readable;
    const struct rowset *rows;
    struct rowset *bad;
    const struct probed *first; /* of the first row */
};

static int count_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    struct counting *counting = ctx;
    const struct readable *readable = counting->readable;
    (void)err;
    if ((counting->rows && !rowset_contains(counting->rows, row)) || !is_added(readable, object))
        return 0;
    const struct probed *probed = &readable->list[readable->by_id[object] - 1];
    if (!probed->reason)
        return 0;
    if (!counting->first)
        counting->first = probed;
    rowset_add(counting->bad, row);
    return 0;
}

int readable_count(struct readable *readable, struct catalog_reader *reader, const struct rowset *rows,
                   struct readable_counts *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *bad = rowset_new();
    struct counting counting = {.readable = readable, .rows = rows, .bad = bad};
    struct catalog_info info;
    struct catalog_clip clip;
    uint32_t row;
    *ret = (struct readable_counts){0};
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = catalog_known_streams(reader, count_stream, &counting, err);
    if (!rc && rowset_rows(bad, 0, &row, 1))
        rc = catalog_clip(reader, row, &clip, err);
    if (rc)
        return rc;
    ret->clips = rows ? rowset_count(rows) : info.clips;
    ret->readable = ret->clips - rowset_count(bad);
    if (counting.first) {
        ret->key = mem_text(clip.key);
        ret->reason = mem_text(counting.first->reason);
    }
    return 0;
}

/* ---- whole versions ---- */

static int open_version(const struct readable *readable, uint32_t version, struct catalog_reader **ret,
                        struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL; /* the reader has a reference of its own */
    int rc = dataset_catalog(readable->dataset, version, false, &catalog, err);
    return rc ? rc : catalog_reader_acquire(catalog, &(struct catalog_patience){0}, ret, err);
}

int readable_probe_all(struct readable *readable, struct error *err)
{
    int rc = 0;
    for (uint32_t version = dataset_head(readable->dataset); !rc && version; version--) {
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        rc = open_version(readable, version, &reader, err);
        if (!rc)
            rc = readable_add(readable, reader, NULL, err);
    }
    if (rc)
        return rc;
    struct progress *progress = progress_new("checked", "recordings", 0);
    rc = readable_probe(readable, progress, err);
    progress_free(progress);
    return rc;
}

int readable_count_version(struct readable *readable, uint32_t version, struct readable_counts *ret,
                           struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = open_version(readable, version, &reader, err);
    return rc ? rc : readable_count(readable, reader, NULL, ret, err);
}

void readable_counts_done(struct readable_counts *counts)
{
    free(counts->key);
    free(counts->reason);
    *counts = (struct readable_counts){0};
}
