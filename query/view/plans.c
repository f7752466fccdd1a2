// SPDX-License-Identifier: Apache-2.0
/* A list, the one used last first: few plans are in use at a time. Two threads that miss the same one both
 * make it, and the second is dropped. */
#include "query/view/plans.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct kept {
    struct view_plan *plan;
    char *canonical;
    size_t bytes;
};

struct view_plans {
    size_t max_bytes;
    pthread_mutex_t lock; /* guards what follows */
    struct kept list[PLANS_MAX];
    size_t count, bytes;
};

struct view_plans *view_plans_new(size_t max_bytes)
{
    struct view_plans *plans = MEM_NEW(struct view_plans);
    plans->max_bytes = max_bytes;
    pthread_mutex_init(&plans->lock, NULL);
    return plans;
}

static void free_kept(struct kept *kept)
{
    view_plan_unref(kept->plan);
    free(kept->canonical);
    *kept = (struct kept){0};
}

void view_plans_free(struct view_plans *plans)
{
    if (!plans)
        return;
    for (size_t i = 0; i < plans->count; i++)
        free_kept(&plans->list[i]);
    pthread_mutex_destroy(&plans->lock);
    free(plans);
}

static bool is_it(const struct kept *kept, const struct view_plan *plan, const char *canonical)
{
    const struct view_plan *other = kept->plan;
    return other->version == plan->version && other->purge == plan->purge &&
           !strcmp(other->name, plan->name) && !strcmp(kept->canonical, canonical);
}

/* Moves the i-th one to the front. */
static void use_locked(struct view_plans *plans, size_t i)
{
    struct kept kept = plans->list[i];
    memmove(&plans->list[1], &plans->list[0], i * sizeof *plans->list);
    plans->list[0] = kept;
}

/* Is there one like `plan`, of which version, purge and name are looked at? It is the first then. */
static bool find_locked(struct view_plans *plans, const struct view_plan *plan, const char *canonical)
{
    size_t i = 0;
    while (i < plans->count && !is_it(&plans->list[i], plan, canonical))
        i++;
    if (i == plans->count)
        return false;
    use_locked(plans, i);
    return true;
}

static struct view_plan *look_up(struct view_plans *plans, const struct view_plan *like,
                                 const char *canonical)
{
    pthread_mutex_lock(&plans->lock);
    struct view_plan *found = find_locked(plans, like, canonical) ? view_plan_ref(plans->list[0].plan) : NULL;
    pthread_mutex_unlock(&plans->lock);
    return found;
}

/* Takes what is too much off the end into `dropped`, which has room for all. */
static size_t trim_locked(struct view_plans *plans, struct kept *dropped)
{
    size_t count = 0;
    while (plans->count == PLANS_MAX || (plans->count && plans->bytes > plans->max_bytes)) {
        dropped[count] = plans->list[--plans->count];
        plans->bytes -= dropped[count++].bytes;
    }
    return count;
}

static void keep(struct view_plans *plans, struct view_plan *plan, struct buf *canonical)
{
    struct kept dropped[PLANS_MAX];
    struct kept kept = {.plan = view_plan_ref(plan), .bytes = plan->own_bytes + set_bytes(plan->set)};
    kept.canonical = (char *)buf_steal(canonical);
    size_t count = 0;
    pthread_mutex_lock(&plans->lock);
    if (find_locked(plans, plan, kept.canonical)) {
        dropped[count++] = kept;
    } else {
        plans->bytes += kept.bytes;
        count = trim_locked(plans, dropped);
        plans->list[plans->count++] = kept;
        use_locked(plans, plans->count - 1);
    }
    pthread_mutex_unlock(&plans->lock);
    for (size_t i = 0; i < count; i++)
        free_kept(&dropped[i]);
}

int view_plans_get(struct view_plans *plans, const struct view_ask *ask, struct query *query,
                   const char *name, struct view_plan **ret, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    query_canonical(query, &canonical);
    struct view_plan like = {.version = ask->version, .purge = ask->purge, .name = (char *)(uintptr_t)name};
    struct view_plan *plan = look_up(plans, &like, buf_text(&canonical));
    if (plan) {
        *ret = plan;
        return 0;
    }
    int rc = catalog_reader_nowait(ask->reader) ? -EAGAIN : view_plan_make(ask, query, name, &plan, err);
    if (rc)
        return rc;
    keep(plans, plan, &canonical);
    *ret = plan;
    return 0;
}
