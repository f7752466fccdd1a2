// SPDX-License-Identifier: Apache-2.0
/*
 * A listing tells ETags, but no versions; where a bucket is versioned they are learnt, so that what is
 * overwritten later can still be read. Whether it is versioned a few objects tell: an old one may lack a
 * version though the bucket has them by now. Then the versions are listed, a thousand with a request. Whoever
 * may list objects need not be allowed that, and not every store can: what is not told there, each object is
 * asked for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/base/workers.h"
#include "tools/import/source.h"

enum { SAMPLES = 16, AT_A_TIME = 16 };

/* Every `step`-th object is asked, but for those that were told. */
struct round {
    struct source *source;
    size_t step;
    const bool *told;   /* by object; or NULL: none */
    atomic_size_t next; /* index of the object to ask next */
    atomic_bool versioned, failed;
    pthread_mutex_t lock;
    struct error err; /* guarded by lock: the first */
};

/* Is `now` the object that was listed? A pin with a version begins with the one without. */
static bool same_pin(const struct source_object *object, const struct store_object *now)
{
    return !strncmp(now->pin, object->pinned.pin, strlen(object->pinned.pin));
}

static bool is_listed(const struct source_object *object, const struct store_object *now)
{
    return now->size == object->pinned.size && same_pin(object, now);
}

/* What may not be asked, has gone, or has another size under the same pin stays as it was listed: whoever
 * reads it learns why. */
static int ask(struct source *source, struct source_object *object, struct error *err)
{
    struct store_object now = {0};
    int rc = store_head(source->store, object->path, &now, err);
    if (rc == -EACCES || rc == -ENOENT || rc == -EBADMSG)
        return 0;
    if (rc < 0)
        return rc;
    if (is_listed(object, &now) || !same_pin(object, &now)) /* nothing was read of what it was */
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
        bool known = object->pinned.versioned || (round->told && round->told[i]);
        if (!known && ask(source, object, &err) < 0)
            fail(round, &err);
        if (object->pinned.versioned)
            atomic_store(&round->versioned, true);
    }
}

/* 1: some object has a version, 0: none has. */
static int run_round(struct source *source, size_t step, const bool *told, struct error *err)
{
    struct round round = {.source = source, .step = step, .told = told};
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

struct told {
    struct source *source;
    bool *told; /* by object */
};

static int take_version(void *ctx, const char *path, const struct store_object *now, struct error *err)
{
    struct told *told = ctx;
    struct source *source = told->source;
    const struct source_object *found = source_find(source, path);
    if (!found || !is_listed(found, now)) /* overwritten meanwhile, perhaps: it is asked */
        return 0;
    size_t i = (size_t)(found - source->objects);
    bool archived = source->objects[i].pinned.archived; /* which was asked */
    source->objects[i].pinned = *now;
    source->objects[i].pinned.archived = archived;
    told->told[i] = true;
    return 0;
}

/* A listing tells the class, but not what was restored. */
static int ask_archived(struct source *source, struct error *err)
{
    CLEANUP_FREE bool *readable = mem_zero(source->count * sizeof *readable);
    size_t archived = 0;
    for (size_t i = 0; i < source->count; i++) {
        readable[i] = !source->objects[i].pinned.archived;
        archived += !readable[i];
    }
    int rc = archived ? run_round(source, 1, readable, err) : 0;
    return rc < 0 ? rc : 0;
}

int source_pin_versions(struct source *source, struct error *err)
{
    if (store_is_local(source->store))
        return 0;
    int rc = ask_archived(source, err);
    if (rc)
        return rc;
    size_t step = source->count / SAMPLES + 1;
    rc = run_round(source, step, NULL, err);
    if (rc < 1 || step == 1)
        return rc < 0 ? rc : 0;
    CLEANUP_FREE bool *told = mem_zero(source->count * sizeof *told);
    struct told by_list = {.source = source, .told = told};
    rc = store_list_versions(source->store, "", take_version, &by_list, err);
    if (rc != -ECANCELED) /* refused, cut short, no listing at all: what it told is true all the same */
        rc = run_round(source, 1, told, err);
    return rc < 0 ? rc : 0;
}
