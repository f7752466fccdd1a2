// SPDX-License-Identifier: Apache-2.0
/*
 * A listing tells ETags, but no versions. Where a bucket is versioned each object is asked for its own, so
 * that what is overwritten later can still be read. Whether it is versioned a few objects tell: an old one
 * may lack a version though the bucket has them by now.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/base/workers.h"
#include "tools/import/source.h"

enum { SAMPLES = 16, AT_A_TIME = 16 };

/* Every `step`-th object is asked. */
struct round {
    struct source *source;
    size_t step;
    atomic_size_t next; /* index of the object to ask next */
    atomic_bool versioned, failed;
    pthread_mutex_t lock;
    struct error err; /* guarded by lock: the first */
};

/* What may not be asked, or has gone, stays as it was listed: whoever reads it learns why. */
static int ask(struct source *source, struct source_object *object, struct error *err)
{
    struct store_object now = {0};
    int rc = store_head(source->store, object->path, &now, err);
    if (rc == -EACCES || rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc;
    /* A pin with a version begins with the one without. */
    if (now.size != object->pinned.size ||
        strncmp(now.pin, object->pinned.pin, strlen(object->pinned.pin)) != 0)
        return error_set(err, ESTALE, "%s/%s: overwritten while it was imported", store_url(source->store),
                         object->path);
    object->pinned = now;
    return 0;
}

static void fail(struct round *round, const struct error *err)
{
    pthread_mutex_lock(&round->lock);
    if (!atomic_exchange(&round->failed, true))
        round->err = *err;
    pthread_mutex_unlock(&round->lock);
}

static void ask_some(void *ctx)
{
    struct round *round = ctx;
    struct source *source = round->source;
    size_t i;
    while (!atomic_load(&round->failed) &&
           (i = atomic_fetch_add(&round->next, round->step)) < source->count) {
        struct source_object *object = &source->objects[i];
        struct error err = {0};
        if (!object->pinned.versioned && ask(source, object, &err) < 0)
            fail(round, &err);
        if (object->pinned.versioned)
            atomic_store(&round->versioned, true);
    }
}

/* 1: some object has a version, 0: none has. */
static int run_round(struct source *source, size_t step, struct error *err)
{
    struct round round = {.source = source, .step = step};
    struct workers *workers;
    int rc = workers_new(AT_A_TIME, &workers, err);
    if (rc < 0)
        return rc;
    pthread_mutex_init(&round.lock, NULL);
    for (int i = 0; i < AT_A_TIME; i++)
        workers_submit(workers, ask_some, &round);
    workers_free(workers);
    pthread_mutex_destroy(&round.lock);
    return atomic_load(&round.failed) ? error_copy(err, &round.err) : atomic_load(&round.versioned);
}

int source_pin_versions(struct source *source, struct error *err)
{
    if (store_is_local(source->store))
        return 0;
    size_t step = source->count / SAMPLES + 1;
    int rc = run_round(source, step, err);
    if (rc == 1 && step > 1)
        rc = run_round(source, 1, err);
    return rc < 0 ? rc : 0;
}
