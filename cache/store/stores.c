// SPDX-License-Identifier: Apache-2.0
/*
 * Workers and timers begin with it; the network's thread and the settlers when they are first needed.
 * Stopping sets one flag and wakes all who wait, and everything ends before what it stands on.
 */
#include "cache/store/stores.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cache/base/memory.h"
#include "cache/store/answers.h"
#include "cache/store/http.h"
#include "cache/store/timers.h"

enum { WORKER_THREADS = 4, SETTLER_THREADS = 4 };

struct stores {
    struct stores_options given; /* texts are copies */
    struct config *config;
    struct workers *workers;
    struct timers *timers;
    atomic_uint_fast64_t counts[STORE_COUNTS];
    struct answers answers;
    atomic_bool stopped;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* at a stop */
    struct http *http;   /* guarded by `lock`, as is: */
    struct workers *settlers;
};

static void init_clock(struct stores *stores)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&stores->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&stores->lock, NULL);
}

static void copy_options(struct stores *stores, const struct stores_options *options)
{
    stores->given = (struct stores_options){.config_path = mem_text(options->config_path),
                                            .endpoint_url = mem_text(options->endpoint_url),
                                            .region = mem_text(options->region),
                                            .profile = mem_text(options->profile),
                                            .ca_bundle = mem_text(options->ca_bundle),
                                            .no_sign_request = options->no_sign_request};
}

static void free_options(struct stores_options *given)
{
    free((char *)given->config_path), free((char *)given->endpoint_url), free((char *)given->region);
    free((char *)given->profile), free((char *)given->ca_bundle);
}

int stores_new(const struct stores_options *options, struct stores **ret, struct error *err)
{
    struct stores *stores = MEM_NEW(struct stores);
    init_clock(stores);
    copy_options(stores, options);
    int rc = config_load(options->config_path, &stores->config, err);
    if (!rc)
        rc = workers_new(WORKER_THREADS, &stores->workers, err);
    if (!rc)
        rc = timers_new(&stores->timers, err);
    if (rc < 0) {
        stores_free(stores);
        return rc;
    }
    *ret = stores;
    return 0;
}

void stores_stop(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    atomic_store(&stores->stopped, true);
    pthread_cond_broadcast(&stores->wake);
    struct http *http = stores->http;
    pthread_mutex_unlock(&stores->lock);
    if (http)
        http_stop(http);
    if (stores->timers)
        timers_stop(stores->timers);
}

void stores_free(struct stores *stores)
{
    if (!stores)
        return;
    stores_stop(stores);
    workers_free(stores->settlers); /* what they wait for has ended with -ECANCELED */
    workers_free(stores->workers);
    http_free(
        stores->http); /* before the timers: a read that ended just now may be dropping its store there */
    timers_free(stores->timers);
    config_free(stores->config);
    free_options(&stores->given);
    pthread_cond_destroy(&stores->wake);
    pthread_mutex_destroy(&stores->lock);
    free(stores);
}

bool stores_stopped(const struct stores *stores)
{
    return atomic_load(&stores->stopped);
}

int stores_sleep(struct stores *stores, int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    int rc = 0;
    pthread_mutex_lock(&stores->lock);
    while (!atomic_load(&stores->stopped) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&stores->wake, &stores->lock, &until);
    pthread_mutex_unlock(&stores->lock);
    return stores_stopped(stores) ? -ECANCELED : 0;
}

void stores_count(struct stores *stores, enum store_count what, uint64_t add)
{
    atomic_fetch_add_explicit(&stores->counts[what], add, memory_order_relaxed);
}

static uint64_t count(const struct stores *stores, enum store_count what)
{
    return atomic_load_explicit(&stores->counts[what], memory_order_relaxed);
}

void stores_stats(const struct stores *stores, struct store_stats *ret)
{
    *ret = (struct store_stats){.requests = count(stores, STORE_REQUESTS),
                                .retries = count(stores, STORE_RETRIES),
                                .hedges = count(stores, STORE_HEDGES),
                                .errors = count(stores, STORE_ERRORS),
                                .bytes_received = count(stores, STORE_RECEIVED),
                                .bytes_sent = count(stores, STORE_SENT)};
}

struct answers *stores_answers_kept(struct stores *stores)
{
    return &stores->answers;
}

void stores_answers(struct stores *stores, struct store_answers *ret)
{
    answers_sum(&stores->answers, ret);
}

struct workers *stores_workers(struct stores *stores)
{
    return stores->workers;
}

const struct config *stores_config(const struct stores *stores)
{
    return stores->config;
}

const struct stores_options *stores_given(const struct stores *stores)
{
    return &stores->given;
}

int stores_http(struct stores *stores, struct http **ret, struct error *err)
{
    int rc = 0;
    pthread_mutex_lock(&stores->lock);
    if (!stores->http)
        rc = http_new(stores, &stores->http, err);
    struct http *http = stores->http;
    pthread_mutex_unlock(&stores->lock);
    if (rc < 0)
        return rc;
    if (stores_stopped(stores))
        http_stop(http);
    *ret = http;
    return 0;
}

int stores_settlers(struct stores *stores, struct workers **ret, struct error *err)
{
    int rc = 0;
    pthread_mutex_lock(&stores->lock);
    if (!stores->settlers)
        rc = workers_new(SETTLER_THREADS, &stores->settlers, err);
    if (!rc)
        *ret = stores->settlers;
    pthread_mutex_unlock(&stores->lock);
    return rc;
}

struct timers *stores_timers(struct stores *stores)
{
    return stores->timers;
}

const char *stores_dataset_url(const struct stores *stores, const char *name)
{
    const struct config_dataset *dataset = config_find_dataset(stores->config, name);
    return dataset ? dataset->url : NULL;
}

int stores_each_dataset(stores_dataset_fn *each, void *ctx, struct error *err)
{
    CLEANUP_CONFIG struct config *config = NULL;
    size_t count;
    int rc = config_load(NULL, &config, err);
    if (rc < 0)
        return rc;
    const struct config_dataset *datasets = config_datasets(config, &count);
    for (size_t i = 0; !rc && i < count; i++)
        if (config_find_dataset(config, datasets[i].name) == &datasets[i])
            rc = each(ctx, datasets[i].name, datasets[i].url);
    return rc;
}
